"""Trained models: bounded by differential privacy, or open until they are trained again or deleted."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from privacy.consent.tombstones import Tombstones
from privacy.erasure.indexes import delete_files
from privacy.erasure.places import Action, Guarded
from retail.errors import ConfigError
from retail.files import sha256_file

MOST_EPSILON: Final = 10.0
MOST_DELTA: Final = 1e-4
"""Beyond these a guarantee says too little about one person to let a model stay: our choice, no law's."""


class Model(Guarded):
    """The files of one trained model. Nobody can search a model for a person.

    It stays, bounded, with secret noise, epsilon <= 10, delta <= 1e-4 and delta < 1 / people. Otherwise (no epsilon, a
    larger one, or noise drawn from a seed that somebody has) it may remember people: it is trained again without the
    person, or deleted. Taking one person's influence out of trained weights is not attempted: no method
    here could prove that it worked.

    Args:
        name: of the place.
        paths: its files.
        tombstones: who may not come back.
        epsilon: of the whole training, per person; None without a guarantee.
        delta: of the same.
        secret_noise: the noise came from the system's random source, and nobody can draw it again.
        command: trains it again.
        people: how many it was trained on, or fewer; None where nobody knows.
        started: when its training began to read data; None where nobody knows.

    Raises: ConfigError: epsilon or delta cannot be a guarantee, people is no whole number >= 1, or `started` has no
        time zone.
    """

    kind = "model"
    searchable = False

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        *,
        tombstones: Tombstones,
        epsilon: float | None = None,
        delta: float | None = None,
        secret_noise: bool = False,
        command: str = "",
        people: int | None = None,
        started: dt.datetime | None = None,
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self.paths = [Path(path) for path in paths]
        self.command = command
        if epsilon is not None:
            if not (_is_number(epsilon) and epsilon > 0 and _is_number(delta) and 0 <= float(delta or 0) < 1):
                raise ConfigError(f"model {name!r}: epsilon {epsilon!r} with delta {delta!r} is no guarantee")
        if people is not None and (isinstance(people, bool) or not isinstance(people, int) or people < 1):
            raise ConfigError(
                f"model {name!r}: people is {people!r}; give a whole number of at least 1, or leave it out"
            )
        if started is not None and started.tzinfo is None:
            raise ConfigError(f"model {name!r}: started is {started} without a time zone; write it with one")
        self.started = started
        weak = "" if epsilon is None else _weakness(epsilon, float(delta or 0), people)
        self.bounded = epsilon is not None and secret_noise and not weak
        self.action: Action = "bounded" if self.bounded else "retrain"
        self.statement = _statement(epsilon, delta, secret_noise, weak)
        if self.bounded:
            self.command = ""

    def holds(self, person: str) -> int:
        """Count the model's files, which may hold anybody of the data they were trained on."""
        return sum(path.is_file() for path in self.paths)

    def erase(self, person: str) -> int:
        """Delete the model's files; a bounded model stays."""
        return 0 if self.bounded else delete_files(self.paths)

    def fingerprint(self) -> str:
        """Return a hash over the model's files; empty when one of them is not there."""
        if not self.paths or not all(path.is_file() for path in self.paths):
            return ""
        return hashlib.sha256("".join(sha256_file(path) for path in self.paths).encode()).hexdigest()


def _weakness(epsilon: float, delta: float, people: int | None) -> str:
    if epsilon > MOST_EPSILON:
        return f"epsilon {epsilon:g} is above {MOST_EPSILON:g}"
    if delta > MOST_DELTA:
        return f"delta {delta:g} is above {MOST_DELTA:g}"
    if people is not None and delta * people >= 1:
        return f"delta {delta:g} is not below 1 / {people:,} people"
    return ""


def _statement(epsilon: float | None, delta: float | None, secret_noise: bool, weak: str) -> str:
    if epsilon is None:
        return "trained without differential privacy on data that held the person: it may remember them"
    if not secret_noise:
        return (
            f"trained with epsilon {epsilon:g}, but its noise came from a seed: whoever holds the seed can take the "
            "noise away, so the epsilon bounds nothing here"
        )
    if weak:
        return f"trained with differential privacy that says too little about one person: {weak}"
    return (
        f"trained with differential privacy, epsilon {epsilon:g}, delta {delta:g}, per person: any conclusion drawn "
        f"from it is at most {math.exp(epsilon):.3g} times as likely (plus {delta:g}) as if the person had never been "
        "in the data. The person's influence is bounded, not removed"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
