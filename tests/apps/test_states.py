"""What every page says in every state: no runs, running, a failed run, a spent budget, bad or huge upload, old link.

Cells of the thirteen pages that cannot occur, or that another file holds:

- Rules, People, Store, Market and Assistant read no runs: none can be missing, go on, fail or be refused there.
- Audiences shows tables alone: what goes on has none, which reads as no runs; failed and refused runs of a table that
  is there are in `test_audience_pages`. Compare and Shoppers show a table, too, without the runs that failed.
- Scenarios tells how the process of a scenario ended, failed runs included: `research/test_run_panel`.
- Overview, Results, Compare, Runs, Shoppers and Audiences take no uploads. What each uploader does with seven kinds of
  bad files is in `test_uploads`; here are those whose page needs no runs, books or shop.
- The address of Overview holds no choice, so none can be old.
"""

import fcntl
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from face_shop import copy_of, make_face_shop
from made_once import made_once
from people_house import make_people_house
from streamlit.testing.v1 import AppTest

from apps.command.web import BOOKS_VARIABLE, FACES_VARIABLE, STORE_VARIABLE
from apps.research.processes import FOLDER

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"


@pytest.fixture(scope="module")
def going(run_store, tmp_path_factory):
    """A store whose only scenario has one run without an outcome, and so no table yet."""
    store = tmp_path_factory.mktemp("going")
    shutil.copytree(run_store / "market", store / "market")
    (store / "market" / "summary.json").unlink()
    next(iter(sorted((store / "market").glob("*/run.json")))).unlink()
    return store


@pytest.fixture(scope="module")
def running(going, tmp_path_factory):
    """The same store while a process of the scenario holds its lock, which is what tells that it lives."""
    store = shutil.copytree(going, tmp_path_factory.mktemp("running") / "runs")
    folder = store / FOLDER / "market"
    folder.mkdir(parents=True)
    record = {"pid": 2**22 + 1, "words": ["run", "market"], "begun": "2026-01-01T00:00:00+00:00"}
    (folder / "process.json").write_text(json.dumps(record))
    (folder / "log.txt").write_text("[21/22] pooled window 0: starts\n")
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield store


@pytest.fixture
def visit(monkeypatch, tmp_path):
    def open_page(page, store, **query):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        monkeypatch.setenv(BOOKS_VARIABLE, str(tmp_path / "books"))
        monkeypatch.setenv(FACES_VARIABLE, str(tmp_path / "faces"))
        app = AppTest.from_file(MAIN, default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"app_pages/{page}.py").run()
        assert not app.exception
        return app

    return open_page


def said(app):
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "code", "success")
    words = [one.value for kind in kinds for one in getattr(app, kind)]
    return "\n".join([*words, *(one.label for one in app.button)]).replace("\\", "")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("overview", "No table yet"),
        ("results", "tradefair demo"),
        ("compare", "once a scenario has its table"),
        ("scenarios", "Save and start"),
        ("store", "A point of a visit a line"),
        ("market", "Choose the table"),
        ("runs", "tradefair demo"),
        ("shoppers", "tradefair demo"),
        ("compliance", "tradefair demo"),
        ("rules", "1 rule, and what it says"),
        ("people", "tradefair consent notice"),
        ("audiences", "tradefair run lookalike-demo"),
        ("assistant", "tradefair faces"),
    ],
)
def test_without_runs_a_page_says_what_it_needs_or_works(visit, tmp_path, page, words):
    assert words in said(visit(page, tmp_path / "nothing", **LIGHT.get(page, {})))
    assert not (tmp_path / "nothing").exists()


LIGHT = {
    "store": {"plan": "corner-shop", "part": "Your own traces"},
    "market": {"market_part": "Check a ranking log"},
}
"""Parts of pages that say the same without simulating anything."""


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("overview", "No table yet"),
        ("results", "21 of 22 runs finished"),
        ("runs", "1 run unfinished"),
        ("compare", "once a scenario has its table"),
        ("shoppers", "does not vary the number of shoppers"),
    ],
)
def test_before_there_is_a_table_a_page_says_so_and_goes_on(visit, going, page, words):
    app = visit(page, going)
    assert words in said(app) + "".join(one.proto.text for one in app.get("progress"))


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("overview", "market is running"),
        ("results", "market is running"),
        ("scenarios", "market is running"),
        ("runs", "market is running"),
        ("compare", "once a scenario has its table"),
        ("shoppers", "does not vary the number of shoppers"),
        ("compliance", "What each release took"),
        ("audiences", "No launches yet"),
    ],
)
def test_while_a_scenario_runs_a_page_shows_it_or_what_is_there(visit, running, page, words):
    assert words in said(visit(page, running, **({"part": "Budgets"} if page == "compliance" else {})))


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("overview", "1 more gave nothing"),
        ("results", "1 run of arm federated failed: out of memory"),
        ("runs", "ValueError: out of memory"),
        ("compliance", "No request was logged"),
    ],
)
def test_a_run_that_failed_is_told_and_hides_no_other(visit, failed_store, page, words):
    app = visit(page, failed_store, **({"part": "What happened"} if page == "compliance" else {}))
    assert words in said(app)
    assert app.title


@pytest.mark.parametrize(("page", "words"), [("overview", "1 more gave nothing"), ("results", "the ledger is spent"),
                                             ("runs", "the ledger is spent")])  # fmt: skip
def test_a_spent_budget_is_told_with_the_runs_that_were_refused(visit, run_store, page, words):
    assert words in said(visit(page, run_store, **({} if page == "overview" else {"scenario": "broken"})))


