"""One row for each person: features, whether an advertisement reached the person, whether the person responded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail import columns as c
from retail.errors import DataError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Responses:
    """Persons of some merchants, each of them at one.

    Attributes:
        persons: (n,) ids, each once.
        merchants: (n,) id of each person's merchant.
        features: (n, d) float64.
        names: of the d features.
        advertised: (n,) True where an advertisement reached the person.
        responded: (n,) 1 where the person responded, else 0.

    Raises: DataError: lengths differ, a person stands twice, or a number cannot be used.
    """

    persons: npt.NDArray[Any]
    merchants: npt.NDArray[Any]
    features: Floats
    names: tuple[str, ...]
    advertised: npt.NDArray[np.bool_]
    responded: Floats

    def __post_init__(self) -> None:
        """Refuse what is no table of responses."""
        n = len(self.persons)
        lengths = {len(self.merchants), len(self.features), len(self.advertised), len(self.responded)}
        if lengths != {n} or self.features.shape != (n, len(self.names)) or not self.names:
            raise DataError(
                f"{n} persons with features {self.features.shape} and names {self.names!r}: give every person one row "
                "and every feature one name"
            )
        if len(set(self.names)) != len(self.names):
            raise DataError(f"features {', '.join(self.names)}: name each once")
        twice = pd.Index(self.persons).duplicated()
        if twice.any():
            raise DataError(f"person {self.persons[twice][0]!r} stands twice; give each one row, at one merchant")
        if not np.isfinite(self.features).all():
            raise DataError("a feature is NaN or infinite; fill it or leave the person out")
        if not np.isin(self.responded, (0.0, 1.0)).all():
            raise DataError("responded must be 0 or 1 for everybody; leave out whose answer is not known")

    def __len__(self) -> int:
        """Number of persons."""
        return len(self.persons)

    def of(self, rows: npt.NDArray[Any]) -> Responses:
        """Return some rows, by position or mask."""
        return Responses(
            self.persons[rows],
            self.merchants[rows],
            self.features[rows],
            self.names,
            self.advertised[rows],
            self.responded[rows],
        )

    def require_both(self, what: str) -> None:
        """Refuse to learn from people who all answered alike.

        Args:
            what: how people call the response, for the message.

        Raises: DataError: nobody responded, or everybody did.
        """
        require_both(self.responded, what)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a table: PERSON, MERCHANT, ADVERTISED, RESPONDED, then the features."""
        known = {c.PERSON: self.persons, c.MERCHANT: self.merchants}
        answers = {c.ADVERTISED: self.advertised, c.RESPONDED: self.responded}
        return pd.DataFrame({**known, **answers, **dict(zip(self.names, self.features.T, strict=True))})


def require_both(responded: Floats, what: str, *, did: str = "responded") -> None:
    """Refuse answers that are all alike; see `Responses.require_both`. Args: did: what those with a 1 did."""
    yes = int(responded.sum())
    if yes in (0, len(responded)):
        raise DataError(
            f"{what}: {yes} of {len(responded)} people {did}, so there is nothing to tell apart; choose another "
            "one, or other people"
        )


def responses_in(frame: pd.DataFrame, names: tuple[str, ...]) -> Responses:
    """Read a table as `Responses.frame` writes it.

    Raises: DataError: a column is missing, or as `Responses`.
    """
    wanted = (c.PERSON, c.MERCHANT, c.ADVERTISED, c.RESPONDED, *names)
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise DataError(f"the table of responses lacks {', '.join(missing)}; give every column")
    try:
        features = frame[list(names)].to_numpy(dtype=np.float64)
        responded = frame[c.RESPONDED].to_numpy(dtype=np.float64)
        advertised = frame[c.ADVERTISED].to_numpy(dtype=bool)
    except (TypeError, ValueError) as error:
        raise DataError(f"the table of responses holds no numbers where they belong ({error}); correct it") from error
    return Responses(frame[c.PERSON].to_numpy(), frame[c.MERCHANT].to_numpy(), features, names, advertised, responded)
