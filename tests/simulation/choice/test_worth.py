import numpy as np
import pytest

from retail.errors import ConfigError, DataError
from simulation.choice import (
    Choices,
    Fit,
    change,
    ends_of,
    fit_logit,
    needed_draws,
    needed_weight,
    worth,
    worth_of_needed,
)
from tests.simulation.choice.made_choices import TRUE, drawn_choices


@pytest.fixture(scope="module")
def choices():
    return drawn_choices(400)


@pytest.fixture(scope="module")
def fit(choices):
    return fit_logit(choices)


def test_the_three_intervals_agree_where_prices_clearly_matter(fit):
    by = [worth(fit, "absorbency", price="price", method=method, rng=np.random.default_rng(0))
          for method in ("fieller", "delta", "krinsky_robb")]  # fmt: skip
    assert by[0].value == pytest.approx(-fit["absorbency"] / fit["price"])
    assert by[0].value == pytest.approx(-TRUE["absorbency"] / TRUE["price"], abs=0.15)
    for one in by[1:]:
        assert (one.lo, one.hi) == pytest.approx((by[0].lo, by[0].hi), abs=0.02)


def test_no_end_is_claimed_where_prices_may_not_matter():
    weak = Fit(("price", "comfort"), np.array([-0.1, 0.5]), np.diag([0.01, 0.01]), "hessian", -1.0, -2.0, 9, 9)
    one = worth(weak, "comfort", price="price")
    assert (one.lo, one.hi) == (-np.inf, np.inf)


def test_intervals_of_a_worth_hold_the_truth_as_often_as_they_say():
    truth, inside = -TRUE["comfort"] / TRUE["price"], 0
    for seed in range(60):
        one = worth(fit_logit(drawn_choices(80, seed=seed)), "comfort", price="price")
        inside += one.lo < truth < one.hi
    assert inside >= 50  # 57 expected


def test_a_change_moves_shares_as_the_formula_says(fit, choices):
    """By hand: one more unit of absorbency at 'ours', each situation's odds multiplied by exp(weight)."""
    found = change(fit, choices, "ours", {"absorbency": 1.0}, draws=50)
    utility = np.where(choices.available, choices.x @ fit.estimates, -np.inf)
    odds = np.exp(utility[:, 0]) / np.exp(utility[:, 1:]).sum(axis=1)
    assert found.before == pytest.approx((odds / (1 + odds)).mean())
    better = odds * np.exp(fit["absorbency"])
    assert found.after == pytest.approx((better / (1 + better)).mean())
    assert found.lo_pct < found.gain_pct < found.hi_pct


def test_shares_without_a_change_stay_and_a_dearer_product_loses(fit, choices):
    same = change(fit, choices, "ours", {}, draws=20)
    assert (same.gain_pct, same.lo_pct, same.hi_pct) == (0.0, 0.0, 0.0)
    assert change(fit, choices, "ours", {"price": 1.0}, draws=50).hi_pct < 0


def test_constants_make_shares_before_a_change_those_that_were_seen(choices):
    constants = choices.with_constants("store")
    before = change(fit_logit(constants), constants, "ours", {}, draws=2).before
    assert before == pytest.approx((choices.chosen == 0).mean(), abs=1e-9)


def test_the_needed_weight_brings_just_the_gain_that_was_asked(fit, choices):
    needed = needed_weight(fit, choices, "ours", "absorbency", by=0.5, gain_pct=60.0)
    utility = np.where(choices.available, choices.x @ fit.estimates, -np.inf)
    shares = []
    for gain in (0.0, 0.5 * needed):
        odds = np.exp(utility[:, 0] + gain) / np.exp(utility[:, 1:]).sum(axis=1)
        shares.append((odds / (1 + odds)).mean())
    assert shares[1] / shares[0] == pytest.approx(1.6)
    assert needed_weight(fit, choices, "ours", "price", by=-1.0, gain_pct=60.0) == pytest.approx(-needed / 2)


def test_a_change_to_a_value_moves_each_situation_by_what_it_lacks(fit, choices):
    """An attribute set to what it is changes nothing; set for all, only those that differ move."""
    place = choices.attributes.index("comfort")
    same = change(fit, choices, "ours", to={"comfort": 0.0}, draws=5)
    x = choices.x.copy()
    x[:, 0, place] = 0.0
    flat = Choices(x, choices.chosen, choices.attributes, choices.alternatives, choices.available, choices.person)
    assert change(fit, flat, "ours", to={"comfort": 0.0}, draws=5).gain_pct == 0
    assert change(fit, flat, "ours", {}, draws=5).before == pytest.approx(same.after)
    weight = needed_weight(fit, flat, "ours", "comfort", to=1.0, gain_pct=60)
    assert weight == pytest.approx(needed_weight(fit, flat, "ours", "comfort", by=1.0, gain_pct=60))


