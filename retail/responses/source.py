"""Which responses a run learns from, by description, so that every process finds the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from retail import columns as c
from retail.errors import ConfigError, DataError
from retail.files import atomic_write, sha256_file
from retail.responses.table import Responses, responses_in

RESPONSES: Final = "responses"
FEATURES: Final = "features"
"""Column of a merchant's row: the bytes of a person's features, float64, in the order of `ResponseSource.features`."""
COLUMNS: Final = (c.PERSON, c.ADVERTISED, c.RESPONDED, FEATURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSource:
    """A file of responses with what is public about it. Frozen and hashable; see `of` and `at`.

    Attributes:
        path: a Parquet file as `Responses.frame` has it.
        merchants: ids, public, in the order of the nodes.
        features: names of the columns to learn from, public.
        population: number of people, public by declaration; None when nobody declared it.
        name: what a ledger calls these people.
        source: "responses".

    Raises: ConfigError: a value cannot be used.
    """

    path: str
    merchants: tuple[int | str, ...]
    features: tuple[str, ...]
    population: int | None = None
    name: str = RESPONSES
    source: str = RESPONSES

    def __post_init__(self) -> None:
        """Refuse what cannot be opened or is not public."""
        object.__setattr__(self, "merchants", tuple(self.merchants))
        object.__setattr__(self, "features", tuple(self.features))
        if self.source != RESPONSES:
            raise ConfigError(f'source = {self.source!r}: write "{RESPONSES}"')
        for what, listed in (("merchants", self.merchants), ("features", self.features)):
            if not listed or len(set(listed)) != len(listed):
                raise ConfigError(f"{what} = {listed!r}: list at least one, each once")
        if not self.name:
            raise ConfigError("name is empty; say what a ledger shall call these people")
        if self.population is not None and (isinstance(self.population, bool) or self.population < 1):
            raise ConfigError(f"population = {self.population!r}: write a whole number of at least 1")

    @classmethod
    def of(
        cls, table: Responses, path: Path, *, listed: tuple[int | str, ...], population: int | None, name: str
    ) -> ResponseSource:
        """Write a table and describe it.

        Args:
            table: the responses.
            path: file to write; it is whole or absent.
            listed: the public list of merchants.
            population: public number of people.
            name: what a ledger calls them.

        Raises: DataError: somebody's merchant is not listed, or the file cannot be written.
        """
        strange = sorted({str(one) for one in set(table.merchants.tolist()) - set(listed)})
        if strange:
            raise DataError(f"merchants {', '.join(strange[:5])} have people and are not listed; list them")
        atomic_write(path, lambda temporary: table.frame().to_parquet(temporary, index=False))
        return cls(path=str(path), merchants=listed, features=table.names, population=population, name=name)

    def at(self, place: int) -> pd.DataFrame:
        """Return one merchant's rows, columns `COLUMNS`; empty for a merchant without people.

        Raises: ConfigError: there is no such merchant. DataError: the file cannot be used.
        """
        if not 0 <= place < len(self.merchants):
            raise ConfigError(f"merchant {place} does not exist; choose one from 0 to {len(self.merchants) - 1}")
        return _by_merchant(self, _stamp(self))[place]

    def everybody(self) -> Responses:
        """Return everybody. Raises: DataError: the file cannot be used."""
        return _open(self, _stamp(self))

    def fingerprint(self) -> str:
        """Identity of the data: sha256 of the file in hexadecimal."""
        return sha256_file(Path(self.path))


def _stamp(what: ResponseSource) -> tuple[int, int]:
    """What changes when a file is written anew, so that no old copy is kept."""
    try:
        found = Path(what.path).stat()
    except OSError as error:
        raise DataError(f"{what.path}: cannot be read ({error.strerror}); write it first") from error
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=2)
def _open(what: ResponseSource, stamp: tuple[int, int]) -> Responses:
    try:
        frame = pd.read_parquet(what.path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{what.path}: cannot be read as Parquet ({error}); write it anew") from error
    return responses_in(frame, what.features)


@lru_cache(maxsize=2)
def _by_merchant(what: ResponseSource, stamp: tuple[int, int]) -> tuple[pd.DataFrame, ...]:
    table = _open(what, stamp)
    cells = [row.tobytes() for row in np.ascontiguousarray(table.features)]
    frame = pd.DataFrame(
        {
            c.MERCHANT: table.merchants,
            c.PERSON: table.persons,
            c.ADVERTISED: table.advertised,
            c.RESPONDED: table.responded,
            FEATURES: pd.Series(cells, dtype=object),
        }
    )
    groups = {key: rows.reset_index(drop=True)[list(COLUMNS)] for key, rows in frame.groupby(c.MERCHANT, sort=False)}
    return tuple(groups.get(one, frame.iloc[:0][list(COLUMNS)]) for one in what.merchants)
