"""What somebody asks of protected data, in a form in which two ways to say the same thing are the same.

A query names public things only: columns, values, grids, and how exact the answer shall be. Two queries that differ
in wording, order, spelling of numbers, title or purpose have one `question` hash. The second is answered from the
store and costs nothing, if the same rows count for it: where receipts or objections choose the rows, another actor or
purpose gets an answer of its own, and pays.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, Literal

from privacy.accounting import check_epsilon
from privacy.statistics.labels import MOST_VALUES, check_column, labels
from retail.errors import ConfigError, PrivacyError

Kind = Literal["counts", "top_k", "quantile"]
Counting = Literal["persons", "days", "baskets", "rows"]

COUNTINGS: Final[tuple[Counting, ...]] = ("persons", "days", "baskets", "rows")


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps on a line, declared by whoever asks: [start, start + step), ..., up to stop.

    Attributes:
        start: lowest value.
        stop: above start; a whole number of steps away.
        step: above 0.

    Raises: ConfigError: a value is no finite number, or the steps do not fit.
    """

    start: float
    stop: float
    step: float

    def __post_init__(self) -> None:
        """Refuse a grid with a broken or endless number of steps."""
        for name in ("start", "stop", "step"):
            object.__setattr__(self, name, _number(getattr(self, name), f"grid {name}"))
        if not (self.step > 0 and self.stop > self.start):
            raise ConfigError(f"a grid rises from start to stop in steps above 0, got {self}")
        steps = (_exact(self.stop) - _exact(self.start)) / _exact(self.step)
        if steps.denominator != 1 or steps > MOST_VALUES:
            raise ConfigError(
                f"{self.start:g} to {self.stop:g} is not a whole number (up to {MOST_VALUES}) of steps of {self.step:g}"
            )

    @property
    def cells(self) -> int:
        """How many steps there are."""
        return int((_exact(self.stop) - _exact(self.start)) / _exact(self.step))

    @property
    def edges(self) -> tuple[float, ...]:
        """The cells + 1 edges, from start to stop."""
        start, step = _exact(self.start), _exact(self.step)
        return tuple(float(start + number * step) for number in range(self.cells + 1))


@dataclass(frozen=True, slots=True)
class Key:
    """A column to count by, and its values, which must be public.

    Attributes:
        column: name of a column.
        values: labels in public order (sorted); None when the gate's public catalogue shall say, or with a grid.
        grid: steps of a numeric column; a row is counted at the step that holds its value.
    """

    column: str
    values: tuple[str, ...] | None = None
    grid: Grid | None = None

    def __post_init__(self) -> None:
        """Bring name and values into one spelling."""
        object.__setattr__(self, "column", check_column(self.column))
        if self.values is not None:
            if self.grid is not None:
                raise ConfigError(f"{self.column} has both values and a grid; give one")
            object.__setattr__(self, "values", labels(self.values, what=f"values of {self.column}"))

    @property
    def cells(self) -> int:
        """How many values there are; 0 while only the catalogue knows."""
        return self.grid.cells if self.grid is not None else len(self.values or ())

    @property
    def names(self) -> tuple[str | float, ...]:
        """What stands for each value in an answer: its label, or the lower edge of its step."""
        return self.grid.edges[:-1] if self.grid is not None else self.values or ()


