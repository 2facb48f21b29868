import dataclasses
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError
from simulation.store import kernel
from simulation.store.behaviour import found, plan_day, without_shelf
from simulation.store.demand import Demand
from simulation.store.settings import StoreSettings
from simulation.store.tour import between_m, short_tours

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from small_floors import make_floor

DEFAULT = StoreSettings.default()
STRAIGHT = DEFAULT.with_values(detour_rate=0.0)
NAMES = ("apples", "bread", "cheese", "dates", "eggs")


def make_demand(lists, *, rng=None, names=NAMES, **changes):
    """Shoppers with the given lists of categories."""
    rng = rng or np.random.default_rng(0)
    n, m, width = len(lists), sum(map(len, lists)), len(names)
    demand = Demand(
        categories=names,
        arrive_s=np.arange(n) * 60.0,
        start=np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64),
        category=np.array([one for wanted in lists for one in sorted(wanted)], dtype=np.int32),
        items=rng.integers(1, 4, m).astype(np.int32),
        spend=rng.random(m),
        dwell_s=rng.uniform(5, 30, m),
        speed=np.full(n, 1.2),
        entrance_u=rng.random(n),
        detour_u=rng.random(m + n),
        detour_to_u=rng.random(m + n),
        display_u=rng.random((n, width), dtype=np.float32),
        unplanned_spend=np.ones(width),
        base_rate=np.full(width, 0.2),
        service_z=rng.standard_normal(n),
        pay_u=rng.random(n),
        patience_s=np.full(n, np.inf),
        consent=np.ones(n, dtype=np.bool_),
        offer_u=rng.random((n, width), dtype=np.float32),
        open_s=36000.0,
    )
    return dataclasses.replace(demand, **changes)


def small_shop(places, *, rows=12, columns=17, displays=(), mirrored=False):
    """An open hall; `places` maps a category to (row, column)."""
    flip = lambda column: columns - 1 - column if mirrored else column  # noqa: E731
    at = lambda row, column: row * columns + flip(column)  # noqa: E731
    return make_floor(
        np.ones((rows, columns), dtype=bool),
        {name: [at(*place)] for name, place in places.items()},
        tills=[at(rows - 1, column) for column in range(9, 13)],
        entrance=[at(rows - 1, column) for column in range(1, 4)],
        displays=[(name, lift, "side", [at(*place) for place in seen]) for name, lift, seen in displays],
    )


PLACES = {"apples": (8, 2), "bread": (1, 3), "cheese": (2, 9), "dates": (1, 15), "eggs": (8, 14)}


def length(floor, door, stops):
    away = between_m(floor)
    route = [*stops, floor.tills_target]
    return floor.distance_m[route[0], door] + sum(away[a, b] for a, b in pairwise(route))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), wanted=st.integers(0, 6))
def test_tours_visit_every_stop_once_and_are_close_to_the_shortest(seed, wanted):
    rng = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(6)]
    floor = small_shop({name: tuple(rng.integers(0, 12, 2)) for name in names})
    target = np.sort(rng.choice(6, wanted, replace=False)).astype(np.int32)
    order = short_tours(floor, floor.entrance[:1], np.array([0, wanted]), target)
    assert sorted(order.tolist()) == list(range(wanted))
    best = min(length(floor, floor.entrance[0], list(one)) for one in permutations(target))
    assert length(floor, floor.entrance[0], target[order]) <= best * 1.35 + 1e-9


def test_tours_are_on_average_within_three_percent_of_the_shortest():
    rng, excess = np.random.default_rng(2), []
    floor = small_shop({f"c{number:02d}": tuple(rng.integers(0, 12, 2)) for number in range(24)})
    for _ in range(60):
        target = np.sort(rng.choice(24, 6, replace=False)).astype(np.int32)
        order = short_tours(floor, floor.entrance[:1], np.array([0, 6]), target)
        away = np.vstack([between_m(floor), floor.distance_m[:, floor.entrance[0]]])
        routes = np.array([[-1, *one, floor.tills_target] for one in [target[order], *permutations(target)]])
        lengths = away[routes[:, :-1], routes[:, 1:]].sum(axis=1)
        excess.append(lengths[0] / lengths[1:].min() - 1)
    assert np.mean(excess) < 0.03


def test_categories_are_brought_together_by_name_and_those_without_shelf_are_counted():
    floor = small_shop({"dates": (1, 15), "bread": (1, 3), "zinc": (5, 5)})
    demand = make_demand([[1, 3], [0], [0, 3, 4]])
    itinerary = plan_day(floor, demand, STRAIGHT)
    assert floor.categories == ("bread", "dates", "zinc")
    assert [itinerary.target[a:b].tolist() for a, b in zip(itinerary.start, itinerary.start[1:], strict=False)] == [
        [0, 1],
        [],
        [1],
    ]
    assert without_shelf(floor, demand) == {"apples": 2, "eggs": 1}
    assert found(floor, demand).tolist() == [True, True, False, False, True, False]
    assert itinerary.items.sum() == demand.items[found(floor, demand)].sum()
    walked = kernel.walk(floor, itinerary)
    assert walked.path_m[1] == pytest.approx(floor.distance_m[floor.tills_target, itinerary.entrance[1]])


def test_each_stop_keeps_its_own_items_and_dwell_time():
    floor, demand = small_shop(PLACES), make_demand([[0, 1, 2, 3, 4], [2, 4]])
    itinerary = plan_day(floor, demand, STRAIGHT)
    for shopper in range(2):
        mine = slice(itinerary.start[shopper], itinerary.start[shopper + 1])
        wanted = slice(demand.start[shopper], demand.start[shopper + 1])
        by_category = np.argsort(itinerary.target[mine])
        assert np.array_equal(itinerary.target[mine][by_category], demand.category[wanted])
        assert np.array_equal(itinerary.items[mine][by_category], demand.items[wanted])
        assert np.array_equal(itinerary.dwell_s[mine][by_category], demand.dwell_s[wanted])


