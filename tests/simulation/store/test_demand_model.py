import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from retail.errors import ConfigError, DataError
from simulation.store.demand_model import DemandModel
from simulation.store.demand_model.trips import trips_of
from simulation.store.settings import StoreSettings

DEFAULT = StoreSettings.default()


def made_of(*trips):
    """A model of trips, each (hour, {category: (quantity, spend)})."""
    rows = [
        (number, hour, name, quantity, spend)
        for number, (hour, bought) in enumerate(trips)
        for name, (quantity, spend) in bought.items()
    ]
    basket, hour, category, quantity, spend = zip(*rows, strict=True)
    gathered = trips_of(
        basket=np.array(basket),
        hour=np.array(hour),
        category=np.array(category),
        quantity=np.array(quantity, dtype=float),
        spend=np.array(spend, dtype=float),
    )
    return DemandModel("made", "EUR", "0", gathered)


MODEL = made_of(
    (9, {"dairy": (1, 2.0), "eggs": (2, 5.0)}),
    (9, {"dairy": (1, 2.0)}),
    (17, {"bakery": (3, 4.5)}),
    (17, {"dairy": (2, 3.0), "bakery": (1, 1.5)}),
    (17, {"eggs": (1, 2.5)}),
)


def same(one, other):
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one)
    )


def entries(demand, shopper):
    part = slice(demand.start[shopper], demand.start[shopper + 1])
    names = [demand.categories[number] for number in demand.category[part]]
    return dict(zip(names, zip(demand.items[part], demand.spend[part], strict=True), strict=True))


def test_lines_of_a_category_are_one_entry_and_the_basket_begins_in_its_first_hour():
    gathered = trips_of(
        basket=np.array([7, 7, 7, 3]),
        hour=np.array([11, 10, 11, 9]),
        category=np.array(["b", "a", "b", "a"]),
        quantity=np.array([1.0, 0.4, 2.0, 1.0]),
        spend=np.array([1.0, 2.0, 3.0, 4.0]),
    )
    assert gathered.categories == ("a", "b")
    assert gathered.hour_start[9:12].tolist() == [0, 1, 2]
    assert gathered.start.tolist() == [0, 1, 3]
    assert gathered.category.tolist() == [0, 0, 1]
    assert gathered.lines.tolist() == [1, 1, 2]
    assert gathered.items.tolist() == [1, 1, 3]
    assert gathered.spend.tolist() == [4.0, 2.0, 4.0]


@given(st.permutations(range(12)), st.integers(0, 100))
def test_the_order_of_the_lines_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    lines = {
        "basket": np.sort(rng.integers(0, 4, 12)),
        "category": rng.choice(["a", "b", "c"], 12),
        "quantity": rng.integers(1, 4, 12).astype(float),
        "spend": rng.random(12),
    }
    lines["hour"] = lines["basket"] + 8
    one = trips_of(**lines)
    other = trips_of(**{name: column[list(order)] for name, column in lines.items()})
    assert same(one, other)


def test_no_lines_or_impossible_hours_are_refused():
    empty = np.empty(0)
    with pytest.raises(DataError, match="no lines to learn demand from"):
        trips_of(basket=empty, hour=empty, category=empty, quantity=empty, spend=empty)
    with pytest.raises(DataError, match="local hours from 0 to 23"):
        trips_of(
            basket=np.array([1]),
            hour=np.array([24]),
            category=np.array(["a"]),
            quantity=np.ones(1),
            spend=np.ones(1),
        )


