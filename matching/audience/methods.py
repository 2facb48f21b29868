"""Scores without learning: simple rules that every method is held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from matching.audience.features import FEATURES
from retail.errors import ConfigError

Floats = npt.NDArray[np.float64]

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "lines": ("lines",),
    "category": ("category",),
    "rule": ("category", "manufacturer", "baskets"),
}
"""Which features each rule adds up: whoever buys most; buys the category; buys the category, the manufacturer, often.

All are a household's own rows at its own merchant, with weights that nobody learned: no other merchant's data enter.
"""


def rule_score(features: Floats, name: str) -> Floats:
    """Add up the features of a rule.

    Args:
        features: (persons, len(FEATURES)), as `matching.audience.features.features` returns them.
        name: one of `RULES`.

    Returns: (persons,) float64; a higher score is a better prospect.

    Raises: ConfigError: there is no such rule.
    """
    found: Floats = features @ (rule_weights(name) > 0)
    return found


def rule_weights(name: str) -> Floats:
    """Return the weights of a rule: (len(FEATURES),) float64, equal where the rule looks and 0 elsewhere, of length 1.

    Raises: ConfigError: there is no such rule.
    """
    if name not in RULES:
        raise ConfigError(f"there is no rule {name!r}; choose one of {', '.join(RULES)}")
    named = np.isin(FEATURES, RULES[name]).astype(np.float64)
    found: Floats = named / np.sqrt(named.sum())
    return found


def random_score(persons: int, rng: np.random.Generator) -> Floats:
    """Score households by chance."""
    return rng.random(persons)
