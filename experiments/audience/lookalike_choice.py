"""Settings of look-alikes, chosen on launches of other products that are never measured.

Where an arm adds noise, noise of the same size is drawn here too: what is best without noise is not best with it. The
choice looks at exact data, on which no epsilon is spent: it is a choice of the experiment, as in `docs/audiences.md`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.audience.lookalike_data import Launches
from matching.audience.embedding import DEPARTMENTS
from matching.audience.evaluate import auc
from matching.audience.features import FEATURES
from matching.audience.profile import profile_rows, similarity
from matching.audience.weights import RIDGES, moment_rows, ridge_weights
from privacy.accounting import NANO, cap

Floats = np.typing.NDArray[np.float64]
CENTRE_SHARE: Final = 0.05
WEIGHTS_SHARES: Final = (0.3, 0.6)
EXACT_DIMENSIONS: Final = (DEPARTMENTS, 256, 1024)
NOISY_DIMENSIONS: Final = (DEPARTMENTS, 16, 64)
_PARTS: Final = 3
_REHEARSALS: Final = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen. Attributes: dimension: None without a profile; ridge; weights_share: of a launch's epsilon."""

    dimension: int | None
    ridge: float
    weights_share: float
    launches: int
    auc: float

    def sentence(self) -> str:
        """Say what was chosen, on what."""
        space = {None: "", DEPARTMENTS: "departments as the space of profiles, "}.get(
            self.dimension, f"{self.dimension} dimensions for profiles, "
        )
        return (
            f"chosen on {self.launches} launches of other products that are not measured: {space}ridge {self.ridge:g} "
            f"(AUC {self.auc:.3f} there)"
        )


def choose(
    launches: Launches, *, profile: bool, weights: bool, epsilon: float | None, delta: float, seed: int
) -> Choice:
    """Choose the settings of an arm.

    Args:
        launches: those to choose on are parted in three; weights are learned on two and tried on the third.
        profile: whether the arm makes profiles.
        weights: whether it learns weights.
        epsilon: of one launch, None without noise.
        delta: of epsilon.
        seed: of parts and rehearsed noise.

    Raises: DataError: launches without anybody to tell apart.
    """
    dimensions: tuple[int | None, ...] = (None,)
    if profile:
        dimensions = EXACT_DIMENSIONS if epsilon is None else NOISY_DIMENSIONS
    shares = WEIGHTS_SHARES if profile and weights and epsilon is not None else (1.0 if weights else 0.0,)
    best: Choice | None = None
    for dimension, share in itertools.product(dimensions, shares):
        tried = _tried(launches, dimension, weights, share, epsilon, delta, seed)
        for ridge, value in tried.items():
            if best is None or value > best.auc:
                best = Choice(dimension, ridge, share, len(launches.chosen_on), value)
    assert best is not None
    return best


def noise_of(epsilon: float | None, delta: float, share: float) -> float:
    """Return the noise that a row of length 1 gets for a share of (epsilon, delta); 0 without epsilon."""
    if epsilon is None:
        return 0.0
    return float(1 / np.sqrt(2 * share * cap(epsilon=epsilon, delta=delta) / NANO))


def _tried(
    launches: Launches,
    dimension: int | None,
    weights: bool,
    share: float,
    epsilon: float | None,
    delta: float,
    seed: int,
) -> dict[float, float]:
    """Return the mean area under the curve for each ridge."""
    about = launches.described(launches.chosen_on, dimension)
    found: dict[float, list[float]] = {ridge: [] for ridge in (RIDGES if weights else (1.0,))}
    part = np.random.default_rng([seed, 1]).permutation(len(launches.chosen_on)) % _PARTS
    for rehearsal in range(1 if epsilon is None else _REHEARSALS):
        rng = np.random.default_rng([seed, 2, rehearsal])
        tables = list(about.features)
        if dimension is not None:
            first = min(range(len(tables)), key=lambda place: launches.chosen_on[place].day)
            centre = about.places[first][about.known[first]].mean(axis=0)
            noise = noise_of(epsilon, delta, 1 - CENTRE_SHARE - share)
            for place, (places, early) in enumerate(zip(about.places, about.early, strict=True)):
                total = profile_rows(places, centre, early).sum(axis=0) + noise * rng.normal(size=len(centre))
                tables[place] = np.column_stack([tables[place], similarity(places, centre, total)])
        for held_out in range(_PARTS):
            inside = [place for place in range(len(tables)) if part[place] != held_out]
            moments = np.zeros(1)
            if weights:
                rows = moment_rows(
                    [tables[i] for i in inside], [about.later[i] for i in inside], [about.counted[i] for i in inside]
                )
                noise = noise_of(epsilon, delta, share)
                moments = rows.sum(axis=0) + noise * rng.normal(size=rows.shape[1])
            for ridge, values in found.items():
                vector = _last_alone(tables[0].shape[1])
                if weights:
                    vector = ridge_weights(moments, features=tables[0].shape[1], ridge=ridge)
                for place in (i for i in range(len(tables)) if part[i] == held_out):
                    use = about.counted[place]
                    if (about.later[place] & use).any():
                        values.append(float(auc((tables[place] @ vector)[use], about.later[place][use])[0]))
    return {ridge: float(np.mean(values)) for ridge, values in found.items()}


def _last_alone(width: int) -> Floats:
    """Weights of the similarity alone, which stands after the features."""
    vector = np.zeros(width)
    vector[len(FEATURES) :] = 1.0
    return vector
