import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import cap, cost
from privacy.accounting import MAX_COST, NANO
from privacy.mechanisms import statistics as s
from privacy.statistics.noise import CountNoise, least_cost
from retail.errors import PrivacyError

ONE = cap(epsilon=1.0, delta=1e-5)
WRONG_COSTS = (0, -1, float("nan"), 2**63, True, 1.0, "1", np.int64(5))


def plan(price=ONE, *, cells=1200, keys=10, per_key=1):
    return s.plan_counts(cells=cells, keys=keys, per_key=per_key, cost=price)


@given(st.integers(1, 2000), st.integers(1, 50), st.integers(1, 40), st.integers(1, 10**12))
def test_a_plan_costs_what_an_independent_formula_says_and_never_more_than_asked(cells, keys, per_key, price):
    made = plan(price, cells=cells, keys=keys, per_key=per_key)
    assert made.cost <= price
    l1, l2 = made.keys * per_key, math.sqrt(made.keys) * per_key
    rho = (l2 / made.noise.scale) ** 2 / 2 if made.noise.shape == "gaussian" else (l1 / made.noise.scale) ** 2 / 2
    assert rho * NANO <= made.cost * (1 + 1e-9)
    assert made.cost - 1 <= rho * NANO * (1 + 1e-9)


@pytest.mark.parametrize("keys", [1, 2, 5, 12, 13, 40])
def test_of_both_shapes_at_one_price_the_one_with_less_error_is_chosen(keys):
    chosen = plan(cells=300, keys=keys)
    z = 1 / math.sqrt(2 * ONE / NANO)
    errors = {
        shape: CountNoise(shape, z * size).error() for shape, size in (("gaussian", math.sqrt(keys)), ("laplace", keys))
    }
    assert chosen.error_95 == min(errors.values())


def test_where_noise_hardly_shows_the_shape_with_pure_dp_is_chosen():
    assert plan(cap(epsilon=100.0, delta=1e-5), keys=1).noise.shape == "laplace"
    assert plan(keys=1).noise.shape == "gaussian"


def test_a_gaussian_plan_costs_what_the_ledger_charges_for_the_same_noise():
    made = plan(keys=4, per_key=3)
    assert made.cost == pytest.approx(cost(made.noise.scale / 6), abs=1)


@pytest.mark.parametrize("shape", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.7, 60.0])
def test_the_tail_agrees_with_a_sum_over_all_integers(shape, scale):
    x = np.arange(-4000, 4001)
    weights = np.exp(-(x**2) / (2 * scale**2)) if shape == "gaussian" else np.exp(-np.abs(x) / scale)
    chances = weights / weights.sum()
    noise = CountNoise(shape, scale)
    for least in (1, 2, int(scale) + 1, int(3 * scale) + 1):
        assert noise.tail(least) == pytest.approx(chances[x >= least].sum(), rel=1e-9, abs=1e-15)
    for failure in (0.5, 0.05, 1e-4):
        t = noise.beyond(failure)
        assert chances[np.abs(x) > t].sum() <= failure * (1 + 1e-9)
        assert t == 0 or chances[np.abs(x) > t - 1].sum() > failure * (1 - 1e-9)


@pytest.mark.parametrize("sigma", [1e-3, 1e9])
def test_extreme_noise_is_planned_described_and_drawn_without_breaking(sigma):
    noise = CountNoise("gaussian", sigma)
    made = s.CountPlan(5, 1, 1, noise, 1)
    drawn = s.draw_counts(np.arange(5), made)
    if sigma < 1:
        assert drawn.tolist() == [0, 1, 2, 3, 4]
        assert noise.error() == 0
    else:
        assert noise.error() == pytest.approx(1.96e9, rel=1e-3)
        assert (np.abs(drawn) < 1e11).all()


def test_noise_too_large_for_64_bits_saturates():
    made = s.CountPlan(50, 1, 1, CountNoise("gaussian", 1e300), 1)
    assert set(np.abs(s.draw_counts(np.zeros(50, dtype=np.int64), made).astype(float))) == {2.0**63}


def test_the_most_and_the_least_cost_can_be_planned():
    assert plan(MAX_COST).error_95 == 0
    assert plan(1, keys=1).noise.scale == pytest.approx(22360.68, rel=1e-4)


@pytest.mark.parametrize("wrong", WRONG_COSTS)
def test_a_cost_that_is_none_is_refused_by_every_plan(wrong):
    for make in (
        lambda: plan(wrong),
        lambda: s.plan_top_k(cells=9, k=2, keys=1, per_key=1, cost=wrong),
        lambda: s.plan_quantile(candidates=(1, 2), alpha=0.5, per_person=1, cost=wrong),
    ):
        with pytest.raises(PrivacyError, match="cost must be"):
            make()


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, 2**40])
def test_bounds_and_sizes_that_are_no_whole_numbers_are_refused(wrong):
    for name in ("cells", "keys", "per_key"):
        with pytest.raises(PrivacyError):
            plan(**{name: wrong})


