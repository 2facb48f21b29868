"""The part of the page Store that plays walks: what is sent to the browser, what stands beside it, and its ends."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.store.plan_changes import outlines
from apps.store.player.component import description
from apps.store.watch import AS_IS, CHANGED, MOST, WATCH, film
from simulation.store.plan import apply_edits, load_plan, plan_text

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
PLAN = load_plan("corner-shop")
BUSIEST = 10  # hours after opening, with the numbers of shoppers below


@pytest.fixture
def watch(monkeypatch, tmp_path):
    def open_part(**query):
        monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "runs"))
        app = AppTest.from_file(MAIN, default_timeout=120)
        app.query_params.update({"plan": "corner-shop", "part": WATCH, "shoppers": "150", **query})
        app.switch_page("app_pages/store.py").run()
        assert not app.exception
        return app

    return open_part


def table(app):
    return app.table[0].value.set_index("Mean of these shoppers")


@pytest.mark.parametrize(("shoppers", "shown"), [(150, 22), (1500, MOST)])
def test_the_browser_gets_a_bounded_number_of_walks_within_the_plan(shoppers, shown):
    found = film(plan_text(PLAN), shoppers, BUSIEST)
    assert len(found.walks) == len(found.each) == shown <= found.came
    sent = description(PLAN, PLAN, found.walks, start_s=17 * 3600, said="")
    assert len(json.dumps(sent)) < 300_000
    for flat in sent["walks"]:
        time, x, y, does = np.array(flat).reshape(-1, 4).T
        assert 0 <= time[0] < 36_000
        assert (np.diff(time) >= 0).all()
        assert time[-1] <= 10 * sent["length_s"]
        assert ((x > 0) & (x < 100 * PLAN.width) & (y > 0) & (y < 100 * PLAN.depth)).all()
        assert set(does.tolist()) <= {0, 1, 2, 3}


def test_the_same_hour_is_the_same_film_and_another_is_another():
    text = plan_text(PLAN)
    film.clear()
    once = film(text, 150, BUSIEST)
    film.clear()
    assert film(text, 150, BUSIEST).walks == once.walks
    assert film(text, 150, BUSIEST - 1).walks != once.walks


def test_the_part_plays_the_busiest_hour_and_says_that_shoppers_are_simulated(watch):
    app = watch()
    assert app.get_by_key("watch_from").value == "17:00"
    assert app.subheader[0].value.startswith("22 simulated shoppers from 17:00: ")
    figures = table(app)[AS_IS].astype(float)
    assert "Left without paying, how many" not in figures.index  # a count among means
    parts = figures["Walking, min"] + figures["At shelves and displays, min"]
    parts += (figures["Waiting at the till, s"] + figures["Paying, s"]) / 60
    assert parts == pytest.approx(figures["All together, min"], abs=0.16)
    assert f"and {figures['All together, min']:.1f} min: " in app.subheader[0].value
    assert f"{figures['Paying, s']:.1f} s paying" in app.subheader[0].value
    assert any("Nobody of these left without paying" in one.value for one in app.caption)
    assert any("no real people: all 22" in one.value for one in app.caption)
    assert list(table(app).columns) == [AS_IS]
    assert len(app.get("bidi_component")) == 1
    assert len(app.dataframe[-1].value) == 22
    assert [one.label for one in app.button if one.label == "Judge it"] == []


def test_changes_can_be_watched_beside_the_store_as_it_is(watch):
    app = watch(edit="add_till=self_checkout,x=5,y=5.5")
    assert app.get_by_key("watch_store").value == CHANGED
    figures = table(app)
    assert list(figures.columns) == [AS_IS, CHANGED]
    waits = figures.loc["Waiting at the till, s"].astype(float)
    assert waits[CHANGED] < waits[AS_IS]  # a second till
    app.get_by_key("watch_store").set_value(AS_IS).run()
    assert not app.exception
    assert app.query_params["edit"] == "add_till=self_checkout,x=5,y=5.5"


def test_an_hour_without_anybody_is_said(watch):
    app = watch(shoppers="1", watch_from="7:00")
    assert not app.subheader
    assert "Nobody comes in within the hour from 7:00" in app.info[0].value


def test_what_moved_and_what_is_new_is_outlined():
    display = PLAN.displays[0]
    edits = [{"add_till": "lane", "x": 5, "y": 5.5}, {"move": display.name, "x": display.x - 0.5, "y": display.y}]
    assert outlines(PLAN, apply_edits(PLAN, edits)).count("<polygon") == 2
    assert outlines(PLAN, PLAN) == ""
