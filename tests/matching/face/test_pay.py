"""Payment by face: refusals, limits, and that one key charges once whatever is killed or repeated."""

import contextlib
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.face.decision import Match, NoMatch, Refused
from matching.face.pad_attacks import SPECIES, attacked
from matching.face.pay import Limits
from matching.face.pay_book import PayBook
from matching.face.rate_limit import RateLimit
from privacy.log import verify_log
from retail.errors import ConfigError

from .conftest import GREET, PAY, again

EUR = {"amount_minor": 1250, "currency": "EUR", "device": "till 1"}


@pytest.fixture
def shop(merchant, pictures):
    for person in sorted(pictures)[:2]:
        merchant.enrol(person, pictures[person][:3], PAY)
    return merchant


def charges(shop) -> list[tuple]:
    PayBook(shop.log)
    with shop.log.books.transaction("DEFERRED") as connection:
        return connection.execute("SELECT key, amount_minor FROM face_payments").fetchall()


def test_a_customer_who_agreed_pays_and_gets_a_receipt_that_the_log_proves(shop, pictures):
    person = min(pictures)
    paid = shop.payments().pay(person, again(pictures[person][0]), key="order-0001", **EUR)
    assert paid.decision == Match(person)
    assert paid.receipt.amount_minor == 1250
    entry = shop.log.entries("payment")[-1]
    assert (entry.index, entry.body["receipt"]) == (paid.receipt.entry, paid.receipt.id)
    head = shop.log.sign_head()
    assert shop.log.inclusion(paid.receipt.entry).verify(head.root_hex)
    assert verify_log(shop.folder / "books.sqlite", head=head).ok
    assert paid.alternative == "card or cash at the same till"


def test_another_face_does_not_pay_and_the_attempt_is_logged_without_a_name(shop, pictures):
    one, other, *_ = sorted(pictures)
    tried = shop.payments().pay(one, again(pictures[other][0]), key="order-0001", **EUR)
    assert (tried.decision, tried.receipt) == (NoMatch(), None)
    assert tried.alternative
    body = shop.log.entries("payment")[-1].body
    assert body["outcome"] == "no_match"
    assert body["person"] == shop.commitments.known(shop.register.token(one))
    assert charges(shop) == []


def test_a_photo_of_the_customer_among_photos_of_somebody_else_does_not_pay(shop, pictures):
    one, other, *_ = sorted(pictures)
    tried = shop.payments().pay(one, [pictures[one][0], pictures[other][0]], key="order-0001", **EUR)
    assert tried.decision == NoMatch()


NOT_AGREED = {
    "never heard of": lambda shop, people: "nobody",
    "agreed to be greeted only": lambda shop, people: _greeted(shop, people),
    "withdrawn": lambda shop, people: _ended(shop, people, "withdrawn"),
    "expired": lambda shop, people: _ended(shop, people, "expired"),
    "erased": lambda shop, people: _ended(shop, people, "erased"),
    "template revoked": lambda shop, people: _ended(shop, people, "revoked"),
    "no id at all": lambda shop, people: None,
}


def _greeted(shop, people):
    person = sorted(people)[3]
    shop.enrol(person, people[person][:3], GREET)
    return person


def _ended(shop, people, how):
    person = min(people)
    if how == "withdrawn":
        shop.register.withdraw(person, controller="m1", purpose=PAY)
    elif how == "expired":
        shop.clock.advance(days=500)
    elif how == "erased":
        shop.register.tombstones.add(person)
    else:
        shop.enrolment(PAY).revoke(person)
    return person


