"""Templates go when consent has ended, by time or by withdrawal; greeting somebody deletes nothing."""

import dataclasses
import datetime as dt
import time

from face_shop import state

from experiments.assistant import enrol as enrol_at
from experiments.assistant import greet, read_picture, receipts_for, sweep, switch
from experiments.assistant.customers import Welcome
from experiments.assistant.pairings import Pairing
from matching.face.decision import NoMatch

from .conftest import GREET, PAY, SUGGEST
from .test_customers import ciphertexts

SOON = dt.timedelta(seconds=4)


def enrol_until(shop, person, picture, end):
    given = [
        dataclasses.replace(one, expires_at=end) if one.purposes == (GREET,) else one
        for one in receipts_for(shop, person, [GREET, PAY, SUGGEST])
    ]
    assert isinstance(enrol_at(shop, person, [read_picture(picture)], given), Welcome)


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
