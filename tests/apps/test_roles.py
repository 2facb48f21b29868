"""What changes something asks for the role when it is done: not even a page that is still open does it without."""

import fcntl
import json
import shutil
from pathlib import Path

import pytest
from login_file import login_file
from people_house import make_people_house
from streamlit.testing.v1 import AppTest

from apps.command.web import BOOKS_VARIABLE, STORE_VARIABLE
from apps.login import LOGIN_VARIABLE, USERS, has_role, user_of
from apps.research import drafts
from apps.research.processes import FOLDER
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario

MAIN = Path(__file__).parents[2] / "apps" / "main.py"
REFUSED = "your role does not cover this"


def claims(name):
    return {"sub": name, "iss": "https://login.example", "email": f"{name}@shop.example", "email_verified": True}


class House:
    """An app with a login: people get roles, log in, and lose roles again."""

    def __init__(self, folder):
        self.folder = folder

    def grant(self, *roles, name="anna"):
        login_file(self.folder, roles={f"{name}@shop.example": list(roles), "*": []})

    def store(self, name="anna"):
        return RunStore(self.folder / "runs" / USERS / user_of(claims(name), {}).id)

    def visit(self, page, *, name="anna", **query):
        app = AppTest.from_file(MAIN, default_timeout=60)
        app.user = {"is_logged_in": True, **claims(name)}
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"app_pages/{page}.py").run()
        assert not app.exception
        return app


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(LOGIN_VARIABLE, str(tmp_path / "login.toml"))
    return House(tmp_path)


def said(app):
    return " ".join(one.value for kind in (app.title, app.error, app.markdown) for one in kind).replace("\\", "")


def draft(store, name):
    return drafts.save(
        store, drafts.checked(drafts.table_of(load_scenario("store-layout")) | {"name": name}, source="test")
    )


@pytest.mark.parametrize(
    ("role", "others"),
    [
        ("researcher", ("rules", "people", "store", "assistant")),
        ("compliance", ("scenarios", "runs", "store", "assistant")),
        ("merchant", ("scenarios", "rules", "people")),
    ],
)
def test_an_address_of_another_roles_page_shows_the_overview(house, role, others):
    house.grant(role)
    for page in others:
        assert house.visit(page).title[0].value.startswith("Retail partners learn")


def test_nobody_without_a_role_starts_even_the_demo(house):
    house.grant("compliance")
    app = house.visit("overview")
    house.grant()
    app.button(key="start-demo").click().run()
    assert "no page here is for you" in said(app)
    assert not (house.store().root / FOLDER).exists()


def test_a_scenario_is_saved_started_and_deleted_by_researchers_alone(house):
    house.grant("researcher")
    path = draft(house.store(), "mine")
    app = house.visit("scenarios", begin_with="In this store")
    for key, now in (
        ("save_start", ()),
        ("save_check", ("merchant",)),
        ("draft_delete mine", ("merchant", "compliance")),
    ):
        house.grant("researcher")
        app.run()
        if key not in {one.key for one in app.button}:
            app.button(key=f"{key}-ask").click().run()
        path.write_bytes(before := path.read_bytes() + b"\n")  # saving would write it anew
        house.grant(*now)
        app.button(key=key).click().run()
        assert not app.exception
        assert path.read_bytes() == before
        assert not (house.store().root / FOLDER / "mine").exists()


