import math
import subprocess
import sys
from fractions import Fraction

import dp_accounting
import numpy as np
import pytest
from dp_accounting import rdp
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_ndtr

from privacy import cap, check_delta, check_epsilon, cost, epsilon_rdp, noise_multiplier, split_budget
from retail.errors import PrivacyError

EPSILONS = st.floats(1e-3, 1e3)
DELTAS = st.floats(1e-12, 0.1)
COSTS = st.integers(1, 2**62)


def gaussian_delta(noise: float, epsilon: float) -> float:
    """The exact delta of one Gaussian release: Balle and Wang 2018, Theorem 8."""
    above = log_ndtr(1 / (2 * noise) - epsilon * noise)
    below = epsilon + log_ndtr(-1 / (2 * noise) - epsilon * noise)
    return 0.0 if below >= above else math.exp(above) * -math.expm1(below - above)


def gaussian_event_epsilon(noises, delta: float, orders=None) -> float:
    accountant = rdp.RdpAccountant(orders)
    for noise in noises:
        accountant.compose(dp_accounting.GaussianDpEvent(noise))
    return accountant.get_epsilon(delta)


@given(EPSILONS, DELTAS)
def test_the_cap_is_the_last_integer_within_epsilon(epsilon, delta):
    try:
        largest = cap(epsilon=epsilon, delta=delta)
    except PrivacyError:
        assert epsilon_rdp(1, delta=delta) > epsilon
        return
    assert epsilon_rdp(largest, delta=delta) <= epsilon
    assert epsilon_rdp(largest + 1, delta=delta) >= epsilon


@given(st.floats(0.05, 100), DELTAS)
def test_gaussian_noise_bought_with_the_whole_cap_is_epsilon_delta_private_by_the_closed_form(epsilon, delta):
    noise = noise_multiplier(cap(epsilon=epsilon, delta=delta))
    assert gaussian_delta(noise, epsilon) <= delta
    # and not wasteful: half the noise would break the promise
    assert gaussian_delta(0.5 * noise, epsilon) > delta


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0, 8.0, 50.0])
def test_the_cap_agrees_with_dp_accounting_fed_with_gaussian_events(epsilon):
    largest = cap(epsilon=epsilon, delta=1e-5)
    rounds = [noise_multiplier(largest // 40)] * 40
    spent = gaussian_event_epsilon(rounds, 1e-5)
    assert spent == pytest.approx(epsilon, rel=2e-3)
    assert epsilon_rdp([largest // 40] * 40, delta=1e-5) <= epsilon
    assert epsilon_rdp(largest, delta=1e-5) <= gaussian_event_epsilon([noise_multiplier(largest)], 1e-5) * (1 + 1e-4)


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=6), DELTAS)
def test_more_releases_never_cost_less(costs, delta):
    part, whole = epsilon_rdp(costs[:-1], delta=delta), epsilon_rdp(costs, delta=delta)
    assert 0 <= part <= whole
    assert whole == epsilon_rdp(sum(costs), delta=delta)
    assert whole >= epsilon_rdp(costs, delta=min(2 * delta, 0.5))


def test_no_release_costs_nothing():
    assert epsilon_rdp([], delta=1e-5) == 0


@given(st.floats(2e-5, 1e200))
def test_a_cost_is_the_exact_price_rounded_up(noise):
    exact = Fraction(10**9) / (2 * Fraction(noise) ** 2)
    assert exact <= cost(noise) < exact + 1


@given(COSTS)
def test_the_noise_bought_by_a_cost_never_costs_more_and_no_smaller_float_would_do(nano_rho):
    noise = noise_multiplier(nano_rho)
    assert cost(noise) <= nano_rho
    assert Fraction(10**9) / (2 * Fraction(math.nextafter(noise, 0)) ** 2) > nano_rho


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_less_noise_costs_more(first, second):
    low, high = sorted([first, second])
    assert cost(low) >= cost(high)


@pytest.mark.parametrize("noise", [0, -1.0, float("nan"), float("inf"), True, "1", None, 1e-6, 5e-324])
def test_a_noise_multiplier_without_a_price_is_refused(noise):
    with pytest.raises(PrivacyError, match="noise multiplier"):
        cost(noise)


@pytest.mark.parametrize("bad", [0, -1, 2**62 + 1, 2**63, True, 1.0, float("nan"), np.int64(5), "5", None])
def test_a_cost_that_is_no_positive_int_is_refused(bad):
    with pytest.raises(PrivacyError, match="cost must be an int"):
        noise_multiplier(bad)
    with pytest.raises(PrivacyError, match="cost must be an int"):
        epsilon_rdp([bad], delta=1e-5)
    with pytest.raises(PrivacyError, match="cost must be an int"):
        split_budget(bad, {"a": 1.0})


@pytest.mark.parametrize("epsilon", [0, -1.0, float("nan"), float("inf"), True, "4", None, 10**400])
def test_an_epsilon_that_promises_nothing_is_refused(epsilon):
    with pytest.raises(PrivacyError, match="epsilon must be"):
        check_epsilon(epsilon)
    with pytest.raises(PrivacyError, match="epsilon must be"):
        cap(epsilon=epsilon, delta=1e-5)


@pytest.mark.parametrize("delta", [0, 1, -1e-5, 1.5, float("nan"), True, "1e-5", None])
def test_a_delta_outside_zero_and_one_is_refused(delta):
    for call in (check_delta, lambda d: cap(epsilon=1.0, delta=d), lambda d: epsilon_rdp(1, delta=d)):
        with pytest.raises(PrivacyError, match="delta must lie"):
            call(delta)


def test_delta_must_be_below_one_over_the_population():
    assert check_delta(1e-5, population=2500) == 1e-5
    for delta, population in ((1 / 2500, 2500), (0.01, 2500), (0.5, 2), (2**-20, 2**20)):
        with pytest.raises(PrivacyError, match="not below 1/population"):
            check_delta(delta, population=population)
    for population in (0, -1, 2.5, True):
        with pytest.raises(PrivacyError, match="population must be"):
            check_delta(1e-5, population=population)


def test_an_epsilon_too_small_or_too_large_to_buy_anything_is_refused_with_what_to_do():
    with pytest.raises(PrivacyError, match="use at least"):
        cap(epsilon=1e-9, delta=1e-12)
    with pytest.raises(PrivacyError, match="too large"):
        cap(epsilon=1e30, delta=1e-5)


@given(
    st.integers(10**6, 2**62),
    st.dictionaries(st.text(min_size=1, max_size=5), st.floats(0.01, 100), min_size=1, max_size=6),
)
def test_the_parts_of_a_budget_never_pass_the_whole_and_keep_its_proportions(total, shares):
    parts = split_budget(total, shares)
    assert list(parts) == list(shares)
    assert total - len(parts) < sum(parts.values()) <= total
    for purpose, part in parts.items():
        assert abs(part - total * Fraction(shares[purpose]) / sum(map(Fraction, shares.values()))) <= 1


@pytest.mark.parametrize("shares", [{}, {"a": 0.0}, {"a": -1.0}, {"a": float("nan")}, {"a": 1.0, "b": True}])
def test_shares_that_divide_nothing_are_refused(shares):
    with pytest.raises(PrivacyError, match="share"):
        split_budget(100, shares)


def test_a_share_too_small_to_buy_anything_is_refused():
    with pytest.raises(PrivacyError, match="buys less"):
        split_budget(10, {"a": 1.0, "b": 1e-9})


def test_importing_the_package_does_not_import_the_slow_accountant():
    code = "import sys, privacy; sys.exit('dp_accounting' in sys.modules or 'torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode
        == 0
    )
