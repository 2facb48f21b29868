"""Who chose what among which alternatives, and whether that can tell anything about tastes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog

from retail.errors import DataError

Floats = NDArray[np.float64]

_DEPENDENT = 1e-9


@dataclass(frozen=True, eq=False)
class Choices:
    """Choice situations.

    Attributes:
        x: (situations, alternatives, attributes) float64; anything finite where an alternative was not available.
        chosen: (situations,) int64, place of the alternative that was chosen.
        attributes: names, in order of the last axis of `x`.
        alternatives: names, in order of the middle axis.
        available: (situations, alternatives) bool.
        person: (situations,) int64, numbered from 0: situations of one person share its tastes and its cluster.

    Raises: DataError: shapes differ, a number is not finite, somebody chose what was not available, or a situation has
        fewer than two alternatives.
    """

    x: Floats
    chosen: NDArray[np.int64]
    attributes: tuple[str, ...]
    alternatives: tuple[str, ...]
    available: NDArray[np.bool_]
    person: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse data that are no choices."""
        if self.x.ndim != 3 or self.x.shape[1:] != (len(self.alternatives), len(self.attributes)) or not len(self.x):
            raise DataError(
                f"choices of shape {self.x.shape} are no (situations, {len(self.alternatives)} alternatives, "
                f"{len(self.attributes)} attributes) with a situation at least"
            )
        for name, names in (("attribute", self.attributes), ("alternative", self.alternatives)):
            if len(set(names)) != len(names) or not names:
                raise DataError(f"each {name} needs a name of its own, got {', '.join(names)[:200]}")
        count = len(self.x)
        if (self.chosen.shape, self.person.shape, self.available.shape) != ((count,), (count,), self.x.shape[:2]):
            raise DataError("chosen, person and available need a row for each choice situation")
        bad = ~np.isfinite(self.x).all(axis=2) & self.available
        if bad.any():
            row, place = np.argwhere(bad)[0]
            raise DataError(
                f"{int(bad.sum())} alternatives have an attribute that is missing or infinite, first "
                f"{self.alternatives[place]!r} in situation {row}; leave such alternatives out as not available"
            )
        if self.chosen.min() < 0 or self.chosen.max() >= len(self.alternatives):
            raise DataError(f"a chosen alternative must lie from 0 to {len(self.alternatives) - 1}")
        wrong = np.flatnonzero(~self.available[np.arange(count), self.chosen])
        if len(wrong):
            raise DataError(
                f"in {len(wrong)} situations somebody chose what was not available, first in {wrong[0]} "
                f"({self.alternatives[self.chosen[wrong[0]]]!r}); mend availability or leave them out"
            )
        alone = np.flatnonzero(self.available.sum(axis=1) < 2)
        if len(alone):
            raise DataError(
                f"{len(alone)} situations have one alternative, first {alone[0]}; that is no choice, so leave them out"
            )
        object.__setattr__(self, "x", np.where(self.available[:, :, None], self.x, 0.0))

    @classmethod
    def from_long(
        cls,
        table: pd.DataFrame,
        *,
        situation: str,
        alternative: str,
        chosen: str,
        attributes: Sequence[str],
        person: str | None = None,
        base: str | None = None,
    ) -> Choices:
        """Read a table with one row for each alternative of each situation; a row that is missing was not available.

        Args:
            table: columns as named below; `chosen` is true (or 1) in one row of each situation.
            situation: column.
            alternative: column.
            chosen: column.
            attributes: columns of numbers.
            person: column; None where each situation is another person.
            base: alternative without a constant; every other one gets one, in front of the attributes, named after it.
                None for no constants.

        Raises: DataError: a column is missing or holds no numbers, a situation has no choice or several, or an
            alternative stands in it twice.
        """
        wanted = [situation, alternative, chosen, *attributes, *([person] if person else [])]
        missing = [name for name in wanted if name not in table.columns]
        if missing:
            raise DataError(
                f"the table of choices lacks {', '.join(missing)}; it has {', '.join(map(str, table.columns))}"
            )
        rows, _ = pd.factorize(table[situation])
        place, names = pd.factorize(table[alternative].astype(str), sort=True)
        if (rows < 0).any() or table[alternative].isna().any():
            raise DataError(f"rows without {situation} or {alternative}: drop them first")
        count, alternatives = int(rows.max(initial=-1)) + 1, tuple(map(str, names))
        cell = rows * len(alternatives) + place
        if len(np.unique(cell)) != len(cell):
            raise DataError(f"an {alternative} stands twice in one {situation}; give it one row")
        try:
            numbers = table[list(attributes)].to_numpy(dtype=np.float64)
            hit = table[chosen].to_numpy(dtype=np.float64) == 1
        except (TypeError, ValueError) as error:
            raise DataError(f"attributes and {chosen} must be numbers ({error})") from error
        picks = np.bincount(rows[hit], minlength=count)
        if (picks != 1).any():
            raise DataError(
                f"{int((picks != 1).sum())} situations have no {chosen} alternative or several; each needs one"
            )
        x = np.zeros((count, len(alternatives), len(attributes)))
        available = np.zeros((count, len(alternatives)), dtype=bool)
        x[rows, place], available[rows, place] = numbers, True
        who = np.zeros(count, dtype=np.int64)
        who[rows] = rows if person is None else pd.factorize(table[person])[0]
        where = np.zeros(count, dtype=np.int64)
        where[rows[hit]] = place[hit]
        made = cls(x, where, tuple(attributes), alternatives, available, who)
        return made if base is None else made.with_constants(base)

    def with_constants(self, base: str) -> Choices:
        """Return the same with a constant for each alternative but `base`, in front of the attributes.

        Raises: DataError: there is no such alternative.
        """
        if base not in self.alternatives:
            raise DataError(f"there is no alternative {base!r} to be without a constant; choose of {self.alternatives}")
        others = [name for name in self.alternatives if name != base]
        constants = np.zeros((*self.x.shape[:2], len(others)))
        for number, name in enumerate(others):
            constants[:, self.alternatives.index(name), number] = 1.0
        x = np.concatenate([constants, self.x], axis=2)
        return replace(self, x=x, attributes=(*others, *self.attributes))

    def part(self, kept: NDArray[np.bool_]) -> Choices:
        """Return some of the situations, with people numbered anew."""
        who = np.unique(self.person[kept], return_inverse=True)[1].astype(np.int64)
        return replace(self, x=self.x[kept], chosen=self.chosen[kept], available=self.available[kept], person=who)

    def place(self, alternative: str) -> int:
        """Return where an alternative stands.

        Raises: DataError: there is none of that name.
        """
        if alternative not in self.alternatives:
            raise DataError(f"there is no alternative {alternative!r}; choose of {', '.join(self.alternatives)}")
        return self.alternatives.index(alternative)

    @property
    def people(self) -> int:
        """How many people chose."""
        return int(self.person.max()) + 1

    @property
    def null_log_likelihood(self) -> float:
        """Log-likelihood of choosing at random among what was available."""
        return float(-np.log(self.available.sum(axis=1)).sum())

    @property
    def less_chosen(self) -> Floats:
        """(rows, attributes): every available alternative that was not chosen, less the one that was."""
        gap = self.x - self.x[np.arange(len(self.x)), self.chosen][:, None, :]
        others = self.available.copy()
        others[np.arange(len(self.x)), self.chosen] = False
        return np.asarray(gap[others])

    def require_estimable(self) -> None:
        """Refuse choices that have no finite, unique maximum of the likelihood.

        Raises: DataError: attributes that do not vary within situations or follow from each other, or that predict
            every choice (separation); the message names them.

        Source: Albert and Anderson 1984 for separation; the linear programme is Konis 2007, section 4.
        """
        gap = self.less_chosen
        scale = np.abs(gap).max(axis=0)
        flat = [name for name, size in zip(self.attributes, scale, strict=True) if size == 0]
        if flat:
            raise DataError(
                f"{', '.join(flat)} never differs between alternatives of a situation, so choices say nothing about "
                "it; leave it out"
            )
        scaled = gap / scale
        _, sizes, directions = np.linalg.svd(scaled.T @ scaled)
        if sizes[-1] < _DEPENDENT * sizes[0]:
            raise DataError(
                f"{', '.join(self._named(directions[-1]))} follow from each other everywhere, so no choice "
                "tells them apart; leave one out"
            )
        distinct = np.unique(scaled, axis=0)
        bounds = [(-1.0, 1.0)] * len(scale)
        found = linprog(
            distinct.sum(axis=0), A_ub=distinct, b_ub=np.zeros(len(distinct)), bounds=bounds, method="highs"
        )
        if found.status == 0 and found.fun < -1e-6:
            raise DataError(
                f"{', '.join(self._named(found.x))} predict choices without exception, so their weights have no "
                "finite estimate; leave them out, or collect more choices"
            )

    def _named(self, direction: Floats) -> list[str]:
        large = np.abs(direction) > 1e-4 * np.abs(direction).max()
        return [name for name, one in zip(self.attributes, large, strict=True) if one]
