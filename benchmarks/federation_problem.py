"""The learning problem of the federation benchmark: the same bytes and the same steps for every contender.

Only numpy and torch are needed here, so that a peer's own environment can read it. Every merchant holds some persons,
every person a few rows of features with a yes or no, and a net with two hidden layers learns the answer. In a round
each merchant takes some gradient steps on all of its rows and sends how its weights moved ("merchant"), or each person
does so on its own rows, and how far the weights moved is clipped ("person"). Noise, which is drawn once a round, is
left out, so that models can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch.func import grad, vmap
from torch.nn.functional import binary_cross_entropy_with_logits, linear

FEATURES: Final = 16
PERSONS: Final = 20
ROWS: Final = 4
CLIP: Final = 0.5
RATE: Final = 0.5

Weights = tuple[torch.Tensor, ...]
"""Matrix and offset of each layer, in order."""


@dataclass(frozen=True)
class Settings:
    """What decides a problem.

    Attributes:
        clients: merchants; all take part in every round.
        hidden: width of both hidden layers.
        unit: who takes steps, "merchant" or "person".
        steps: gradient steps of a unit in a round, on all of its rows.
    """

    clients: int
    hidden: int
    unit: str
    steps: int

    @property
    def units(self) -> int:
        """Who takes steps in a round: so many merchants or persons."""
        return self.clients * (PERSONS if self.unit == "person" else 1)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Of the matrices of the net."""
        return (self.hidden, FEATURES), (self.hidden, self.hidden), (1, self.hidden)

    @property
    def parameters(self) -> int:
        """Length d of all weights."""
        return sum(rows * columns + rows for rows, columns in self.shapes)


@dataclass(frozen=True, eq=False)
class Problem:
    """Data and first weights.

    Attributes:
        settings: of the problem.
        x: (clients, PERSONS, ROWS, FEATURES) float32.
        y: (clients, PERSONS, ROWS) float32, 0 or 1.
        start: (d,) float32.
    """

    settings: Settings
    x: np.ndarray
    y: np.ndarray
    start: np.ndarray

    @classmethod
    def draw(cls, settings: Settings) -> Problem:
        """Make data; what decides the answer differs somewhat from merchant to merchant."""
        rng = np.random.default_rng(7)
        lines = (settings.clients, PERSONS, ROWS)
        x = rng.standard_normal((*lines, FEATURES), dtype=np.float32)
        asked = rng.standard_normal(FEATURES) + 0.3 * rng.standard_normal((settings.clients, 1, 1, FEATURES))
        y = ((x * asked).sum(axis=-1) + rng.standard_normal(lines) > 0).astype(np.float32)
        parts: list[np.ndarray] = []
        for rows, columns in settings.shapes:
            parts += [rng.standard_normal(rows * columns) / np.sqrt(columns), np.zeros(rows)]
        return cls(settings, x, y, np.concatenate(parts).astype(np.float32))

    def save(self, path: Path) -> None:
        """Write one file that `load` reads."""
        np.savez(path, x=self.x, y=self.y, start=self.start, **asdict(self.settings))

    @classmethod
    def load(cls, path: Path) -> Problem:
        """Read what `save` wrote."""
        with np.load(path) as kept:
            settings = Settings(int(kept["clients"]), int(kept["hidden"]), str(kept["unit"]), int(kept["steps"]))
            return cls(settings, kept["x"], kept["y"], kept["start"])

    def merchants(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the rows of each merchant: (PERSONS, ROWS, FEATURES) and (PERSONS, ROWS)."""
        for x, y in zip(self.x, self.y, strict=True):
            yield torch.from_numpy(x), torch.from_numpy(y)


def layered(flat: torch.Tensor, settings: Settings) -> Weights:
    """Cut (d,) weights into layers, without copying."""
    parts: list[torch.Tensor] = []
    at = 0
    for rows, columns in settings.shapes:
        parts += [flat[at : at + rows * columns].view(rows, columns), flat[at + rows * columns :][:rows]]
        at += rows * columns + rows
    return tuple(parts)


def loss(weights: Weights, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of (n, FEATURES) rows with (n,) answers."""
    first, first_offset, second, second_offset, last, last_offset = weights
    inner = torch.tanh(linear(x, first, first_offset))
    inner = torch.tanh(linear(inner, second, second_offset))
    return binary_cross_entropy_with_logits(linear(inner, last, last_offset).squeeze(-1), y)


def moved(start: Weights, x: torch.Tensor, y: torch.Tensor, steps: int) -> torch.Tensor:
    """Return (d,): how far one unit with (n, FEATURES) rows moves the weights."""
    weights = start
    for _ in range(steps):
        weights = tuple(one.detach().requires_grad_() for one in weights)
        slopes = torch.autograd.grad(loss(weights, x, y), weights)
        weights = tuple(one.detach().sub(slope, alpha=RATE) for one, slope in zip(weights, slopes, strict=True))
    return torch.cat([(one - before).flatten() for one, before in zip(weights, start, strict=True)])


def moved_together(start: Weights, x: torch.Tensor, y: torch.Tensor, steps: int) -> torch.Tensor:
    """Return (units, d): the same for many units at once, with rows (units, n, FEATURES)."""
    weights = tuple(one.expand(len(x), *one.shape) for one in start)
    slope_of = vmap(grad(loss))
    for _ in range(steps):
        slopes = slope_of(weights, x, y)
        weights = tuple(torch.sub(one, slope, alpha=RATE) for one, slope in zip(weights, slopes, strict=True))
    return torch.cat([(one - before).flatten(1) for one, before in zip(weights, start, strict=True)], dim=1)


def plain_round(flat: torch.Tensor, problem: Problem) -> torch.Tensor:
    """Return (d,) weights after a round, as one would write it without any engine: merchant after merchant."""
    settings, total = problem.settings, torch.zeros_like(flat)
    start = layered(flat, settings)
    for x, y in problem.merchants():
        if settings.unit == "merchant":
            total += moved(start, x.flatten(0, 1), y.flatten(), settings.steps)
        else:
            rows = moved_together(start, x, y, settings.steps)
            total += (rows * (CLIP / rows.norm(dim=1).clamp(min=CLIP))[:, None]).sum(dim=0)
    return flat + total / settings.units
