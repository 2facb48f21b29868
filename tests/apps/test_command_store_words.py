"""How the commands about stores and runs say things: answers first, names that fit, each thing once."""

import json

import pytest

from apps.command import tables
from apps.command.main import main
from experiments.execute import expand_scenario
from experiments.scenario_file import validate
from experiments.spec import title

SEARCH = (
    "store", "search", "convenience", "--shoppers", "80", "--steps", "6", "--training-days", "1", "--days", "3",
    "--parameter-draws", "2", "--objective", "unplanned_picks",
)  # fmt: skip


def out(capsys, *arguments, code=0):
    assert main(list(arguments)) == code
    return capsys.readouterr()


def comparison(arm):
    about = {"arm": arm, "reference": "as-is", "figure": "path_m", "statistic": "difference", "label": "path",
             "verdict": "no clear difference", "source": "literature", "base": 10.0, "other": 12.0}  # fmt: skip
    record = {"name": f"difference(path_m, {arm}, as-is)", "value": 2.0, "lo": -1.0, "hi": 3.0, "unit": "m", "n": 8,
              "target": None, "met": None, "provenance": about}  # fmt: skip
    return {"kind": "store", "title": "Two", "scenario": "two", "rows": [{"arm": arm, "label": "The long one"}],
            "results": [], "differences": [record], "targets": []}  # fmt: skip


def test_a_search_says_first_what_its_layout_brings_and_changes(capsys):
    said = out(capsys, *SEARCH, "--strategy", "rule_of_thumb", "--fix", "dairy").out
    first, promised, second, third, *changes = said.split("\n\n")[0].splitlines()
    assert first.startswith("Convenience store: unplanned picks ")
    for word in (" per visit (of ", " with parameters: ", "on 3 days that the search never saw"):
        assert word in first
    assert promised.startswith("Promised on its training days: ")
    assert second == "What the layout changes:"
    assert third.startswith("  swap ")
    assert all(line.startswith("  swap ") for line in changes)
    assert said.index("promised on the training days") < said.index("compared with as-is")


def test_a_long_name_of_an_arm_leaves_the_heading_in_one_line(capsys):
    name = "an-arm-with-a-name-of-as-many-letters-as-a-name-may-have-or-so"
    tables.print_summary(comparison(name))
    shown = capsys.readouterr().out
    (heading,) = [line for line in shown.splitlines() if "figure" in line and "unit" in line]
    assert heading.split()[:4] == ["figure", "unit", "reference", "arm"]
    assert "The long one, compared with as-is" in shown
    tables.print_summary(comparison("short"))
    assert "as-is" in next(line for line in capsys.readouterr().out.splitlines() if "unit" in line)


def test_a_run_is_named_with_its_seed_once():
    raw = {"kind": "store", "name": "two", "plan": "corner-shop", "arms": [{"name": "a"}],
           "sweep": {"seed": [3], "shoppers": [50]}}  # fmt: skip
    (spec,) = expand_scenario(validate(raw, source="two"))
    assert title(spec) == "a seed 3 shoppers=50"


@pytest.fixture
def listed(tmp_path):
    for number in (1, 2):
        folder = tmp_path / "runs" / "two" / f"{number:016d}"
        folder.mkdir(parents=True)
        record = {"status": "finished", "run_id": folder.name, "arm": "a", "seed": 1, "seconds": 2.0,
                  "sweep": {"seed": 1, "shoppers": 50 * number}}  # fmt: skip
        (folder / "run.json").write_text(json.dumps(record))
    return tmp_path / "runs"


def test_runs_in_a_list_can_be_told_apart(listed, capsys):
    shown = out(capsys, "runs", "list", "--store", str(listed)).out
    assert "shoppers = 50 " in shown
    assert "shoppers = 100" in shown
    assert "seed = 1" not in shown  # it has a column
    assert "ended" in shown
    assert "epsilon" not in shown  # no run has one


def test_the_schema_of_plans_needs_no_plan_and_anything_else_does(capsys):
    assert "properties" in json.loads(out(capsys, "store", "show", "--format", "schema").out)
    said = out(capsys, "store", "show", code=2).err
    assert said.startswith("error: name a plan: a TOML file or one of ")


def test_one_note_is_one_note(capsys):
    said = out(capsys, "store", "check", "supermarket").out
    assert " 1 notes" not in said
    assert " 1 warnings" not in said