def test_an_attribute_that_nobody_measured_may_be_asked_about(fit, choices):
    weight = needed_weight(fit, choices, "ours", "dryness", by=1.0, gain_pct=60)
    assert weight == pytest.approx(needed_weight(fit, choices, "ours", "comfort", by=1.0, gain_pct=60))


def test_a_share_cannot_pass_everybody(fit, choices):
    assert needed_weight(fit, choices, "ours", "absorbency", by=1.0, gain_pct=900.0) is None


def test_a_draw_in_which_no_weight_is_enough_has_an_infinite_one(choices):
    """Where nearly everybody takes the product already, no weight brings 60% more; by a change downwards neither."""
    constants = choices.with_constants("store")
    fit = fit_logit(constants)
    loved = fit.estimates.copy()
    loved[fit.place("ours")] += 5.0
    asked = {"attribute": "dryness", "gain_pct": 60.0, "estimates": np.array([fit.estimates, loved])}
    up, down = (needed_draws(fit, constants, "ours", by=by, **asked) for by in (1.0, -0.5))
    assert up == pytest.approx([needed_weight(fit, constants, "ours", "dryness", by=1.0, gain_pct=60.0), np.inf])
    assert down == pytest.approx([-2 * up[0], -np.inf])


@pytest.mark.parametrize(("infinite", "hi"), [(0, 196.0), (4, 196.0), (5, np.inf)])
def test_infinite_draws_push_the_end_of_an_interval_and_are_not_left_out(infinite, hi):
    drawn = [*np.full(infinite, np.inf), *range(1, 201 - infinite)]
    assert ends_of(drawn) == (5.0, hi)


def test_a_worth_in_money_is_as_unsure_as_both_of_its_weights(fit, choices):
    """As Fieller's exact set of the same two estimates has it; the price alone would give half as wide an interval."""
    drawn = fit.draws(1000, np.random.default_rng(0))
    needed = fit["comfort"] + 8 * (drawn[:, fit.place("comfort")] - fit["comfort"])  # as if it were less sure
    price = drawn[:, fit.place("price")]
    lo, hi = ends_of(worth_of_needed(needed, price))
    both = Fit(("needed", "price"), np.array([fit["comfort"], fit["price"]]), np.cov(needed, price), "", -1, -2, 9, 9)
    exact = worth(both, "needed", price="price")
    assert (lo, hi) == pytest.approx((exact.lo, exact.hi), abs=0.04)
    alone = ends_of(worth_of_needed(np.full(1000, fit["comfort"]), price))
    assert hi - lo > 2 * (alone[1] - alone[0])


def test_no_price_cut_is_worth_as_much_to_people_who_do_not_mind_prices():
    price = np.linspace(-1.0, 0.2, 200)
    lo, hi = ends_of(worth_of_needed(np.ones(200), price))
    assert (lo, hi) == (pytest.approx(1.0, abs=0.05), np.inf)


def test_the_chance_of_a_gain_is_the_share_of_draws_that_reach_it(fit, choices):
    found = change(fit, choices, "ours", {"absorbency": 1.0}, draws=300)
    middle = change(fit, choices, "ours", {"absorbency": 1.0}, draws=300, wanted_pct=found.gain_pct)
    assert middle.chance_of == pytest.approx(0.5, abs=0.12)
    assert change(fit, choices, "ours", {"absorbency": 1.0}, draws=50, wanted_pct=500.0).chance_of == 0


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda fit, choices: worth(fit, "colour", price="price"), ConfigError, "no weight of 'colour'"),
        (lambda fit, choices: worth(fit, "price", price="price"), ConfigError, "the price itself"),
        (lambda fit, choices: worth(fit, "comfort", price="price", method="krinsky_robb"), ConfigError, "generator"),
        (lambda fit, choices: worth(fit, "comfort", price="price", confidence=1.0), ConfigError, "between 0 and 1"),
        (lambda fit, choices: change(fit, choices, "theirs", {"price": 1.0}), DataError, "no alternative 'theirs'"),
        (lambda fit, choices: change(fit, choices, "ours", {"colour": 1.0}), ConfigError, "no attribute 'colour'"),
        (lambda fit, choices: change(fit, choices, "ours", {"price": np.nan}), ConfigError, "finite number"),
        (lambda fit, choices: needed_weight(fit, choices, "ours", "price", by=0.0, gain_pct=60), ConfigError, "than 0"),
        (
            lambda fit, choices: needed_weight(fit, choices, "ours", "price", by=1.0, gain_pct=-5),
            ConfigError,
            "above 0",
        ),
        (lambda fit, choices: needed_weight(fit, choices, "ours", "price", gain_pct=5), ConfigError, "or to a number"),
        (lambda fit, choices: needed_weight(fit, choices, "ours", "dry", to=1.0, gain_pct=5), ConfigError, "'dry'"),
        (lambda fit, choices: ends_of(range(38)), ConfigError, "39 draws or more"),
        (lambda fit, choices: ends_of([float("nan")] * 50), ConfigError, "all of them numbers"),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(fit, choices, call, error, says):
    with pytest.raises(error, match=says):
        call(fit, choices)
