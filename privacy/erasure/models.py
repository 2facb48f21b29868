"""Trained models: bounded by differential privacy, or open until they are trained again or deleted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from privacy.consent.tombstones import Tombstones
from privacy.erasure.indexes import delete_files
from privacy.erasure.places import Action, Guarded
from retail.errors import ConfigError
from retail.files import sha256_file


class Model(Guarded):
    """The files of one trained model. Nobody can search a model for a person.

    With epsilon and secret noise it stays, bounded. Otherwise (no epsilon, or noise drawn from a seed that somebody
    has) it may remember people: it is trained again without the person, or deleted. Taking one person's influence
    out of trained weights is not attempted: no method here could prove that it worked.

    Args:
        name: of the place.
        paths: its files.
        tombstones: who may not come back.
        epsilon: of the whole training, per person; None without a guarantee.
        delta: of the same.
        secret_noise: the noise came from the system's random source, and nobody can draw it again.
        command: trains it again.

    Raises: ConfigError: epsilon or delta cannot be a guarantee.
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
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self.paths = [Path(path) for path in paths]
        self.command = command
        if epsilon is not None:
            if not (_is_number(epsilon) and epsilon > 0 and _is_number(delta) and 0 <= float(delta or 0) < 1):
                raise ConfigError(f"model {name!r}: epsilon {epsilon!r} with delta {delta!r} is no guarantee")
        self.bounded = epsilon is not None and secret_noise
        self.action: Action = "bounded" if self.bounded else "retrain"
        self.statement = _statement(epsilon, delta, secret_noise)
        if self.bounded:
            self.command = ""

    def holds(self, person: str) -> int:
        """Count the model's files, which may hold anybody of the data they were trained on."""
        return sum(path.is_file() for path in self.paths)

    def erase(self, person: str) -> int:
        """Delete the model's files; a bounded model stays."""
        return 0 if self.bounded else delete_files(self.paths)

    def fingerprint(self) -> str:
        """Return a hash over the model's files; empty when none is left."""
        there = [path for path in self.paths if path.is_file()]
        return hashlib.sha256("".join(sha256_file(path) for path in there).encode()).hexdigest() if there else ""


def _statement(epsilon: float | None, delta: float | None, secret_noise: bool) -> str:
    if epsilon is None:
        return "trained without differential privacy on data that held the person: it may remember them"
    if not secret_noise:
        return (
            f"trained with epsilon {epsilon:g}, but its noise came from a seed: whoever holds the seed can take the "
            "noise away, so the epsilon bounds nothing here"
        )
    return (
        f"trained with differential privacy, epsilon {epsilon:g}, delta {delta:g}, per person: any conclusion drawn "
        f"from it is at most {math.exp(epsilon):.3g} times as likely (plus {delta:g}) as if the person had never been "
        "in the data. The person's influence is bounded, not removed"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
