"""Templates go when consent has ended, by time or by withdrawal; greeting somebody deletes nothing."""

import dataclasses
import datetime as dt
import shutil
import time

import pytest
from face_shop import state

from experiments.assistant import enrol as enrol_at
from experiments.assistant import greet, read_picture, receipts_for, revoke, sweep, switch
from experiments.assistant.customers import Welcome
from experiments.assistant.erasure_place import ShopPlace
from experiments.assistant.pairings import Pairing
from matching.face.decision import NoMatch, Refused

from .conftest import GREET, PAY, SUGGEST
from .test_customers import ciphertexts

SOON = dt.timedelta(seconds=4)


def enrol_until(shop, person, picture, end):
    given = [
        dataclasses.replace(one, expires_at=end) if one.purposes == (GREET,) else one
        for one in receipts_for(shop, person, [GREET, PAY, SUGGEST])
    ]
    assert isinstance(enrol_at(shop, person, [read_picture(picture)], given), Welcome)


@pytest.mark.slow
def test_a_template_whose_receipt_expires_goes_and_no_byte_of_it_stays(shop, enrol, again, pictures):
    one, other, *_ = sorted(pictures)
    enrol(other)
    end = dt.datetime.now(dt.UTC) + SOON
    enrol_until(shop, str(one), pictures[one][0], end)
    subject = shop.register.token(str(one))
    secret = ciphertexts(shop.folder, subject)
    before = state(shop.folder)
    assert sweep(shop) == 0
    assert state(shop.folder) == before
    time.sleep(max(0.0, (end - dt.datetime.now(dt.UTC)).total_seconds()) + 0.01)
    assert greet(shop, again(one)) == NoMatch()  # not compared, and greeting deletes nothing
    assert state(shop.folder) == before
    assert sweep(shop) == 1
    left = ciphertexts(shop.folder, subject)
    assert len(left) == 2  # of payment, whose receipt holds
    whole = b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())
    assert not any(part in whole for part in secret if part not in left)
    ended = [entry.body for entry in shop.log.entries("enrolment") if entry.body["event"] == "ended"]
    merchant, known = shop.settings.merchant, shop.commitments.known(subject)
    assert ended == [{"event": "ended", "merchant": merchant, "purpose": GREET, "person": known}]
    assert shop.pairings.of(subject) is not None
    assert greet(shop, again(other)).person == str(other)
    assert sweep(shop) == 0


def test_consent_withdrawn_elsewhere_ends_the_keeping_at_the_next_enrolment_or_switch(shop, enrol, pictures):
    one, other, third, *_ = sorted(pictures)
    enrol(one)
    for purpose in (GREET, PAY):
        shop.register.withdraw(str(one), controller=shop.settings.merchant, purpose=purpose)
    enrol(other)
    subject = shop.register.token(str(one))
    assert (shop.vault.holds(subject), shop.pairings.of(subject)) == (0, None)
    shop.register.withdraw(str(other), controller=shop.settings.merchant, purpose=PAY)
    assert switch(shop, on=False) == 1
    assert [shop.enrolled(use) for use in (GREET, PAY)] == [1, 0]
    left_by_a_kill = Pairing("1", "2", drawn=True)
    shop.pairings.pair(shop.register.token(str(third)), left_by_a_kill)
    assert sweep(shop) == 0
    assert shop.pairings.subjects() == [shop.register.token(str(other))]


def test_somebody_whose_consent_ended_may_agree_and_be_enrolled_anew(shop, enrol, pictures):
    person = min(pictures)
    enrol(person)
    assert isinstance(enrol(person, PAY), Refused)
    shop.register.withdraw(str(person), controller=shop.settings.merchant, purpose=PAY)
    assert isinstance(enrol(person, PAY), Welcome)
    assert sweep(shop) == 0


def test_revoking_counts_the_templates_of_the_person_also_after_a_withdrawal_elsewhere(shop, enrol, pictures):
    person = min(pictures)
    enrol(person)
    for purpose in (GREET, PAY):
        shop.register.withdraw(str(person), controller=shop.settings.merchant, purpose=purpose)
    assert revoke(shop, str(person), withdraw=False).templates == 2


def test_an_old_copy_of_the_vault_does_not_keep_somebody_who_was_erased(shop, enrol, pictures, tmp_path):
    """And the log names nobody then: the salts went with the person."""
    person = min(pictures)
    enrol(person)
    subject = shop.register.token(str(person))
    secret = ciphertexts(shop.folder, subject)
    shutil.copy(shop.folder / "vault.sqlite", tmp_path / "backup")
    ShopPlace("faces of m1", shop.folder, tombstones=shop.register.tombstones).erase(str(person))
    shutil.copy(tmp_path / "backup", shop.folder / "vault.sqlite")
    assert shop.vault.holds(subject) == 2
    assert sweep(shop) == 2
    whole = b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())
    assert not any(part in whole for part in secret)
    assert shop.commitments.known(subject) is None
