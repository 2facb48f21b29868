"""A plan of the user's own is found from the scenario's folder, and goes with it into a parcel."""

import pytest

from experiments.execute import expand_scenario, run_scenario
from experiments.export import export_runs
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario
from retail.errors import ConfigError
from simulation.store.plan import load_plan, plan_text

TEXT = """
kind = "store"
name = "mine"
plan = "{plan}"
shoppers = 30
parameter_draws = 0
[days]
block = 2
most = 2
[[arms]]
name = "moved"
edits = [{{ swap = ["dairy", "bakery"] }}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "work" / "plans").mkdir(parents=True)
    (tmp_path / "work" / "plans" / "mine.toml").write_text(plan_text(load_plan("corner-shop")))
    (tmp_path / "work" / "mine.toml").write_text(TEXT.format(plan="plans/mine.toml"))
    return tmp_path / "work"


def test_a_plan_is_found_from_any_folder_of_the_shell(folder, tmp_path, monkeypatch):
    here = load_scenario(folder / "mine.toml")
    monkeypatch.chdir(tmp_path)
    there = load_scenario("work/mine.toml")
    assert here == there
    assert load_plan(here.plan) == load_plan("corner-shop")


def test_bundled_names_stay_and_what_the_command_line_names_is_found_from_the_shell(folder, monkeypatch):
    (folder / "bundled.toml").write_text(TEXT.format(plan="corner-shop"))
    assert load_scenario(folder / "bundled.toml").plan == "corner-shop"
    assert load_scenario(folder / "mine.toml", ["plan=plans/other.toml"]).plan == "plans/other.toml"
    assert load_scenario("store-layout").plan == "supermarket"


def test_plans_of_a_sweep_are_found_too(folder):
    text = TEXT.format(plan="corner-shop") + '[sweep]\nplan = ["corner-shop", "plans/mine.toml"]\n'
    (folder / "sweep.toml").write_text(text)
    assert load_scenario(folder / "sweep.toml").sweep["plan"] == ["corner-shop", str(folder / "plans" / "mine.toml")]


def test_a_plan_that_is_not_there_is_refused_with_the_place_that_was_looked_at(folder):
    (folder / "lost.toml").write_text(TEXT.format(plan="lost/plan.toml"))
    with pytest.raises(ConfigError, match=r"work/lost/plan\.toml: is no file and no bundled plan"):
        expand_scenario(load_scenario(folder / "lost.toml"))


def test_a_parcel_holds_the_plan_and_gives_the_same_run_and_no_path_of_the_house(folder, tmp_path):
    summary = run_scenario(load_scenario(folder / "mine.toml"), store=tmp_path / "runs", jobs=1)
    parcel = export_runs(RunStore(tmp_path / "runs"), summary.runs[0], tmp_path / "parcel")
    again = load_scenario(parcel / "scenario.toml")
    assert [spec.run_id for spec in expand_scenario(again)] == list(summary.runs)
    for file in parcel.rglob("*.toml"):
        assert str(tmp_path) not in file.read_text()
