"""One retail data set: a few tables with fixed column names, and what is publicly known about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as pads

from retail import columns as c


@dataclass(frozen=True, slots=True)
class Period:
    """First and last local calendar day covered, both included.

    `public` is True when the dates come from the source's description or the user's declaration. A period read
    off the rows depends on the shoppers in them, and anything that claims a privacy guarantee must refuse it.
    """

    start: dt.date
    end: dt.date
    public: bool

    @property
    def start_day(self) -> int:
        """The first day as days since 1970-01-01."""
        return (self.start - dt.date(1970, 1, 1)).days

    @property
    def end_day(self) -> int:
        """The day after the last one, as days since 1970-01-01 (an exclusive bound)."""
        return (self.end - dt.date(1970, 1, 1)).days + 1


@dataclass(frozen=True, slots=True)
class LazyTable:
    """A Parquet table that is read only where asked: columns and rows are filtered before they reach memory."""

    path: Path
    renames: dict[str, str] = field(default_factory=dict)

    def read(self, columns: Sequence[str] | None = None, where: Any = None) -> pd.DataFrame:
        """Read some columns of the rows that satisfy a pyarrow expression.

        Args:
            columns: our column names; all when None.
            where: a `pyarrow.dataset` expression over the *source's* column names, or None.

        Returns: a frame with our column names.
        """
        table = pads.dataset(self.path, format="parquet")
        back = {ours: theirs for theirs, ours in self.renames.items()}
        wanted = None if columns is None else [back.get(name, name) for name in columns]
        frame: pd.DataFrame = table.to_table(columns=wanted, filter=where).to_pandas()
        return frame.rename(columns=self.renames)


@dataclass(frozen=True, eq=False)
class RetailData:
    """The tables of one data set.

    Attributes:
        name: what the run store calls it.
        timezone: IANA name in which `DAY` was cut.
        currency: ISO 4217 code of the money columns.
        period: days covered.
        transactions: one row per line: PERSON, BASKET, PRODUCT, STORE, TIME (tz-aware), DAY (int32), QUANTITY, SALES.
        products: the public catalogue, one row per PRODUCT with the `TAXONOMY` columns and PACKAGE.
        customers: one row per person with whatever attributes the source has; may be empty.
        stores: the public list of stores, one row per STORE; may be empty.
        campaigns: one row per CAMPAIGN; may be empty.
        promotions: PRODUCT, STORE, WEEK, DISPLAY, MAILER, read lazily; None when the source has none.
        fingerprint: sha256 of the source, the identity of the data in run ids and provenance.
        population: publicly known number of persons, None when it is not public. Never counted from rows.
    """

    name: str
    timezone: str
    currency: str
    period: Period
    transactions: pd.DataFrame
    products: pd.DataFrame
    customers: pd.DataFrame
    stores: pd.DataFrame
    campaigns: pd.DataFrame
    promotions: LazyTable | None
    fingerprint: str
    population: int | None = None

    def __post_init__(self) -> None:
        """Check that the required columns are there, so that later code can rely on them."""
        required = {
            "transactions": (c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.DAY, c.QUANTITY, c.SALES),
            "products": (c.PRODUCT, *c.TAXONOMY),
        }
        for table, names in required.items():
            missing = [name for name in names if name not in getattr(self, table).columns]
            if missing:
                raise KeyError(f"{self.name}: table {table} lacks {', '.join(missing)}")
