"""Settings of look-alikes, chosen on launches of other products that are never measured.

Where an arm adds noise, noise of the same size is drawn here too: what is best without noise is not best with it. The
choice looks at exact data, on which no epsilon is spent: it is a choice of the experiment, as in `docs/audiences.md`.
Nothing of a measured launch is looked at: its buyers neither judge a setting nor teach in these lessons.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.audience.lookalike_data import Described, Launches
from experiments.audience.lookalike_lessons import Lesson
from matching.audience.embedding import DEPARTMENTS, width
from matching.audience.features import FEATURES
from matching.audience.methods import rule_weights
from matching.audience.profile import profile_rows, similarity
from matching.audience.weights import RIDGES, ridge_weights
from privacy.accounting import NANO, cap
from retail.separation import auc

Floats = np.typing.NDArray[np.float64]
CENTRE_SHARE: Final = 0.05
WEIGHTS_SHARES: Final = (0.3, 0.6)
EXACT_DIMENSIONS: Final = (DEPARTMENTS, 256, 1024)
NOISY_DIMENSIONS: Final = (DEPARTMENTS, 16, 64)
MIXES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
"""What nearness to a profile may count for beside weights of length 1."""
FALLBACK: Final = "rule"
"""Weights of launches before which there was nothing to learn from."""
_REHEARSALS: Final = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Attributes:
        dimension: of the space of profiles; None without a profile.
        ridge: of the weights; None without weights.
        mix: what nearness counts for beside the weights; None without either of them.
        weights_share: of a launch's epsilon.
        launches: on how many it was chosen; auc: mean over them.
    """

    dimension: int | None
    ridge: float | None
    mix: float | None
    weights_share: float
    launches: int
    auc: float

    def sentence(self) -> str:
        """Say what was chosen, on what."""
        chosen = []
        if self.dimension is not None:
            space = "departments" if self.dimension == DEPARTMENTS else f"{self.dimension} dimensions"
            chosen.append(f"{space} as the space of profiles")
        if self.mix is not None:
            chosen.append(f"nearness times {self.mix:g}")
        if self.ridge is not None:
            chosen.append(f"ridge {self.ridge:g}")
        if 0 < self.weights_share < 1:
            chosen.append(f"{self.weights_share:g} of the budget for weights")
        return (
            f"chosen on {self.launches} launches of other products that are not measured: {', '.join(chosen)} "
            f"(AUC {self.auc:.3f} there)"
        )

    def scores(self, table: Floats, near: Floats | None, moments: Floats | None) -> Floats:
        """Score households for one launch.

        Args:
            table: (persons, len(FEATURES)) features.
            near: (persons,) similarity to its profile; None without one.
            moments: sums of its lesson, exact or noisy; None where there was nothing to learn from, then the rule's
                weights stand in.

        Returns: (persons,) float64.
        """
        if self.ridge is None:
            assert near is not None
            return near
        weights = rule_weights(FALLBACK)
        if moments is not None:
            weights = ridge_weights(moments, features=len(FEATURES), ridge=self.ridge)
        found: Floats = table @ weights
        return found if near is None or self.mix is None else found + self.mix * near


def choose(
    launches: Launches,
    *,
    profile: bool,
    weights: bool,
    epsilon: float | None,
    delta: float,
    seed: int,
    parties: int = 1,
) -> Choice:
    """Choose the settings of an arm.

    Args:
        launches: those to choose on, and what may be learnt before each.
        profile: whether the arm makes profiles.
        weights: whether it learns weights.
        epsilon: of one launch, None without noise.
        delta: of epsilon.
        seed: of rehearsed noise.
        parties: how many of them add noise, each as much as would do alone.

    Raises: DataError: launches without anybody to tell apart.
    """
    dimensions: tuple[int | None, ...] = (None,)
    if profile:
        offered = EXACT_DIMENSIONS if epsilon is None else NOISY_DIMENSIONS
        # In a space of one department everybody is in one place, and a profile points nowhere.
        dimensions = tuple(one for one in offered if width(launches.catalogue, one) > 1)
    shares = WEIGHTS_SHARES if profile and weights and epsilon is not None else (1.0 if weights else 0.0,)
    ridges: tuple[float | None, ...] = RIDGES if weights else (None,)
    mixes: tuple[float | None, ...] = MIXES if profile and weights else (None,)
    count = len(launches.chosen_on)
    best: Choice | None = None
    for dimension, share in itertools.product(dimensions, shares):
        about = launches.described(launches.chosen_on, dimension)
        of_profile = noise_of(epsilon, delta, 1 - CENTRE_SHARE - share, parties=parties)
        of_weights = noise_of(epsilon, delta, share, parties=parties)
        tried = [
            (near, sums)
            for rehearsal in range(1 if epsilon is None else _REHEARSALS)
            for rng in (np.random.default_rng([seed, 2, rehearsal]),)
            for near, sums in (_rehearsed(launches, about, of_profile, of_weights, rng),)
        ]
        for ridge, mix in itertools.product(ridges, mixes):
            setting = Choice(dimension, ridge, mix, share, count, math.nan)
            value = float(np.mean([one for near, sums in tried for one in _areas(setting, about, near, sums)]))
            if best is None or value > best.auc:
                best = Choice(dimension, ridge, mix, share, count, value)
    assert best is not None
    return best


def noise_of(epsilon: float | None, delta: float, share: float, *, parties: int = 1) -> float:
    """Return the noise on a sum of rows of length 1 for a share of (epsilon, delta); 0 without epsilon or share."""
    if epsilon is None or share <= 0:
        return 0.0
    return float(np.sqrt(parties / (2 * share * cap(epsilon=epsilon, delta=delta) / NANO)))


def lessons_apart(launches: Launches) -> tuple[Lesson, ...]:
    """Return the lesson of each launch to choose on, without any product that is measured."""
    measured = frozenset(one.product for one in launches.measured)
    return tuple(launches.lesson_of(one).without(measured) for one in launches.chosen_on)


def _rehearsed(
    launches: Launches, about: Described, profile_noise: float, weights_noise: float, rng: np.random.Generator
) -> tuple[list[Floats | None], list[Floats | None]]:
    """Return, for each launch to choose on, nearness to its profile and the sums of its lesson, with noise."""
    near: list[Floats | None] = [None] * len(launches.chosen_on)
    if about.places:
        first = min(range(len(near)), key=lambda place: launches.chosen_on[place].day)
        centre = about.places[first][about.known[first]].mean(axis=0)
        for place, (places, early) in enumerate(zip(about.places, about.early, strict=True)):
            total = profile_rows(places, centre, early).sum(axis=0)
            near[place] = similarity(places, centre, total + profile_noise * rng.normal(size=len(centre)))
    lessons = lessons_apart(launches)
    listed = tuple(dict.fromkeys(lessons))
    sums = dict(zip(listed, launches.sums(listed), strict=True))
    noisy = {
        lesson: None if total is None else total + weights_noise * rng.normal(size=len(total))
        for lesson, total in sums.items()
    }
    return near, [noisy[one] for one in lessons]


def _areas(
    setting: Choice, about: Described, near: Sequence[Floats | None], sums: Sequence[Floats | None]
) -> Iterator[float]:
    """Yield the area under the curve of each launch that has somebody to find."""
    for place, table in enumerate(about.features):
        use, later = about.counted[place], about.later[place]
        if (later & use).any():
            yield float(auc(setting.scores(table, near[place], sums[place])[use], later[use])[0])
