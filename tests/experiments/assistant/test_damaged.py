"""A shop whose settings or key are damaged, or that lacks a file: nothing opens, and people can still leave."""

import json

import pytest

from experiments.assistant import Shop
from experiments.assistant.damaged import close, leave
from experiments.assistant.settings import SETTINGS
from experiments.assistant.shop import FILES
from experiments.assistant.sweep import vouch
from privacy.log import verify_log
from retail.errors import DataError, TradefairError

from .conftest import GREET, PAY

PERSON = 32


@pytest.fixture
def customer(shop, enrol):
    enrol(PERSON, GREET, PAY)
    return str(PERSON)


def break_settings(folder):
    (folder / SETTINGS).write_text("{")


def break_key(folder):
    (folder / "vault.sqlite.key").write_bytes(b"no")


@pytest.mark.parametrize("damage", [break_settings, break_key])
def test_a_customer_leaves_a_damaged_shop_without_a_trace(shop, customer, damage):
    vault = shop.folder / "vault.sqlite"
    subject = shop.register.token(customer)
    damage(shop.folder)
    with pytest.raises(TradefairError):
        Shop.open(shop.folder)
    gone = leave(shop.folder, customer, withdraw=True)
    assert gone.templates == 2
    assert gone.withdrawn >= 2
    assert subject.encode() not in vault.read_bytes()
    assert leave(shop.folder, customer, withdraw=True).templates == 0


@pytest.mark.parametrize("damage", [break_settings, break_key])
def test_a_damaged_shop_can_be_erased_as_a_whole(shop, customer, damage):
    damage(shop.folder)
    with pytest.raises(TradefairError):
        close(shop.folder, erase=False)
    assert close(shop.folder, erase=True) is None
    left = {path.name for path in shop.folder.iterdir()}
    assert not {"vault.sqlite", "vault.sqlite.key", "pairings.sqlite"} & left
    with pytest.raises(TradefairError):
        close(shop.folder, erase=True)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_has_gone_is_not_made_anew_in_silence(shop, customer, name):
    (shop.folder / name).unlink()
    with pytest.raises(DataError, match=f"has no {name}"):
        Shop.open(shop.folder)
    assert not (shop.folder / name).exists()


@pytest.mark.parametrize(
    ("name", "value"), [("on", "maybe"), ("gallery", -5), ("gallery", "many"), ("dimension", 1.5), ("merchant", 7)]
)
def test_settings_of_the_wrong_kind_open_no_shop(shop, name, value):
    body = json.loads((shop.folder / SETTINGS).read_text())
    (shop.folder / SETTINGS).write_text(json.dumps(body | {name: value}))
    with pytest.raises(DataError, match=name):
        Shop.open(shop.folder)


def test_a_gallery_that_was_raised_in_the_settings_does_not_count(shop):
    body = json.loads((shop.folder / SETTINGS).read_text())
    (shop.folder / SETTINGS).write_text(json.dumps(body | {"gallery": 5000}))
    assert Shop.open(shop.folder).gallery == body["gallery"]


def test_the_log_is_signed_once_something_was_written(shop, customer):
    assert vouch(shop)
    assert not vouch(shop)
    assert shop.log.head().size == shop.log.size
    found = verify_log(shop.folder / "books.sqlite")
    assert found.ok
    assert "not vouched for" not in str(found)
