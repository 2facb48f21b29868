"""Each method of a store scenario, on small stores and few days, through the runner that workers use."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from experiments.execute import expand_scenario, run_scenario
from experiments.scenario_file import load_scenario, validate
from experiments.store.bank import bank
from experiments.store.checkout import run_checkout
from experiments.store.comparing import HEAT, so_far
from experiments.store.corridor import corridor_speed
from experiments.store.run import run_store
from experiments.store.scenario import StoreArm
from experiments.store.validation import erlang, lee_longton, little
from retail.errors import ConfigError
from simulation.store.plan import load_plan
from simulation.store.speed import weidmann

SMALL = {
    "kind": "store",
    "name": "small",
    "plan": "corner-shop",
    "shoppers": 200,
    "parameter_draws": 2,
    "days": {"block": 4, "most": 4},
    "arms": [{"name": "same"}, {"name": "moved", "edits": [{"swap": ["dairy", "bakery"]}]}],
}


def spec_of(raw, arm=None):
    specs = expand_scenario(validate(raw, source="small"))
    return specs[0] if arm is None else next(spec for spec in specs if spec.arm.name == arm)


def figures(result):
    return result.metrics.set_index("name")


def test_an_arm_that_changes_nothing_has_differences_of_exactly_zero(tmp_path):
    (tmp_path / "artifacts").mkdir()
    lines = []
    result = run_store(spec_of(SMALL, "same"), tmp_path, lines.append)
    rows = result.metrics
    changed = rows[rows["statistic"].isin(["difference", "simulation_difference"])]
    assert len(changed) > 20
    assert (changed["value"].dropna() == 0).all()
    assert set(changed["verdict"]) <= {"no clear difference", "not judged", ""}
    assert not np.load(tmp_path / "artifacts" / HEAT)["marked"].any()
    assert load_plan(tmp_path / "artifacts" / "other.toml") == load_plan("corner-shop")
    assert lines[0].startswith("4 days: sales per visit")
    assert (result.info["days"], result.info["draws"]) == (4, 2)


def test_every_figure_of_a_change_has_unit_both_intervals_and_sources(tmp_path):
    (tmp_path / "artifacts").mkdir()
    rows = run_store(spec_of(SMALL, "moved"), tmp_path, print).metrics
    wanted = rows[rows["statistic"] == "difference"].set_index("figure")
    alone = rows[rows["statistic"] == "simulation_difference"].set_index("figure")
    assert {"sales_visit", "path_m", "wait_s", "checkout_s"} <= set(wanted.index)
    for name, line in wanted.iterrows():
        assert line["unit"]
        assert line["source"]
        if not math.isnan(line["lo"]):
            width = alone.loc[name, "hi"] - alone.loc[name, "lo"]
            assert line["lo"] <= line["value"] + 1e-9
            assert line["hi"] - line["lo"] >= width - 1e-9
    assert wanted.loc["path_m", "value"] != 0


def test_a_scenario_runs_through_the_spine_to_its_table(tmp_path):
    summary = run_scenario(validate({**SMALL, "arms": SMALL["arms"][1:]}, source="small"), store=tmp_path, jobs=1)
    assert not summary.failures
    document = json.loads((tmp_path / "small" / "summary.json").read_text())
    names = {record["name"] for record in document["differences"]}
    assert "difference(sales_visit, moved, as-is)" in names
    story = json.loads(next((tmp_path / "small").glob("*/provenance.json")).read_text())
    assert {"numba", "mesa", "simpy"} <= set(story["packages"])


CHECKOUT = {
    "kind": "store", "name": "tills", "method": "checkout", "shoppers": 2000, "parameter_draws": 2,
    "days": {"block": 2, "most": 3}, "checkout": {"tills": 4, "utilisation": 0.8},
    "reference": {"name": "lanes"}, "arms": [{"name": "tray", "till_mix": {"tray": 4}}],
}  # fmt: skip


def test_the_reference_is_as_busy_as_was_asked_for(tmp_path):
    found = figures(run_checkout(spec_of(CHECKOUT), tmp_path, print))
    assert found.loc["utilisation(lanes)", "value"] == pytest.approx(0.8, abs=0.02)


def test_a_flat_service_is_its_parameter_and_the_ratio_is_that_of_the_means(tmp_path):
    found = figures(run_checkout(spec_of(CHECKOUT), tmp_path, print))
    assert found.loc["service_s(tray)", "value"] == pytest.approx(40, rel=0.03)
    ratio = found.loc["service_s(tray)", "value"] / found.loc["service_s(lanes)", "value"]
    assert found.loc["ratio(service_s, tray, lanes)", "value"] == pytest.approx(ratio, rel=0.01)
    whole = found.loc["wait_s(lanes)", "value"] + found.loc["service_s(lanes)", "value"]
    assert found.loc["checkout_s(lanes)", "value"] == pytest.approx(whole)


def test_waiting_needs_less_of_a_cut_in_service_the_busier_tills_are(tmp_path):
    calm, busy = (
        figures(run_checkout(spec_of({**CHECKOUT, "checkout": {"tills": 4, "utilisation": share}}), tmp_path, print))
        for share in (0.6, 0.9)
    )
    name = "needed_service(lanes)"
    assert 0.7 < calm.loc[name, "value"] < busy.loc[name, "value"] < 1


def test_a_tray_that_charges_an_account_is_drawn_as_freely_as_its_parts(tmp_path):
    arms = [{"name": "account", "till_mix": {"tray_account": 4}},
            {"name": "fixed", "till_mix": {"tray": 4}, "parameters": {"tray_s": 28.0}}]  # fmt: skip
    raw = {**CHECKOUT, "arms": arms, "parameter_draws": 16}
    found = {
        name: run_checkout(spec_of(raw, name), tmp_path, print).metrics.set_index(["figure", "statistic"])
        for name in ("account", "fixed")
    }
    widths = {}
    for name, rows in found.items():
        mine = rows[rows["arm"] == name].loc["service_s"]
        assert mine.loc["value", "value"] == pytest.approx(40 - 12, rel=0.03)
        widths[name] = mine.loc["ratio", "hi"] - mine.loc["ratio", "lo"]
    assert widths["account"] > 1.2 * widths["fixed"] > 0


def test_what_an_arm_sets_stays_open_in_the_reference(tmp_path):
    raw = {**CHECKOUT, "parameter_draws": 8, "arms": [{"name": "known", "parameters": {"till_fixed_s": 35.0}}]}
    rows = run_checkout(spec_of(raw), tmp_path, print).metrics.set_index(["figure", "statistic"])
    change = rows.loc[("service_s", "difference")]
    assert change["value"] == 0
    assert change["lo"] < -2 < 2 < change["hi"]  # the reference's may be 25 to 50 s


@pytest.mark.parametrize(
    ("mix", "said"),
    [({"lane": 3, "self_checkout": 1}, "lane and self_checkout"), ({"tray": 2, "face": 2}, "tray and face")],
)
def test_a_reference_of_several_speeds_has_no_utilisation_and_is_refused_before_anything_runs(mix, said):
    scenario = validate({**CHECKOUT, "reference": {"name": "lanes", "till_mix": mix}}, source="small")
    with pytest.raises(ConfigError, match=f"arm lanes: the reference has {said} tills") as caught:
        expand_scenario(scenario)
    assert "\n" not in str(caught.value)


def test_express_lanes_among_lanes_are_as_busy_as_was_asked_for(tmp_path):
    raw = {**CHECKOUT, "reference": {"name": "lanes", "till_mix": {"lane": 3, "express": 1}}}
    found = figures(run_checkout(spec_of(raw), tmp_path, print))
    assert found.loc["utilisation(lanes)", "value"] == pytest.approx(0.8, abs=0.03)


def test_a_bank_of_the_wrong_size_is_refused():
    with pytest.raises(ConfigError, match=r"till_mix has 3 tills and checkout\.tills = 4"):
        bank(StoreArm(name="a", till_mix={"lane": 3}), 4)
    assert len(bank(StoreArm(name="a"), 4)) == 4


def theory(check, **changes):
    raw = {
        "kind": "store", "name": "theory", "method": "validation", "plan": "corner-shop", "shoppers": 300,
        "days": {"block": 3, "most": 6}, "arms": [{"name": "a", "check": check}], **changes,
    }  # fmt: skip
    return spec_of(raw)


def test_the_tills_agree_with_erlang_and_with_lee_and_longton():
    rows = {one["name"]: one["value"] for one in erlang(theory("erlang-c"), print)}
    assert rows["waiting_share_error(a)"] < 0.03
    assert rows["wait_s_error(a)"] < 0.08
    rows = {one["name"]: one["value"] for one in lee_longton(theory("lee-longton"), print)}
    assert rows["wait_s_error(a)"] < 0.08


def test_people_inside_agree_with_little_and_all_who_came_in_left():
    rows = {one["figure"]: one["value"] for one in little(theory("little"), print)}
    assert rows["relative_error"] < 0.01
    assert rows["left_over_entered"] == 1


@pytest.mark.parametrize(("density", "within"), [(0.5, 0.15), (1.0, 0.15), (2.0, 0.35)])
def test_a_corridor_flows_as_weidmann_measured(density, within):
    assert corridor_speed(density, 1.34, seed=1) == pytest.approx(1.34 * float(weidmann(density)), rel=within)


@pytest.mark.slow
def test_the_validation_meets_its_targets(tmp_path):
    summary = run_scenario(load_scenario("store_validation"), store=tmp_path)
    assert not summary.failures
    assert [target.name for target in summary.targets if not target.met] == []


def test_progress_names_the_leading_figure(tmp_path):
    from simulation.store.compare import compare
    from simulation.store.demand_model import complete_journey_demand

    plan = load_plan("corner-shop")
    found = compare(
        plan, plan, model=complete_journey_demand(), shoppers=50, seed=0, block=2, most=2, parameter_draws=0
    )
    assert so_far(found) == "2 days: sales per visit +0.000 USD [+0.000, +0.000]"


@pytest.mark.slow
def test_ray_and_any_number_of_threads_give_the_same_figures(tmp_path):
    pytest.importorskip("ray", reason="no Ray: run `make ray`")
    tables = []
    for on, workers in (("threads", 1), ("threads", 3), ("ray", 2)):
        folder = tmp_path / f"{on}{workers}"
        (folder / "artifacts").mkdir(parents=True)
        days = {**SMALL["days"], "on": on, "workers": workers}
        tables.append(run_store(spec_of({**SMALL, "days": days}, "moved"), folder, print).metrics)
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other)
