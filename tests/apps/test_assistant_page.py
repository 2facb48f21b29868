"""The page Assistant, rerun as Streamlit reruns it, on a real shop."""

import io
import json
from pathlib import Path

import pytest
import streamlit as st
from face_shop import copy_of, live_pictures, make_face_shop, state
from login_file import login_file
from made_once import made_once
from PIL import Image
from streamlit.testing.v1 import AppTest

from apps.command.web import FACES_VARIABLE, STORE_VARIABLE
from apps.faces import shop as faces_shop
from apps.faces.view import _sentence
from apps.login import LOGIN_VARIABLE
from experiments.assistant import Shop, read_picture
from matching.face.pay import Limits

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
    assert "Enrolled from 1 picture for in store recognition and payment." in texts(app)
    assert "1 template for in store recognition, 1 template for payment" in texts(app)  # at once, not a click later
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
    assert "2 templates deleted, 3 agreements ended." in texts(app)
    assert "0 templates for in store recognition, 0 templates for payment" in texts(app)
    assert "Nobody was recognised" in texts(recognised(visit, PERSON, warm["live"]))


def test_a_stranger_leaves_every_file_as_it_was(visit, warm):
    enrolled(visit, warm, *ALL)
    before = state(visit.folder)
    app = recognised(visit, 40, 2)
    assert "Nobody was recognised" in texts(app)
    assert "on a new picture it usually misses somebody who is enrolled" in texts(app)
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
    assert app.error[0].value.startswith("cat.png is no photo that can be read")
    assert next(one for one in app.button if one.label == "Recognise").disabled
    assert state(visit.folder) == before


def test_recognition_is_switched_off_and_on(visit, warm):
    enrolled(visit, warm, *ALL)
    app = press(visit("Shop"), "Switch recognition off")
    assert ":red-badge[off]" in texts(app)
    for part in ("Recognise", "Enrol", "Pay"):
        app = visit(part)
        assert "**Recognition is off**" in texts(app)
        assert "`" not in texts(app)
        if part == "Enrol":
            app.text_input(key="enrol_person").set_value("18")
            app.checkbox(key="agree_payment").check().run()
        if part == "Pay":
            app.text_input(key="pay_person").set_value("17").run()
        assert next(one for one in app.button if one.label == part).disabled
    app = press(visit("Shop"), "Switch recognition on")
    assert ":green-badge[on]" in texts(app)
    assert "Customer 17" in texts(recognised(visit, PERSON, warm["live"]))


def test_without_a_shop_the_page_says_how_to_make_one(visit, tmp_path, monkeypatch):
    monkeypatch.setenv(FACES_VARIABLE, str(tmp_path / "none"))
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.switch_page("app_pages/assistant.py")
    app.run()
    assert not app.exception
    assert "No shop for faces yet" in texts(app)
    assert [one.value.split(" --books ")[0] for one in app.code] == [
        "tradefair faces open",
        "tradefair faces open --run demo",
    ]


def test_a_damaged_shop_is_one_message(visit):
    (visit.folder / "shop.json").write_text("{}")
    app = visit("Recognise")
    assert app.title[0].value == "This shop cannot be opened"
    assert len(app.error) == 1
    assert "holds no settings of a shop" in app.error[0].value
    assert app.code[0].value.startswith("tradefair faces revoke PERSON --withdraw --books ")


def paying(app, warm, person="17"):
    app.text_input(key="pay_person").set_value(person)
    app.selectbox(key="pay_orl").set_value(PERSON)
    app.get_by_key("pay_picture").set_value(warm["live"]).run()
    return app


def key_of(app):
    return app.text_input(key="assistant_key").value


def test_a_key_pays_once_and_whatever_is_changed_then_gets_a_new_one(visit, warm):
    enrolled(visit, warm, *ALL)
    app = press(paying(visit("Pay"), warm), "Pay")
    first = key_of(app)
    assert "Charged 12.50 EUR" in texts(app)
    assert key_of(press(app, "Pay")) == first  # repeated, it is the same purchase
    app.text_input(key="pay_amount").set_value("12.5").run()
    assert key_of(app) == first  # the same amount
    app.text_input(key="pay_amount").set_value("6").run()
    second = key_of(app)
    assert second != first
    assert "Charged 6 EUR" in texts(press(app, "Pay"))
    app.text_input(key="pay_person").set_value("18").run()
    assert key_of(app) not in (first, second)
    assert [one["amount_minor"] for one in charges(visit.folder)] == [1250, 600]


