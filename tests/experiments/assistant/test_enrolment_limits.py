"""Enrolment where the gallery of the door is full, and where the shop is switched off while somebody is enrolled."""

import dataclasses
import time

from face_shop import state

from experiments.assistant import enrol as enrol_at
from experiments.assistant import greet, read_picture, receipts_for, revoke
from experiments.assistant.customers import Welcome
from matching.face.calibration import Calibration
from matching.face.decision import Refused
from privacy.log import verify_log

from .conftest import GREET, PAY, SUGGEST, opened


def room_for(shop, parts, people):
    """The same shop with a gallery of so many people at the door."""
    door = shop.folder / "door.json"
    dataclasses.replace(Calibration.load(door), gallery=people).save(door)
    dataclasses.replace(shop.settings, gallery=people).save(shop.folder)
    return opened(shop.folder, parts)


def agreed(shop, person, pictures, *uses):
    return enrol_at(shop, str(person), [read_picture(pictures[person][0])], receipts_for(shop, str(person), uses))


def test_whom_the_door_has_no_room_for_is_refused_and_the_others_are_still_greeted(shop, parts, pictures, again):
    shop = room_for(shop, parts, 2)
    one, two, third, *_ = sorted(pictures)
    assert isinstance(agreed(shop, one, pictures, GREET), Welcome)
    assert isinstance(agreed(shop, two, pictures, GREET, PAY), Welcome)
    before = state(shop.folder)
    found = agreed(shop, third, pictures, GREET, PAY)
    assert isinstance(found, Refused)
    assert found.reason == "gallery"
    assert "2 people are enrolled for in_store_recognition" in found.message
    assert state(shop.folder) == before
    assert greet(shop, again(one)).person == str(one)
    assert isinstance(agreed(shop, third, pictures, PAY), Welcome)  # a till compares with one person alone
    revoke(shop, str(one), withdraw=True)
    assert isinstance(agreed(shop, third, pictures, GREET), Welcome)


OFF = """
import sys
from experiments.assistant import Shop, switch
shop = Shop.open(sys.argv[1])
print("ready", flush=True)
print(switch(shop, on=False, erase=True), flush=True)
"""


def test_a_shop_that_another_process_switches_off_meanwhile_stores_no_template(shop, pictures, start_code):
    one, other, *_ = sorted(pictures)
    assert isinstance(agreed(shop, one, pictures, GREET), Welcome)
    real, started = shop.encoder, []

    class Slow:
        """The encoder of the shop, at whose first picture somebody switches the shop off."""

        model, dimension = real.model, real.dimension

        def encode(self, photos):
            if not started:
                started.append(start_code(OFF, shop.folder))
                assert started[0].first_line() == "ready"
                until = time.monotonic() + 60
                while shop.is_on and time.monotonic() < until:
                    time.sleep(0.01)
                assert not shop.is_on
            return real.encode(photos)

    shop.__dict__["encoder"] = Slow()
    found = agreed(shop, other, pictures, GREET, PAY, SUGGEST)
    assert isinstance(found, Refused)
    assert "switched off" in found.message
    subject = shop.register.token(str(other))
    assert shop.vault.holds(subject) == 0
    assert shop.pairings.of(subject) is None
    said, error = started[0].communicate()
    assert started[0].returncode == 0, error
    assert said.split() == ["ready", "1"]  # the other customer's template alone
    known = shop.commitments.known(subject)
    events = [entry.body["event"] for entry in shop.log.entries("enrolment") if entry.body.get("person") == known]
    assert events == ["enrolled", "enrolled", "revoked", "revoked"]
    assert verify_log(shop.folder / "books.sqlite", head=shop.log.sign_head()).ok
