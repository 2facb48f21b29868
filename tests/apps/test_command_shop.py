import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulation.store.search
from apps.command import store_progress
from apps.command.main import main
from apps.command.tables import print_summary
from apps.store.edit_words import read_words, short, words
from apps.store.table import digits, interval, lines, number
from retail.errors import ConfigError
from simulation.store.plan import Edit, apply_edits, load_plan, read_edit


def out(capsys, *arguments, code=0):
    assert main(list(arguments)) == code
    return capsys.readouterr()


def test_the_bundled_plans_are_listed_with_their_tills(capsys):
    rows = json.loads(out(capsys, "store", "plans", "--json").out)["rows"]
    assert {"corner-shop", "supermarket"} <= {row["plan"] for row in rows}
    assert "lane" in out(capsys, "store", "plans").out


def test_a_plan_is_shown_in_letters_and_in_three_other_forms(capsys):
    shown = out(capsys, "store", "show", "corner-shop").out
    assert "one letter is 0.5 m" in shown
    assert "dairy-1" in shown
    assert json.loads(out(capsys, "store", "show", "corner-shop", "--format", "geojson").out)["type"]
    assert "properties" in json.loads(out(capsys, "store", "show", "corner-shop", "--format", "schema").out)
    drawn = out(capsys, "store", "show", "corner-shop", "--format", "svg").out
    assert drawn.startswith("<svg")
    assert "<title>dairy-1 (fridge): dairy</title>" in drawn


def test_findings_are_advice_and_exit_with_0(capsys):
    assert "Advice, not a certificate." in out(capsys, "store", "check", "corner-shop").out
    rows = json.loads(out(capsys, "store", "check", "corner-shop", "--json").out)["rows"]
    assert all(set(row) == {"code", "severity", "message", "place_m", "fixtures"} for row in rows)


@pytest.mark.slow
def test_a_what_if_gives_every_figure_in_the_one_shape(capsys):
    done = out(
        capsys, "store", "compare", "corner-shop", "--edit", "swap=dairy,bakery", "--shoppers", "80", "--days", "2",
        "--parameter-draws", "2", "--json",
    )  # fmt: skip
    document = json.loads(done.out)
    keys = {"name", "value", "lo", "hi", "unit", "n", "target", "met", "provenance"}
    assert all(set(row) == keys for row in document["rows"])
    names = {row["name"] for row in document["rows"]}
    assert {"sales_visit(as-is)", "sales_visit(changed)", "difference(sales_visit, changed, as-is)",
            "simulation_difference(sales_visit, changed, as-is)"} <= names  # fmt: skip
    assert "2 days: sales per visit" in done.err


def test_a_what_if_is_printed_with_both_intervals_and_a_verdict(capsys):
    shown = out(
        capsys, "store", "compare", "corner-shop", "--edit", "{remove = 'front-end-cap-1'}", "--shoppers", "60",
        "--days", "2", "--parameter-draws", "2",
    ).out  # fmt: skip
    for word in ("simulation noise", "with parameters", "sales per visit", "no clear difference", "D data"):
        assert word in shown
    assert shown.count("Corner shop: remove front-end-cap-1") == 1
    assert "compared with as-is: 2 paired days" in shown


def test_without_draws_of_the_parameters_no_verdict_is_given_and_the_reason_is_said(capsys):
    shown = out(
        capsys, "store", "compare", "corner-shop", "--edit", "remove=front-end-cap-1", "--shoppers", "60",
        "--days", "2", "--parameter-draws", "0",
    ).out  # fmt: skip
    assert "not judged" in shown
    assert "With parameter draws at 0 nothing is" in shown
    assert "drawn from their ranges" not in shown


def test_a_figure_that_is_a_pure_number_shows_no_unit(capsys):
    record = {"name": "waiting_share(a)", "value": 0.1, "lo": 0.05, "hi": 0.15, "unit": "1", "n": 8, "target": None,
              "met": None, "provenance": {"arm": "a", "figure": "waiting_share", "note": ""}}  # fmt: skip
    document = {"kind": "store", "title": "Checks", "scenario": "checks", "rows": [{"arm": "a", "label": "a"}],
                "results": [record], "differences": [], "targets": []}  # fmt: skip
    print_summary(document)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "waiting_share" in line]
    assert line.split() == ["waiting_share(a)", "0.100", "[0.050,", "0.150]", "8"]


