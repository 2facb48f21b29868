"""Walks to be played: an example by hand, what must hold of every shopper, and the readable engine as the reference."""

import dataclasses

import numpy as np
import pytest

from simulation.store.agents import StoreModel, positions
from simulation.store.day import Day, prepare, run_day
from simulation.store.demand_model import complete_journey_demand
from simulation.store.floor import CELL_M
from simulation.store.itinerary import Itinerary
from simulation.store.kernel import walk
from simulation.store.plan import load_plan, rasterise, read_plan
from simulation.store.settings import StoreSettings
from simulation.store.tills.fast import serve
from simulation.store.walks import PAYS, STANDS, WAITS, WALKS, walks, who_comes_in

SETTINGS = StoreSettings.default()
CORRIDOR = """
name = "Corridor"
opens_h = 8
closes_h = 20
cell_m = 0.5
map = '''
.....bb....TT
.............
.............
EE.........XX
'''

[legend]
E = { kind = "entrance" }
X = { kind = "exit" }
T = { kind = "till", till = "lane", sides = ["west"] }
b = { kind = "shelf", category = "bread", sides = ["south"] }
"""


@pytest.fixture(scope="module")
def shop():
    """A corner shop with a day in an hour or two, so that it is full and few steps do."""
    plan = load_plan("corner-shop")
    drawn = complete_journey_demand().draw(0, seed=3, shoppers=60, hours=(plan.opens_h, plan.closes_h))
    demand = dataclasses.replace(drawn, arrive_s=drawn.arrive_s / 20)
    store = prepare(plan, SETTINGS)
    day = run_day(store, demand, SETTINGS)
    return plan, store.floor, day, walks(plan, store.floor, day, range(demand.shoppers))


def alone(plan):
    """A day of one shopper, who comes in at 10 s, takes bread for 20 s, and pays."""
    floor = rasterise(plan)
    itinerary = Itinerary(
        enter_s=np.array([10.0]), entrance=floor.entrance[:1], speed=np.array([1.0]), start=np.array([0, 1]),
        target=np.array([0], dtype=np.int32), dwell_s=np.array([20.0]), items=np.array([1], dtype=np.int32),
        tempted=np.zeros((1, 0), dtype=bool), pause_s=0.0,
    )  # fmt: skip
    walked = walk(floor, itinerary)
    served = serve(walked.reach_s, np.array([1]), np.zeros(1), np.ones(1), np.full(1, np.inf),
                   prepare(plan, SETTINGS).tills, SETTINGS)  # fmt: skip
    return floor, Day(itinerary, walked, served, {})


def test_one_shopper_walks_stands_at_the_shelf_and_pays_at_the_till():
    plan = read_plan(CORRIDOR)
    floor, day = alone(plan)
    (one,) = walks(plan, floor, day, [0])
    assert one.time_s[0] == 10
    assert one.time_s[-1] == pytest.approx(day.served.done_s[0])
    (stand,) = np.flatnonzero(one.does == STANDS)
    assert one.time_s[stand + 1] - one.time_s[stand] == pytest.approx(20)
    assert (one.x[stand], one.y[stand]) in {(2.75, 0.75), (3.25, 0.75)}  # before the bread
    assert (one.x[-1], one.y[-1]) == plan.tills[0].middle
    assert set(one.does.tolist()) == {WALKS, STANDS, PAYS}
    assert one.path_m == pytest.approx(day.walked.path_m[0])


def test_every_walk_adds_up_to_what_the_day_says(shop):
    plan, _, day, found = shop
    for one in found:
        number = one.shopper
        assert (np.diff(one.time_s) >= 0).all()
        assert one.time_s[0] == day.itinerary.enter_s[number]
        assert one.time_s[-1] == pytest.approx(day.served.done_s[number])
        assert ((one.x > 0) & (one.x < plan.width) & (one.y > 0) & (one.y < plan.depth)).all()
        assert one.path_m == pytest.approx(day.walked.path_m[number])
        assert one.walk_s + one.stand_s == pytest.approx(day.walked.reach_s[number] - day.itinerary.enter_s[number])
        spans = np.diff(one.time_s)
        for does, lasts in ((STANDS, one.stand_s), (WAITS, one.wait_s), (PAYS, one.service_s)):
            assert spans[one.does[:-1] == does].sum() == pytest.approx(np.nan_to_num(lasts), abs=1e-6)
    assert any(one.wait_s > 0 for one in found)


def test_shoppers_walk_and_stand_on_the_floor_and_never_on_a_fixture(shop):
    _, floor, _, found = shop
    for one in found:
        on_floor = one.does <= STANDS
        cells = (one.y[on_floor] / CELL_M).astype(int), (one.x[on_floor] / CELL_M).astype(int)
        assert floor.walkable[cells].all()


def test_the_readable_engine_has_shoppers_at_nearly_the_same_places(shop):
    _, floor, day, found = shop
    model = StoreModel(floor, day.itinerary)
    apart = []
    while model.running:
        model.step()
        for number, x, y in positions(model):
            one = found[int(number)]
            here = (np.interp(model.now, one.time_s, axis) for axis in (one.x, one.y))
            apart.append(np.hypot(*(mine - theirs for mine, theirs in zip(here, (x, y), strict=True))))
    assert np.mean(apart) < 0.5
    assert np.quantile(apart, 0.99) < 2.5


def test_a_film_has_the_first_of_those_who_come_in_within_its_time(shop):
    _, _, day, _ = shop
    enters = day.itinerary.enter_s
    within = np.flatnonzero((enters >= 600) & (enters < 1800)).tolist()
    assert len(within) > 5
    assert who_comes_in(day.itinerary, from_s=600, to_s=1800, most=10_000).tolist() == within
    assert who_comes_in(day.itinerary, from_s=600, to_s=1800, most=5).tolist() == within[:5]
    assert who_comes_in(day.itinerary, from_s=1e6, to_s=2e6, most=5).tolist() == []
