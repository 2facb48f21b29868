"""Enrolment that stores everything or nothing, and leaving without a trace of the face."""

import numpy as np
import pytest
from face_shop import state

from experiments.assistant import Shop, greet, pay, read_picture, read_receipts, receipts_for, revoke, switch
from experiments.assistant import enrol as enrol_at
from experiments.assistant.customers import Welcome
from matching.face.decision import Match, NoMatch, Refused
from matching.face.pad_attacks import SPECIES
from privacy.consent.document import to_document
from retail.errors import ConsentError, DataError

from .conftest import GREET, PAY, SUGGEST, opened


def ciphertexts(folder, subject):
    import sqlite3

    with sqlite3.connect(folder / "vault.sqlite") as connection:
        rows = connection.execute("SELECT nonce, ciphertext FROM templates WHERE subject = ?", (subject,))
        return [bytes(part) for row in rows.fetchall() for part in row]


def test_after_revoking_no_file_holds_a_byte_of_the_template_and_nobody_is_recognised(shop, enrol, again, pictures):
    one, other, *_ = sorted(pictures)
    enrol(one)
    enrol(other)
    subject = shop.register.token(str(one))
    secret = ciphertexts(shop.folder, subject)
    assert len(secret) == 4
    gone = revoke(shop, str(one), withdraw=True)
    assert (gone.templates, gone.withdrawn, gone.pairing) == (2, 3, True)
    whole = b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())
    assert not any(part in whole for part in secret)
    assert greet(shop, again(one)) == NoMatch()
    assert greet(shop, again(other)).person == str(other)
    assert shop.pairings.of(subject) is None
    assert revoke(shop, str(one), withdraw=True) == type(gone)(0, 0, False)


def test_people_on_whom_the_shop_was_calibrated_are_not_enrolled(shop):
    for name, picture in (("17", "orl:3/1"), ("orl:3", "drawn:1/1")):
        before = state(shop.folder)
        with pytest.raises(DataError, match="orl:3 is one of the people on whom this shop was calibrated"):
            enrol_at(shop, name, [read_picture(picture)], receipts_for(shop, name, [GREET]))
        assert state(shop.folder) == before


def wrong_receipt(shop, person):
    document = to_document(receipts_for(shop, person, [PAY])[0])
    document["pii_processing"]["privacy_notice"]["reference"] = "another"
    return [*receipts_for(shop, person, [GREET]), *read_receipts(shop, person, [document])]


REFUSED = {
    "a print": (lambda shop, names: [print_of(shop, names[0])], None, "looks like a picture"),
    "two people": (lambda shop, names: [read_picture(names[0]), read_picture("orl:40/1")], None, "enrol one person"),
    "a flat picture": (lambda shop, names: [flat(names[0])], None, "flat colour"),
    "another size": (lambda shop, names: [large(names[0])], None, "64 x 64|no face"),
    "no pictures": (lambda shop, names: [], None, "give 1 to 20"),
    "a wrong notice in the second receipt": (None, wrong_receipt, "registered no notice"),
    "nothing about faces": (None, lambda shop, who: receipts_for(shop, who, [SUGGEST]), "needs a face"),
}


def changed(name, photo):
    import dataclasses

    return dataclasses.replace(read_picture(name), photo=photo)


def print_of(shop, name):
    rng = np.random.default_rng(0)
    photo = read_picture(name).photo
    tried = (SPECIES["print"](photo, rng) for _ in range(20))
    return changed(name, next(one for one in tried if not shop.liveness.is_live([one])))


def flat(name):
    return changed(name, np.full((64, 64), 90, dtype=np.uint8))


def large(name):
    return changed(name, np.kron(read_picture(name).photo, np.ones((2, 2), dtype=np.uint8)))


@pytest.mark.parametrize("what", REFUSED)
def test_an_enrolment_that_is_refused_for_anything_stores_nothing(shop, pictures, what):
    person = min(set(pictures) - {40})
    given, receipts, message = REFUSED[what]
    chosen = [read_picture(pictures[person][0])] if given is None else given(shop, pictures[person])
    agreed = receipts_for(shop, str(person), [GREET, PAY]) if receipts is None else receipts(shop, str(person))
    before = state(shop.folder)
    try:
        found = enrol_at(shop, str(person), chosen, agreed)
    except (ConsentError, DataError) as error:
        found = Refused("photo", str(error))
    assert isinstance(found, Refused)
    import re

    assert re.search(message, found.message)
    assert "\n" not in found.message
    assert state(shop.folder) == before


def test_nobody_is_enrolled_twice_and_the_second_try_records_no_consent(shop, enrol, pictures):
    person = min(pictures)
    enrol(person, GREET)
    before = state(shop.folder)
    found = enrol(person, GREET)
    assert isinstance(found, Refused)
    assert "enrolled for in_store_recognition already" in found.message
    assert state(shop.folder) == before
    assert enrol(person, PAY).uses == (PAY,)