def test_money_is_in_the_currency_of_the_baskets(capsys, tmp_path):
    (tmp_path / "transactions.csv").write_text(
        "person_id,basket_id,product_id,store_id,purchased_at,quantity,sales_value\n"
        "1,10,1,5,2024-03-01 10:00:00,1,3.5\n2,11,2,5,2024-03-01 17:00:00,2,1.5\n"
    )
    (tmp_path / "products.csv").write_text("product_id,category\n1,dairy\n2,bakery\n")
    rows = json.loads(
        out(
            capsys, "store", "compare", "corner-shop", "--edit", "swap=dairy,bakery", "--shoppers", "20", "--days", "2",
            "--parameter-draws", "0", "--demand", str(tmp_path), "--currency", "CHF", "--json",
        ).out
    )["rows"]  # fmt: skip
    units = {row["name"]: row["unit"] for row in rows}
    assert units["sales_visit(as-is)"] == "CHF"
    assert not any("EUR" in unit or "USD" in unit for unit in units.values())


def test_an_interrupted_what_if_shows_what_it_has():
    def steps():
        yield "first"
        raise KeyboardInterrupt

    assert store_progress.watched(iter(()), most=2, draws=0) == (None, True)
    assert store_progress.followed(steps(), total=2, said=str, done=len) == ("first", False)


SEARCH = (
    "store", "search", "convenience", "--shoppers", "80", "--steps", "6", "--training-days", "1", "--days", "3",
    "--parameter-draws", "2", "--objective", "unplanned_picks",
)  # fmt: skip


def test_a_search_prints_edits_that_lead_to_the_plan_that_it_writes(capsys, tmp_path):
    plan = tmp_path / "better.toml"
    said = out(capsys, *SEARCH, "--strategy", "rule_of_thumb", "--fix", "dairy", "--to", str(plan))
    lines = [line.strip().removesuffix(" \\") for line in said.out.split("\n\n")[1].splitlines()]
    assert lines[0] == "tradefair store compare convenience"
    edits = [read_words(shlex.split(line)[1]) for line in lines[1:-1]]
    assert edits
    assert lines[-1].startswith("--seed 1 ")  # seed 0 has the days that chose the layout
    assert apply_edits(load_plan("convenience"), edits) == load_plan(str(plan))
    for word in ("promised on the training days", "not kept", "simulation noise", "with parameters", "found"):
        assert word in said.out
    assert "1 of 6 layouts: unplanned picks" in said.err
    assert f"written: {plan}" in said.err
    assert json.loads(out(capsys, "store", "check", str(plan), "--json").out)


def test_a_search_refuses_a_file_that_is_there_and_a_single_draw_before_any_work(capsys, tmp_path):
    plan = tmp_path / "mine.toml"
    plan.write_text("precious")
    assert "is there already" in out(capsys, *SEARCH, "--to", str(plan), code=2).err
    assert plan.read_text() == "precious"
    assert "at least 2" in out(capsys, *SEARCH, "--parameter-draws", "1", code=2).err


def test_a_search_gives_its_figures_and_edits_as_json_and_the_same_seed_the_same(capsys):
    first, second = (json.loads(out(capsys, *SEARCH, "--json").out) for _ in range(2))
    assert first == second
    names = {row["name"] for row in first["rows"]}
    assert {"training_gain(found)", "optimism(found)", "difference(unplanned_picks, found, as-is)"} <= names
    assert all(read_edit(edit) for edit in first["edits"])