@given(st.integers(0, 10**6), st.integers(0, 400), st.integers(0, 10**9))
@settings(max_examples=60)
def test_a_day_keeps_the_contract_of_demand(day, shoppers, seed):
    demand = MODEL.draw(day, seed=seed, shoppers=shoppers)
    n, m, width = demand.shoppers, len(demand.category), len(demand.categories)
    assert demand.start.shape == (n + 1,)
    assert demand.start[0] == 0
    assert demand.start[-1] == m
    assert np.all(np.diff(demand.start) >= 1)
    assert np.all(np.diff(demand.arrive_s) >= 0)
    assert np.all((demand.arrive_s >= 0) & (demand.arrive_s < demand.open_s))
    for name in ("items", "spend", "dwell_s"):
        assert getattr(demand, name).shape == (m,)
    for name in ("speed", "entrance_u", "service_z", "pay_u", "patience_s", "consent"):
        assert getattr(demand, name).shape == (n,)
    assert demand.detour_u.shape == demand.detour_to_u.shape == (m + n,)
    assert demand.display_u.shape == demand.offer_u.shape == (n, width)
    assert demand.category.dtype == demand.items.dtype == np.int32
    assert demand.display_u.dtype == demand.offer_u.dtype == np.float32
    assert demand.unplanned_spend.shape == demand.base_rate.shape == (width,)
    assert np.all(demand.items >= 1)
    assert np.all(demand.speed > 0)
    assert np.all((demand.base_rate >= 0) & (demand.base_rate < 1))
    for i in range(n):
        assert np.all(np.diff(demand.category[demand.start[i] : demand.start[i + 1]]) > 0)


