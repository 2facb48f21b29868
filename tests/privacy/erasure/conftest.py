import csv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.erasure import Erasure, Registry
from privacy.log import Log, SigningKey

HEADER = ("person_id", "basket_id", "product_id", "store_id", "purchased_at", "quantity", "sales_value")


def rows(*persons) -> list[tuple]:
    return [(person, 10 + n, 100, 5, "2024-03-01T09:30:00", 1, 2.5) for n, person in enumerate(persons)]


def write_csv(path: Path, *persons) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows(*persons)])
    return path


def write_parquet(path: Path, *persons) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows(*persons), columns=list(HEADER)).to_parquet(path, index=False)
    return path


@dataclass
class Office:
    """Register, log, commitments and journal with the key that signs; in memory, or in `books` of a folder."""

    folder: Path
    on_disk: bool = False

    def __post_init__(self) -> None:
        if self.on_disk:
            (self.folder / "books").mkdir()
        self.key = SigningKey.load_or_create(self.path("key.pem")) if self.on_disk else SigningKey.generate()
        self.log = Log.open(self.path("log.sqlite"), origin="office", key=self.key)
        self.commitments = Commitments.open(self.path("commitments.sqlite"))
        self.register = ConsentRegister.open(self.path("consent.sqlite"), log=self.log, commitments=self.commitments)
        self.tombstones = self.register.tombstones

    def path(self, name: str) -> Path | str:
        return self.folder / "books" / name if self.on_disk else ":memory:"

    def erasure(self, registry: Registry) -> Erasure:
        return Erasure(
            registry,
            register=self.register,
            log=self.log,
            commitments=self.commitments,
            journal=self.path("erasure.sqlite"),
        )


@pytest.fixture
def on_disk():
    """Named first by a test, it puts the office on the disk."""
    return True


@pytest.fixture
def office(tmp_path, request) -> Office:
    return Office(tmp_path, on_disk="on_disk" in request.fixturenames)


@pytest.fixture
def open_office():
    return Office


@pytest.fixture
def make():
    """How tests write tables."""

    class Make:
        csv = staticmethod(write_csv)
        parquet = staticmethod(write_parquet)

    return Make
