"""An enrolment that is killed leaves a customer or nobody, and the same enrolment again goes on from there."""

import json
import signal
import sqlite3

import pytest

from experiments.assistant import enrol as enrol_at
from experiments.assistant import read_picture, read_receipts, receipts_for, revoke
from experiments.assistant.customers import Welcome
from matching.face.decision import Refused
from privacy.consent.document import to_document
from privacy.log import verify_log

from .conftest import GREET, PAY, SUGGEST, opened

ENROL = """
import json, os, signal, sys
import torch
torch.set_num_threads(1)
from experiments.assistant import Shop, customers, enrol, read_picture, read_receipts
from matching.face import vault as module
from privacy.consent import ConsentRegister
folder, picture, given, moment = sys.argv[1:]

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at_the_second(real):
    calls = []
    def call(*arguments, **options):
        calls.append(1)
        return die() if len(calls) == 2 else real(*arguments, **options)
    return call

if moment == "between two receipts":
    ConsentRegister.record = die_at_the_second(ConsentRegister.record)
elif moment == "before the templates":
    module.Vault.enrol_all = die
elif moment == "between two templates":
    module.insert = die_at_the_second(module.insert)
else:
    customers.Welcome = die
shop = Shop.open(folder)
receipts = read_receipts(shop, "17", json.loads(given))
print("ready", flush=True)
enrol(shop, "17", [read_picture(picture)], receipts)
print("enrolled", flush=True)
"""
MOMENTS = ["between two receipts", "before the templates", "between two templates", "at the very end"]


def templates(folder):
    with sqlite3.connect(folder / "vault.sqlite") as connection:
        return connection.execute("SELECT purpose FROM templates ORDER BY purpose").fetchall()


@pytest.mark.parametrize(
    "moment", [one if one == "between two templates" else pytest.param(one, marks=pytest.mark.slow) for one in MOMENTS]
)
def test_a_killed_enrolment_is_whole_or_goes_on_with_the_same_receipts(shop, parts, pictures, start_code, moment):
    picture = pictures[min(pictures)][0]
    given = [to_document(one) for one in receipts_for(shop, "17", [GREET, PAY, SUGGEST])]
    process = start_code(ENROL, shop.folder, picture, json.dumps(given), moment)
    said, error = process.communicate()
    assert (process.returncode, said) == (-signal.SIGKILL, "ready\n"), error
    after = opened(shop.folder, parts)
    whole = [(GREET,), (PAY,)]
    assert templates(shop.folder) == (whole if moment == "at the very end" else [])
    found = enrol_at(after, "17", [read_picture(picture)], read_receipts(after, "17", given))
    assert isinstance(found, Refused if moment == "at the very end" else Welcome)
    assert templates(shop.folder) == whole
    assert sorted((one.purpose, one.state) for one in after.register.status("17")) == sorted(
        (one, "valid") for one in (GREET, PAY, SUGGEST)
    )
    assert after.pairings.of(after.register.token("17")) is not None
    assert verify_log(shop.folder / "books.sqlite", head=after.log.sign_head()).ok


def test_receipts_on_record_count_again_for_their_person_alone_and_not_once_withdrawn(shop, pictures):
    face = [read_picture(pictures[min(pictures)][0])]
    given = receipts_for(shop, "17", [GREET])
    assert isinstance(enrol_at(shop, "17", face, given), Welcome)
    revoke(shop, "17", withdraw=False)
    assert isinstance(enrol_at(shop, "17", face, given), Welcome)
    assert [one.state for one in shop.register.status("17")] == ["valid"]
    revoke(shop, "17", withdraw=True)
    found = enrol_at(shop, "17", face, given)
    assert isinstance(found, Refused)
    assert found.reason == "consent"
