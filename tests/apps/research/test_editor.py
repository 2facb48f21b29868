"""The editor of scenarios, by itself and as a page."""

import fcntl
import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.login import LOGIN_VARIABLE
from apps.plain_text import plain_with_code
from apps.research import drafts
from apps.research.asked import asked
from apps.research.processes import FOLDER
from experiments.runs import RunStore
from experiments.scenario_file import _MODELS, load_scenario, scenario_text
from retail.errors import ConfigError

MAIN = Path(__file__).parents[3] / "apps" / "main.py"
SAVES = {"save_start", "save_check"}


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def test_a_saved_scenario_reads_back_and_never_replaces_one_with_runs(store):
    table = drafts.table_of(load_scenario("demo")) | {"name": "mine"}
    path = drafts.save(store, drafts.checked(table, source="test"))
    assert load_scenario(path) == drafts.checked(table, source="test")
    assert drafts.free_name(store, "mine") == "mine-2"
    (path.parent / "0123456789abcdef").mkdir()
    with pytest.raises(ConfigError, match="mine has runs in this store already"):
        drafts.save(store, drafts.checked(table, source="test"))
    with pytest.raises(ConfigError, match="the name of a bundled scenario"):
        drafts.save(store, load_scenario("demo"))


def saved(store, name):
    return drafts.save(store, drafts.checked(drafts.table_of(load_scenario("demo")) | {"name": name}, source="test"))


def test_a_scenario_without_runs_can_be_deleted_and_one_with_runs_never(store):
    path = saved(store, "mine")
    (path.parent / ".locks").mkdir()
    assert drafts.may_be_deleted(store, "mine")
    drafts.delete(store, "mine")
    assert store.scenarios() == ()
    assert not (store.root / FOLDER / "mine").exists()
    with pytest.raises(ConfigError, match="no scenario 'mine'"):
        drafts.delete(store, "mine")
    saved(store, "mine")
    (path.parent / "0123456789abcdef").mkdir()
    assert not drafts.may_be_deleted(store, "mine")
    with pytest.raises(ConfigError, match="mine has runs in this store, so it stays"):
        drafts.delete(store, "mine")
    assert path.is_file()


def test_a_scenario_that_runs_now_or_has_other_files_is_not_deleted(store):
    path = saved(store, "mine")
    lock = store.root / FOLDER / "mine" / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="mine runs; wait"):
            drafts.delete(store, "mine")
    (path.parent / "notes.txt").touch()
    with pytest.raises(ConfigError, match=r"also holds notes\.txt"):
        drafts.delete(store, "mine")
    assert path.is_file()


def test_scenarios_without_runs_are_bounded_in_number(store, monkeypatch):
    monkeypatch.setattr(drafts, "DRAFTS", replace(drafts.DRAFTS, most=2))
    for name in ("one", "two", "two"):  # the same one again is no more
        saved(store, name)
    with pytest.raises(ConfigError, match=r"2 scenarios without runs are saved, .* 'one'"):
        saved(store, "three")
    (store.root / "one" / "0123456789abcdef").mkdir()  # what has runs does not count
    saved(store, "three")
    assert set(store.scenarios()) == {"one", "two", "three"}


def test_where_people_log_in_a_ledger_lies_in_the_users_own_store(store, tmp_path, monkeypatch):
    table = drafts.table_of(load_scenario("demo")) | {"name": "mine"}
    table["privacy"] = table["privacy"] | {"ledger": str(tmp_path / "another" / "ledger.sqlite")}
    monkeypatch.setenv(LOGIN_VARIABLE, "login.toml")
    with pytest.raises(ConfigError, match="outside your run store"):
        drafts.save(store, drafts.checked(table, source="test"))
    assert not store.root.exists()
    table["privacy"]["ledger"] = str(store.root / "ledger.sqlite")
    assert drafts.save(store, drafts.checked(table, source="test")).is_file()


def test_changes_are_listed_by_key_and_by_the_names_of_arms():
    before = drafts.table_of(load_scenario("demo"))
    after = json.loads(json.dumps(before))
    after["federation"]["rounds"] = 7
    after["arms"] = [arm for arm in after["arms"] if arm["name"] != "untrained"]
    next(arm for arm in after["arms"] if arm["name"] == "federated")["epsilon"] = 2.0
    found = drafts.differences(before, after)
    assert ("federation.rounds", str(before["federation"]["rounds"]), "7") in found
    assert ("arms.federated.epsilon", "left out", "2.0") in found
    assert {key.rpartition(".")[0] for key, _, now in found if now == "left out"} <= {"arms.untrained"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        (b"name = ", "is not valid TOML"),
        (b'name = "x"\nroundz = 3\n[[arms]]\nname = "a"\nmethod = "popularity"', "unknown key roundz"),
        (b'name = "x"\ntask = "os:system"\n[[arms]]\nname = "a"\nmethod = "federated"', "does not run"),
        (b"#" * 1_000_001, "at most 1,000,000"),
    ],
)
def test_what_somebody_sends_is_refused_in_one_line(content, message):
    with pytest.raises(ConfigError, match=message) as refused:
        drafts.uploaded(content, "sent.toml")
    assert "\n" not in str(refused.value)