@pytest.mark.parametrize(
    "exact",
    [
        np.zeros(2, dtype=np.int64),
        np.zeros(0, dtype=np.int64),
        np.zeros((300, 1), dtype=np.int64),
        np.zeros(300),
        np.array([None] * 300),
        np.full(300, -1),
        np.full(300, np.nan),
    ],
)
def test_a_vector_of_another_length_or_type_is_refused(exact):
    # OpenDP itself took 2 values for a vector declared with 300.
    with pytest.raises(PrivacyError, match=r"integer counts|below 0"):
        s.draw_counts(exact, plan(cells=300))
    with pytest.raises(PrivacyError, match=r"integer counts|below 0"):
        s.draw_top_k(exact, s.plan_top_k(cells=300, k=3, keys=1, per_key=1, cost=ONE))


def test_huge_counts_are_cut_and_never_overflow():
    drawn = s.draw_counts(np.full(300, 2**63 - 1), plan(cells=300))
    assert (np.abs(drawn - s.LARGEST_COUNT) < 10_000).all()


@given(st.floats(0.5, 500))
@settings(max_examples=15)
def test_a_wanted_error_is_met_by_the_least_cost(error):
    def error_of(price):
        return plan(price, keys=3).error_95

    price = least_cost(error_of, error=error)
    assert error_of(price) <= error
    assert price == 1 or error_of(price - max(1, price // 1000)) >= error_of(price)


def test_top_k_names_clear_leaders_and_adds_noise_to_their_counts():
    exact = np.zeros(500, dtype=np.int64)
    exact[[7, 70, 400]] = (9000, 5000, 7000)
    places, counts = s.draw_top_k(exact, s.plan_top_k(cells=500, k=3, keys=50, per_key=1, cost=ONE))
    assert places.tolist() == [7, 400, 70]
    assert np.abs(counts - exact[places]).max() < 200


def test_top_k_sorts_a_noisy_histogram_where_that_is_more_exact():
    few = s.plan_top_k(cells=500, k=20, keys=2, per_key=1, cost=ONE)
    many = s.plan_top_k(cells=500, k=3, keys=50, per_key=1, cost=ONE)
    assert (few.pick_scale, few.counts.cells) == (None, 500)
    assert many.pick_scale is not None
    for made in (few, many):
        assert made.cost <= ONE
        exact = np.arange(500) * 10
        places, counts = s.draw_top_k(exact, made)
        assert len(set(places.tolist())) == made.k
        assert (np.diff(counts) <= 0).all()


def test_picking_k_costs_k_times_the_exponential_mechanism_of_monotonic_scores():
    made = s.plan_top_k(cells=500, k=3, keys=50, per_key=2, cost=ONE)
    assert made.pick_cost == pytest.approx(3 * (2 / made.pick_scale) ** 2 / 8 * NANO, abs=2)


@pytest.mark.parametrize("alpha", [0.1, 1 / 3, 0.5, 0.9])
def test_a_quantile_is_within_its_error_in_ranks(alpha):
    values = np.random.default_rng(3).exponential(5, 40_000)
    grid = np.arange(0, 60, 0.05)
    made = s.plan_quantile(candidates=grid, alpha=alpha, per_person=5, cost=ONE)
    best = np.abs(np.searchsorted(np.sort(values), grid) - alpha * len(values)).min()
    for _ in range(5):
        chosen = s.draw_quantile(values, made)
        assert abs((values < chosen).sum() - alpha * len(values)) <= best + made.error_95 + 2


def test_a_quantile_costs_what_the_exponential_mechanism_costs():
    made = s.plan_quantile(candidates=(1, 2, 3), alpha=0.5, per_person=4, cost=ONE)
    assert made.cost == pytest.approx((2 * 4 / made.scale) ** 2 / 8 * NANO, abs=2)  # score moves by 1 per row at 1/2


def test_a_quantile_of_nothing_or_of_infinities_is_still_a_candidate():
    made = s.plan_quantile(candidates=(1, 2, 3), alpha=0.5, per_person=4, cost=ONE)
    for values in (np.zeros(0), np.array([np.inf, -np.inf]), np.array([1e308])):
        assert s.draw_quantile(values, made) in (1, 2, 3)
    for values in (np.array([np.nan, 1.0]), np.zeros((2, 2))):
        with pytest.raises(PrivacyError, match="flat array"):
            s.draw_quantile(values, made)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0},
        {"alpha": 1},
        {"alpha": float("nan")},
        {"candidates": (1,)},
        {"candidates": (2, 1)},
        {"candidates": (1, 1)},
        {"candidates": (1, float("inf"))},
    ],
)
def test_a_quantile_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(PrivacyError):
        s.plan_quantile(**{"candidates": (1, 2), "alpha": 0.5, "per_person": 1, "cost": ONE} | wrong)