def test_a_run_is_cancelled_by_those_who_might_have_started_it(house):
    house.grant("researcher")
    store = house.store()
    for name, source in (("demo", "demo"), ("mine", "/somewhere/mine/scenario.toml")):
        folder = store.root / FOLDER / name
        folder.mkdir(parents=True)
        record = {"pid": 2**22 + 1, "words": ["run", source], "begun": "2026-01-01T00:00:00+00:00"}
        (folder / "process.json").write_text(json.dumps(record))
        with (folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for roles, may in (((), False), (("merchant",), name == "demo"), (("researcher",), True)):
                house.grant("researcher")
                app = house.visit("overview")
                house.grant(*roles)
                app.button(key=f"cancel-{name}").click().run()
                assert not app.exception
                assert (folder / "cancel.json").exists() == may
                assert (REFUSED in said(app)) == (bool(roles) and not may)
                (folder / "cancel.json").unlink(missing_ok=True)


def test_rules_are_saved_and_deleted_by_compliance_alone(house):
    house.grant("compliance")
    app = house.visit("rules")
    app.get_by_key("rules_name").set_value("house").run()
    house.grant("merchant")
    app.button(key="rules_save").click().run()
    assert not (house.store().root / ".policies").exists()
    house.grant("compliance")
    app = house.visit("rules")
    app.get_by_key("rules_name").set_value("house").run()
    app.button(key="rules_save").click().run()
    app = house.visit("rules", rules_start="Saved: house")
    app.button(key="rules_delete house-ask").click().run()
    house.grant("merchant")
    app.button(key="rules_delete house").click().run()
    assert not app.exception
    assert (house.store().root / ".policies" / "house" / "rules.csv").is_file()


def variants():
    from apps.store.floor_editor import Variant
    from apps.store.saved_variants import save_form, saved_table
    from simulation.store.plan import load_plan

    saved_table("corner-shop")
    changed = Variant("corner-shop", ({"swap": ["dairy", "bakery"]},))
    save_form(load_plan("corner-shop"), "corner-shop", changed, None, shoppers=150)


def test_variants_are_saved_and_deleted_by_merchants_alone(house):
    house.grant("merchant")
    app = AppTest.from_function(variants, default_timeout=60)  # those parts of the page Store that change something
    app.user = {"is_logged_in": True, **claims("anna")}
    app.run().get_by_key("variant_name").set_value("door").run()
    file = house.store().root / ".variants" / "door.json"
    for roles in (("researcher",), ("merchant",)):
        house.grant(*roles)
        app.button(key="variant_save").click().run()
        assert file.exists() == (roles == ("merchant",))
    app.button(key="variant_delete door-ask").click().run()
    for roles in (("researcher",), ("merchant",)):
        house.grant(*roles)
        app.button(key="variant_delete door").click().run()
        assert (REFUSED in said(app)) == (roles == ("researcher",))
        assert file.exists() == (roles == ("researcher",))
        if file.exists():
            app.button(key="variant_delete door-ask").click().run()
    assert not app.exception


def test_nobody_withdraws_or_erases_without_the_role(house, tmp_path, monkeypatch):
    place = shutil.copytree(make_people_house(tmp_path / "made"), tmp_path / "house")
    monkeypatch.chdir(place)
    monkeypatch.setenv(BOOKS_VARIABLE, str(place / "books"))
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for part, person, steps, last in (
        ("A person", "people_person", (), "people_withdraw"),
        ("Erasure", "erase_person", ("erase_plan", "erase_sure"), "erase_run"),
    ):
        house.grant("compliance")
        app = house.visit("people", people_part=part)
        app.get_by_key(person).set_value("17").run()
        for step in steps:
            one = app.get_by_key(step)
            (one.check() if step == "erase_sure" else one.click()).run()
        house.grant("researcher", "merchant")
        app.get_by_key(last).click().run()
        assert not app.exception
        assert app.title[0].value.startswith("Retail partners learn")
    after = {path: path.read_bytes() for path in before}
    assert after == before


def test_one_user_sees_nothing_that_another_saved(house):
    login_file(house.folder, roles={"*": ["researcher", "compliance", "merchant"]})
    draft(house.store("anna"), "mine")
    app = house.visit("rules", name="anna")
    app.get_by_key("rules_name").set_value("house").run()
    app.button(key="rules_save").click().run()
    assert "Saved: house" in house.visit("rules", name="anna").selectbox(key="rules_start").options
    assert "Saved: house" not in house.visit("rules", name="berta").selectbox(key="rules_start").options
    berta = house.visit("scenarios", name="berta", begin_with="In this store")
    assert "In this store" not in berta.segmented_control(key="begin_with").options
    assert house.store("berta").root != house.store("anna").root


def test_a_login_that_is_broken_or_gone_gives_no_role(house):
    assert not has_role()  # nobody asks from a page here
    (house.folder / "login.toml").unlink(missing_ok=True)
    assert not has_role()
