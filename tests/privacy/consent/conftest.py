import datetime as dt
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from privacy.commitments import Commitments
from privacy.consent import ConsentRegister, Notice, Receipt
from privacy.log import Log, SigningKey

START = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
NOTICE = hashlib.sha256(b"We use your baskets to suggest products.").hexdigest()
PUBLISHED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass
class Clock:
    """A clock that a test sets; each look at it is a millisecond later."""

    now: dt.datetime = START

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += dt.timedelta(**span)


@dataclass
class Shop:
    """A register with a clock, a log and a registered notice of m1, m2 and m3: in a folder, or in memory."""

    folder: Path | None = None
    clock: Clock = field(default_factory=Clock)
    log: Log | None = None
    commitments: Commitments | None = None
    numbers: Callable[[], int] = field(default_factory=lambda: itertools.count().__next__)

    def __post_init__(self) -> None:
        self.log = Log.open(self.path("log.sqlite"), origin="shop", key=SigningKey.generate())
        self.commitments = Commitments.open(self.path("commitments.sqlite"))
        self.register = self.open()
        for controller in ("m1", "m2", "m3"):
            self.register.notices.add(Notice(controller, "notice-1", "en", NOTICE, PUBLISHED))

    def path(self, name: str) -> Path | str:
        return ":memory:" if self.folder is None else self.folder / name

    def open(self) -> ConsentRegister:
        return ConsentRegister.open(
            self.path("consent.sqlite"), log=self.log, commitments=self.commitments, clock=self.clock
        )

    def receipt(self, person="17", **changes) -> Receipt:
        issued = changes.pop("issued_at", self.clock.now)
        token = changes.pop("principal", None) or self.register.token(person)
        fields = {
            "record_id": f"r-{self.numbers()}",
            "principal": token,
            "controllers": ("m1",),
            "notice": "notice-1",
            "notice_sha256": NOTICE,
            "language": "en",
            "purposes": ("recommendation",),
            "data": ("transactions",),
            "processing": ("collect", "analyse"),
            "storage": ("EU",),
            "retention_days": 365,
            "recipients": (),
            "jurisdiction": "EU",
            "lawful_basis": "consent",
            "level": "general",
            "explicit": False,
            "issued_at": issued,
            "valid_from": issued,
            "expires_at": issued + dt.timedelta(days=365),
            "method": "app",
            "withdrawal": "https://m1.example/privacy",
        }
        return Receipt(**{**fields, **changes})

    def agree(self, person="17", **changes) -> Receipt:
        receipt = self.receipt(person, **changes)
        self.register.record(receipt)
        return receipt

    def allowed(self, *persons, controller="m1", purpose="recommendation", level="general", **options) -> list[bool]:
        mask = self.register.mask(persons, controller=controller, purpose=purpose, level=level, **options)
        return mask.tolist()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def shop_on_disk(tmp_path) -> Shop:
    return Shop(tmp_path)