def test_every_shopper_copies_a_whole_trip_of_the_same_hour():
    demand = MODEL.draw(0, seed=1, shoppers=500)
    morning = [{"dairy": (1, 2.0), "eggs": (2, 5.0)}, {"dairy": (1, 2.0)}]
    evening = [{"bakery": (3, 4.5)}, {"bakery": (1, 1.5), "dairy": (2, 3.0)}, {"eggs": (1, 2.5)}]
    for i, arrived in enumerate(demand.arrive_s):
        hour = 8 + int(arrived // 3600)
        assert hour in (9, 17)
        assert entries(demand, i) in (morning if hour == 9 else evening)


def test_the_number_of_shoppers_is_poisson_and_the_hours_follow_the_data():
    counts = np.array([np.histogram(MODEL.draw(day, seed=2, shoppers=50).arrive_s, [3600, 7200, 50400])[0]
                       for day in range(400)])  # fmt: skip
    morning, evening = counts.T
    for part, mean in ((morning, 20.0), (evening, 30.0)):
        assert abs(part.mean() - mean) < 4 * np.sqrt(mean / 400)
        assert abs(part.var() / mean - 1) < 0.35
    assert abs(np.corrcoef(morning, evening)[0, 1]) < 0.2


def test_arrivals_within_an_hour_are_uniform():
    arrive = MODEL.draw(0, seed=3, shoppers=4000).arrive_s
    within = arrive[arrive < 7200] / 3600 - 1
    assert stats.kstest(within, "uniform").pvalue > 1e-3


def test_half_an_open_hour_counts_half():
    demand = MODEL.draw(0, seed=1, shoppers=20_000, hours=(9.5, 18.0))
    assert demand.open_s == 8.5 * 3600
    assert abs(np.mean(demand.arrive_s < 1800) - 1 / 4) < 0.02
    assert np.allclose(demand.base_rate, 0.25 * np.array([0, 1, 0.5]) + 0.75 * np.array([2, 1, 1]) / 3)


def test_the_base_rate_is_the_share_of_drawn_trips_that_buy():
    demand = MODEL.draw(0, seed=1, shoppers=40_000)
    bought = np.bincount(demand.category, minlength=3) / demand.shoppers
    assert np.allclose(bought, demand.base_rate, atol=0.02)


def test_a_category_in_every_trip_has_a_base_rate_below_one():
    assert made_of((9, {"dairy": (1, 1.0)})).draw(0, seed=0, shoppers=5).base_rate[0] < 1


def test_an_unplanned_item_costs_the_mean_of_an_item():
    assert MODEL.draw(0, seed=0, shoppers=1).unplanned_spend.tolist() == [6.0 / 4, 7.0 / 4, 7.5 / 3]


def test_the_same_day_is_the_same_and_another_is_another():
    assert same(MODEL.draw(4, seed=9, shoppers=100), MODEL.draw(4, seed=9, shoppers=100))
    assert not same(MODEL.draw(4, seed=9, shoppers=100), MODEL.draw(5, seed=9, shoppers=100))
    assert not same(MODEL.draw(4, seed=9, shoppers=100), MODEL.draw(4, seed=10, shoppers=100))


def test_a_setting_changes_only_what_it_is_about():
    base = MODEL.draw(0, seed=1, shoppers=200)
    changed = MODEL.draw(0, seed=1, shoppers=200, settings=DEFAULT.with_values(dwell_s=30.0, walk_speed=0.9))
    differ = {f.name for f in dataclasses.fields(base)
              if not np.array_equal(getattr(base, f.name), getattr(changed, f.name))}  # fmt: skip
    assert differ == {"dwell_s", "speed"}
    assert np.allclose(changed.dwell_s, 2 * base.dwell_s)


def test_a_further_category_leaves_the_numbers_of_the_others():
    more = made_of(
        (9, {"dairy": (1, 2.0), "eggs": (2, 5.0), "butter": (1, 1.0)}),
        (9, {"dairy": (1, 2.0)}),
        (17, {"bakery": (3, 4.5)}),
        (17, {"dairy": (2, 3.0), "bakery": (1, 1.5)}),
        (17, {"eggs": (1, 2.5)}),
    )
    one, other = (model.draw(0, seed=1, shoppers=200) for model in (MODEL, more))
    for name in ("arrive_s", "speed", "entrance_u", "service_z", "pay_u", "patience_s", "consent"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    at = [more.categories.index(name) for name in MODEL.categories]
    assert np.array_equal(one.display_u, other.display_u[:, at])
    assert np.array_equal(one.offer_u, other.offer_u[:, at])


def test_a_higher_consent_rate_only_adds_shoppers():
    few, many = (MODEL.draw(0, seed=1, shoppers=500, settings=DEFAULT.with_values(consent_rate=rate)).consent
                 for rate in (0.3, 0.6))  # fmt: skip
    assert np.all(few <= many)
    assert few.sum() < many.sum()


def test_dwell_speed_and_patience_have_their_means_and_medians():
    demand = MODEL.draw(0, seed=1, shoppers=40_000)
    assert abs(demand.dwell_s.mean() / DEFAULT.dwell_s - 1) < 0.02
    assert abs(demand.dwell_s.std() / demand.dwell_s.mean() / DEFAULT.dwell_cv - 1) < 0.05
    assert abs(demand.speed.mean() - DEFAULT.walk_speed) < 0.01
    assert abs(demand.speed.std() - DEFAULT.walk_speed_sd) < 0.01
    assert abs(np.median(demand.patience_s) / DEFAULT.patience_s - 1) < 0.02


def test_speeds_agree_with_the_truncated_normal_of_scipy():
    speed = MODEL.draw(0, seed=1, shoppers=5000, settings=DEFAULT.with_values(walk_speed=0.7)).speed
    low = (0.2 - 0.7) / DEFAULT.walk_speed_sd
    law = stats.truncnorm(low, 3, loc=0.7, scale=DEFAULT.walk_speed_sd)
    assert stats.kstest(speed, law.cdf).pvalue > 1e-3


def test_no_spread_of_speeds_means_one_speed():
    assert set(MODEL.draw(0, seed=1, shoppers=50, settings=DEFAULT.with_values(walk_speed_sd=0)).speed) == {1.1}


def test_a_day_without_shoppers_is_empty():
    demand = MODEL.draw(0, seed=1, shoppers=0)
    assert demand.shoppers == 0
    assert demand.start.tolist() == [0]
    assert demand.display_u.shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shoppers": 10**7}, "shoppers = 10,000,000 is more than the limit of 1,000,000 a day"),
        ({"shoppers": -1}, "shoppers = -1; give"),
        ({"shoppers": float("nan")}, "shoppers = nan; give"),
        ({"seed": -1}, "seed = -1; give a whole number"),
        ({"day": 1.5}, "day = 1.5; give a whole number"),
        ({"hours": (22, 8)}, r"hours = \(22, 8\); give opening before closing"),
        ({"hours": (0, 25)}, "both from 0 to 24"),
        ({"hours": (1, 5)}, "they begin at 9, 17 h"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, says):
    arguments = {"day": 0, "seed": 1, "shoppers": 10} | change
    with pytest.raises(ConfigError, match=says):
        MODEL.draw(arguments.pop("day"), **arguments)