@pytest.mark.parametrize(
    ("page", "part"), [("shoppers", ""), ("compliance", "What happened"), ("compliance", "Budgets")]
)
def test_a_run_that_was_refused_since_its_budget_is_spent_hides_no_other(visit, run_store, page, part):
    app = visit(page, run_store, scenario="broken", **({"part": part} if part else {}))
    assert not app.error
    assert app.title


GONE = {
    "results": {"scenario": "nobody", "metric": "Beauty"},
    "compare": {"first": "market", "first_arm": "nobody", "second": "nobody"},
    "scenarios": {"bundled": "nobody"},
    "runs": {"scenario": "market", "run": "nobody"},
    "shoppers": {"scenario": "growing", "metric": "Beauty"},
    "compliance": {"scenario": "market", "part": "Dreams"},
    "rules": {"rules_start": "Saved: nobody"},
    "store": {"plan": "nobody", "part": "Your own traces"},
    "market": {"market_part": "Check a ranking log", "market_log_from": "nobody"},
    "audiences": {"audience_part": "Dreams"},
}


@pytest.mark.parametrize("page", GONE)
def test_an_old_link_says_what_is_gone_and_what_is_shown_instead(visit, run_store, page):
    app = visit(page, run_store, **GONE[page])
    told = next(one.value for one in app.warning if "address asks for" in one.value)
    assert "nobody" in told or "Dreams" in told or "Beauty" in told
    assert "scenario: market" not in told  # what is still there is not called gone
    app.run()
    assert any("address asks for" in one.value for one in app.warning)  # it stays until the user does something


def test_an_old_link_is_no_longer_told_once_the_user_goes_on(visit, tmp_path):
    app = visit("store", tmp_path, plan="nobody")
    assert any("address asks for" in one.value for one in app.warning)
    app.get_by_key("edit_kind").set_value("move").run()  # another choice than the one that is gone
    assert not app.exception
    assert not any("address asks for" in one.value for one in app.warning)


@pytest.mark.parametrize(
    ("page", "key"), [("people", "people_part"), pytest.param("assistant", "part", marks=pytest.mark.slow)]
)
def test_an_old_link_to_a_part_of_a_house_or_shop_says_so_too(monkeypatch, tmp_path_factory, tmp_path, page, key):
    if page == "people":
        monkeypatch.setenv(BOOKS_VARIABLE, str(made_once(tmp_path_factory, "state-house", _house) / "books"))
    else:
        made = made_once(tmp_path_factory, "face-shop", make_face_shop)
        monkeypatch.setenv(FACES_VARIABLE, str(copy_of(made, tmp_path / "faces")))
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "nothing"))
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.query_params[key] = "Dreams"
    app.switch_page(f"app_pages/{page}.py").run()
    assert not app.exception
    assert any("address asks for" in one.value and "Dreams" in one.value for one in app.warning)


def _house(folder):
    folder.mkdir()
    make_people_house(folder)


def test_a_link_to_what_is_there_says_nothing_and_a_choice_takes_the_message_away(visit, run_store):
    fresh = visit("runs", run_store, scenario="market")
    assert not fresh.warning
    runs = fresh.selectbox(key="run").options
    assert not visit("runs", run_store, scenario="market", run=runs[0]).warning
    app = visit("runs", run_store, scenario="market", run="nobody")
    assert app.warning
    app.selectbox(key="run").set_value(runs[1]).run()
    assert not app.warning


DEEP = b"a = " + b"[" * 50_000
UPLOADS = {
    "plan": ("store", {"plan": "Your own file"}, "own_plan", "../../*mine*.toml"),
    "scenario": ("scenarios", {"begin_with": "Upload"}, "sent", "../../*mine*.toml"),
    "traces": ("store", LIGHT["store"], "traces", "../../*mine*.csv"),
    "rules": ("rules", {"rules_start": "Your own rules.csv"}, "rules_file", "../../*mine*.csv"),
    "log": ("market", LIGHT["market"], "market_files", "impressions.csv"),
}
BAD = {
    "nothing": (b"", "name is missing|is empty|empty file"),
    "packed": (b"PK\x03\x04" + b"\x00" * 100, "packed or binary|not valid TOML|no text"),
    "not UTF-8": ("name = 'ä'".encode("latin-1"), "is not UTF-8|no text|not UTF"),
    "deep": (DEEP, "too deep|nested|valid TOML|missing|damaged"),
    "huge": (b"#" * 26 * 1024**2, "at most|more than"),
    "a formula": (b'name = "=HYPERLINK(1)"', "name =|needs a map|missing|damaged"),
}


@pytest.fixture(scope="module", params=UPLOADS)
def uploader(request, tmp_path_factory):
    page, query, key, name = UPLOADS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE_VARIABLE, str(tmp_path_factory.mktemp("uploads") / "runs"))
        app = AppTest.from_file(MAIN, default_timeout=60)
        app.query_params.update(query)
        yield app.switch_page(f"app_pages/{page}.py").run(), key, name


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_file_of_the_kind_is_one_line_on_its_page_and_nothing_is_kept(uploader, kind):
    app, key, name = uploader
    content, words = BAD[kind]
    app.file_uploader(key=key).set_value([(name, content, "text/plain")]).run()
    assert not app.exception
    (told,) = app.error
    assert re.search(words, told.value.replace("\\", ""))
    assert len(told.value) < 400
    assert "\n" not in told.value
    assert not Path(os.environ[STORE_VARIABLE]).exists()
