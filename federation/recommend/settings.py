"""What a scenario's `[options]` may say about the recommendation task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from retail.errors import ConfigError

_KINDS: Final[dict[type, str]] = {bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True, slots=True)
class RecommendOptions:
    """Public settings of the recommender. All are chosen on windows before the first test window.

    Attributes:
        popularity_days: how far back a purchase counts as popularity.
        popularity_norm: products are counted once a person; a person with more than the square of this is scaled
            down to it.
        taste_smoothing: purchases' worth of the average taste that a person starts from.
        candidates: products, by released popularity, that may be recommended to somebody who never bought them.
        windows: earlier periods used as training labels.
        tastes: release how purchases spread over the taxonomy, and use personal affinities.
        rich: also use what needs many shoppers or little noise: profile-by-product sums ("people with your profile
            buy"), how a product's type and category sell on the whole, and popularity in what is bought again.
        train: learn the weights; without it they stay at their public start.
        local_lift: at serving, raise what this merchant's own shoppers buy more often than others. It reads the
            merchant's own rows, at that merchant, and nothing of it leaves.
        popularity_share: part of the privacy budget for popularity.
        taste_share: part for tastes.
        neighbour_share: part for neighbours.
        train_share: part for all training rounds together.
    """

    popularity_days: int = 112
    popularity_norm: float = 10.0
    taste_smoothing: float = 20.0
    candidates: int = 300
    windows: int = 2
    tastes: bool = True
    rich: bool = False
    train: bool = True
    local_lift: bool = True
    popularity_share: float = 0.85
    taste_share: float = 0.10
    neighbour_share: float = 0.25
    train_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in (
            "popularity_days",
            "popularity_norm",
            "taste_smoothing",
            "candidates",
            "windows",
            "popularity_share",
            "taste_share",
            "neighbour_share",
            "train_share",
        ):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ConfigError(f"options.{name} = {value}: write a finite number above 0")

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> RecommendOptions:
        """Check a scenario's table.

        Raises:
            ConfigError: a key is unknown, or a value has the wrong type or range.
        """
        known = {field.name: field for field in fields(cls)}
        checked: dict[str, Any] = {}
        for key, value in options.items():
            if key not in known:
                raise ConfigError(f"options.{key} is unknown to task recommend; choose from {', '.join(known)}")
            wanted = type(getattr(cls(), key))
            if wanted is float and type(value) is int:
                value = float(value)
            if type(value) is not wanted:
                raise ConfigError(f"options.{key} = {value!r}: write {_KINDS[wanted]}")
            checked[key] = value
        return cls(**checked)
