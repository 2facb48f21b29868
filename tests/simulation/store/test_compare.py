import dataclasses

import numpy as np
import pytest

from retail.errors import ConfigError
from simulation.store.compare import Layout, compare, comparing
from simulation.store.demand_model import DemandModel, complete_journey_demand
from simulation.store.plan import apply_edit, load_plan, mirror
from simulation.store.settings import StoreSettings

SWAP = {"swap": ["dairy", "confectionery"]}


@pytest.fixture(scope="module")
def plan():
    return load_plan("convenience")


@pytest.fixture(scope="module")
def model() -> DemandModel:
    return complete_journey_demand()


@pytest.fixture(scope="module")
def compare_days(model):
    def run(base, other, **others):
        arguments = {"shoppers": 150, "seed": 3, "most": 8, "parameter_draws": 8, "workers": 1} | others
        return compare(base, other, model=model, **arguments)

    return run


@pytest.fixture(scope="module")
def swapped(plan, compare_days):
    return compare_days(plan, apply_edit(plan, SWAP), heat=("visits", "dwell"))


def test_a_null_edit_gives_exactly_nothing_in_every_figure(plan, compare_days):
    same = apply_edit(apply_edit(plan, SWAP), SWAP)
    result = compare_days(plan, same, heat=("visits",))
    for row in result.rows:
        assert row.difference == 0.0, row.name
        assert (row.noise.lo, row.noise.hi, row.combined.lo, row.combined.hi) == (0, 0, 0, 0), row.name
        assert row.verdict == "no clear difference"
    assert not result.heat["visits"].change.marked.any()
    assert (result.heat["visits"].change.values == 0).all()


def test_an_edit_changes_figures_by_what_both_layouts_show(swapped):
    path = swapped.row("path_m")
    assert path.difference == pytest.approx(path.other - path.base)
    assert path.difference != 0
    assert path.noise.lo < path.difference < path.noise.hi
    assert (path.unit, path.days) == ("m", 8)


def test_every_figure_has_a_unit_and_says_where_its_parameters_come_from(swapped):
    for row in swapped.rows:
        assert row.unit
        assert set(row.sources) <= {"data", "literature", "assumption"}
        assert row.provenance
    assert swapped.row("sales_visit").unit == "USD"
    assert "lift_rear_end_cap" in swapped.row("unplanned_picks").sources["data"]
    assert swapped.row("narrow_findings").provenance == "plan"


def test_a_verdict_needs_the_combined_interval_to_exclude_0(swapped):
    for row in swapped.rows:
        clear = row.combined is not None and row.combined.excludes(0.0)
        assert (row.verdict in ("better", "worse", "higher", "lower")) == clear, row.name
        if row.verdict in ("better", "worse"):
            assert (row.verdict == "better") == (row.difference * row.better > 0)


def test_nothing_is_judged_while_parameters_were_not_drawn(plan, compare_days):
    result = compare_days(plan, apply_edit(plan, SWAP), parameter_draws=0)
    assert result.finished
    assert result.varied == ()
    assert {row.verdict for row in result.rows if row.name.startswith("path")} == {"not judged"}


def test_with_few_draws_of_the_parameters_no_verdict_is_given_however_narrow_the_interval(plan, compare_days):
    richer = Layout(plan, change=lambda demand, _: dataclasses.replace(demand, spend=demand.spend * 2))
    sales = compare_days(plan, richer, parameter_draws=2).row("sales_visit")
    assert sales.combined.lo > 0
    assert sales.verdict == "not judged"


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_table(plan, compare_days, swapped, workers):
    again = compare_days(plan, apply_edit(plan, SWAP), heat=("visits", "dwell"), workers=workers)
    assert again.document() == swapped.document()
    assert (again.heat["dwell"].base.values == swapped.heat["dwell"].base.values).all()


def test_tables_come_while_the_comparison_runs_and_the_last_one_is_finished(plan, model):
    steps = list(
        comparing(plan, apply_edit(plan, SWAP), model=model, shoppers=60, seed=1, block=4, most=12, half_width=1e-9,
                  parameter_draws=6, workers=1)
    )  # fmt: skip
    assert [(one.days, one.draws, one.finished) for one in steps] == [
        (4, 0, False),
        (8, 0, False),
        (12, 0, False),
        (12, 4, False),
        (12, 6, True),
    ]
    assert not steps[-1].enough


def test_a_pilot_tells_when_one_block_of_days_is_enough(plan, compare_days):
    wide = compare_days(plan, apply_edit(plan, SWAP), most=64, half_width=0.9, parameter_draws=0)
    assert wide.days == 8
    assert wide.enough
    lead = wide.row("sales_visit")
    assert wide.reached == pytest.approx(lead.noise.half / lead.base)


@pytest.mark.slow
def test_common_shoppers_make_the_difference_far_less_noisy(plan, model, swapped):
    other = apply_edit(plan, SWAP)
    apart = [
        compare(one, one, model=model, shoppers=150, seed=seed, most=8, parameter_draws=0, workers=1).row("path_m").base
        for seed, one in [(seed, one) for seed in range(10, 16) for one in (plan, other)]
    ]
    differences = np.array(apart[1::2]) - np.array(apart[::2])
    assert np.isfinite(differences).all()
    assert swapped.row("path_m").noise.half < 0.05 * swapped.row("path_m").base


def test_a_layout_may_differ_in_its_parameters_and_its_shoppers(plan, compare_days):
    quicker = compare_days(plan, Layout(plan, {"till_item_s": 1.0}))
    assert quicker.row("service_s").verdict == "better"
    assert quicker.row("path_m").difference == 0.0
    assert "till_item_s" in quicker.varied  # in the layout that has no value of its own
    assert quicker.row("service_s").combined.half > 2 * quicker.row("service_s").noise.half
    richer = Layout(plan, change=lambda demand, _: dataclasses.replace(demand, spend=demand.spend * 2))
    sales = compare_days(plan, richer).row("sales_visit")
    assert sales.verdict == "better"
    assert sales.difference > 0.8 * sales.base


def test_a_mirrored_store_walks_the_same_way(plan, compare_days):
    result = compare_days(plan, mirror(plan), parameter_draws=0)
    path = result.row("path_m")
    assert abs(path.difference) < 0.02 * path.base


def test_nobody_comes_and_nothing_breaks(plan, compare_days):
    result = compare_days(plan, apply_edit(plan, SWAP), shoppers=0)
    assert result.row("path_m").base is None
    assert result.row("path_m").noise is None
    assert result.row("sales_m2").difference == 0.0


def test_values_of_ones_own_are_not_drawn(plan, model):
    settings = StoreSettings.default().with_values(till_item_s=1.0)
    result = compare(plan, plan, model=model, shoppers=20, seed=1, settings=settings, parameter_draws=2, workers=1)
    assert "till_item_s" not in result.varied
    assert "till_fixed_s" in result.varied


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"block": 1}, "block = 1"),
        ({"most": 4}, "most = 4"),
        ({"half_width": 0.0}, "half_width = 0.0"),
        ({"parameter_draws": 1}, "parameter_draws = 1"),
        ({"leading": "happiness"}, "'happiness'"),
        ({"workers": 0}, "workers"),
        ({"where": "cloud"}, "cloud"),
        ({"shoppers": 10**7}, "10,000,000"),
    ],
)
def test_arguments_without_sense_are_refused(plan, compare_days, wrong, named):
    with pytest.raises(ConfigError, match=named):
        compare_days(plan, plan, **wrong)