class Untouched:
    """An encoder and liveness check that must not be asked."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __getattr__(self, name):
        if name in ("encode", "is_live"):
            raise AssertionError("a face was looked at before consent was")
        return getattr(self.wrapped, name)


@pytest.mark.parametrize("who", NOT_AGREED)
def test_without_a_valid_consent_to_pay_nothing_is_compared_and_the_answer_is_one_and_the_same(shop, pictures, who):
    person = NOT_AGREED[who](shop, pictures)
    salts = shop.commitments.path.read_bytes()
    shop.encoder, real = Untouched(shop.encoder), shop.encoder
    payments = shop.payments(liveness=Untouched(shop.liveness))
    tried = payments.pay(person, pictures[min(pictures)][0], key="order-0001", **EUR)
    shop.encoder = real
    assert isinstance(tried.decision, Refused)
    assert tried.decision.reason == "consent"
    if person is not None:
        assert tried.decision.message == "no valid consent to pay by face is on record for this person"
    assert shop.commitments.path.read_bytes() == salts  # not even a salt for somebody who did not agree
    assert charges(shop) == []


def test_consent_that_ends_while_the_face_is_compared_charges_nobody(shop, pictures):
    person = min(pictures)

    class Slow:
        def __init__(self, wrapped):
            self.wrapped, self.model, self.dimension = wrapped, wrapped.model, wrapped.dimension

        def encode(self, photos):
            shop.register.withdraw(person, controller="m1", purpose=PAY)
            return self.wrapped.encode(photos)

    shop.encoder, real = Slow(shop.encoder), shop.encoder
    tried = shop.payments().pay(person, again(pictures[person][0]), key="order-0001", **EUR)
    shop.encoder = real
    assert tried.decision.reason == "changed"
    assert charges(shop) == []


@pytest.mark.parametrize("place", ["spent", "attempt"])
def test_consent_that_ends_while_the_books_are_asked_charges_nobody(shop, pictures, monkeypatch, place):
    person = min(pictures)
    payments = shop.payments()
    real = getattr(payments.book, place)

    def withdrawn_meanwhile(*given, **named):
        shop.register.withdraw(person, controller="m1", purpose=PAY)
        return real(*given, **named)

    monkeypatch.setattr(payments.book, place, withdrawn_meanwhile)
    tried = payments.pay(person, again(pictures[person][0]), key="order-0001", **EUR)
    assert tried.decision.reason == "changed"
    assert charges(shop) == []


def test_without_a_passing_liveness_check_payment_is_off(shop, pictures):
    person = min(pictures)
    off = shop.payments(liveness=None).pay(person, pictures[person][0], key="order-0001", **EUR)
    assert off.decision.message == "payment by face is off: no liveness check is set up"
    claimed = shop.payments(liveness=True).pay(person, pictures[person][0], key="order-0001", **EUR)
    assert claimed.decision.reason == "liveness"
    fake = attacked(np.stack(pictures[person][:1]), SPECIES["replay"], np.random.default_rng(0))[0]
    assert shop.payments().pay(person, fake, key="order-0001", **EUR).decision.reason == "liveness"
    assert charges(shop) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_minor": 0}, "amount"),
        ({"amount_minor": -5}, "amount"),
        ({"amount_minor": 12.5}, "amount"),
        ({"amount_minor": True}, "amount"),
        ({"amount_minor": float("nan")}, "amount"),
        ({"amount_minor": 5001}, "amount"),
        ({"amount_minor": 2**63}, "amount"),
        ({"currency": "euro"}, "amount"),
        ({"currency": None}, "amount"),
        ({"key": "short"}, "key"),
        ({"key": "with space in it"}, "key"),
        ({"key": "null\0byte-000"}, "key"),
        ({"key": None}, "key"),
    ],
)
def test_malformed_payments_are_refused_in_one_sentence(shop, pictures, change, reason):
    person = min(pictures)
    asked = EUR | {"key": "order-0001"} | change
    tried = shop.payments().pay(person, again(pictures[person][0]), **asked)
    assert tried.decision.reason == reason
    assert "\n" not in tried.decision.message
    assert charges(shop) == []


def test_the_days_limit_holds_over_all_tills_and_ends_with_the_day(shop, pictures):
    person = min(pictures)
    limits = Limits(most_minor=3000, most_day_minor=5000, attempts=50)

    def pay(number):
        asked = EUR | {"amount_minor": 2500, "device": f"till {number}", "key": f"order-{number:04}"}
        return shop.payments(limits=limits).pay(person, again(pictures[person][0]), **asked).decision

    assert [pay(1), pay(2)] == [Match(person)] * 2
    assert pay(3).reason == "amount"
    shop.clock.advance(days=1)
    assert pay(4) == Match(person)


def test_another_currency_gives_no_second_limit_on_a_day(shop, pictures):
    person = min(pictures)
    limits = Limits(most_minor=3000, most_day_minor=5000, attempts=50)

    def pay(number, currency):
        asked = EUR | {"amount_minor": 3000, "currency": currency, "key": f"order-{number:04}"}
        return shop.payments(limits=limits).pay(person, again(pictures[person][0]), **asked).decision

    assert pay(1, "EUR") == Match(person)
    assert "in another currency today" in pay(2, "USD").message
    assert "the limit of 50.00 EUR a day" in pay(3, "EUR").message
    shop.clock.advance(days=1)
    assert pay(4, "USD") == Match(person)
    assert "in another currency today" in pay(5, "EUR").message


def test_of_two_tills_in_two_currencies_at_once_one_charges(shop, pictures, monkeypatch):
    """Both look at the day before either charges: the charge itself looks again, in its transaction."""
    person = min(pictures)
    slow, fast = shop.payments(), shop.payments()
    real = slow.book.charge

    def after_the_other(*given, **named):
        fast.pay(person, again(pictures[person][0]), **(EUR | {"currency": "USD", "key": "order-0002"}))
        return real(*given, **named)

    monkeypatch.setattr(slow.book, "charge", after_the_other)
    tried = slow.pay(person, again(pictures[person][0]), **EUR, key="order-0001")
    assert "in another currency today" in tried.decision.message
    assert len(charges(shop)) == 1


def test_attempts_at_a_person_are_limited_over_devices_and_restarts_and_the_others_can_still_pay(shop, pictures):
    one, other, *_ = sorted(pictures)
    shop.clock.advance(hours=3)

    def attempt(number, person, face):
        asked = EUR | {"device": f"till {number}", "key": f"order-{number:04}"}
        return shop.payments().pay(person, again(pictures[face][0]), **asked).decision

    assert [attempt(number, one, other) for number in range(5)] == [NoMatch()] * 5
    assert attempt(5, one, one).reason == "rate limit"  # also for the person, who has another way
    assert attempt(6, other, other) == Match(other)
    shop.clock.advance(hours=-2)
    assert attempt(7, one, one).reason == "rate limit"  # setting the clock back gives no attempt
    shop.clock.advance(hours=3)
    assert attempt(8, one, one) == Match(one)


def test_a_repetition_gives_the_same_receipt_and_another_purchase_under_the_key_is_refused(shop, pictures):
    one, other, *_ = sorted(pictures)
    payments = shop.payments()
    first = payments.pay(one, again(pictures[one][0]), key="order-0001", **EUR)
    entries = shop.log.size
    assert payments.pay(one, again(pictures[one][0]), key="order-0001", **EUR) == first
    assert shop.log.size == entries
    for changed in (EUR | {"amount_minor": 1251}, EUR | {"currency": "USD"}):
        assert payments.pay(one, again(pictures[one][0]), key="order-0001", **changed).decision.reason == "key"
    assert payments.pay(other, again(pictures[other][0]), key="order-0001", **EUR).decision.reason == "key"
    assert len(charges(shop)) == 1


class Killed(BaseException):
    """Stands for a kill in the tests within one process."""


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 6), min_size=1, max_size=3), st.integers(0, 10**6))
def test_a_payment_that_breaks_off_anywhere_and_is_repeated_charges_once(shop, pictures, monkeypatch, steps, number):
    person = min(pictures)
    limits = Limits(most_day_minor=10**9, attempts=10**6)
    asked = EUR | {"key": f"order-{number:08}-{len(charges(shop))}", "device": "till 1"}
    before = len(charges(shop))
    payments = shop.payments(limits=limits, limit=RateLimit(10**6, 1.0))
    book = payments.book
    places = [
        (book, "find"),
        (book, "attempt"),
        (payments, "_compare"),
        (book, "charge"),
        (book._log, "append_within"),
        (payments, "_again"),
        (book, "spent"),
    ]
    for step in steps:
        where, name = places[step]
        with monkeypatch.context() as patch:
            real = getattr(where, name)

            def dies(*arguments, real=real, **others):
                real(*arguments, **others)
                raise Killed

            patch.setattr(type(where), name, lambda self, *a, dies=dies, **k: dies(*a, **k))
            with contextlib.suppress(Killed):  # where it had charged before, some places are not reached any more
                payments.pay(person, again(pictures[person][0]), **asked)
    done = [payments.pay(person, again(pictures[person][0]), **asked) for _ in range(3)]
    assert len({one.receipt for one in done}) == 1
    assert len(charges(shop)) == before + 1


TILL = """
import json, sys, pickle, pathlib
import numpy as np
from matching.face.baselines import PcaWccn
folder, times = pathlib.Path(sys.argv[1]), int(sys.argv[2])
parts = pickle.loads((folder.parent / "parts.pickle").read_bytes())
from matching.face.pay import FacePayments, Limits
from matching.face.rate_limit import RateLimit
from matching.face.pay_book import PayBook
from matching.face.permission import Permission
from matching.face.vault import Vault
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
log = Log.open(folder / "books.sqlite", origin="shop", key=None)
commitments = Commitments.open(folder / "commitments.sqlite")
register = ConsentRegister.open(folder / "consent.sqlite", log=log, commitments=commitments)
faces = [Dataset("faces", "m1", "face_templates", "raw", about_persons=True)]
engine = PolicyEngine.load(["base", "gdpr"], register=Register([Party("m1", "merchant")], faces))
encoder = parts["encoder"]
payments = FacePayments(
    encoder,
    Vault.of(folder / "faces.sqlite", merchant="m1", model=encoder.model, dimension=encoder.dimension),
    Permission(register, engine, "m1", "payment", "faces", "EU"),
    parts["calibration"], PayBook(log), commitments, parts["liveness"], "card",
    limits=Limits(attempts=1000), limit=RateLimit(10_000, 1.0),
)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(times):
    who, photo = parts["person"], parts["photo"]
    paid = payments.pay(who, photo, amount_minor=1250, currency="EUR", key="order-0001", device="")
    print(json.dumps([type(paid.decision).__name__, paid.receipt and paid.receipt.id]), flush=True)
