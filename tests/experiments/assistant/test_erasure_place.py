"""A shop's folder as a place of an erasure: afterwards nothing of the person is in any file, and everybody else is."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from face_shop import state

from experiments.assistant import Shop, greet, pay, read_picture, receipts_for
from experiments.assistant import enrol as enrol_at
from experiments.assistant.erasure_place import ShopPlace
from matching.face.decision import NoMatch
from matching.face.enrol import FaceEnrolment
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.erasure import Checked, Erasure, Registry, Store, check_certificate
from privacy.log import Log, SigningKey, verify_log
from retail.errors import ConsentError, DataError

from .conftest import GREET, PAY, SUGGEST, opened

NAME = "customer-of-the-erasure-test"


@pytest.fixture
def customers(shop, pictures):
    """Two people enrolled for everything: the first one goes, the second one stays. Returns their pictures."""
    one, other, *_ = sorted(pictures)
    for name, person in ((NAME, one), ("stays", other)):
        enrol_at(shop, name, [read_picture(pictures[person][0])], receipts_for(shop, name, [GREET, PAY, SUGGEST]))
    return one, other


@pytest.fixture
def office(tmp_path):
    """The books of whoever answers requests: a register, a log and salts that are not the shop's."""
    (tmp_path / "books").mkdir()
    log = Log.open(tmp_path / "books" / "books.sqlite", origin="office", key=SigningKey.generate())
    salts = Commitments.open(tmp_path / "books" / "commitments.sqlite")
    register = ConsentRegister.open(tmp_path / "books" / "consent.sqlite", log=log, commitments=salts)
    return register, log, salts


@pytest.fixture
def erasure(shop, office, tmp_path):
    register, log, salts = office
    registry = Registry()
    registry.add(ShopPlace("faces of m1", shop.folder, tombstones=register.tombstones))
    return Erasure(
        registry, register=register, log=log, commitments=salts, journal=tmp_path / "books" / "erasure.sqlite"
    )


def traces(shop, person):
    """What a file may hold of a person: both parts of each template, the id, the token."""
    subject = shop.register.token(person)
    with sqlite3.connect(shop.folder / "vault.sqlite") as connection:
        rows = connection.execute("SELECT nonce, ciphertext FROM templates WHERE subject = ?", (subject,)).fetchall()
    return [bytes(part) for row in rows for part in row] + [person.encode(), subject.encode()]


