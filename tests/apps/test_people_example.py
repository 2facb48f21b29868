"""Made-up people to try the page People on: a command makes them, and so does a button, for one tab alone."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.main import main
from apps.command.web import BOOKS_VARIABLE, STORE_VARIABLE
from apps.compliance.people_books import PeopleBooks

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "house"
    assert main(["consent", "example", str(folder)]) == 0
    return folder


def test_an_example_holds_agreements_withdrawals_and_a_place_to_erase_from(example):
    books = PeopleBooks(example / "books")
    counts = {(row[0], row[1], row[3]): row[4] for row in books.reading().summary()}
    assert counts[("corner-shop", "recommendation", "valid")] == 35
    assert counts[("corner-shop", "recommendation", "withdrawn")] == 5
    found = {one.place: one.found for one in books.erasure().plan("17").steps}
    assert found["tables"] > 0


def test_an_example_replaces_nothing(example, capsys):
    before = sorted(path.name for path in example.parent.iterdir())
    assert main(["consent", "example", str(example)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert sorted(path.name for path in example.parent.iterdir()) == before


def test_a_tab_tries_people_out_alone_and_leaves_no_books(monkeypatch, tmp_path):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(BOOKS_VARIABLE, str(tmp_path / "books"))

    def opened():
        app = AppTest.from_file(MAIN, default_timeout=60)
        app.switch_page("app_pages/people.py").run()
        return app

    app = opened()
    next(one for one in app.button if one.label.startswith("Try it")).click().run()
    assert not app.exception
    assert app.title[0].value == "97 agreements valid, 8 withdrawn"
    assert "Made-up people" in app.info[0].value
    assert any("From the made-up register" in one.value for one in app.caption)
    app.get_by_key("people_part").set_value("A person").run()
    app.get_by_key("people_person").set_value("3").run()
    assert not app.header
    assert any("about your own people" in one.value for one in app.caption)
    app.get_by_key("people_part").set_value("Erasure").run()
    app.get_by_key("erase_person").set_value("17").run()
    app.get_by_key("erase_plan").click().run()
    app.get_by_key("erase_sure").check().run()
    app.get_by_key("erase_run").click().run()
    assert any("A made-up certificate" in one.value for one in app.info)
    assert any("verify made-up-erasure-" in one.value for one in app.code)
    assert opened().title[0].value == "No consent register yet"
    assert not (tmp_path / "books").exists()
    next(one for one in app.button if one.label.startswith("Leave")).click().run()
    assert app.title[0].value == "No consent register yet"
