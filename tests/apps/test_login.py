"""Who may open the app: a login off loopback, roles, and one user's work hidden from another's."""

import socket

import pytest
from browser_visit import Visit, serve
from identity_provider import identity_provider
from login_file import login_file as login_file_with
from typer.testing import CliRunner

from apps.command.main import app as command
from apps.login import read_login, user_of
from retail.errors import ConfigError

ROLES = {"ANNA@shop.example": ["merchant"], "carl@shop.example": ["compliance", "researcher"]}
PEOPLE = {
    "anna": {"sub": "1", "email": "anna@shop.example", "email_verified": True},
    "berta": {"sub": "2", "email": "Anna@shop.example", "email_verified": False},
    "carl": {"sub": "3", "email": "carl@shop.example", "email_verified": True},
}


def login_file(folder, *where, **changes):
    return login_file_with(folder, *where, **{"roles": ROLES, **changes})


def test_roles_go_by_verified_addresses_alone():
    roles = {"anna@shop.example": ["merchant"], "*": ["compliance"]}
    assert user_of(PEOPLE["anna"], roles).roles == {"merchant", "compliance"}
    assert user_of(PEOPLE["berta"], roles).roles == {"compliance"}
    assert not user_of({**PEOPLE["anna"], "email": "\u212aarl@shop.example"}, {"karl@shop.example": ["merchant"]}).roles
    assert user_of({"email": "anna@shop.example", "email_verified": True}, roles) is None
    same = {**PEOPLE["carl"], "iss": "https://other.example"}  # a subject is unique at its issuer alone
    assert len({user_of(one, roles).id for one in (*PEOPLE.values(), same)}) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roles": {}}, "it is missing"),
        ({"roles": {"*": ["owner"]}}, "must be a list of some of researcher, compliance, merchant"),
        ({"roles": {"*": "merchant"}}, "must be a list"),
        (
            {"roles": {"anna@shop.example": ["merchant"], "Anna@Shop.example ": []}},
            "'Anna@Shop.example ' .* one address",
        ),
        ({"roles": {"\u212aarl@shop.example": ["merchant"]}}, "is not ASCII"),
        ({"auth__client_id": ""}, "needs redirect_uri"),
        ({"auth__cookie_secret": "short"}, "less than 32"),
        ({"auth__redirect_uri": "http://127.0.0.1:8501"}, "/oauth2callback"),
    ],
)
def test_a_login_that_cannot_work_is_one_line(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message) as told:
        read_login(login_file(tmp_path, **changes))
    assert "\n" not in str(told.value)


def test_a_file_that_others_may_read_is_refused(tmp_path):
    path = login_file(tmp_path)
    assert read_login(path)["roles"]["anna@shop.example"] == ["merchant"]  # however it is written
    assert read_login(login_file(tmp_path, roles={" Anna@shop. example": []}))["roles"] == {"anna@shop.example": []}
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_login(path)


@pytest.mark.parametrize(
    "words", [["--host", "0.0.0.0"], ["--name", "shop.example"], ["--host", "no name"], ["--login", "nowhere.toml"]]
)
def test_others_reach_the_app_with_a_login_only(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.execve", lambda *arguments: pytest.fail("it was started"))
    answer = CliRunner().invoke(command, ["app", *words])
    assert isinstance(answer.exception, ConfigError)


@pytest.mark.slow
def test_people_log_in_see_their_pages_and_nobody_elses_work(browser, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with identity_provider(PEOPLE) as provider:
        file = login_file(tmp_path, provider, f"http://127.0.0.1:{port}", roles={**ROLES, "*": []})
        process, address = serve(
            tmp_path / "runs", tmp_path / "log.txt", "--login", str(file), "--host", "127.0.0.1", port=port
        )
        try:

            def enter(name):
                visit = Visit(browser)
                visit.open(f"{address}/store?plan=corner-shop&shoppers=150&days=8")
                assert visit.page.locator("h1").inner_text() == "Log in to Tradefair"
                visit.page.get_by_role("button", name="Log in").click()
                visit.page.get_by_role("link", name=name).click()
                visit.page.locator("[data-testid=stMain] h1").wait_for(timeout=60_000)
                visit.settle()
                return visit

            anna = enter("anna")
            assert anna.page.get_by_text("Greet a customer").count()
            assert not anna.page.get_by_text("See who may read what").count()
            anna.open(f"{address}/store?plan=corner-shop&shoppers=150&days=8&edit=swap%3Ddairy%2Cbakery")
            anna.page.locator("summary").filter(has_text="Save it").click()
            anna.page.get_by_label("Name of the variant").fill("mine alone")
            anna.page.get_by_label("Name of the variant").press("Enter")
            anna.page.get_by_role("button", name="Save", exact=True).click()
            anna.page.get_by_text("Saved variants: 1").wait_for(timeout=60_000)
            berta = enter("berta")  # the same address, but nobody verified it
            assert "no page here is for you" in berta.page.locator("[data-testid=stAlert]").inner_text()
            carl = enter("carl")
            assert carl.page.get_by_text("See who may read what").count()
            assert not carl.page.get_by_text("Greet a customer").count()
            carl.open(f"{address}/store?plan=corner-shop")
            assert not carl.page.get_by_text("Saved variants").count()
            assert len(list((tmp_path / "runs" / ".users").glob("*/.variants/mine alone.json"))) == 1
            anna.page.get_by_role("button", name="Log out").click()
            anna.page.get_by_role("button", name="Log in").wait_for(timeout=60_000)
            carl.open(f"{address}/scenarios")
            carl.page.get_by_role("button", name="Save and check").wait_for(timeout=60_000)
            login_file(tmp_path, provider, f"http://127.0.0.1:{port}", roles={"*": []})
            carl.page.get_by_role("button", name="Save and check").click()
            carl.page.get_by_text("no page here is for you").wait_for(timeout=60_000)
            assert not list((tmp_path / "runs" / ".users").glob("*/*/scenario.toml"))
            file.chmod(0o644)
            carl.open(f"{address}/scenarios")
            carl.page.get_by_text("Nobody can log in now").wait_for(timeout=60_000)
            assert str(tmp_path) not in carl.page.locator("body").inner_text()
        finally:
            process.terminate()
            process.wait(10)
