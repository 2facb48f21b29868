"""Budgets by data set: the sums, what is found on disk, and both pages that show them."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from people_house import make_people_house
from streamlit.testing.v1 import AppTest

from apps.command.main import main
from apps.command.web import BOOKS_VARIABLE, STORE_VARIABLE
from apps.compliance.data_set_ledger import Exact, Part, Unread, as_epsilon, by_data_set, together, without_budget
from apps.compliance.data_set_tables import budget_table, promise, shares_table, summary_table
from apps.compliance.found_ledgers import find_budgets
from apps.compliance.people_books import PeopleBooks
from apps.compliance.person_ledger import where_found
from experiments.documents import write_json
from experiments.runs import RunStore
from privacy import Budget, Ledger, epsilon_rdp
from privacy.units import shopper_unit

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
UNIT = shopper_unit("aggregator")
CAP = Budget("any", 1.0, 1e-5, 2500).cap


def part(name="shop", *, costs=(10,), file="a.sqlite", adds_up=False, **changes):
    told = {"people": "", "fingerprints": (), "made_up": False, "epsilon": 1.0, "delta": 1e-5, "population": 2500,
            "cap": CAP, "lost": 0, "units": (UNIT,)}  # fmt: skip
    return Part(ledger=file, where="a run", name=name, costs=tuple(costs), adds_up=adds_up, **{**told, **changes})


parts = st.lists(
    st.builds(
        part,
        name=st.sampled_from(["shop", "club", "kiosk"]),
        file=st.sampled_from(["a.sqlite", "b.sqlite", "c.sqlite", "d.sqlite"]),
        costs=st.lists(st.integers(1, 10**6), max_size=4),
        adds_up=st.booleans(),
        made_up=st.booleans(),
        people=st.sampled_from(["", "folder shop", "club"]),
        fingerprints=st.sampled_from([(), ("f1",), ("f2",)]),
        delta=st.sampled_from([1e-5, 1e-6]),
    ),
    max_size=6,
    unique_by=lambda one: (one.ledger, one.name),
)


@given(parts)
def test_every_budget_is_in_one_data_set_and_a_sum_is_never_below_any_part(found):
    ledgers = by_data_set(found)
    assert sorted(map(repr, found)) == sorted(repr(one) for ledger in ledgers for one in ledger.parts)
    for ledger in ledgers:
        assert ledger.spent == sum(cost for one in ledger.parts for cost in one.costs)
        assert ledger.delta == min(one.delta for one in ledger.parts)
        assert ledger.epsilon >= max(as_epsilon(one.spent, ledger.delta) for one in ledger.parts)
        assert ledger.epsilon >= ledger.epsilon_lasting
    total = together(ledgers)
    real = [ledger for ledger in ledgers if not ledger.made_up]
    assert all(total.everything >= ledger.epsilon and total.lasting >= ledger.epsilon_lasting for ledger in real)


@given(parts, st.randoms())
def test_the_order_in_which_budgets_are_found_changes_no_sum(found, chance):
    mixed = list(found)
    chance.shuffle(mixed)

    def sums(ledgers):
        return sorted((one.spent, one.cap, one.delta, one.remaining or 0, len(one.parts)) for one in ledgers)

    assert sums(by_data_set(found)) == sums(by_data_set(mixed))
    assert together(by_data_set(found)).everything == together(by_data_set(mixed)).everything


def test_the_same_files_under_another_name_are_the_same_people_and_strangers_are_not():
    one, other = part("folder a", fingerprints=("f1",)), part("folder b", file="b", fingerprints=("f1", "f2"))
    later, stranger = part("folder c", file="c", fingerprints=("f2",)), part("club", file="d")
    found = by_data_set([one, later, stranger, other])  # `other` ties two groups that were apart until then
    assert sorted(len(ledger.parts) for ledger in found) == [1, 3]
    assert next(ledger for ledger in found if len(ledger.parts) == 3).spent == 30


def test_simulated_days_share_names_of_visitors_and_no_people():
    days = [part("movement-0-1", file=file, made_up=True, people=f"simulated visitors of {file}") for file in "ab"]
    assert [len(ledger.parts) for ledger in by_data_set(days)] == [1, 1]
    assert {promise(ledger) for ledger in by_data_set(days)} == {"nothing: made-up people"}
    assert together(by_data_set(days)).data_sets == ()


def test_what_is_left_counts_lasting_budgets_alone_at_their_own_latest_cost():
    whole = [part(costs=[CAP // 2, CAP // 10], adds_up=True, file="a"), part(costs=[CAP // 4], adds_up=True, file="b")]
    (ledger,) = by_data_set([*whole, part(costs=[5], file="c")])
    left = [one.cap - one.spent for one in whole]
    assert ledger.remaining == sum(left)
    assert ledger.releases_left == left[0] // (CAP // 10) + left[1] // (CAP // 4)
    row = summary_table([ledger]).iloc[0]
    assert row["Spent"].endswith("by 2 budgets over all runs, 1 budget of one run")
    assert row["Left"].startswith(f"{ledger.releases_left} releases, epsilon ")
    assert row["What it promises"].startswith("a bound of epsilon ")
    table = budget_table(ledger)
    assert table["Usual cost (rho)"].tolist() == pytest.approx([(CAP // 2) / 1e9, (CAP // 4) / 1e9, 5e-9])
    (single,) = by_data_set([part()])
    assert summary_table([single]).iloc[0]["Left"] == "no limit over runs"


def test_an_overspent_ledger_has_nothing_left_and_shows_more_than_all():
    (ledger,) = by_data_set([part(costs=[CAP, CAP], adds_up=True)])
    assert (ledger.remaining, ledger.releases_left) == (0, 0)
    assert shares_table([ledger])["Share of the budgets"].tolist() == [2.0, 0.0]


def test_what_could_not_be_read_makes_sums_lower_bounds_of_those_whom_it_may_be_about():
    unread = [Unread("run", "gone", "folder a"), Unread("file", "damaged")]
    found = by_data_set([part("folder a"), part("club", file="b", costs=[CAP // 2])], unread)
    assert {ledger.name: ledger.unread for ledger in found} == {"folder a": 2, "club": 1}
    shown = summary_table(found).set_index("Data set")
    assert shown.loc["club", "Spent"].startswith("epsilon at least ")
    assert shown.loc["folder a", "What it promises"] == "nothing: 2 ledgers cannot be read"


def test_runs_without_an_epsilon_are_told_beside_the_sum_or_alone():
    exact = [Exact("x", "folder a", ("f1",)), Exact("y", "folder z", ("f1",)), Exact("z", "club", ())]
    found = by_data_set([part("folder a", fingerprints=("f1",))], (), exact)
    assert found[0].exact == 2
    assert "2 runs without epsilon not covered" in promise(found[0])
    assert without_budget(found, exact) == {"club": 1}


def spend(file, *costs, dataset="folder my-shop", run="", epsilon=1.0):
    """Spend from a real ledger; a persistent one where a run or the gate is named."""
    file.parent.mkdir(parents=True, exist_ok=True)
    budget = Budget(dataset, epsilon, 1e-5, 2500)
    ledger = Ledger.open(file, scope="persistent" if run else "run", budget=budget, run=run)
    for number, cost in enumerate(costs):
        ledger.commit(ledger.reserve("counts", f"{run}-{number}", cost))


def add_run(store, run_id, *costs, scenario="own", ledger="run", epsilon=1.0, files="f1", **changes):
    """A finished run on a folder, its documents as the store writes them, with a real ledger."""
    folder = store / scenario / run_id
    data = {"source": "folder", "path": "my-shop", "population": 2500, "timezone": "UTC", "currency": "EUR"}
    config = {"scenario": scenario, "data": data, "privacy": {"mode": "simulation", "ledger": str(ledger)}, **changes}
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(tomli_w.dumps(config))
    told = {"run_id": run_id, "arm": "dp", "seed": 0, "epsilon": epsilon, "delta": 1e-5, "noise": "aggregator"}
    write_json(folder / "run.json", {"status": "finished", **told})
    write_json(folder / "provenance.json", {"data_sha256": files})
    if costs:
        own = ledger == "run"
        spend(folder / "artifacts" / "ledger.sqlite" if own else ledger, *costs, run="" if own else run_id)
    return folder


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def found_in(store, books="books"):
    found = find_budgets(RunStore(store), Path(books))
    return by_data_set(found.parts, found.unread, found.exact), found.unread


def test_runs_of_two_scenarios_and_the_books_add_up_and_a_shared_ledger_counts_once(store):
    shared = store.parent / "loyalty.sqlite"
    add_run(store, "a" * 16, 1000, ledger=shared)
    link = store.parent / "link.sqlite"
    link.symlink_to(shared)
    add_run(store, "b" * 16, 200, scenario="other", ledger=link)
    add_run(store, "c" * 16, 30)
    spend(store.parent / "books" / "ledger.sqlite", 4, run="release")
    (ledger,), unread = found_in(store)
    assert (ledger.name, ledger.spent, len(ledger.parts), unread) == ("folder my-shop", 1234, 3, ())
    assert ledger.remaining == 2 * CAP - 1204  # of the shared ledger and the books; the run's own limits nothing
    assert ledger.releases_left == (CAP - 1200) // 200 + (CAP - 4) // 4
    assert ledger.epsilon == epsilon_rdp(1234, delta=1e-5)
    assert {one.where for one in ledger.parts} >= {"books"}


def test_a_ledger_of_two_data_sets_ties_each_to_the_runs_that_spent_on_it(store):
    shared = store.parent / "both.sqlite"
    add_run(store, "a" * 16, 1000, ledger=shared)
    generated = {"source": "generated", "shoppers": 400, "data_seed": 0}
    add_run(store, "b" * 16, ledger=shared, data=generated, files="f2")
    spend(shared, 200, dataset="generated 400 seed 0", run="b" * 16)
    ledgers, unread = found_in(store)
    assert {one.name: (one.spent, one.made_up) for one in ledgers} == {
        "folder my-shop": (1000, False),
        "generated 400 seed 0": (200, True),
    }
    assert unread == ()


def test_two_ledgers_that_the_page_names_alike_both_count(store):
    inside = store / "books" / "ledger.sqlite"  # of the run store, beside the books of the same name
    add_run(store, "a" * 16, 30, ledger=inside)
    spend(store.parent / "books" / "ledger.sqlite", 4, run="release")
    (ledger,), _ = found_in(store)
    assert (ledger.spent, len(ledger.parts)) == (34, 2)


def test_a_damaged_ledger_that_outlives_runs_may_be_about_anybody(store):
    shared = store.parent / "both.sqlite"
    add_run(store, "a" * 16, 1000, ledger=shared)
    spend(shared, 200, dataset="loyalty", run="release")
    spend(store.parent / "books" / "ledger.sqlite", 4, dataset="loyalty", run="release")
    shared.write_bytes(b"SQLite format 3\0" + b"x" * 4000)
    (ledger,), _ = found_in(store)
    assert (ledger.name, ledger.spent, ledger.unread) == ("loyalty", 4, 1)
    assert promise(ledger) == "nothing: 1 ledger cannot be read"


def test_a_ledger_that_is_gone_was_about_the_same_files_under_any_name(store):
    gone = add_run(store, "a" * 16, 30)
    (gone / "artifacts" / "ledger.sqlite").unlink()
    data = {"source": "folder", "path": "renamed", "population": 2500, "timezone": "UTC", "currency": "EUR"}
    for number, files in enumerate(("f1", "f2")):
        run = add_run(store, str(number) * 16, data={**data, "path": f"shop-{number}"}, files=files)
        spend(run / "artifacts" / "ledger.sqlite", 4, dataset=f"folder shop-{number}")
    ledgers, _ = found_in(store)
    assert {one.name: one.unread for one in ledgers} == {"folder shop-0": 1, "folder shop-1": 0}


def test_books_that_a_run_put_aside_stay_spent(store):
    folder = add_run(store, "a" * 16, 30)
    spend(folder / "artifacts" / "earlier-1.sqlite", 500)
    (ledger,), _ = found_in(store)
    assert ledger.spent == 530


def test_made_up_people_are_told_from_real_ones_and_unknown_books_count_as_real(store):
    generated = {"source": "generated", "shoppers": 400, "data_seed": 0}
    add_run(store, "a" * 16, 30, data=generated)
    spend(store.parent / "books" / "ledger.sqlite", 4, dataset="loyalty", run="release")
    ledgers, _ = found_in(store)
    assert {one.name: one.made_up for one in ledgers} == {"loyalty": False, "generated 400 seed 0": True}
    assert together(ledgers).everything == epsilon_rdp(4, delta=1e-5)


@pytest.mark.parametrize("harm", ["garbage", "empty", "gone", "settings", "document", "other program"])
def test_nothing_that_cannot_be_read_is_left_out_in_silence(store, harm):
    broken = add_run(store, "a" * 16, 30)
    add_run(store, "b" * 16, 4, scenario="other")
    file = broken / "artifacts" / "ledger.sqlite"
    if harm == "garbage":
        file.write_bytes(b"SQLite format 3\0" + b"x" * 4000)
    elif harm == "empty":
        file.write_bytes(b"")
    elif harm == "gone":
        file.unlink()
    elif harm == "other program":
        file.unlink()
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE t (a)")
    else:
        (broken / ("config.toml" if harm == "settings" else "run.json")).write_text("{[")
    ledgers, unread = found_in(store)
    assert len(unread) == 1
    assert sum(one.spent for one in ledgers) == (34 if harm in ("settings", "document") else 4)
    assert {one.unread for one in ledgers if one.name == "folder my-shop"} == {1}


def test_other_files_of_the_books_hold_no_budget_and_no_fault(store):
    house = make_people_house(store.parent / "house")
    ledgers, unread = found_in(store, house / "books")
    assert (ledgers, unread) == ((), ())


def test_a_person_is_looked_for_in_tables_and_absence_now_is_no_absence_before(store):
    house = make_people_house(store.parent / "house")
    os.chdir(house)
    add_run(house / "runs", "a" * 16, 30)
    (ledger,), _ = found_in(house / "runs")
    books = PeopleBooks(house / "books")
    assert where_found(books, "17").told(ledger) == "yes, rows are in 'tables' now"
    assert where_found(books, "nobody").told(ledger).startswith("no row in 'tables' now; of before, nobody can tell")
    (house / "my-shop" / "people.tsv").write_text("person_id\tx\n17\t1\n")
    unsure = where_found(books, "nobody")
    assert unsure.told(ledger) == "nobody can tell here"
    assert "people.tsv" in unsure.problems[0]
    (house / "my-shop").rename(house / "moved")
    assert "there is no folder" in where_found(books, "17").problems[0]


def test_the_command_prints_the_same_and_exits_with_1_where_a_ledger_cannot_be_read(store, capsys):
    add_run(store, "a" * 16, 30)
    broken = add_run(store, "b" * 16, 30, scenario="other")
    spend(store.parent / "books" / "ledger.sqlite", CAP // 2, run="release")
    (ledger,), _ = found_in(store)
    assert main(["ledger", "data-sets", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["data_set"], row["spent"], row["remaining"]) == (ledger.name, ledger.spent, ledger.remaining)
    assert [one["Where"] for one in row["budgets"]] == [one.where for one in ledger.parts]
    (broken / "artifacts" / "ledger.sqlite").write_bytes(b"no ledger")
    assert main(["ledger", "data-sets"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "NOT COUNTED: other, dp, seed 0" in shown
    assert "nothing: 1 ledger cannot be read" in shown


def test_the_command_for_one_person_promises_nothing_of_simulated_noise(store, capsys):
    own, lasting = add_run(store, "a" * 16, 30), store.parent / "loyalty.sqlite"
    spend(lasting, 40, run="release")
    for paths, simulated in (([own, lasting], True), ([lasting], False)):
        assert main(["ledger", "person", *map(str, paths)]) == 0
        assert ("It is no promise" in " ".join(capsys.readouterr().out.split())) is simulated


@pytest.fixture
def visit(store, monkeypatch):
    """Open a page of the app on the store and the books of this test."""

    def open_page(page, books=None, **query):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        monkeypatch.setenv(BOOKS_VARIABLE, str(books or store.parent / "books"))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"app_pages/{page}.py").run()
        assert not app.exception
        return app

    return open_page


def texts(app):
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def table_with(app, column):
    return next(table.value for table in app.table if column in table.value)


def test_the_page_shows_one_budget_and_says_what_it_does_not_promise(store, visit):
    add_run(store, "a" * 16, CAP // 4)
    app = visit("compliance", scenario="own", part="Budgets")
    row = table_with(app, "What it promises").iloc[0]
    assert (row["Data set"], row["Left"]) == ("folder my-shop", "no limit over runs")
    assert row["What it promises"] == "nothing\\: simulated noise"
    assert row["Spent"] == f"epsilon {epsilon_rdp(CAP // 4, delta=1e-5):.3g} at delta 1e-05, by 1 budget of one run"
    assert "25.0%" in app.get("vega_lite_chart")[-1].proto.alt
    assert "secret and drawn anew" in texts(app)


def test_the_page_shows_a_spent_budget_that_two_runs_share(store, visit):
    shared = store.parent / "loyalty.sqlite"
    add_run(store, "a" * 16, CAP // 2, ledger=shared)
    add_run(store, "b" * 16, CAP - CAP // 2, ledger=shared)
    app = visit("compliance", scenario="own", part="Budgets")
    assert app.title[0].value == "1 budget kept"
    assert table_with(app, "Promised")["Spent"].tolist() == ["100.0%"] * 2
    assert "share stands whole in the line of each" in texts(app)
    row = table_with(app, "What it promises").iloc[0]
    assert (row["Left"], row["What it promises"]) == ("0 releases, epsilon 0", "a bound")
    assert row["Spent"] == "epsilon 1 at delta 1e-05, by 1 budget over all runs"


def test_the_page_says_that_there_is_no_budget(store, visit):
    add_run(store, "a" * 16, epsilon=None)
    app = visit("compliance", scenario="own", part="Budgets")
    assert "No budget can be read" in texts(app)
    assert "Only runs without an epsilon: folder my-shop (1 run)" in texts(app)


def test_the_page_says_which_ledger_cannot_be_read_and_shows_the_others(store, visit):
    broken = add_run(store, "a" * 16, 30)
    add_run(store, "b" * 16, CAP // 4)
    (broken / "artifacts" / "ledger.sqlite").write_bytes(b"no ledger any more")
    app = visit("compliance", scenario="own", part="Budgets")
    assert app.title[0].value == "1 budget kept"
    assert "1 ledger could not be counted, so more was spent than is shown" in texts(app)
    row = table_with(app, "What it promises").iloc[0]
    assert row["Spent"].startswith("epsilon at least ")
    assert row["What it promises"] == "nothing\\: 1 ledger cannot be read"


def test_a_person_is_told_what_was_spent_and_stays_out_of_address_and_log(store, visit, caplog):
    house = make_people_house(store.parent / "house")
    os.chdir(house)
    add_run(store, "a" * 16, CAP // 4)
    spend(house / "books" / "ledger.sqlite", CAP // 8, dataset="loyalty", run="release")
    before = (house / "books" / "log.sqlite").read_bytes()
    app = visit("people", books=house / "books", people_part="A person")
    app.get_by_key("people_person").set_value("17").run()
    both = epsilon_rdp(CAP // 4 + CAP // 8, delta=1e-5)
    assert f"all budgets together amount to **epsilon {both:.3g}**" in texts(app)
    assert f"secret noise, to **epsilon {epsilon_rdp(CAP // 8, delta=1e-5):.3g}**" in texts(app)
    assert set(table_with(app, "Is the person in it?")["Is the person in it?"]) == {"nobody can tell here"}
    app.get_by_key("people_look").click().run()
    assert not app.exception
    told = table_with(app, "Is the person in it?").set_index("Data set")["Is the person in it?"]
    assert told["folder my-shop"].startswith("yes, rows are in")
    assert told["loyalty"] == "nobody can tell here"
    (house / "books" / "ledger.sqlite").write_bytes(b"no ledger any more")
    app.run()
    assert "where rows of this person are now: at least epsilon" in texts(app)
    app.get_by_key("people_person").set_value("nobody").run()
    assert set(table_with(app, "Is the person in it?")["Is the person in it?"]) == {"nobody can tell here"}
    assert not app.exception
    assert "17" not in str(dict(app.query_params))
    assert not any("17" in record.getMessage().split() for record in caplog.records)
    assert (house / "books" / "log.sqlite").read_bytes() == before
