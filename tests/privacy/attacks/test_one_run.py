import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from privacy.attacks.one_run import ceiling, choose_guesses, epsilon_lower_bound, guess, one_run_audit, p_value
from retail.errors import PrivacyError


def p_by_definition(m, r, v, epsilon, delta):
    """The formula of the paper, term by term."""
    w = stats.binom(r, math.exp(epsilon) / (1 + math.exp(epsilon)))
    steepest = max(((w.cdf(v - 1) - w.cdf(v - 1 - i)) / i for i in range(1, m + 1)), default=0.0)
    return min(1.0, w.sf(v - 1) + 2 * m * delta * steepest)


@given(
    m=st.integers(2, 60),
    share=st.floats(0.1, 1),
    right=st.floats(0, 1),
    epsilon=st.floats(0, 6),
    delta=st.sampled_from([0.0, 1e-6, 1e-3, 0.05]),
)
def test_the_p_value_is_the_formula_of_the_paper(m, share, right, epsilon, delta):
    r = max(1, round(share * m))
    v = round(right * r)
    found = p_value(canaries=m, guesses=r, correct=v, epsilon=epsilon, delta=delta)
    assert found == pytest.approx(p_by_definition(m, r, v, epsilon, delta), rel=1e-9, abs=1e-12)


def test_all_of_a_thousand_right_without_delta_is_the_closed_form():
    chance = 0.05 ** (1 / 1000)
    assert ceiling(canaries=1000, delta=0.0) == pytest.approx(math.log(chance / (1 - chance)), abs=1e-6)
    assert ceiling(canaries=1000, delta=0.0) == pytest.approx(5.81, abs=0.01)


@given(m=st.integers(5, 300), r=st.floats(0.1, 1), v=st.floats(0, 1))
def test_more_right_guesses_never_lower_the_bound_and_a_larger_delta_never_raises_it(m, r, v):
    guesses = max(1, round(r * m))
    correct = round(v * (guesses - 1))
    sizes = {"canaries": m, "guesses": guesses}
    bound = epsilon_lower_bound(**sizes, correct=correct, delta=1e-5)
    assert 0 <= bound <= epsilon_lower_bound(**sizes, correct=correct + 1, delta=1e-5) + 1e-9
    assert epsilon_lower_bound(**sizes, correct=correct, delta=1e-3) <= bound + 1e-9
    assert bound <= ceiling(canaries=m, guesses=guesses, delta=1e-5) + 1e-9


def test_half_right_shows_nothing():
    assert epsilon_lower_bound(canaries=1000, guesses=1000, correct=500, delta=1e-5) == 0.0


def test_randomised_response_is_seldom_accused_and_the_bound_comes_near_its_epsilon():
    epsilon, m, runs = 1.0, 1000, 200
    rng = np.random.default_rng(2)
    right = rng.binomial(m, math.e / (1 + math.e), size=runs)
    bounds = [epsilon_lower_bound(canaries=m, guesses=m, correct=int(v), delta=0.0) for v in right]
    assert np.mean(np.array(bounds) > epsilon) <= 0.08  # 5% are allowed
    assert 0.8 < np.mean(bounds) < epsilon


def test_guesses_are_the_extremes_half_in_and_half_out_and_the_rest_abstains():
    made = guess(np.array([5.0, 1.0, 3.0, 9.0, 2.0]), guesses=3)
    np.testing.assert_array_equal(made, [1, -1, 0, 1, 0])
    assert np.count_nonzero(guess(np.zeros(11), guesses=11)) == 11


def scores(signal, m, seed):
    rng = np.random.default_rng(seed)
    coins = rng.random(m) < 0.5
    return rng.standard_normal(m) + signal * coins, coins


def audit(signal, *, claim=1.0, m=1000, control=40.0, seed=0, guesses=100):
    planted = scores(control, 100, seed + 1000)
    return one_run_audit(*scores(signal, m, seed), guesses=guesses, delta=1e-5, claim=claim, control=planted)


def test_a_leak_far_above_the_claim_is_a_breach_and_an_honest_run_passes():
    assert audit(3.0).outcome == "breach"
    honest = audit(0.25)
    assert honest.outcome == "passed"
    assert honest.lo <= 1.0 < honest.ceiling
    assert honest.hi == math.inf
    assert "does not prove" in honest.statement


def test_a_control_that_stays_silent_makes_the_audit_inconclusive_never_passed():
    silent = audit(0.25, control=0.0)
    assert not silent.control.fired
    assert silent.outcome == "inconclusive"


def test_a_claim_above_the_ceiling_cannot_be_passed():
    found = audit(0.25, claim=8.0)
    assert found.ceiling < 8
    assert found.outcome == "inconclusive"
    assert "could not have contradicted" in found.statement


def test_without_a_claim_even_a_total_leak_is_no_breach():
    assert audit(50.0, claim=None).outcome == "no claim"


def test_the_number_of_guesses_is_chosen_without_the_runs_scores_and_suits_the_leak():
    weak = choose_guesses(1000, signal=0.5, delta=1e-5, seed=3)
    strong = choose_guesses(1000, signal=10.0, delta=1e-5, seed=3)
    assert weak < strong
    assert choose_guesses(1000, signal=0.5, delta=1e-5, seed=3) == weak


@pytest.mark.parametrize(
    "bad",
    [
        {"canaries": 10, "guesses": 11, "correct": 1},
        {"canaries": 10, "guesses": 5, "correct": 6},
        {"canaries": 10, "guesses": 0, "correct": 0},
        {"canaries": 10, "guesses": 5, "correct": -1},
        {"canaries": 10, "guesses": 5, "correct": 2.5},
    ],
)
def test_counts_that_do_not_fit_are_refused(bad):
    with pytest.raises(PrivacyError, match="fit together"):
        p_value(**bad, epsilon=1.0, delta=0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(bad):
    values, coins = scores(1.0, 20, 0)
    values[3] = bad
    with pytest.raises(PrivacyError, match="NaN"):
        one_run_audit(values, coins, guesses=5, delta=1e-5, claim=1.0, control=scores(9.0, 100, 1))


def test_coins_that_all_fell_the_same_way_are_refused():
    with pytest.raises(PrivacyError, match="both kinds"):
        one_run_audit(
            np.zeros(20), np.ones(20, dtype=bool), guesses=5, delta=1e-5, claim=1.0, control=scores(9.0, 100, 1)
        )
