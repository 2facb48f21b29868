"""What every page says in every state: an empty store, runs that go on, fail or are refused, and a link that is old."""

import os
import re
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import BOOKS_VARIABLE, FACES_VARIABLE, STORE_VARIABLE

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"


@pytest.fixture(scope="module")
def going(run_store, tmp_path_factory):
    """A store whose only scenario has one run without an outcome, and so no table yet."""
    store = tmp_path_factory.mktemp("going")
    shutil.copytree(run_store / "market", store / "market")
    (store / "market" / "summary.json").unlink()
    next(iter(sorted((store / "market").glob("*/run.json")))).unlink()
    return store


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
    assert words in said(visit(page, tmp_path / "nothing"))
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("overview", "No table yet"),
        ("compare", "once a scenario has its table"),
        ("shoppers", "does not vary the number of shoppers"),
    ],
)
def test_before_there_is_a_table_a_page_says_so_and_goes_on(visit, going, page, words):
    assert words in said(visit(page, going))


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
    "plan": ("store", {"plan": "Your own file"}, "own_plan"),
    "scenario": ("scenarios", {"begin_with": "Upload"}, "sent"),
}
BAD = {
    "nothing": (b"", "name is missing|is empty"),
    "packed": (b"PK\x03\x04" + b"\x00" * 100, "packed or binary|not valid TOML"),
    "not UTF-8": ("name = 'ä'".encode("latin-1"), "is not UTF-8"),
    "deep": (DEEP, "too deep|nested|valid TOML"),
    "huge": (b"#" * 26 * 1024**2, "at most|more than"),
    "a formula": (b'name = "=HYPERLINK(1)"', "name =|needs a map"),
}


@pytest.fixture(scope="module", params=UPLOADS)
def uploader(request, tmp_path_factory):
    page, query, key = UPLOADS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE_VARIABLE, str(tmp_path_factory.mktemp("uploads") / "runs"))
        app = AppTest.from_file(MAIN, default_timeout=60)
        app.query_params.update(query)
        yield app.switch_page(f"app_pages/{page}.py").run(), key


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_plan_and_no_scenario_is_one_line_and_nothing_is_kept(uploader, kind):
    app, key = uploader
    content, words = BAD[kind]
    app.file_uploader(key=key).set_value([("../../*mine*.toml", content, "application/toml")]).run()
    assert not app.exception
    (told,) = app.error
    assert re.search(words, told.value.replace("\\", ""))
    assert len(told.value) < 400
    assert "\n" not in told.value
    assert not Path(os.environ[STORE_VARIABLE]).exists()
