"""What searches promised and what was kept, as the command prints it and the page Results shows it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command import tables
from apps.command.web import STORE_VARIABLE
from apps.store import search_table
from apps.store import table as store_table
from experiments.documents import read_json
from experiments.execute import run_scenario
from experiments.scenario_file import validate
from simulation.store.plan import load_plan

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
SEARCHED = {
    "kind": "store",
    "name": "looked",
    "title": "Two ways to look for a layout",
    "method": "search",
    "plan": "convenience",
    "shoppers": 80,
    "parameter_draws": 2,
    "search": {"objective": "trip_min", "steps": 4, "training_days": 1, "held_out_days": 3},
    "sweep": {"seed": [3, 4]},
    "arms": [
        {"name": "annealed", "label": "Annealing", "search": "annealed"},
        {"name": "rule", "label": "A rule", "search": "rule_of_thumb"},
    ],
    "targets": {"difference(trip_min, annealed, rule)": "< 0"},
}


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """A store with one scenario that searched, and its summary."""
    folder = tmp_path_factory.mktemp("looked") / "runs"
    assert not run_scenario(validate(SEARCHED, source="looked"), store=folder, jobs=1).failures
    return folder, read_json(folder / "looked" / "summary.json")


def test_each_search_has_its_line_with_promise_verdict_and_budget(looked):
    found = search_table.searched(looked[1])
    assert [(one.arm, dict(one.sweep)) for one in found] == [
        (arm, {"seed": seed}) for seed in (3, 4) for arm in ("annealed", "rule")
    ]
    for one in found:
        assert one.kept.figure == "trip_min"
        assert one.kept.reference == "as-is"
        # A trip is better when it is shorter, so what was promised beyond what was kept is below 0.
        assert one.optimism == pytest.approx(one.kept.difference - one.promised)
        assert one.steps == len(one.edits)
        assert one.optimism_ends[0] <= one.optimism <= one.optimism_ends[1]
    assert {one.layouts for one in found if one.arm == "rule"} == {1}


def test_figures_of_the_table_are_not_listed_once_more(looked):
    singles = store_table.singles(looked[1])
    assert singles
    assert search_table.others(singles) == []


def test_the_command_prints_searches_and_pairs_in_a_table_each(looked, capsys):
    tables.print_summary(looked[1])
    shown = capsys.readouterr().out
    assert shown.count("compared with as-is") == 4
    assert "trip: promised on the training days, kept on days that no search saw" in shown
    assert shown.count("annealed less rule, seed = ") == 2
    assert "compared with rule" not in shown
    assert "artifacts/other.toml" in shown
    answer = shown[: shown.index("compared with as-is")]  # comes before the many figures
    for word in (
        "promised on",
        "annealed less rule",
        "What the layouts change:\n  annealed, seed = 3: ",
        "difference(trip",
    ):
        assert word in answer


def test_other_scenarios_have_no_such_table(looked):
    plain = {**looked[1], "results": [one for one in looked[1]["results"] if "training_gain" not in one["name"]]}
    assert search_table.searched(plain) == []


def test_results_show_promise_verdict_pair_and_the_layout_of_the_chosen_search(looked, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(looked[0]))
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.query_params["scenario"] = "looked"
    app.run()
    assert not app.exception
    headers = [one.value for one in app.header]
    assert {"Promised and kept: trip", "One against the other", "The layout that was found"} <= set(headers)
    assert app.title[0].value.startswith("Annealing")
    assert "trip" in app.title[0].value
    by_first = {frame.value.columns[0]: frame.value for frame in app.table}
    assert list(by_first["Search"]["Search"]) == ["Annealing", "A rule"]
    assert list(by_first["Arms"]["Arms"]) == ["Annealing less A rule"]
    app.get_by_key("store_arm").set_value("A rule").run()
    assert not app.exception
    run = next(one for one in search_table.searched(looked[1]) if one.arm == "rule").run
    winner = load_plan(looked[0] / "looked" / run / "artifacts" / "other.toml")
    changed = next(frame.value for frame in app.table if "Before" in frame.value)
    base = load_plan("convenience")
    assert len(changed) == sum(one != other for one, other in zip(base.fixtures, winner.fixtures, strict=True))
    assert app.code[0].value.startswith("tradefair store compare convenience")