"""


@pytest.mark.slow
def test_a_hundred_repetitions_by_processes_that_are_killed_charge_once(make_merchant, tmp_path, pictures):
    """Real processes and kill -9: at random moments of the first attempt, and in the middle of the repetitions."""
    import pickle

    shop = make_merchant(tmp_path / "m1")
    shop.clock.now = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    person = min(pictures)
    shop.enrol(person, pictures[person][:3], PAY)
    parts = {"encoder": shop.encoder, "liveness": shop.liveness, "calibration": shop.calibrations[PAY]}
    parts |= {"person": person, "photo": again(pictures[person][0])}
    (tmp_path / "parts.pickle").write_bytes(pickle.dumps(parts))

    def start(times):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, "-c", TILL, str(shop.folder), str(times)], env=environment, text=True, **pipes
        )
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        process.stdin.write("\n")
        process.stdin.flush()
        return process

    pause = random.Random(4)
    told: list[list] = []
    for round_ in range(6):  # killed in the first attempt, a little later each time
        process = start(50)
        time.sleep(pause.uniform(0.0, 0.04) * (round_ + 1))
        os.kill(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        told += [json.loads(line) for line in out.splitlines() if line.endswith("]")]
    two = [start(50), start(50)]  # at once
    for process in two:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        told += [json.loads(line) for line in out.splitlines()]
    assert len(told) >= 100
    assert {decision for decision, _ in told} == {"Match"}
    assert len({receipt for _, receipt in told}) == 1
    assert [amount for _, amount in charges(shop)] == [1250]
    assert sum(entry.body["outcome"] == "match" for entry in shop.log.entries("payment")) == 1
    shop.log.sign_head()
    assert verify_log(shop.folder / "books.sqlite").ok


def test_settings_that_would_weaken_payment_are_refused(shop):
    with pytest.raises(ConfigError, match=r"at most 0\.001"):
        shop.payments(fmr=1e-2)
    with pytest.raises(ConfigError, match="without their face"):
        shop.payments(alternative=" ")
    with pytest.raises(ConfigError, match="attempts is 0"):
        Limits(attempts=0)
    shop.calibrations = shop.calibrations | {PAY: shop.calibrations[GREET]}
    with pytest.raises(ConfigError, match="the calibration's purpose"):
        shop.payments()


def test_a_till_that_sends_several_photos_hears_which_one_cannot_be_used(shop, pictures):
    person = min(pictures)
    flat = np.full_like(pictures[person][0], 128)
    tried = shop.payments().pay(person, [again(pictures[person][0]), flat], key="order-0001", **EUR)
    assert isinstance(tried.decision, Refused)
    assert tried.decision.reason == "photo"
    assert tried.decision.message.startswith("photo 2 of 2: ")
    assert charges(shop) == []
