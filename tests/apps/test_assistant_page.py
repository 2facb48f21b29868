"""The page Assistant, rerun as Streamlit reruns it, on a real shop."""

from pathlib import Path

import pytest
import streamlit as st
from face_shop import copy_of, live_pictures, make_face_shop, state
from made_once import made_once
from streamlit.testing.v1 import AppTest

from apps import faces_shop
from apps.command.web import FACES_VARIABLE, STORE_VARIABLE
from experiments.assistant import Shop

MAIN = Path(__file__).parent.parent.parent / "apps" / "main.py"
PERSON = 32


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return made_once(tmp_path_factory, "face-shop", make_face_shop)


@pytest.fixture(scope="session")
def warm(made):
    shop = Shop.open(made / "shop")
    return {"encoder": shop.encoder, "live": int(live_pictures(shop, PERSON)[0].split("/")[1])}


@pytest.fixture
def visit(made, warm, tmp_path, monkeypatch):
    """Open the page on a copy of the shop; parts are chosen by name."""
    folder = copy_of(made, tmp_path / "faces")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "nothing"))
    monkeypatch.setenv(FACES_VARIABLE, str(folder))
    monkeypatch.setattr(faces_shop, "_encoder", lambda folder, model: warm["encoder"])
    st.cache_resource.clear()

    def open_part(part):
        app = AppTest.from_file(MAIN, default_timeout=120)
        app.query_params["part"] = part
        app.switch_page("app_pages/assistant.py")
        app.run()
        assert not app.exception
        return app

    open_part.folder = folder
    return open_part


def texts(app):
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(element.value for kind in kinds for element in kind)


def press(app, label):
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    return app


def enrolled(visit, warm, *purposes, person="17"):
    app = visit("Enrol")
    app.text_input(key="enrol_person").set_value(person)
    app.selectbox(key="enrol_orl").set_value(PERSON).run()
    app.get_by_key("enrol_pictures").set_value([warm["live"]]).run()
    for purpose in purposes:
        app.checkbox(key=f"agree_{purpose}").check()
    app.run()
    return press(app, "Enrol")


def recognised(visit, person, picture):
    app = visit("Recognise")
    app.selectbox(key="door_orl").set_value(person)
    app.get_by_key("door_picture").set_value(picture).run()
    return press(app, "Recognise")


ALL = ("in_store_recognition", "payment", "recommendation")


def test_a_customer_is_enrolled_recognised_pays_and_leaves(visit, warm):
    app = enrolled(visit, warm, *ALL)
    assert "Enrolled from 1 pictures" in texts(app)
    app = recognised(visit, PERSON, warm["live"])
    assert "Customer 17" in texts(app)
    assert "made-up pairing" in texts(app)
    assert "log-odds" in texts(app)
    agreed = next(table.value for table in app.table if "Purpose" in table.value)
    assert set(agreed["Purpose"]) == {"in store recognition", "payment", "recommendation"}
    for _ in range(2):
        app = visit("Pay")
        app.text_input(key="pay_person").set_value("17")
        app.selectbox(key="pay_orl").set_value(PERSON)
        app.get_by_key("pay_picture").set_value(warm["live"])
        app.text_input(key="assistant_key").set_value("order-0001").run()
        press(app, "Pay")
        assert "Charged 12.50 EUR" in texts(app)
    assert len(Shop.open(visit.folder).log.entries("payment")) == 1
    app = visit("Leave")
    app.text_input(key="leave_person").set_value("17").run()
    press(app, "Delete")
    assert "Templates deleted: 2. Agreements ended: 3." in texts(app)
    assert "Nobody was recognised" in texts(recognised(visit, PERSON, warm["live"]))


def test_a_stranger_leaves_every_file_as_it_was(visit, warm):
    enrolled(visit, warm, *ALL)
    before = state(visit.folder)
    app = recognised(visit, 40, 2)
    assert "Nobody was recognised" in texts(app)
    assert "Customer" not in texts(app)
    assert state(visit.folder) == before


def test_nothing_is_agreed_to_beforehand_and_without_an_agreement_nobody_is_enrolled(visit, warm):
    app = visit("Enrol")
    assert [one.value for one in app.checkbox] == [False, False, False]
    app.text_input(key="enrol_person").set_value("17").run()
    assert next(one for one in app.button if one.label == "Enrol").disabled
    app = enrolled(visit, warm, "recommendation")
    assert "needs a face" in texts(app)
    assert Shop.open(visit.folder).enrolled("payment") == 0


def test_the_card_is_gone_with_the_next_click(visit, warm):
    enrolled(visit, warm, *ALL)
    app = recognised(visit, PERSON, warm["live"])
    assert "Customer 17" in texts(app)
    app.run()
    assert "Customer 17" not in texts(app)


def test_a_file_that_is_no_photo_is_one_message(visit, warm):
    app = visit("Recognise")
    app.get_by_key("door_from").set_value("A file").run()
    before = state(visit.folder)
    app.file_uploader(key="door_file").set_value([("cat.png", b"I am a text", "image/png")]).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "no photo that can be read" in app.error[0].value
    assert next(one for one in app.button if one.label == "Recognise").disabled
    assert state(visit.folder) == before


def test_recognition_is_switched_off_and_on(visit, warm):
    enrolled(visit, warm, *ALL)
    app = press(visit("The shop"), "Switch recognition off")
    assert ":red-badge[off]" in texts(app)
    app = recognised(visit, PERSON, warm["live"])
    assert "switched off in this shop" in texts(app)
    app = press(visit("The shop"), "Switch recognition on")
    assert ":green-badge[on]" in texts(app)
    assert "Customer 17" in texts(recognised(visit, PERSON, warm["live"]))


def test_without_a_shop_the_page_says_how_to_make_one(visit, tmp_path, monkeypatch):
    monkeypatch.setenv(FACES_VARIABLE, str(tmp_path / "none"))
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.switch_page("app_pages/assistant.py")
    app.run()
    assert not app.exception
    assert "No shop for faces yet" in texts(app)
    assert app.code[0].value.startswith("tradefair faces open --run demo --books ")


def test_a_damaged_shop_is_one_message(visit):
    (visit.folder / "shop.json").write_text("{}")
    app = visit("Recognise")
    assert len(app.error) == 1
    assert "holds no settings of a shop" in app.error[0].value