def test_an_interrupted_search_gives_its_best_layout_so_far_and_no_verdict(capsys, tmp_path, monkeypatch):
    plan, whole = tmp_path / "so-far.toml", simulation.store.search.searching

    def interrupted(*arguments, **named):
        for found in whole(*arguments, **named):
            yield found
            if found.edits:
                raise KeyboardInterrupt

    monkeypatch.setattr(simulation.store.search, "searching", interrupted)
    said = out(capsys, *SEARCH, "--steps", "60", "--to", str(plan), code=130)
    assert "interrupted: this is the best layout so far" in said.err
    assert " of 60 layouts" in said.out
    assert "not judged on other days" in said.out
    assert "with parameters" not in said.out
    assert load_plan(str(plan)) != load_plan("convenience")


def test_a_heat_map_comes_from_simulated_days_or_from_traces(capsys, tmp_path):
    drawing = tmp_path / "heat.svg"
    assert (
        "busiest places"
        in out(capsys, "store", "heat", "corner-shop", "--shoppers", "50", "--days", "1", "--to", str(drawing)).out
    )
    assert "visits a day or more" in drawing.read_text()
    traces = tmp_path / "traces.csv"
    traces.write_text("visit,time,x,y\n1,0,2.2,3\n1,5,4,3\n2,9,2.4,3.2\n")
    rows = json.loads(out(capsys, "store", "heat", "corner-shop", "--traces", str(traces), "--json").out)["rows"]
    assert rows[0] == {"x_m": 2.5, "y_m": 3.5, "value": 2.0, "unit": "visits a day"}
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nowhere"], "nowhere: is no file and no bundled plan"),
        (["check", "nowhere"], "nowhere"),
        (["compare", "corner-shop"], "say what to change with --edit"),
        (["compare", "corner-shop", "--edit", "swap"], "there is no = after 'swap'; write --edit swap=dairy,bakery"),
        (["compare", "corner-shop", "--edit", "{swap"], "is no TOML table"),
        (["compare", "corner-shop", "--edit", "swap=dairy,nothing"], "'nothing'"),
        (["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--days", "1"], "1"),
        (["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--shoppers", "10000000"], "10000000"),
        (["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--demand", "nowhere"], "nowhere"),
        (
            ["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--currency", "EUR"],
            "name the folder with --demand",
        ),
        (
            ["compare", "corner-shop", "--edit", "swap=dairy,bakery", "--demand", ".", "--currency", "euro"],
            "euro is no ISO",
        ),
        (["search", "nowhere"], "nowhere"),
        (["search", "convenience", "--objective", "path_m"], "path_m is better neither way"),
        (["search", "convenience", "--objective", "joy"], "no figure is called 'joy'"),
        (["search", "convenience", "--fix", "gold"], "fixed category 'gold' is on no shelf"),
        (["search", "convenience", "--move", "piano"], "has no fixture 'piano'"),
        (["search", "convenience", "--no-swaps"], "the rules leave nothing to change"),
        (["search", "convenience", "--move", "store-front-1", "--reach-m", "0.5"], "reach_m = 0.5 is less than"),
        (["search", "convenience", "--steps", "0"], "0 is not in the range"),
        (["search", "convenience", "--strategy", "luck"], "'luck'"),
        (["search", "convenience", "--to", "nowhere/x.toml"], "there is no folder nowhere"),
        (["search", "convenience", "--to", "x.json"], "written as .toml"),
        (["search", "convenience", "--currency", "EUR"], "name the folder with --demand"),
        (["heat", "corner-shop", "--to", "x.png"], "written as .svg"),
        (
            ["heat", "corner-shop", "--to", "nowhere/x.svg"],
            "there is no folder nowhere; make it, or name another place",
        ),
        (["heat", "corner-shop", "--traces", "nowhere.csv"], "nowhere.csv"),
        (["show", "corner-shop", "--format", "pdf"], "'pdf'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys):
    said = out(capsys, "store", *arguments, code=2)
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert message in said.err.replace(",", "") or message in said.err


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("swap=dairy,bakery", {"swap": ["dairy", "bakery"]}),
        ("{swap = ['dairy', 'bakery']}", {"swap": ["dairy", "bakery"]}),
        ("swap=wine and beer, soft drinks", {"swap": ["wine and beer", "soft drinks"]}),
        ("move=till-3,x=12,y=30.5", {"move": "till-3", "x": 12, "y": 30.5}),
        ("add_till=self_checkout,x=1,y=2", {"add_till": "self_checkout", "x": 1, "y": 2}),
        ("add_till=lane,x=1,y=2,sides=north", {"add_till": "lane", "x": 1, "y": 2, "sides": "north"}),
        ("add_till=lane,x=1,y=2,sides=north,west", {"add_till": "lane", "x": 1, "y": 2, "sides": ["north", "west"]}),
        ("remove=till-2", {"remove": "till-2"}),
        ("remove=12", {"remove": "12"}),
        ("show=front-end-cap-1,category=eggs", {"show": "front-end-cap-1", "category": "eggs"}),
    ],
)
def test_an_edit_can_be_written_short_and_is_said_in_words(text, table):
    assert read_words(text) == table
    assert read_edit(table)
    assert words(table).split()[0] == next(iter(table)).replace("add_till", "add")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "dairy, bakery",
            "names no edit; write for example --edit swap=dairy,bakery or --edit move=till-3,x=12,y=30.5",
        ),
        ("swop=dairy,eggs", "'swop' is no edit; did you mean --edit swap=dairy,eggs?"),
        ("add till=lane,x=1,y=2", "did you mean --edit add_till=lane,x=1,y=2?"),
        ("swap=dairy", "must be a list of two names; write --edit swap=dairy,bakery"),
        ("move=till-1,3,6.4", "move takes one name, then x = and y =; write --edit move=till-1,x=3,y=6.4"),
        ("move=till-1,x=3", "y is missing; write --edit move=till-1,x=3,y="),
        ("add_till=lane,3,4", "write --edit add_till=lane,x=3,y=4"),
        ("add_till=fast,x=1,y=2", "'fast' is no kind of till; use one of lane, express"),
        ("remove=till-1,till-2", "remove takes one name, got 2 values; write --edit remove=till-1"),
        ("show=front-end-cap-1,coffee and tea", "--edit 'show=front-end-cap-1,category=coffee and tea'"),
    ],
)
def test_a_wrong_edit_is_answered_with_the_spelling_of_that_edit(text, message):
    with pytest.raises(ConfigError) as caught:
        read_words(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_page_about_plans_writes_every_edit_for_the_command_and_for_a_scenario():
    page = (Path(__file__).parents[2] / "docs" / "store-plans.md").read_text()
    pairs = re.findall(r"\| `(--edit [^`]*)` \| `(\{[^`]*\})` \|", page)
    seen = set()
    for option, table in pairs:
        edit = read_edit(tomllib.loads(f"edit = {table}")["edit"])
        assert read_edit(read_words(shlex.split(option)[1])) == edit
        seen.add(type(edit))
    assert seen == set(get_args(Edit))


@given(st.sampled_from(["swap", "remove"]), st.text("ab 1,={}'\"", min_size=1, max_size=6).filter(str.strip))
def test_an_edit_written_for_a_command_line_reads_back_as_the_same(kind, name):
    table = {"swap": [name.strip(), "dairy"]} if kind == "swap" else {kind: name.strip()}
    option, text = shlex.split(short(table))
    assert option == "--edit"
    assert read_words(text) == table


@pytest.mark.parametrize(
    ("value", "ends", "written"),
    [
        (0.1234, (0.10, 0.15), "0.123"),
        (1234.6, (1200.0, 1270.0), "1,235"),
        (0.0, (0.0, 0.0), "0"),
        (60.0, (), "60"),
        (60.0, (59.0, 61.0), "60.0"),
        (float("nan"), (), "-"),
        (-0.00001, (-0.4, 0.4), "0.00"),
    ],
)
def test_a_number_has_the_digits_that_its_interval_supports(value, ends, written):
    assert number(value, digits(value, ends)) == written
    assert interval((float("nan"), 1.0), 2) == "-"
    assert interval((-1.0, 2.0), 1, signed=True) == "[-1.0, +2.0]"


def test_a_document_without_comparisons_has_no_lines():
    assert lines({"results": [], "differences": []}) == []
