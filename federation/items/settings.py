"""What a run's `options` may say about the tasks of next items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from retail.errors import ConfigError


@dataclass(frozen=True, slots=True)
class _Options:
    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < math.inf:
                raise ConfigError(f"options.{one.name} = {value}: write a finite number above 0")

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Check a run's table. Raises: ConfigError: a key is unknown, or a value has the wrong type or range."""
        known = {one.name: type(one.default) for one in fields(cls)}
        checked: dict[str, Any] = {}
        for key, value in options.items():
            if key not in known:
                raise ConfigError(f"options.{key} is unknown to {cls.__name__}; choose from {', '.join(known)}")
            if known[key] is float and type(value) is int:
                value = float(value)
            if known[key] is tuple and isinstance(value, list | tuple):
                value = tuple(tuple(one) for one in value)
            if type(value) is not known[key]:
                raise ConfigError(f"options.{key} = {value!r:.60}: write a value of type {known[key].__name__}")
            checked[key] = value
        return cls(**checked)


@dataclass(frozen=True, slots=True)
class TagOptions(_Options):
    """Public settings of `TagTask`; the defaults were chosen on MovieLens-100K (docs/movielens.md).

    Attributes:
        tags: for each product of the catalogue, in its order, the names of its public tags.
        memory: how many choices back the short memory reaches: each counts 1/e of one that is this much newer.
        steps: how many of a person's last choices are learned from.
        context_length: L2 length that a person's part of the round "contexts" usually has; longer ones are clipped.
        next_length: the same of the round "next".
        smoothing: part of the mean variance that every direction has at least, of tags.
        caution: the same of contexts; more of it keeps the model nearer to popularity.
        learn: learn what comes next; without it everybody is ranked by popularity.
        popularity_share: part of the privacy budget for popularity.
        context_share: part for how contexts spread.
        next_share: part for what follows which context.
    """

    tags: tuple[tuple[str, ...], ...] = ()
    memory: float = 4.0
    steps: int = 20
    context_length: float = 5.0
    next_length: float = 4.0
    smoothing: float = 0.1
    caution: float = 0.3
    learn: bool = True
    popularity_share: float = 0.1
    context_share: float = 0.1
    next_share: float = 0.8


@dataclass(frozen=True, slots=True)
class ItemOptions(_Options):
    """Public settings of `ItemTask`; the defaults were chosen on MovieLens-100K (docs/movielens.md).

    Attributes:
        memory: as in `TagOptions`.
        backwards: what "b was chosen before a" counts when a was chosen before b counts 1.
        caution: ridge of the next product, in mean variances of a context.
        ridge: ridge of what is liked together, in people.
        together: weight of what is liked together beside what comes next.
        together_share: part of the privacy budget for what is liked together.
        context_share: part for how contexts spread.
        next_share: part for what follows which.
    """

    memory: float = 7.0
    backwards: float = 0.3
    caution: float = 10.0
    ridge: float = 300.0
    together: float = 0.7
    together_share: float = 0.4
    context_share: float = 0.2
    next_share: float = 0.4