def test_every_value_of_every_kind_of_scenario_has_a_place_in_the_form():
    for model in _MODELS.values():
        keys = [one.key.partition(".")[0] for one in asked(model)]
        assert set(keys) == set(model.model_fields)


@pytest.fixture
def page(store, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(store.root))
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.switch_page("app_pages/scenarios.py")
    return app


def shown(app, kind):
    return "\n".join(one.value for one in getattr(app, kind))


def test_a_form_shows_what_it_changes_and_counts_the_runs(page):
    page.query_params["bundled"] = "store-layout"
    page.run()
    assert "Nothing is changed but the name." in shown(page, "caption")
    page.number_input(key="form-0-shoppers").set_value(1500).run()
    changes = next(one.value for one in page.dataframe if "Key" in one.value)
    assert changes.iloc[0].to_list() == ["shoppers", str(load_scenario("store-layout").shoppers), "1500"]
    assert "store-layout-2: 2 runs" in shown(page, "subheader")
    page.number_input(key="form-0-shoppers").set_value(0).run()
    assert "shoppers = 0 must be greater than or equal to 1" in shown(page, "error")
    assert not SAVES & {button.key for button in page.button}

    page.number_input(key="form-0-shoppers").set_value(1500).run()
    page.switch_page("app_pages/overview.py").run()
    page.switch_page("app_pages/scenarios.py").run()
    assert page.number_input(key="form-1-shoppers").value == 1500
    page.segmented_control(key="edit_as").set_value("TOML").run()
    assert "shoppers = 1500" in page.text_area[0].value
    page.text_area[0].set_value("name = ").run()
    assert "is not valid TOML" in shown(page, "error")
    assert not page.exception


def test_a_file_that_is_sent_is_opened_or_refused(page):
    page.query_params["begin_with"] = "Upload"
    page.run()
    assert "Choose a file" in page.info[0].value
    text = scenario_text(load_scenario("store-layout")).replace('name = "store-layout"', 'name = "mine"')
    page.file_uploader[0].set_value(("mine.toml", text.encode(), "application/toml")).run()
    assert "mine: 2 runs" in shown(page, "subheader")
    page.file_uploader[0].set_value(("mine.toml", b"name = ", "application/toml")).run()
    assert "mine.toml: is not valid TOML" in shown(page, "error")
    assert [button.label for button in page.button] == []


def test_a_scenario_of_the_store_is_deleted_after_one_question(page, store):
    saved(store, "mine")
    page.query_params["begin_with"] = "In this store"
    page.run()
    next(one for one in page.button if one.label == "Delete").click().run()
    assert "Delete the scenario mine" in shown(page, "markdown")
    page.button(key="draft_delete mine").click().run()
    assert store.scenarios() == ()
    assert "demo-2" in shown(page, "subheader")  # nothing of one's own is left: it begins with a bundled one again
    assert not page.exception


def test_a_scenario_that_was_stopped_keeps_its_name_until_something_is_changed(page, store):
    (saved(store, "mine").parent / "0123456789abcdef").mkdir()
    page.query_params["begin_with"] = "In this store"
    page.run()
    assert page.text_input(key="form-0-name").value == "mine"
    assert "A change makes it mine-2" in shown(page, "caption")
    assert {"Start", "Resume"} & {button.label for button in page.button}
    page.text_input(key="form-0-title").set_value("Another").run()
    assert page.text_input(key="form-1-name").value == "mine-2"
    assert page.text_input(key="form-1-title").value == "Another"
    assert "mine has runs already, so what was changed is called mine-2" in shown(page, "caption")
    assert {button.key for button in page.button} >= SAVES
    page.text_input(key="form-1-name").set_value("mine").run()
    assert "Another scenario called mine exists, with 0 finished runs" in shown(page, "warning")
    assert not {"Start", "Resume", "Run again", "Save and start"} & {button.label for button in page.button}
    page.text_input(key="form-1-name").set_value("").run()
    assert shown(page, "error").startswith(r"Name\: give it one")
    assert not page.exception


def test_code_in_a_description_stays_code():
    assert plain_with_code("see `a_b` and *c*") == r"see `a_b` and \*c\*"
    assert plain_with_code("one ` alone") == r"one \` alone"