def test_pairing_by_chance_depends_on_the_seed_and_the_person_alone(made, parts, shop, enrol, pictures):
    one, other, *_ = sorted(pictures)
    first = enrol(one).pairing
    assert first.drawn
    revoke(shop, str(one), withdraw=False)
    enrol(other)
    shop.register.withdraw(str(one), controller=shop.settings.merchant, purpose=GREET)
    assert enrol(one).pairing == first


def test_people_can_leave_while_the_shop_is_off_and_nobody_can_come(shop, enrol, pictures):
    one, other, *_ = sorted(pictures)
    enrol(one)
    switch(shop, on=False)
    assert isinstance(enrol(other), Refused)
    assert revoke(shop, str(one), withdraw=False).templates == 2


def test_switching_off_with_erase_leaves_no_template_and_a_new_key(shop, enrol, parts, pictures):
    people = sorted(pictures)[:2]
    for person in people:
        enrol(person)
    key = (shop.folder / "vault.sqlite.key").read_bytes()
    secret = [part for one in people for part in ciphertexts(shop.folder, shop.register.token(str(one)))]
    assert switch(shop, on=False, erase=True) == 4
    whole = b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())
    assert not any(part in whole for part in secret)
    assert (shop.folder / "vault.sqlite.key").read_bytes() != key
    switch(shop, on=True)
    fresh = opened(shop.folder, parts)
    assert [fresh.enrolled(use) for use in (GREET, PAY)] == [0, 0]


def test_opening_a_shop_changes_no_byte(shop, parts):
    before = state(shop.folder)
    again = opened(shop.folder, parts)
    assert again.greeter.fpir == 0.01
    assert again.payments.fmr == 1e-3
    assert isinstance(Shop.open(shop.folder), Shop)
    assert state(shop.folder) == before


def test_a_customer_pays_once_for_a_key_and_a_till_that_asks_again_while_off_still_learns_it(
    shop, enrol, again, pictures
):
    person = min(pictures)
    assert isinstance(enrol(person), Welcome)
    bought = {"amount": "12.50", "currency": "EUR", "key": "order-0001"}
    first = pay(shop, str(person), [again(person)], **bought)
    assert first.decision == Match(str(person))
    assert first.receipt.amount_minor == 1250
    assert pay(shop, str(person), [again(person)], **bought).receipt == first.receipt
    switch(shop, on=False)
    assert pay(shop, str(person), [again(person)], **bought).receipt == first.receipt
    tried = pay(shop, str(person), [again(person)], **{**bought, "key": "order-0002"})
    assert isinstance(tried.decision, Refused)
    assert tried.receipt is None
    assert tried.alternative == shop.settings.alternative


TILL = """
import sys
from pathlib import Path
import numpy as np
import torch
torch.set_num_threads(1)
from PIL import Image
from experiments.assistant import Picture, Shop, pay
folder, times = sys.argv[1], int(sys.argv[2])
shop = Shop.open(folder)
shop.payments
face = Picture(np.asarray(Image.open(Path(folder).parent / "face.png")), "face", "")
print("ready", flush=True)
for _ in range(times):
    paid = pay(shop, "17", [face], amount="12.50", currency="EUR", key="order-0001")
    print(type(paid.decision).__name__, paid.receipt and paid.receipt.id, flush=True)
"""


@pytest.mark.slow
def test_a_hundred_tries_to_pay_once_by_processes_that_are_killed_charge_once(
    shop, pictures, again, tmp_path, start_code
):
    """kill -9 at random moments of the first attempts, then four tills at once."""
    import random
    import sqlite3
    import time

    from PIL import Image

    person = min(pictures)
    enrol_at(shop, "17", [read_picture(pictures[person][0])], receipts_for(shop, "17", [PAY]))
    Image.fromarray(again(person).photo).save(tmp_path / "face.png")
    pause = random.Random(2)
    told = []
    for round_ in range(4):  # attempts that are not charged count, and a customer has five
        till = start_code(TILL, shop.folder, 30)
        assert till.first_line() == "ready"
        time.sleep(pause.uniform(0.0, 0.02) * round_)
        till.kill()
        told += till.communicate()[0].splitlines()[1:]
    several = [start_code(TILL, shop.folder, 30) for _ in range(4)]  # one till may ask 30 times a minute
    for till in several:
        out, error = till.communicate()
        assert till.returncode == 0, error
        told += out.splitlines()[1:]
    whole = [line for line in told if len(line.split()) == 2 and len(line.split()[1]) == 64]
    assert len(whole) >= 100
    assert len(set(whole)) == 1
    assert whole[0].startswith("Match ")
    with sqlite3.connect(shop.folder / "books.sqlite") as connection:
        assert connection.execute("SELECT amount_minor, currency FROM face_payments").fetchall() == [(1250, "EUR")]
    assert sum(entry.body["outcome"] == "match" for entry in shop.log.entries("payment")) == 1
