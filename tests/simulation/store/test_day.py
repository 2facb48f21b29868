import dataclasses

import numpy as np
import pytest

from retail.errors import ConfigError
from simulation.store.day import advisory, prepare, run_day
from simulation.store.demand_model import complete_journey_demand
from simulation.store.kpi import KPIS, basket_items, display_names, figure_table, kpi, most_at_once, spending
from simulation.store.members import family_of
from simulation.store.plan import load_plan
from simulation.store.settings import StoreSettings

SETTINGS = StoreSettings.default()


@pytest.fixture(scope="module")
def plan():
    return load_plan("convenience")


@pytest.fixture(scope="module")
def demand(plan):
    return complete_journey_demand().draw(0, seed=5, shoppers=120, hours=(plan.opens_h, plan.closes_h))


@pytest.fixture(scope="module")
def day(plan, demand):
    return run_day(plan, demand, SETTINGS)


def same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert (
            np.array_equal(a, b, equal_nan=True)
            if isinstance(a, np.ndarray) and a.dtype.kind == "f"
            else (np.all(a == b))
        ), field.name


@pytest.mark.parametrize(("engine", "tills"), [("mesa", "fast"), ("fast", "simpy"), ("mesa", "simpy")])
def test_every_engine_gives_the_same_day(plan, demand, day, engine, tills):
    again = run_day(prepare(plan, SETTINGS), demand, SETTINGS, engine=engine, tills=tills)
    same(again.walked, day.walked)
    same(again.served, day.served)
    assert again.kpis == day.kpis


def test_an_unknown_engine_is_refused(plan, demand):
    with pytest.raises(ConfigError, match="'warp'"):
        run_day(plan, demand, SETTINGS, engine="warp")
    with pytest.raises(ConfigError, match="'robot'"):
        run_day(plan, demand, SETTINGS, tills="robot")


def test_all_who_come_in_leave(demand, day):
    assert (day.served.done_s >= day.itinerary.enter_s).all()
    assert len(day.served.done_s) == demand.shoppers
    assert day.kpis["people_max"] <= demand.shoppers


def test_figures_are_what_a_loop_over_shoppers_finds(plan, demand, day):
    floor = prepare(plan, SETTINGS).floor
    sales, waits, trips = 0.0, [], []
    for i in range(demand.shoppers):
        trips.append(day.served.done_s[i] - demand.arrive_s[i])
        if day.served.till[i] < 0:
            continue
        waits.append(day.served.wait_s[i])
        for entry in range(demand.start[i], demand.start[i + 1]):
            if demand.categories[demand.category[entry]] in floor.categories:
                sales += demand.spend[entry]
        for display in np.flatnonzero(day.walked.unplanned[i]):
            name = floor.categories[floor.display_category[display]]
            sales += demand.unplanned_spend[demand.categories.index(name)]
    assert day.kpis["sales_visit"] == pytest.approx(sales / demand.shoppers)
    assert day.kpis["sales_m2"] == pytest.approx(sales / floor.area_m2)
    assert day.kpis["wait_s"] == pytest.approx(np.mean(waits))
    assert day.kpis["trip_min"] == pytest.approx(np.mean(trips) / 60)
    assert day.kpis["checkout_s"] == pytest.approx(day.kpis["wait_s"] + day.kpis["service_s"])


def test_coverage_and_exposure_are_shares(day):
    shares = [value for name, value in day.kpis.items() if kpi(name).unit == "%"]
    assert shares
    assert all(0 <= value <= 100 for value in shares)


def test_dwell_of_all_zones_is_the_time_on_the_floor(demand, day):
    zones = sum(value for name, value in day.kpis.items() if name.startswith("dwell_s."))
    assert zones * demand.shoppers == pytest.approx(day.walked.dwell_s.sum())


def test_a_display_of_a_stronger_kind_sells_more(plan, demand):
    weak, strong = (SETTINGS.with_values(lift_front_end_cap=one, lift_store_front=one) for one in (1.0, 2.0))
    picks = [run_day(plan, demand, one).kpis["unplanned_picks"] for one in (weak, strong)]
    assert picks[1] > picks[0]


def test_whoever_has_no_patience_gives_up_at_a_queue_and_pays_nothing(plan, demand):
    rush = dataclasses.replace(
        demand, arrive_s=demand.arrive_s / 60, patience_s=np.zeros(demand.shoppers), dwell_s=np.zeros(len(demand.items))
    )
    day = run_day(plan, rush, SETTINGS)
    items = basket_items(day.itinerary, day.walked)
    gone = np.isnan(day.served.wait_s) & (items > 0)
    assert 0 < gone.mean() < 1
    assert day.kpis["abandonment_pct"] == pytest.approx(100 * gone.mean())
    assert day.kpis["wait_s"] == 0
    assert day.kpis["sales_visit"] < run_day(plan, demand, SETTINGS).kpis["sales_visit"]


def test_spending_has_two_parts_for_each_shopper(plan, demand, day):
    planned, unplanned = spending(prepare(plan, SETTINGS).floor, demand, day.walked)
    assert planned.shape == unplanned.shape == (demand.shoppers,)
    assert ((unplanned > 0) <= day.walked.unplanned.any(axis=1)).all()


def test_most_at_once_counts_overlaps():
    assert most_at_once(np.array([0.0, 1.0, 5.0]), np.array([4.0, 3.0, 6.0])) == 2
    assert most_at_once(np.array([0.0, 4.0]), np.array([4.0, 5.0])) == 1
    assert most_at_once(np.array([]), np.array([])) == 0


def test_every_figure_is_in_the_registry_and_prints(plan, day):
    figures = {**day.kpis, **advisory(plan)}
    assert {family_of(name)[0] for name in figures} == {one.name for one in KPIS}
    for label, value, unit in figure_table(figures):
        assert label
        assert value
        assert unit
    assert kpi("path_m").text(float("nan")) == "-"
    for wrong in ("exposure_pct", "path_m.here", "exposure_pct:store front"):
        with pytest.raises(ConfigError, match=f"'{wrong}'"):
            kpi(wrong)


def test_displays_have_different_names(plan):
    floor = prepare(plan, SETTINGS).floor
    names = display_names(floor)
    assert len(set(names)) == len(names) == len(floor.display_kind)