@dataclass(frozen=True)
class Query:
    """One question about a data set.

    Attributes:
        kind: "counts" (a count, histogram, group-by or heat map, which differ in their keys only), "top_k", "quantile".
        dataset: id of the data set in the policy's register.
        keys: columns to count by, in order of their names; of "top_k" one, of "quantile" none.
        where: only rows whose column has one of the values count; in order of the names.
        counting: what is counted. "persons": each once per cell; "days", "baskets": different ones per person and
            cell; "rows".
        k: how many to name, for "top_k".
        column: of numbers, for "quantile".
        alpha: which quantile, in (0, 1).
        candidates: public values to choose from, rising, for "quantile".
        epsilon: what the answer may cost, read with the budget's delta; or
        error_95: half-width of the 95% interval wanted (of one count; of the rank for "quantile").
        purpose: for the policy, which refuses an unknown one; no part of the question. Where consent chooses the rows,
            each purpose has its own stored answer.
        title: for people; no part of the question.
        refresh: ask anew although an answer is stored, and pay again; no part of the question.
        hide_small: leave out noisy counts below the gate's threshold. False only for "counts" on grids, such as a map:
            the guarantee is the same, and no step of a grid is somebody's name.
    """

    kind: Kind
    dataset: str
    keys: tuple[Key, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    counting: Counting = "persons"
    k: int | None = None
    column: str | None = None
    alpha: float | None = None
    candidates: tuple[float, ...] | None = None
    epsilon: float | None = None
    error_95: float | None = None
    purpose: str = "research"
    title: str = ""
    refresh: bool = False
    hide_small: bool = True

    def __post_init__(self) -> None:
        """Bring everything into one order and refuse what is no question."""
        if not isinstance(self.dataset, str) or not self.dataset.strip():
            raise ConfigError(f"a query needs the id of its data set, got {self.dataset!r}")
        _check_accuracy(self.epsilon, self.error_95)
        keys = sorted(self.keys, key=lambda key: key.column)
        if len({key.column for key in keys}) != len(keys):
            raise ConfigError("a column is counted by twice; name it once")
        if math.prod(max(1, key.cells) for key in keys) > MOST_VALUES:
            raise ConfigError(f"the keys have more than {MOST_VALUES} combinations; ask for fewer or coarser ones")
        object.__setattr__(self, "keys", tuple(keys))
        filters = [(check_column(name), labels(values, what=f"values of {name}")) for name, values in self.where]
        if len({name for name, _ in filters}) != len(filters):
            raise ConfigError("a column is filtered twice; list all its values at once")
        object.__setattr__(self, "where", tuple(sorted(filters)))
        if self.counting not in COUNTINGS:
            raise ConfigError(f"counting must be one of {', '.join(COUNTINGS)}, got {self.counting!r}")
        for name in ("refresh", "hide_small"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be true or false, got {getattr(self, name)!r}")
        _check_kind(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that must be read, besides those that the gate itself needs; sorted."""
        named = [key.column for key in self.keys] + [name for name, _ in self.where]
        return tuple(sorted({*named, *([self.column] if self.column else [])}))

    @property
    def resolved(self) -> bool:
        """Whether the values of all keys are known."""
        return all(key.cells > 0 for key in self.keys)

    @property
    def cells(self) -> int:
        """How many combinations of values the keys have; 1 without keys."""
        return math.prod(key.cells for key in self.keys)

    def combinations(self) -> Iterator[tuple[str | float, ...]]:
        """The combinations, the last key varying fastest."""
        return itertools.product(*(key.names for key in self.keys))

    def resolve(self, catalogue: Mapping[str, tuple[str, ...]]) -> Query:
        """Fill in values that the public catalogue knows.

        Args:
            catalogue: public values of columns, from a catalogue or declaration and never from the rows.

        Raises: PrivacyError: a key has no public values. Counting whatever values turn up in the rows would need a
            (epsilon, delta) mechanism, which a budget in zero-concentrated DP does not cover.
        """
        filled = []
        for key in self.keys:
            if key.cells == 0 and not catalogue.get(key.column):
                raise PrivacyError(
                    f"nobody declared the values of {key.column!r}, and values found in the rows may name a person; "
                    f"list them in the query, or count by one of: {', '.join(sorted(catalogue)) or 'nothing'}"
                )
            filled.append(key if key.cells else Key(key.column, tuple(catalogue[key.column])))
        return replace(self, keys=tuple(filled))

    def canonical(self) -> dict[str, Any]:
        """Return the question as a JSON document: everything that the answer depends on, besides exactness."""
        keys = [
            {"column": key.column, "grid": [key.grid.start, key.grid.stop, key.grid.step]}
            if key.grid is not None
            else {"column": key.column, "values": None if key.values is None else list(key.values)}
            for key in self.keys
        ]
        document = {
            "kind": self.kind,
            "dataset": self.dataset,
            "keys": keys,
            "where": {name: list(values) for name, values in self.where},
            "counting": "rows" if self.kind == "quantile" else self.counting,
            "k": self.k,
            "column": self.column,
            "alpha": self.alpha,
            "candidates": None if self.candidates is None else list(self.candidates),
            "hide_small": None if self.hide_small else False,
        }
        return {name: value for name, value in document.items() if value is not None}

    @cached_property
    def question(self) -> str:
        """sha256 of the canonical question, in hexadecimal."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _check_accuracy(epsilon: float | None, error_95: float | None) -> None:
    if (epsilon is None) == (error_95 is None):
        raise ConfigError("say how exact the answer shall be: either epsilon or error_95, and not both")
    if epsilon is not None:
        check_epsilon(epsilon)
    elif not _number(error_95, "error_95") >= 0:
        raise ConfigError(f"error_95 must be a finite number of at least 0, got {error_95!r}")


def _check_kind(query: Query) -> None:
    wanted = {"counts": (), "top_k": ("k",), "quantile": ("column", "alpha", "candidates")}
    if query.kind not in wanted:
        raise ConfigError(f"kind must be one of {', '.join(wanted)}, got {query.kind!r}")
    for name in ("k", "column", "alpha", "candidates"):
        given = getattr(query, name) is not None
        if given != (name in wanted[query.kind]):
            raise ConfigError(f"{query.kind}: {name} is {'of no use; remove it' if given else 'missing'}")
    on_grids = query.kind == "counts" and query.keys and all(key.grid is not None for key in query.keys)
    if not query.hide_small and not on_grids:
        raise ConfigError("hide_small = false is for counts on grids only, such as a heat_map with steps; remove it")
    if query.kind == "top_k":
        if len(query.keys) != 1:
            raise ConfigError("top_k ranks the values of one column; name one")
        if type(query.k) is not int or query.k < 1:
            raise ConfigError(f"k must be a whole number of at least 1, got {query.k!r}")
    if query.kind == "quantile":
        if query.keys:
            raise ConfigError("a quantile has no keys; ask once for each group, with where")
        object.__setattr__(query, "column", check_column(query.column or ""))
        object.__setattr__(query, "alpha", _number(query.alpha, "alpha"))
        values = sorted({_number(one, "a candidate") for one in query.candidates or ()})
        object.__setattr__(query, "candidates", tuple(values))
        if not 0.0001 <= (query.alpha or 0) <= 0.9999 or not 2 <= len(values) <= MOST_VALUES:
            raise ConfigError(
                f"a quantile needs alpha from 0.0001 to 0.9999 and 2 to {MOST_VALUES} candidates, "
                f"got {query.alpha!r} and {len(values)}"
            )


def _number(value: Any, what: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ConfigError(f"{what} must be a finite number, got {value!r}")
    return number + 0.0  # no -0.0


def _exact(value: float) -> Fraction:
    """Read a float as the short decimal number that it prints as, so that 0.1 ten times is 1."""
    return Fraction(repr(value))
