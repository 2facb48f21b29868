"""The page People: agreements, a withdrawal, an erasure with its certificate, and what goes wrong."""

import json
import shutil
from pathlib import Path

import pytest
from people_house import make_people_house
from streamlit.testing.v1 import AppTest

from apps.command.web import BOOKS_VARIABLE, STORE_VARIABLE

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_people_house(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(made, tmp_path, monkeypatch):
    copy = shutil.copytree(made, tmp_path / "house")
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def visit(house, monkeypatch):
    def open_part(part, books="books"):
        monkeypatch.setenv(STORE_VARIABLE, str(house / "runs"))
        monkeypatch.setenv(BOOKS_VARIABLE, str(house / books))
        app = AppTest.from_file(MAIN, default_timeout=120)
        app.query_params["people_part"] = part
        app.switch_page("app_pages/people.py").run()
        assert not app.exception
        return app

    return open_part


def type_id(app, key, person):
    app.get_by_key(key).set_value(person).run()
    assert not app.exception
    return app


def test_agreements_are_counted_and_a_withdrawal_ends_one(visit):
    assert visit("Agreements").title[0].value == "2 agreements valid, 0 withdrawn"
    app = type_id(visit("A person"), "people_person", "17")
    assert app.table[0].value["State"].tolist() == ["valid"]
    app.get_by_key("people_withdraw").click().run()
    assert not app.exception
    assert "1 receipt ended" in app.success[0].value
    assert app.table[0].value["State"].tolist() == ["withdrawn"]
    assert "17" not in str(dict(app.query_params))
    assert visit("Agreements").title[0].value == "1 agreement valid, 1 withdrawn"


def test_an_erasure_is_planned_confirmed_certified_and_checked(visit, house):
    app = type_id(visit("Erasure"), "erase_person", "17")
    app.get_by_key("erase_plan").click().run()
    plan = app.table[0].value
    assert dict(zip(plan["Place"], plan["What is done"], strict=True))["lookalike"] == "retrain"
    assert app.get_by_key("erase_run").disabled
    assert (house / "lookalike.npz").exists()
    app.get_by_key("erase_models").set_value(["lookalike"])
    app.get_by_key("erase_sure").check().run()
    app.get_by_key("erase_run").click().run()
    assert not app.exception
    assert "Closed" in app.success[0].value
    assert not (house / "lookalike.npz").exists()
    (certificate,) = (house / "books" / "certificates").glob("*.json")
    assert "17" not in json.loads(certificate.read_text())["commitments"]
    checked = visit("Check a certificate")
    checked.file_uploader(key="certificate").set_value([("c.json", certificate.read_bytes(), "application/json")]).run()
    assert "Good" in checked.success[0].value
    good, key = (house / "books").glob("*.pub"), checked.text_input(key="certificate_key")
    key.set_value(str(next(good))).run()  # on the server's disk: what a reader types is never a path there
    assert "64 hexadecimal digits" in checked.error[0].value
    key.set_value("").run()
    forged = certificate.read_text().replace('"closed"', '"open"', 1).encode()
    checked.file_uploader(key="certificate").set_value([("c.json", forged, "application/json")]).run()
    assert "Not good" in checked.error[0].value
    for name, content in (("c.json", b"[1]"), ("c.png", b"\x89PNG\x00"), ("c.csv", b"a,b")):
        checked.file_uploader(key="certificate").set_value([(name, content, "text/plain")]).run()
        assert "no erasure certificate" in checked.error[0].value or "is no certificate" in checked.error[0].value
        assert not checked.success


def test_what_is_missing_is_said(visit, house):
    assert visit("Agreements", books="nowhere").title[0].value == "No consent register yet"
    assert not (house / "nowhere").exists()
    app = type_id(visit("A person"), "people_person", "nobody")
    assert "Nothing is on record" in app.info[0].value
    assert app.header[0].value == "What was spent on whoever is in the data"
    (house / "books" / "places.toml").unlink()
    app = type_id(visit("Erasure"), "erase_person", "17")
    app.get_by_key("erase_plan").click().run()
    assert "no list of places" in app.error[0].value.replace("\\", "")
