"""The page Store, and the results of store scenarios, rerun as Streamlit reruns them."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.research.headlines import headlines
from apps.store.change import first_look
from apps.store.charts import difference_chart, difference_table, left_out
from apps.store.choices import fixture_table, plan_from
from apps.store.fixture_legend import meanings
from apps.store.floor_editor import Variant
from apps.store.floor_editor.component import description
from apps.store.heat_paint import LESS, MORE, Heat, legend, paths, pieces, strongest_text
from apps.store.plan_picture import COLOURS, letters
from apps.store.table import Line
from apps.store.till_place import free_place
from apps.store.view import finding, headline
from apps.store.what_if import usual_visits
from experiments.execute import run_scenario
from experiments.runs import RunStore
from experiments.scenario_file import validate
from retail.errors import ConfigError
from simulation.store.plan import apply_edits, load_plan, plan_text, rasterise

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
PLAN = load_plan("corner-shop")
SHOP = {
    "kind": "store",
    "name": "shop",
    "title": "A corner shop moves its dairy",
    "plan": "corner-shop",
    "shoppers": 150,
    "parameter_draws": 2,
    "days": {"block": 3, "most": 3},
    "arms": [
        {"name": "moved", "label": "Dairy and bakery change places", "edits": [{"swap": ["dairy", "bakery"]}]},
        {"name": "faster", "label": "Faster scanning", "parameters": {"till_item_s": 2.0}},
    ],
    "targets": {"difference(checkout_s, faster, as-is)": "< 0"},
}
CHECKS = {
    "kind": "store", "name": "checks", "method": "validation", "plan": "corner-shop", "shoppers": 150,
    "days": {"block": 2, "most": 2}, "arms": [{"name": "little", "check": "little"}],
    "targets": {"relative_error(little)": "<= 0.01"},
}  # fmt: skip


@pytest.fixture(scope="session")
def shop_store(tmp_path_factory):
    """A store with two store scenarios."""
    folder = tmp_path_factory.mktemp("shop") / "runs"
    for raw in (SHOP, CHECKS):
        assert not run_scenario(validate(raw, source=raw["name"]), store=folder, jobs=1).failures
    return folder


@pytest.fixture
def visit(monkeypatch):
    def open_page(store, page=None, **query):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        if page is not None:
            app.switch_page(f"app_pages/{page}.py")
        app.run()
        assert not app.exception
        return app

    return open_page


def texts(app):
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def button(app, label):
    return next(one for one in app.button if one.label == label)


def add(app):
    return button(app, "Add this change").click().run()


def frame_with(app, column):
    return next((one.value for one in app.dataframe if column in one.value), None)


def test_a_change_gives_the_heat_map_that_its_store_has_by_itself():
    edits = ({"swap": ["dairy", "bakery"]},)
    seen = first_look(plan_text(PLAN), edits, 150).heat["visits"].other.values
    np.testing.assert_array_equal(seen, usual_visits(plan_text(apply_edits(PLAN, edits)), 150))
    assert seen.any()


def test_a_change_is_measured_at_once_judged_saved_and_opened_again(visit, tmp_path):
    store = tmp_path / "nothing"
    app = visit(store, "store", plan="corner-shop", shoppers="150", days="8")
    assert "What would a change of the layout do?" in texts(app)
    assert "No runs yet" not in texts(app)
    assert "Nothing is changed yet" in texts(app)
    add(app)
    assert not app.exception
    assert app.query_params["edit"] == "swap=dairy,bakery"
    look = frame_with(app, "Days alone")
    assert list(look["Figure"].str.split(",").str[0])[:2] == ["sales per visit", "path"]
    assert look["Days alone"].str.startswith("[").all()
    button(app, "Judge it").click().run()
    assert not app.exception
    assert not app.error
    assert "Swap dairy and bakery" in texts(app)
    table = frame_with(app, "With parameters")
    assert {"sales per visit", "path", "till wait"} <= set(table["Figure"])
    assert set(table["Rests on"]) - {"plan"}
    charts = app.get("vega_lite_chart")
    assert charts
    assert "sales per visit" in charts[0].proto.alt
    app.get_by_key("variant_name").set_value("dairy by the door").run()
    app.get_by_key("variant_save").click().run()
    button(app, "Take back").click().run()
    assert frame_with(app, "With parameters") is None
    saved = frame_with(app, "Changes")
    assert saved[["Name", "Changes", "Days"]].values.tolist() == [["dairy by the door", "Swap dairy and bakery", "8"]]
    assert "[" in saved["sales per visit, USD"].iloc[0]
    button(app, "Open").click().run()
    assert frame_with(app, "With parameters") is not None  # the same judgement is still known
    app.get_by_key("variant_name").set_value("dairy by the door").run()
    app.get_by_key("variant_save").click().run()
    assert "dairy by the door' already" in app.error[0].value
    app.get_by_key("variant_replace").check().run()
    app.get_by_key("variant_save").click().run()
    assert not app.error
    assert len(frame_with(app, "Changes")) == 1
    button(app, "Delete").click().run()
    button(app, "Keep it").click().run()
    assert len(frame_with(app, "Changes")) == 1
    button(app, "Delete").click().run()
    button(app, "Delete it").click().run()
    assert frame_with(app, "Changes") is None


def test_an_address_brings_changes_and_a_bad_one_is_one_message(visit, tmp_path):
    app = visit(
        tmp_path,
        "store",
        plan="corner-shop",
        shoppers="150",
        edit=["swap=dairy,bakery", "move=store-front-1,x=8.5,y=7"],
    )
    assert frame_with(app, "Days alone") is not None
    assert [one.label for one in app.button].count("Take back") == 2
    for bad in (["remove=nothing"], ["nonsense"], ["swap=dairy,bakery"] * 41):
        app = visit(tmp_path, "store", plan="corner-shop", shoppers="150", edit=bad)
        assert len(app.error) == 1, bad
        assert "edit" not in app.query_params
        assert "Nothing is changed yet" in texts(app)


def test_a_change_that_cannot_be_is_one_message(visit, tmp_path):
    app = visit(tmp_path / "nothing", "store", plan="corner-shop", shoppers="150", days="8")
    app.get_by_key("edit_kind").set_value("remove").run()
    chooser = next(one for one in app.selectbox if one.label == "Fixture")
    chooser.set_value(next(name for name in chooser.options if name.startswith("exit"))).run()
    add(app)
    assert not app.exception
    assert len(app.error) == 1
    assert "exit" in app.error[0].value
    assert "edit" not in app.query_params


@pytest.mark.parametrize("kind", ["swap", "move", "add_till", "remove", "show"])
def test_every_kind_of_change_can_be_described(visit, tmp_path, kind):
    app = visit(tmp_path / "nothing", "store", plan="corner-shop", shoppers="100", days="8")
    app.get_by_key("edit_kind").set_value(kind).run()
    assert not app.exception
    assert button(app, "Add this change")


def test_moves_of_one_fixture_add_up_and_back_again_is_no_change():
    variant = Variant("corner-shop")
    display = PLAN.displays[0]
    moved = variant.with_edit(PLAN, {"move": display.name, "x": display.x - 0.5, "y": display.y})
    refused = moved.with_edit(PLAN, {"move": display.name, "x": -3.0, "y": display.y})
    assert (len(moved.edits), moved.refused) == (1, "")
    assert refused.edits == moved.edits
    assert "-3" in refused.refused
    back = refused.with_edit(PLAN, {"move": display.name, "x": display.x, "y": display.y})
    assert (back.edits, back.refused, back.revision) == ((), "", 3)


def test_what_the_browser_draws_is_where_the_plan_has_it():
    other = apply_edits(PLAN, [{"move": PLAN.displays[0].name, "x": PLAN.displays[0].x - 0.5, "y": PLAN.displays[0].y}])
    drawn = description(other, PLAN, None, revision=1, told="")
    assert [one["name"] for one in drawn["fixtures"]] == [one.name for one in PLAN.fixtures]
    assert [one["name"] for one in drawn["fixtures"] if one["changed"]] == [PLAN.displays[0].name]
    assert {one["name"] for one in drawn["fixtures"] if not one["movable"]} == {
        one.name for one in PLAN.fixtures if one.kind in ("wall", "blocked")
    }


def test_results_of_a_store_scenario_show_differences_and_where_shoppers_walk(visit, shop_store):
    app = visit(shop_store, scenario="shop")
    assert app.title[0].value.startswith("Dairy and bakery change places")
    assert "Where shoppers walk" in texts(app)
    assert "met" in app.table[-1].value["Result"].iloc[0]
    app.get_by_key("store_arm").set_value("Faster scanning").run()
    assert not app.exception
    assert app.title[0].value.startswith("Faster scanning")


def test_results_of_a_validation_show_its_figures_and_targets(visit, shop_store):
    app = visit(shop_store, scenario="checks")
    table = next(frame.value for frame in app.table if "Figure" in frame.value)
    assert "people inside, counted against Little" in set(table["Figure"])
    assert "relative\\_error" in app.table[-1].value["Target"].iloc[0]
    assert "**The target is met**" in texts(app)
    assert "met" in app.table[-1].value["Result"].iloc[0]


@pytest.mark.parametrize("page", ["runs", "shoppers", "compliance"])
def test_the_other_pages_take_a_store_scenario_as_it_is(visit, shop_store, page):
    app = visit(shop_store, page, scenario="shop")
    assert not app.error
    assert texts(app)


def test_a_plan_survives_its_table():
    assert plan_from(PLAN, fixture_table(PLAN)) == PLAN


def test_an_edited_table_is_the_edited_plan():
    table = fixture_table(PLAN)
    table.loc[table["name"] == "dairy-1", "categories"] = "dairy, eggs"
    assert plan_from(PLAN, table).fixture("dairy-1").categories == ("dairy", "eggs")
    added = pd.concat([table, pd.DataFrame([{"name": "new", "kind": "shelf", "x": 2.0, "y": 1.5, "width": 1.0,
                                             "depth": 0.5, "categories": "flowers"}])])  # fmt: skip
    assert plan_from(PLAN, added).fixture("new").categories == ("flowers",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "row 1: the fixture has no name"),
        ({"x": None}, "row 1 .*: x is empty"),
        ({"kind": None}, "row 1 .*: kind is empty"),
        ({"name": "produce-1"}, "two fixtures are named 'produce-1'"),
        ({"width": -1.0}, "width = -1.0"),
        ({"categories": ""}, "has no category"),
    ],
)
def test_a_row_that_is_no_fixture_is_one_message(change, message):
    table = fixture_table(PLAN).astype(object)
    for column, value in change.items():
        table.loc[0, column] = value
    with pytest.raises(ConfigError, match=message) as caught:
        plan_from(PLAN, table)
    assert "\n" not in str(caught.value)


def test_a_drawing_paints_only_what_is_marked():
    floor = rasterise(PLAN)
    change = floor.walkable * 5.0
    nothing = Heat(change, 0.5, "visits a day", change > 9)
    assert paths(nothing, 16) == ""
    assert legend(nothing) == [("#FFFFFF", "no place differs beyond the noise of the days")]
    some = dataclasses.replace(nothing, marked=floor.walkable)
    assert paths(some, 16).count("<path") == 1
    assert legend(some)[1][1] == "more, by 3.8 visits a day or more"  # the last of four shades begins at 3/4 of 5
    far = dataclasses.replace(some, values=np.where(floor.walkable, 8.0, 0.0))
    assert paths(far, 16).count("<path") == 1
    assert legend(far)[1][1] == "more, by 6 visits a day or more"


def test_what_the_legend_calls_strongest_is_painted_so_and_nothing_below():
    values = np.array([[400.0, 668.0, 299.0, -301.0]])
    heat = Heat(values, 0.5, "visits a day", np.ones((1, 4), dtype=bool))
    begins = float(strongest_text(heat))
    painted = {colour: d.count("M") for colour, d in pieces(heat, 1)}
    assert painted.get(MORE[-1], 0) == int((values >= begins).sum())
    assert painted.get(LESS[0], 0) == int((values <= -begins).sum())


def test_the_colours_of_fixtures_are_told_for_the_kinds_that_a_plan_has():
    told = dict(meanings(PLAN))
    assert told[COLOURS["till"]] == "till"
    assert {kind for words in told.values() for kind in words.split(" or ")} == {one.kind for one in PLAN.fixtures}


@pytest.mark.parametrize("name", ["corner-shop", "supermarket"])
@pytest.mark.parametrize("kind", ["lane", "self_checkout", "tray"])
def test_a_further_till_stands_free_beside_the_others(name, kind):
    plan = load_plan(name)
    found = free_place(plan, kind)
    assert found is not None
    new = apply_edits(plan, [{"add_till": kind, "x": found[0], "y": found[1]}]).tills[-1]
    like = [one for one in plan.tills if one.till == kind] or plan.tills
    assert min(math.dist(new.middle, one.middle) for one in like) < 5


def test_without_a_free_place_none_is_named():
    full = [one for one in PLAN.fixtures if one.is_door or one.kind == "till"]
    walls = dataclasses.replace(PLAN.fixture(PLAN.shelves[0].name), x=0.0, y=0.0, width=PLAN.width, depth=6.4)
    assert free_place(dataclasses.replace(PLAN, fixtures=(walls, *full)), "lane") is None


def test_a_place_that_is_taken_is_said_beside_the_fields(visit, tmp_path):
    app = visit(tmp_path / "nothing", "store", plan="corner-shop", shoppers="100", days="8")
    app.get_by_key("edit_kind").set_value("add_till").run()
    assert not [one for one in app.warning if "cannot stand there" in one.value]
    next(one for one in app.number_input if one.label.startswith("y, m")).set_value(0.0).run()
    told = [one.value for one in app.warning if "cannot stand there" in one.value]
    assert len(told) == 1
    assert "overlap" in told[0]


def test_letters_have_one_line_for_each_half_metre():
    lines = letters(PLAN).split("\n\n")[0].splitlines()
    assert (len(lines), len(lines[0])) == (16, 20)
    assert lines[0] == "F" * 20


def line(**changes):
    about = {
        "sweep": {}, "arm": "a", "reference": "b", "figure": "path_m", "label": "path", "unit": "m", "base": 200.0,
        "other": 210.0, "difference": 10.0, "simulation": (9.0, 11.0), "combined": (6.0, 14.0), "better": 0,
        "verdict": "higher", "source": "literature", "note": "", "days": 8,
    }  # fmt: skip
    return Line(**{**about, **changes})


def test_a_chart_shows_percent_of_the_base_and_names_what_it_leaves_out():
    lines = [
        line(),
        line(figure="x", label="nothing", base=0.0),
        line(figure="y", label="near 0", base=0.1),
        line(figure="z", label="wide", verdict="no clear difference", combined=(-60.0, 80.0)),
    ]
    table = difference_table(lines)
    assert list(table["value"]) == [5.0]
    assert (table["lo"].iloc[0], table["noise_hi"].iloc[0]) == (3.0, 5.5)
    assert left_out(lines) == ["nothing", "near 0", "wide"]
    assert difference_chart(table).to_dict()["layer"]


def test_a_figure_that_would_flatten_all_others_is_left_to_the_table():
    few = [line(figure=f"f{one}", label=f"figure {one}") for one in range(3)]
    far = line(label="narrow", difference=100.0, simulation=(98.0, 102.0), combined=(90.0, 110.0))  # 55% against 7%
    assert left_out([*few, far]) == ["narrow"]
    assert list(difference_table([*few, far])["Figure"]) == ["figure 0", "figure 1", "figure 2"]
    assert left_out([*few[:2], far]) == []  # too few to leave one out
    assert left_out([*few, line(label="near", combined=(6.0, 50.0))]) == []


def test_what_is_clear_is_drawn_even_where_it_is_large():
    halved = line(verdict="better", difference=-100.0, simulation=(-110.0, -90.0), combined=(-150.0, -50.0))
    assert left_out([halved]) == []


NOT_DRAWN = {"verdict": "not judged", "combined": (math.nan, math.nan)}


def test_figures_that_are_not_judged_are_drawn_and_said_to_be_so():
    lines = [line(figure="sales_visit", label="sales per visit", **NOT_DRAWN)]
    table = difference_table(lines)
    assert list(table["Clear"]) == ["not judged"]
    colours = [
        layer["encoding"]["color"]["scale"]["domain"] for layer in difference_chart(table).to_dict()["layer"][1:]
    ]
    assert colours == [["not judged"]] * 3
    assert headline(lines, "Swap") == "Swap: sales per visit not judged"
    assert "not judged" not in finding(lines)
    assert "were not drawn" in finding(lines)


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (("no clear difference", "no clear difference"), "None of 2 figures differs clearly"),
        (("higher", "no clear difference"), "1 of 2 figures differs clearly: path higher"),
        (("better", "lower"), "2 of 2 figures differ clearly: path better, path lower"),
    ],
)
def test_the_chart_stands_under_what_it_finds(verdicts, sentence):
    assert finding([line(verdict=verdict) for verdict in verdicts]) == sentence


def test_the_overview_tells_a_change_of_a_store_by_its_difference_and_interval(shop_store):
    found = {one.scenario: one for one in headlines(RunStore(shop_store))}
    told = [one.detail for one in found.values() if "paired days" in one.detail]
    assert told
    assert all("95% interval from" in one and "\\[" in one for one in told)
