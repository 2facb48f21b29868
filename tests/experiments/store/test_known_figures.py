"""Targets about figures that a scenario does not have are refused before it runs."""

import pytest

from experiments.execute import expand_scenario
from experiments.scenario_file import bundled_scenarios, load_scenario, validate
from experiments.store.known_figures import known_figures, require_known_figures
from experiments.store.run import run_store
from retail.errors import ConfigError
from simulation.store.plan import load_plan

TINY = {"kind": "store", "name": "tiny", "plan": "corner-shop", "shoppers": 40, "parameter_draws": 2}
MOVED = {
    **TINY, "days": {"block": 2, "most": 2},
    "arms": [{"name": "moved", "edits": [{"swap": ["dairy", "bakery"]}]}, {"name": "same"}],
}  # fmt: skip
SEARCH = {
    **TINY, "method": "search", "search": {"steps": 1, "training_days": 1, "held_out_days": 2},
    "arms": [{"name": "a", "search": "random"}, {"name": "b", "search": "greedy"}],
}  # fmt: skip
CHECKOUT = {
    **TINY, "method": "checkout", "shoppers": 300, "days": {"block": 2, "most": 2}, "checkout": {"tills": 2},
    "arms": [{"name": "tray", "till_mix": {"tray": 2}}],
}  # fmt: skip
MAPS = {
    **TINY, "method": "heat_map", "heat_map": {"displays": 1, "repetitions": 2, "held_out_days": 1},
    "reference": {"name": "exact", "map": "exact"},
    "arms": [{"name": "dp", "map": "dp", "epsilon": 50.0}, {"name": "no-map", "map": "none"}],
}  # fmt: skip
CHECKS = {
    **TINY, "method": "validation", "days": {"block": 2, "most": 2},
    "arms": [{"name": one, "check": one} for one in ("erlang-c", "lee-longton", "little", "shoppers")],
}  # fmt: skip


@pytest.mark.parametrize("raw", [MOVED, SEARCH, CHECKOUT, MAPS, CHECKS], ids=lambda raw: raw.get("method", "compare"))
def test_the_figures_that_are_known_before_are_those_that_a_run_has(raw, tmp_path):
    scenario = validate(raw, source="tiny")
    known = set(known_figures(scenario, load_plan(scenario.plan)))
    found = set()
    for spec in expand_scenario(scenario):
        folder = tmp_path / "tiny" / spec.run_id
        (folder / "artifacts").mkdir(parents=True)
        rows = run_store(spec, folder, lambda _: None).metrics
        found |= set(rows.loc[rows["statistic"] != "simulation_difference", "name"])
    assert found <= known
    between = {name for name in known if name.endswith((", a, b)", ", b, a)"))}  # made of the runs of two arms
    assert known - found == between


@pytest.mark.parametrize("name", [one for one in bundled_scenarios() if load_scenario(one).kind == "store"])
def test_bundled_scenarios_ask_for_what_they_measure(name):
    scenario = load_scenario(name)
    require_known_figures(scenario, load_plan(scenario.plan))


@pytest.mark.parametrize(
    ("raw", "target", "message"),
    [
        (MOVED, "paht_m(moved)", 'is not among the figures of method = "compare"; did you mean path_m?'),
        (MOVED, "difference(joy, moved, as-is)", "choose one of abandonment_pct, "),
        (MOVED, "ratio(path_m, moved, as-is)", 'did you mean "difference(path_m, moved, as-is)"?'),
        (MOVED, "difference(path_m, moved, same)", '"difference(path_m, moved, same)" is not among the figures'),
        (MOVED, "dwell_s.elsewere(moved)", "did you mean dwell_s.elsewhere?"),
        (SEARCH, "optimism(as-is)", 'did you mean "optimism('),
        (CHECKOUT, "path_m(tray)", 'figures of method = "checkout"'),
        (MAPS, "gain_kept(no-map)", "did you mean"),
        (CHECKS, "wait_s_eror(erlang-c)", "did you mean wait_s_error?"),
    ],
)  # fmt: skip
def test_a_misspelt_figure_is_refused_with_what_it_may_have_meant(raw, target, message):
    scenario = validate({**raw, "targets": {target: "> 0"}}, source="tiny")
    with pytest.raises(ConfigError) as caught:
        expand_scenario(scenario)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_display_and_a_zone_may_be_asked_for_by_their_names():
    scenario = validate({**MOVED, "targets": {"dwell_s.elsewhere(moved)": "> 0"}}, source="tiny")
    assert len(expand_scenario(scenario)) == 2
