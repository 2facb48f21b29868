"""What a scenario's `[options]` may say about the face task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from retail.errors import ConfigError

_KINDS: Final[dict[type, str]] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_MOST_MOMENTS: Final = 128
_MOST_MOVE: Final = 16
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "start": ("", "drawn"),
    "learn": ("merchant", "person", "nothing"),
    "adapt": ("norms", "head", "all"),
    "head": ("negatives", "fixed"),
}


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """Public settings of the face task.

    Attributes:
        learn: "merchant" takes optimiser steps on a merchant's images with a class for each of its people (no privacy
            can be claimed); "person" takes one gradient of each person's own loss; "nothing" keeps the weights.
        share_prototypes: with learn = "merchant", send the mean embedding of each person to all merchants as well.
        start: "" for random weights, "drawn" for weights trained on drawings.
        drawn_people: how many are drawn to train on and to learn public moments from.
        drawn_images: of each.
        drawn_steps: optimiser steps on drawings.
        adapt: with learn = "person", which weights may change: those of the GroupNorms, of the last map, or all.
        head: with learn = "person", what a person's images are told apart from: drawn faces, or fixed directions.
        moments: directions in which the mean is released once; 0 for none.
        spread: the first of them, in which the spread within people is released as well; 0 for none.
        batch: images of one optimiser step.
        replay: images of drawn people that a merchant's optimiser step sees as well, each in a class of its own.
        rate: step size of a merchant's optimiser (Adam).
        scale: of the logits.
        margin: subtracted from the cosine of the right class.
        flip: mirror half of the images.
        move: pixels by which images are moved at most.
        train_share: part of the privacy budget for training.
        moments_share: part for the moments.
    """

    learn: str = "merchant"
    share_prototypes: bool = False
    start: str = ""
    drawn_people: int = 300
    drawn_images: int = 6
    drawn_steps: int = 500
    adapt: str = "norms"
    head: str = "negatives"
    moments: int = 0
    spread: int = 0
    batch: int = 32
    replay: int = 0
    rate: float = 1e-3
    scale: float = 16.0
    margin: float = 0.35
    flip: bool = True
    move: int = 4
    train_share: float = 0.5
    moments_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                few = ", ".join(repr(one) for one in choices)
                raise ConfigError(f"options.{name} = {getattr(self, name)!r}: choose one of {few}")
        for name in ("drawn_people", "drawn_images", "batch", "rate", "scale", "train_share", "moments_share"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"options.{name} = {getattr(self, name)}: write a finite number above 0")
        for name in ("drawn_steps", "replay", "moments", "spread", "margin", "move"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"options.{name} = {getattr(self, name)}: write a finite number of at least 0")
        if self.margin >= 1 or self.moments > _MOST_MOMENTS or self.move > _MOST_MOVE:
            raise ConfigError(
                f"margin = {self.margin}, moments = {self.moments}, move = {self.move}: write a margin below 1, "
                f"at most {_MOST_MOMENTS} moments and a move of at most {_MOST_MOVE}"
            )
        if self.spread > self.moments:
            raise ConfigError(f"options.spread = {self.spread}: write at most options.moments, {self.moments}")
        if self.drawn_people < 2 or self.drawn_images < 2:
            raise ConfigError("options.drawn_people and drawn_images: at least two people with two images each")

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> FaceOptions:
        """Check a scenario's table.

        Raises:
            ConfigError: a key is unknown, or a value has the wrong type or range.
        """
        known = [field.name for field in fields(cls)]
        checked: dict[str, Any] = {}
        for key, value in options.items():
            if key not in known:
                raise ConfigError(f"options.{key} is unknown to task faces; choose from {', '.join(known)}")
            wanted = type(getattr(cls(), key))
            if wanted is float and type(value) is int:
                value = float(value)
            if type(value) is not wanted:
                raise ConfigError(f"options.{key} = {value!r}: write {_KINDS[wanted]}")
            checked[key] = value
        return cls(**checked)
