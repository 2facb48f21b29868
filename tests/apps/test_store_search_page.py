"""The search of the page Store, rerun as Streamlit reruns it; nothing is stored, so no run store is needed."""

import dataclasses
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.store.edit_words import read_words
from apps.store.plan_changes import change_table, changed, outlines
from apps.store.search import CHANGE, FOUND, KEPT, OBJECTIVES, SEARCH
from experiments.store.scenario import Objective
from simulation.store.plan import apply_edits, load_plan, read_plan

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"


@pytest.fixture
def open_page(monkeypatch, tmp_path):
    def go(**query):
        monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "nothing"))
        app = AppTest.from_file(MAIN, default_timeout=120)
        chosen = {"plan": "convenience", "shoppers": "60", "days": "8", "part": SEARCH, "search_steps": "20",
                  "search_objective": "unplanned picks (more)"}  # fmt: skip
        for key, value in {**chosen, **query}.items():
            app.query_params[key] = value
        app.switch_page("app_pages/store.py")
        app.run()
        assert not app.exception
        return app

    return go


def texts(app):
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_a_search_ends_with_its_verdict_and_can_be_loaded_into_the_editor(open_page):
    app = open_page()
    app.get_by_key("search_fixed").set_value(["dairy"]).run()
    app.get_by_key("search_start").click().run()
    assert not app.exception
    assert not app.error
    kept = app.session_state[KEPT]
    assert (kept.found.finished, kept.found.objective) == (True, "unplanned_picks")
    assert kept.found.held_out.finished
    assert "on days that the search never saw" in app.subheader[0].value
    labels = [one.label for one in app.metric]
    assert labels == ["Promised on the training days", "Kept on other days", "Not kept"]
    assert any("With parameters" in frame.value for frame in app.dataframe)
    plan = load_plan("convenience")
    edits = [read_words(line.strip().removeprefix("--edit ").removesuffix(" \\").strip("'"))
             for line in app.code[-1].value.splitlines()[1:]]  # fmt: skip
    assert apply_edits(plan, edits) == kept.found.plan

    app.get_by_key("search_load").click().run()
    assert not app.exception
    assert app.get_by_key("plan").value == FOUND
    assert app.get_by_key("part").value == CHANGE
    assert read_plan(app.session_state["loaded_layout"]) == kept.found.plan


def test_another_wish_takes_the_old_answer_away(open_page):
    app = open_page()
    app.get_by_key("search_start").click().run()
    assert app.metric
    app.get_by_key("search_steps").set_value(40).run()
    assert not app.metric


def test_a_search_that_was_stopped_says_so_and_can_still_be_judged(open_page):
    app = open_page()
    app.get_by_key("search_start").click().run()
    kept = app.session_state[KEPT]
    stopped = dataclasses.replace(kept.found, held_out=None, finished=False, tried=7)
    app.session_state[KEPT] = dataclasses.replace(kept, found=stopped)
    app.run()
    assert "Stopped after 7 of 20 layouts" in texts(app)
    assert "too good to be true" in texts(app)
    assert not app.metric
    app.get_by_key("search_judge").click().run()
    assert not app.exception
    assert len(app.metric) == 3


def test_a_search_in_which_nothing_was_better_says_what_to_try(open_page):
    app = open_page()
    app.get_by_key("search_start").click().run()
    kept = app.session_state[KEPT]
    plain = dataclasses.replace(kept.found, plan=load_plan("convenience"), edits=(), trained=kept.found.start)
    app.session_state[KEPT] = dataclasses.replace(kept, found=plain)
    app.run()
    assert "Nothing better was found" in texts(app)
    assert not app.metric


def test_rules_that_leave_nothing_are_one_message(open_page):
    app = open_page()
    app.get_by_key("search_swaps").set_value(False).run()
    app.get_by_key("search_start").click().run()
    assert not app.exception
    assert len(app.error) == 1
    assert "nothing to change" in app.error[0].value


def test_the_page_offers_what_a_scenario_takes():
    assert set(OBJECTIVES) == set(Objective.__args__)


def test_changed_fixtures_are_named_with_now_and_before_and_outlined():
    plan = load_plan("corner-shop")
    display = plan.displays[0]
    edits = [{"swap": ["dairy-1", "ice-cream-1"]}, {"move": display.name, "x": display.x - 1, "y": display.y}]
    other = apply_edits(plan, edits)
    assert [was.name for was, _ in changed(plan, other)] == [
        one.name for one in plan.fixtures if one.name in ("dairy-1", "ice-cream-1", display.name)
    ]
    table = change_table(plan, other).set_index("Fixture")
    assert tuple(table.loc["dairy-1"]) == ("ice cream", "dairy")
    assert table.loc[display.name, "Now"] == f"at {display.x - 1:g}, {display.y:g} m"
    assert outlines(plan, other).count("<polygon") == 3
    assert outlines(plan, plan) == ""
