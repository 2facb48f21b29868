import dataclasses
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from retail.errors import ConfigError
from simulation.store.day import run_day
from simulation.store.demand_model import complete_journey_demand
from simulation.store.picture import animated, filmed
from simulation.store.plan import load_plan
from simulation.store.settings import StoreSettings

SETTINGS = StoreSettings.default()
NAME = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def plan():
    return load_plan("corner-shop")


@pytest.fixture(scope="module")
def demand(plan):
    drawn = complete_journey_demand().draw(0, seed=3, shoppers=150, hours=(plan.opens_h, plan.closes_h))
    return dataclasses.replace(drawn, arrive_s=drawn.arrive_s / 10)  # a day in an hour or two, so that few steps do


@pytest.fixture(scope="module")
def tracks(plan, demand):
    return filmed(plan, demand, SETTINGS, from_s=1200, seconds=1200)


def test_whoever_walked_during_the_film_is_in_it(plan, demand, tracks):
    day = run_day(plan, demand, SETTINGS)
    on_floor = (day.walked.reach_s > 1200) & (demand.arrive_s < 2400)
    assert on_floor.sum() > 5
    filmed_ones = {one.shopper for one in tracks}
    assert filmed_ones <= set(np.flatnonzero(on_floor).tolist())
    long = on_floor & (np.minimum(day.walked.reach_s, 2400) - np.maximum(demand.arrive_s, 1200) > 12)
    assert set(np.flatnonzero(long).tolist()) <= filmed_ones


def test_nobody_leaves_the_plan_or_jumps(plan, tracks):
    for one in tracks:
        assert (np.diff(one.time_s) >= 0).all()
        assert one.gone_s >= one.pays_s
        assert ((one.x > 0) & (one.x < plan.width) & (one.y > 0) & (one.y < plan.depth)).all()
        walked = one.time_s <= one.pays_s
        hops = np.hypot(np.diff(one.x[walked]), np.diff(one.y[walked]))
        assert (hops <= 2.5 * np.diff(one.time_s[walked]) + 1.5).all()


def test_the_drawing_is_well_formed_and_says_what_it_shows(plan, tracks):
    root = ET.fromstring(animated(plan, tracks, seconds=1200))
    assert f"{len(tracks)} shoppers" in root.find(f"{NAME}title").text
    dots = root.findall(f"{NAME}circle")
    assert len(dots) == len(tracks)
    for dot in dots:
        for one in dot:
            times = [float(time) for time in one.get("keyTimes").split(";")]
            assert times == sorted(times)
            assert times[0] == 0
            assert len(times) == len(one.get("values").split(";"))
        assert [float(t) for t in dot[0].get("keyTimes").split(";")][-1] == 1


def test_a_film_of_no_length_is_refused(plan, demand):
    with pytest.raises(ConfigError, match="0 s"):
        filmed(plan, demand, SETTINGS, from_s=0, seconds=0)