def test_detours_come_at_the_rate_asked_for_and_only_pass_by():
    rng = np.random.default_rng(7)
    floor, lists = small_shop(PLACES), [sorted(rng.choice(5, 2, replace=False)) for _ in range(3000)]
    demand = make_demand(lists, rng=rng)
    itinerary = plan_day(floor, demand, DEFAULT.with_values(detour_rate=0.3))
    extra = itinerary.items == 0
    # One of five draws leads where the leg leads anyway, but for the leg to the tills.
    expected = 0.3 * (6000 * 0.8 + 3000)
    assert extra.sum() == pytest.approx(expected, rel=0.05)
    assert (itinerary.dwell_s[extra] == 0).all()
    assert np.array_equal(itinerary.items[~extra].sum(), demand.items.sum())
    assert len(plan_day(floor, demand, STRAIGHT).target) == 6000
    longer = kernel.walk(floor, itinerary).path_m.mean()
    assert longer > kernel.walk(floor, plan_day(floor, demand, STRAIGHT)).path_m.mean()


def test_a_detour_goes_just_before_the_stop_that_its_leg_leads_to():
    floor, demand = small_shop(PLACES), make_demand([[0, 4]], detour_u=np.array([0.9, 0.1, 0.9]))
    demand = dataclasses.replace(demand, detour_to_u=np.array([0.0, 0.5, 0.0]))  # past the cheese, before the eggs
    assert plan_day(floor, demand, DEFAULT.with_values(detour_rate=0.5)).target.tolist() == [0, 2, 4]


def test_a_display_tempts_at_the_rate_that_its_lift_means():
    rng = np.random.default_rng(8)
    demand = make_demand([[0]] * 20_000, rng=rng, base_rate=np.array([0.2, 0.2, 0.5, 0.0, 0.9]))
    shown = [("bread", 1.4, [(5, 5)]), ("cheese", 1.4, [(5, 5)]), ("apples", 9.0, [(5, 5)]), ("eggs", 0.5, [(5, 5)])]
    floor = small_shop(PLACES, displays=[*shown, ("dates", 3.0, [(5, 5)]), ("eggs", 2.0, [(5, 5)])])
    tempted = plan_day(floor, demand, STRAIGHT).tempted.mean(axis=0)
    assert tempted == pytest.approx([0.2 * 0.4 / 0.8, 0.5 * 0.4 / 0.5, 0.0, 0.0, 0.0, 1.0], abs=0.01)


def test_swapping_shelves_changes_no_draw_and_a_null_edit_changes_nothing():
    rng = np.random.default_rng(9)
    demand = make_demand([sorted(rng.choice(5, 3, replace=False)) for _ in range(50)], rng=rng)
    one = plan_day(small_shop(PLACES), demand, DEFAULT)
    same = plan_day(small_shop(dict(reversed(PLACES.items()))), demand, DEFAULT)
    swapped = plan_day(small_shop({**PLACES, "bread": PLACES["eggs"], "eggs": PLACES["bread"]}), demand, DEFAULT)
    for name in ("start", "target", "dwell_s", "items", "tempted", "entrance"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    for shopper in range(50):
        a, b = (one_or.target[one_or.start[shopper] : one_or.start[shopper + 1]] for one_or in (one, swapped))
        assert sorted(a.tolist()) == sorted(b.tolist())


def test_a_mirrored_shop_gives_the_mirrored_day():
    rng = np.random.default_rng(10)
    demand = make_demand([sorted(rng.choice(5, rng.integers(0, 6), replace=False)) for _ in range(80)], rng=rng)
    shown = [("bread", 1.9, [(5, 5), (6, 5)])]
    plain, mirrored = (small_shop(PLACES, displays=shown, mirrored=flag) for flag in (False, True))
    one, other = (plan_day(floor, demand, DEFAULT) for floor in (plain, mirrored))
    assert np.array_equal(one.target, other.target)
    a, b = kernel.walk(plain, one), kernel.walk(mirrored, other)
    assert np.allclose(a.path_m, b.path_m)
    assert np.array_equal(np.sort(one.entrance % 17), np.sort(16 - other.entrance % 17))


def test_settings_and_floors_that_make_no_sense_are_refused():
    floor, demand = small_shop(PLACES), make_demand([[0]])
    with pytest.raises(ConfigError, match=r"detour_rate = 1.5 must be a share"):
        plan_day(floor, demand, Bare(detour_rate=1.5, pause_s=1.0))
    with pytest.raises(ConfigError, match=r"pause_s = -1.0 must be seconds"):
        plan_day(floor, demand, Bare(detour_rate=0.5, pause_s=-1.0))
    with pytest.raises(ConfigError, match="no entrance cell"):
        plan_day(dataclasses.replace(floor, entrance=floor.entrance[:0]), demand, DEFAULT)


@dataclasses.dataclass(frozen=True)
class Bare:
    detour_rate: float
    pause_s: float


def test_a_day_without_shoppers_and_a_floor_without_categories_can_be_planned():
    empty = make_demand([])
    assert len(plan_day(small_shop(PLACES), empty, DEFAULT).target) == 0
    bare = small_shop({})
    itinerary = plan_day(bare, make_demand([[0, 1], []]), DEFAULT)
    assert itinerary.start.tolist() == [0, 0, 0]
    assert kernel.walk(bare, itinerary).path_m.min() > 0
