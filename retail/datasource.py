"""Which data a scenario means, and how to open it: one description that every process can follow on its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from retail.dataset import Period, RetailData
from retail.errors import ConfigError

SOURCES: Final = ("complete-journey", "folder", "generated")


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data set by description. Frozen and hashable; see `open`.

    Attributes:
        source: one of `SOURCES`.
        path: the folder, for "folder".
        timezone: IANA name in which days are cut, for "folder".
        currency: ISO 4217, for "folder".
        population: declared number of persons; public by declaration.
        start: first day, declared.
        end: last day, declared.
        shoppers: size, for "generated".
        data_seed: seed, for "generated".
        merchants: number of stores, for "generated"; None for as many as `generate` makes by itself.
    """

    source: str = "complete-journey"
    path: str | None = None
    timezone: str | None = None
    currency: str | None = None
    population: int | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    shoppers: int | None = None
    data_seed: int = 0
    merchants: int | None = None

    def described(self) -> dict[str, Any]:
        """Return the description as a table; what was added to it later stands there only where it is used.

        So identities of data, and settings of runs that were interrupted before, stay what they were.
        """
        table = asdict(self)
        if self.merchants is None:
            del table["merchants"]
        return table

    def open(self) -> RetailData:
        """Read the data set; the last two opened in this process are kept.

        Raises:
            DataError: the data cannot be used.
            ConfigError: the description cannot be followed.
        """
        return _open(self)

    def fingerprint(self) -> str:
        """Identity of the data without reading tables where that is possible: sha256 in hexadecimal."""
        if self.source == "complete-journey":
            from retail import complete_journey

            return complete_journey.fingerprint()
        if self.source == "generated":
            described = json.dumps(self.described(), sort_keys=True, default=str)
            return hashlib.sha256(described.encode()).hexdigest()
        from retail.files import sha256_file

        folder = Path(self.path or "")
        digest = hashlib.sha256(json.dumps(self.described(), sort_keys=True, default=str).encode())
        for file in sorted(folder.glob("*")):
            if file.suffix.lower() in (".csv", ".parquet"):
                digest.update(file.name.encode() + sha256_file(file).encode())
        return digest.hexdigest()


@lru_cache(maxsize=2)
def _open(what: DataSource) -> RetailData:
    if what.source == "complete-journey":
        from retail import complete_journey

        return complete_journey.load()
    if what.source == "generated":
        from retail.generator import generate

        if what.shoppers is None:
            raise ConfigError('data.shoppers is missing; say how many shoppers source = "generated" makes')
        if what.merchants is None:
            return generate(what.shoppers, seed=what.data_seed).data
        return generate(what.shoppers, seed=what.data_seed, merchants=what.merchants).data
    if what.source == "folder":
        from retail.folder import load_folder

        if what.path is None:
            raise ConfigError('data.path is missing; name the folder that source = "folder" reads')
        period = Period(what.start, what.end, public=True) if what.start and what.end else None
        return load_folder(
            Path(what.path),
            timezone=what.timezone or "UTC",
            currency=what.currency or "EUR",
            period=period,
            population=what.population,
        )
    raise ConfigError(f"data.source = {what.source!r}: choose one of {', '.join(SOURCES)}")
