"""What a scenario's `[options]` may say about the response task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from retail.errors import ConfigError

LEARNERS: Final[Mapping[str, str]] = {
    "propensity": "who responds, advertised to or not (logistic)",
    "transformed": "uplift by the transformed outcome (linear)",
    "t": "uplift as the difference of two models, one for each half of the trial (logistic)",
    "x": "uplift by imputed effects on top of those two models (linear)",
}
TWO_MODELS: Final = ("t", "x")


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """Public settings of the response task.

    Attributes:
        learner: one of `LEARNERS`.
        length: L2 length to which a person's features are cut, before a constant 1 is put in front of them.
        caution: how many people's worth of evidence the start (no feature matters) counts for.
        base: share of people who respond, roughly; where training starts.
        sent: share of people in the trial who were advertised to: the coin's, known and never counted.
        spread_share: part of the privacy budget for how features spread.
        effect_share: part for the last linear fit of "transformed" and "x".
        train_share: part for training the logistic models.
    """

    learner: str = "propensity"
    length: float = 3.0
    caution: float = 100.0
    base: float = 0.1
    sent: float = 0.5
    spread_share: float = 0.2
    effect_share: float = 0.5
    train_share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.learner not in LEARNERS:
            raise ConfigError(f"options.learner = {self.learner!r}: choose one of {', '.join(LEARNERS)}")
        for name in ("base", "sent"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"options.{name} = {getattr(self, name)}: write a share between 0 and 1")
        for name in ("length", "caution", "spread_share", "effect_share", "train_share"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"options.{name} = {getattr(self, name)}: write a finite number above 0")

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> ResponseOptions:
        """Check a scenario's table.

        Raises: ConfigError: a key is unknown, or a value has the wrong type or range.
        """
        known = {one.name: type(one.default) for one in fields(cls)}
        checked: dict[str, Any] = {}
        for key, value in options.items():
            if key not in known:
                raise ConfigError(f"options.{key} is unknown to task response; choose from {', '.join(known)}")
            if known[key] is float and type(value) is int:
                value = float(value)
            if type(value) is not known[key]:
                raise ConfigError(f"options.{key} = {value!r}: write a {'text' if known[key] is str else 'number'}")
            checked[key] = value
        return cls(**checked)
