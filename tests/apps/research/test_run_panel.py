"""How pages show the process of a scenario: running, refused, dead, cancelled."""

import fcntl
import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.login import LOGIN_VARIABLE
from apps.research.processes import FOLDER
from apps.research.run_panel import start_again
from experiments.runs import RunStore
from experiments.scenario_file import scenario_text, validate
from retail.errors import ConfigError

MAIN = Path(__file__).parents[3] / "apps" / "main.py"
DRAFT = {"kind": "market", "name": "draft", "arms": [{"name": "pure", "regime": "pure"}]}


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with a scenario without runs, and what a process of it has left so far."""
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "scenario.toml").write_text(scenario_text(validate(DRAFT, source="draft")))
    folder = tmp_path / FOLDER / "draft"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    record = {"pid": 2**22 + 1, "words": ["run", "draft"], "begun": "2026-01-01T00:00:00+00:00"}
    (folder / "process.json").write_text(json.dumps(record))
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    return folder


def visit(page):
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.switch_page(f"app_pages/{page}.py").run()
    assert not app.exception
    return app


def test_where_people_log_in_nobody_starts_a_scenario_without_the_role(store, tmp_path, monkeypatch):
    monkeypatch.setenv(LOGIN_VARIABLE, "login.toml")
    with pytest.raises(ConfigError, match="does not cover this"):
        start_again(RunStore(tmp_path), "draft", tmp_path / "draft" / "scenario.toml")
    assert not (store / "log.txt").exists()


def labels(app):
    return [button.label for button in app.button]


def test_a_running_scenario_shows_its_runs_and_can_be_cancelled(store):
    (store / "log.txt").write_text("[0/3] pure seed 0: starts\n[1/3] isolated seed 0: the ledger is spent\n")
    with (store / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for page in ("overview", "scenarios", "runs", "results"):
            app = visit(page)
            assert "draft is running" in "".join(one.value for one in app.markdown)
            assert app.get("progress")[0].proto.text == "1 of 3 runs have ended, 1 of these gave nothing"
            assert "Cancel" in labels(app)
            assert "Start" not in labels(app)
            table = next(frame.value for frame in app.dataframe if "Reason" in frame.value)
            assert list(table["State"]) == ["running", "gave nothing"]


@pytest.mark.parametrize(
    ("left", "log", "said"),
    [
        ({}, "Killed\n", "died without a word. It last said: Killed"),
        ({"end.json": {"code": 2}}, "error: arm pure: regime is unknown\n", "was refused: arm pure: regime"),
        ({"end.json": {"code": 1}}, "[1/1] pure seed 0: out of memory\n", "some runs gave nothing: out of memory"),
        ({"end.json": {"code": 130}, "cancel.json": {}}, "interrupted\n", "was cancelled"),
    ],
)
def test_how_a_process_ended_is_said_with_what_to_do(store, left, log, said):
    (store / "log.txt").write_text(log)
    for name, document in left.items():
        (store / name).write_text(json.dumps(document))
    app = visit("runs")
    shown = [one.value for kind in (app.error, app.warning, app.info) for one in kind]
    assert said in "".join(shown).replace("\\", "")
    assert {"Start", "Resume"} & {*labels(app)}


def test_overview_keeps_a_card_for_what_was_cancelled_until_it_is_resumed(store):
    (store / "end.json").write_text(json.dumps({"code": 130}))
    (store / "cancel.json").write_text("{}")
    app = visit("overview")
    assert "draft was cancelled: 0 of 1 runs are done" in "".join(one.value for one in app.info)
    assert "Resume" in labels(app)
    (store / "cancel.json").unlink()  # as a start does
    assert "Resume" not in labels(visit("overview"))