def whole(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_after_an_erasure_no_file_of_the_shop_holds_a_byte_of_the_template_and_others_stay(
    shop, customers, again, erasure, office
):
    one, other = customers
    assert pay(shop, NAME, [again(one)], amount="12.50", currency="EUR", key="order-0001").receipt is not None
    secret = traces(shop, NAME)
    assert len(secret) == 6
    held = whole(shop.folder)
    assert all(part in held for part in secret if part != NAME.encode())  # the id lies inside the encryption alone
    before = state(shop.folder)
    (step,) = [step for step in erasure.plan(NAME).steps if step.place == "faces of m1"]
    assert state(shop.folder) == before
    assert step.found > 2
    certificate = erasure.run(NAME)
    (row,) = [row for row in certificate.document["places"] if row["place"] == "faces of m1"]
    assert (certificate.status, row["state"], row["left"]) == ("closed", "done", 0)
    assert check_certificate(certificate.document, key_hex=office[1].key.public_hex) == ()
    held = whole(shop.folder)
    assert not any(part in held for part in secret)
    assert greet(shop, again(one)) == NoMatch()
    assert greet(shop, again(other)).person == "stays"
    assert shop.vault.holds(shop.register.token("stays")) == 2
    with sqlite3.connect(shop.folder / "books.sqlite") as connection:
        assert connection.execute("SELECT amount_minor FROM face_payments").fetchall() == [(1250,)]
    events = [entry.body["event"] for entry in shop.log.entries("enrolment")]
    assert events.count("erased") == 2
    assert verify_log(shop.folder / "books.sqlite", head=shop.log.sign_head()).ok


def test_the_shop_refuses_whoever_was_erased_also_where_its_register_is_another(shop, customers, erasure, pictures):
    one, _ = customers
    erasure.run(NAME)
    before = state(shop.folder)
    later = Shop.open(shop.folder)
    later.__dict__.update({name: shop.__dict__[name] for name in ("encoder", "liveness", "recommender")})
    answer = enrol_at(later, NAME, [read_picture(pictures[one][0])], receipts_for(later, NAME, [GREET]))
    assert answer.reason == "consent"
    assert "let-back" in answer.message
    assert state(shop.folder) == before


def test_the_shops_own_register_may_be_the_one_that_the_erasure_runs_with(shop, customers, tmp_path):
    registry = Registry()
    registry.add(ShopPlace("faces of m1", shop.folder, tombstones=shop.register.tombstones))
    secret = traces(shop, NAME)
    journal = tmp_path / "erasure.sqlite"
    with_own = Erasure(registry, register=shop.register, log=shop.log, commitments=shop.commitments, journal=journal)
    assert with_own.run(NAME).status == "closed"
    assert with_own.where(NAME) == []
    held = whole(shop.folder)
    assert not any(part in held for part in secret)


def test_an_old_copy_of_the_vault_is_noticed_and_the_next_run_empties_it_again(
    shop, customers, erasure, office, tmp_path
):
    place = ShopPlace("faces of m1", shop.folder, tombstones=office[0].tombstones)
    assert isinstance(place, Store)
    assert isinstance(place, Checked)
    place.check()
    secret = traces(shop, NAME)
    shutil.copy(shop.folder / "vault.sqlite", tmp_path / "backup")
    erasure.run(NAME)
    place.check()
    shutil.copy(tmp_path / "backup", shop.folder / "vault.sqlite")
    with pytest.raises(ConsentError, match="faces of m1: 2 rows are of people who were erased") as told:
        place.check()
    assert NAME not in str(told.value)
    assert erasure.run(NAME).status == "closed"
    place.check()
    held = whole(shop.folder)
    assert not any(part in held for part in secret)


def test_a_folder_that_has_gone_holds_nobody_and_one_that_lacks_a_file_is_refused(shop, customers, office):
    """Made anew, a register would know nobody by the tokens in the vault."""
    place = ShopPlace("faces of m1", shop.folder, tombstones=office[0].tombstones)
    (shop.folder / "consent.sqlite").rename(shop.folder / "elsewhere")
    for ask in (lambda: place.holds(NAME), lambda: place.erase(NAME), place.check):
        with pytest.raises(DataError, match=r"has no consent\.sqlite"):
            ask()
    assert not (shop.folder / "consent.sqlite").exists()
    shutil.rmtree(shop.folder)
    assert (place.holds(NAME), place.erase(NAME)) == (0, 0)
    assert not shop.folder.exists()


def test_an_erasure_waits_for_an_enrolment_under_way_so_that_nothing_is_stored_after_it(
    shop, pictures, erasure, monkeypatch
):
    """The order comes when the template has been made and is about to be stored."""
    face = [read_picture(pictures[min(pictures)][0])]
    orders = []
    keep = FaceEnrolment.keep

    def kept(self, made, **options):
        orders.append(threading.Thread(target=erasure.run, args=(NAME,)))
        orders[0].start()
        orders[0].join(0.5)
        assert orders[0].is_alive()
        return keep(self, made, **options)

    monkeypatch.setattr(FaceEnrolment, "keep", kept)
    enrol_at(shop, NAME, face, receipts_for(shop, NAME, [GREET]))
    orders[0].join(60)
    assert erasure.where(NAME) == []
    assert shop.vault.bindings(GREET) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from experiments.assistant.erasure_place import ShopPlace
from experiments.assistant.pairings import Pairings
from matching.face.vault import Vault
from privacy.consent import ConsentRegister
die = lambda *arguments, **named: os.kill(os.getpid(), signal.SIGKILL)
owner, method = {
    "vault": (Vault, "revoke"), "pairing": (Pairings, "forget"), "register": (ConsentRegister, "forget")
}[sys.argv[2]]
setattr(owner, method, die)
register = ConsentRegister.open(Path(sys.argv[3]), log=None, commitments=None)
ShopPlace("faces of m1", sys.argv[1], tombstones=register.tombstones).erase(sys.argv[4])
"""


@pytest.mark.parametrize("moment", ["vault", pytest.param("pairing", marks=pytest.mark.slow), "register"])
def test_an_erasure_that_is_killed_goes_on_when_it_is_repeated(
    shop, customers, again, erasure, parts, tmp_path, moment
):
    one, _ = customers
    secret = traces(shop, NAME)
    register = tmp_path / "books" / "consent.sqlite"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, shop.folder, moment, register, NAME], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert greet(opened(shop.folder, parts), again(one)) == NoMatch()  # refused from the first moment
    assert erasure.run(NAME).status == "closed"
    held = whole(shop.folder)
    assert not any(part in held for part in secret)