def test_the_same_customer_may_buy_for_the_same_amount_again(visit, warm):
    enrolled(visit, warm, *ALL)
    app = paying(visit("Pay"), warm)
    assert "New purchase" not in [one.label for one in app.button]
    first = key_of(press(app, "Pay"))
    press(app, "New purchase")
    assert key_of(app) != first
    assert app.text_input(key="pay_person").value == ""
    press(paying(app, warm), "Pay")
    assert [one["amount_minor"] for one in charges(visit.folder)] == [1250, 1250]


def test_a_refused_payment_keeps_its_key(visit, warm):
    app = paying(visit("Pay"), warm, person="nobody")
    first = key_of(press(app, "Pay"))
    assert "**Refused (consent).** No valid consent" in texts(app)
    app.text_input(key="pay_amount").set_value("6").run()
    assert key_of(app) == first


def charges(folder):
    entries = Shop.open(folder).log.entries("payment")
    return [one.body for one in entries if "amount_minor" in one.body]


def test_the_shop_says_its_limits_and_how_often_liveness_refuses_honest_pictures(visit):
    (table,) = visit("Shop").table
    facts = dict(zip(table.value["Setting"], table.value["Value"], strict=True))
    assert "50.00 EUR at once and 100.00 EUR a day" in facts["Paid by face at most"]
    assert "5 comparisons with one customer in 15 minutes" in facts["Paid by face at most"]
    assert Shop.open(visit.folder).payments.limits == Limits()
    assert "of honest pictures" in facts["Liveness check"]


def test_without_a_recommender_no_shopper_is_asked_for_and_the_consent_is_on_record(visit, warm):
    settings = visit.folder / "shop.json"
    assert any(one.key == "enrol_shopper" for one in visit("Enrol").text_input)
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "run": "", "store": ""}))
    app = enrolled(visit, warm, *ALL)
    assert not any(one.key == "enrol_shopper" for one in app.text_input)
    assert "On record, too: recommendation; this shop has no recommender" in texts(app)


def test_of_several_files_the_readable_ones_are_taken_and_the_others_named(visit, made):
    app = visit("Enrol")
    app.get_by_key("enrol_from").set_value("A file").run()
    good = io.BytesIO()
    Image.fromarray(read_picture(f"orl:{PERSON}/1").photo).save(good, "PNG")
    files = [("one.png", b"I am a text", "image/png"), ("two.png", good.getvalue(), "image/png")]
    app.file_uploader(key="enrol_file").set_value(files).run()
    assert [one.value.split(" is ")[0] for one in app.error] == ["one.png"]


def test_a_message_is_a_sentence_with_its_commands_as_code():
    assert _sentence("no face was found; look up") == "No face was found; look up."
    assert _sentence("run `tradefair erasure let-back`") == "Run `tradefair erasure let-back`"
    assert _sentence("picture 1 (a`b*.png): no face") == "Picture 1 (a\\`b\\*.png)\\: no face."


def test_nobody_without_the_role_switches_recognition_off(visit, tmp_path, monkeypatch):
    people = {"anna@shop.example": ["merchant"]}
    monkeypatch.setenv(LOGIN_VARIABLE, str(login_file(tmp_path, roles=people)))
    app = AppTest.from_file(MAIN, default_timeout=120)
    app.user = {"is_logged_in": True, "sub": "1", "email": "anna@shop.example", "email_verified": True}
    app.query_params["part"] = "Shop"
    app.switch_page("app_pages/assistant.py").run()
    assert any(one.label == "Switch recognition off" for one in app.button)
    login_file(tmp_path, roles={"anna@shop.example": ["researcher"]})
    press(app, "Switch recognition off")
    assert Shop.open(visit.folder).is_on
    login_file(tmp_path, roles=people)
    app.run().switch_page("app_pages/assistant.py").run()
    press(app, "Switch recognition off")
    assert not Shop.open(visit.folder).is_on
