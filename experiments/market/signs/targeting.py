"""Who is worth an advertisement? Merchants learn it alone, together, or together in private, where effects are known.

Each merchant ran a small trial: n people with d standard normal features x, half of them advertised to by chance
(z = 1). A person converts with chance base + z uplift(x), where

    uplift(x) = mean + x . (beta + delta_m),   beta common, delta_m the merchant's own.

With y the conversion, w = 4 (z - 1/2) y has the mean uplift(x) given x, and so x w has the mean beta + delta_m: sums of
x w are all that anybody needs. Alone, a merchant goes by its own mean. Together, sums of all are added and divided by
the number of people; a private federation adds Gaussian noise to the sum, once at the aggregator or at every merchant.
Each merchant then goes by what all learnt, unless its own mean lies further away than chance explains (1%); then it
moves towards that by empirical Bayes (James and Stein), with nothing but its own rows and what was published. Without
the test the smallest merchants, whose distance is mostly chance, would run after noise.

A merchant advertises to the best fifth of new people. What counts are conversions that would not have come otherwise,
for each 1,000 advertised to.

Guarantee of a noisy sum: one person's x w is clipped to length `CLIP`, so adding or leaving out a person moves the sum
by at most that; noise of `noise_multiplier(cap(epsilon, delta)) * CLIP` makes it (epsilon, delta)-DP. Numbers of people
are public. Noise comes from a seed, to be repeated: it shows what privacy costs and protects nobody.

Sources: transformed outcome, Athey and Imbens 2016; zCDP by `privacy.accounting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from privacy import accounting
from retail.errors import ConfigError

Floats = npt.NDArray[np.float64]
Arm = Literal["random", "isolated", "federated", "aggregator", "node", "oracle"]

FEATURES: Final = 8
PEOPLE: Final = 200
"""People in a trial, mean over merchants."""
BASE: Final = 0.1
"""Chance of a conversion without an advertisement."""
MEAN_UPLIFT: Final = 0.03
UPLIFT_SD: Final = 0.038
"""Spread of the common part of the uplift over people."""
BEST: Final = 0.2
"""Share of people who are advertised to."""
CLIP: Final = 7.0
"""Longest x w that counts: 2 for a conversion, times a length of x that one in seven people passes."""
NEW_PEOPLE: Final = 400
"""People of each merchant among whom it then chooses."""
_BEYOND: Final = float(chdtri(FEATURES, 0.01)) / FEATURES
"""Squared distance, over what chance alone makes of it, that one merchant in a hundred passes by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What differs between trials.

    Attributes:
        merchants: how many.
        scale_sigma: spread of their sizes, lognormal; 0 makes all alike.
        own_part: share of the uplift's variance that is a merchant's own, 0 to 1.
        epsilon: of the private arms, for one person.
        delta: its chance of failure.
        people: mean number in a merchant's trial.

    Raises: ConfigError: a number without meaning.
    """

    merchants: int = 100
    scale_sigma: float = 1.0
    own_part: float = 0.05
    epsilon: float = 1.0
    delta: float = 1e-6
    people: float = PEOPLE

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.merchants < 1 or self.scale_sigma < 0 or not 0 <= self.own_part <= 1 or self.people < 1:
            raise ConfigError(f"{self}: give 1 or more merchants and people, a spread of 0 or more, a part of 0 to 1")


@dataclass(frozen=True, eq=False)
class Gains:
    """Conversions gained for each 1,000 advertised to.

    Attributes:
        by_merchant: (M,) float64, expected.
        people: (M,) int64, in each merchant's trial.
    """

    by_merchant: Floats
    people: npt.NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Over merchants."""
        return float(self.by_merchant.mean())

    @property
    def size_gap(self) -> float:
        """The larger half of merchants less the smaller half; 0 with one merchant."""
        order = np.argsort(self.people, kind="stable")
        half = len(order) // 2
        if not half:
            return 0.0
        return float(self.by_merchant[order[-half:]].mean() - self.by_merchant[order[:half]].mean())


@lru_cache(maxsize=512)
def gains(trial: Trial, arm: Arm, seed: int) -> Gains:
    """Run a trial and use it; all arms of one seed meet the same people.

    Args:
        trial: its numbers.
        arm: how merchants learn: not at all, alone, with exact sums of all, with sums that carry noise once
            (aggregator) or from every merchant (node), or knowing the truth.
        seed: of everything.

    Raises: PrivacyError: epsilon or delta means nothing.
    """
    rng = np.random.default_rng([seed, 11])
    people, truth = _draw(trial, rng)
    own = np.zeros((trial.merchants, FEATURES))
    spread = np.zeros(trial.merchants)
    total = np.zeros(FEATURES)
    for m, n in enumerate(people):
        w = _trial(truth[m], int(n), rng)
        own[m] = w.mean(axis=0)
        spread[m] = float(w.var(axis=0).sum() / n)
        total += (w * np.minimum(1.0, CLIP / np.maximum(np.linalg.norm(w, axis=1), 1e-12))[:, None]).sum(axis=0)
    new = rng.standard_normal((trial.merchants, NEW_PEOPLE, FEATURES))
    if arm in ("aggregator", "node"):
        total = total + _noise(trial, np.random.default_rng([seed, 12]), nodes=trial.merchants if arm == "node" else 1)
    guess = _learn(arm, truth, own, spread, total / people.sum())
    return Gains(np.array([_use(new[m], truth[m], guess[m]) for m in range(trial.merchants)]), people)


def _draw(trial: Trial, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], Floats]:
    """Sizes of trials, (M,), and true effects of features, (M, d)."""
    scale = np.exp(trial.scale_sigma * rng.standard_normal(trial.merchants))
    people = np.maximum(np.rint(trial.people * scale / scale.mean()), 20).astype(np.int64)
    common = rng.standard_normal(FEATURES)
    common *= UPLIFT_SD * np.sqrt(1 - trial.own_part) / np.linalg.norm(common)
    own = rng.standard_normal((trial.merchants, FEATURES))
    own *= UPLIFT_SD * np.sqrt(trial.own_part / FEATURES)
    return people, common + own


def _trial(effect: Floats, n: int, rng: np.random.Generator) -> Floats:
    """(n, d) float64: what each person of a trial adds to the sum, x w."""
    x = rng.standard_normal((n, FEATURES))
    advertised = rng.random(n) < 0.5
    converts = rng.random(n) < np.clip(BASE + advertised * (MEAN_UPLIFT + x @ effect), 0.0, 1.0)
    return np.asarray(x * (4.0 * (advertised - 0.5) * converts)[:, None])


def _noise(trial: Trial, rng: np.random.Generator, *, nodes: int) -> Floats:
    """Gaussian noise of a private sum; from several nodes it adds up in variance."""
    multiplier = accounting.noise_multiplier(accounting.cap(epsilon=trial.epsilon, delta=trial.delta))
    return multiplier * CLIP * float(np.sqrt(nodes)) * rng.standard_normal(FEATURES)


def _learn(arm: Arm, truth: Floats, own: Floats, spread: Floats, common: Floats) -> Floats:
    """(M, d) float64: what each merchant goes by; zeros choose at random."""
    if arm == "oracle":
        return truth
    if arm == "random":
        return np.zeros_like(truth)
    if arm == "isolated":
        return own
    apart = own - common
    distance = np.maximum((apart**2).sum(axis=1), 1e-300)
    kept = np.where(distance > _BEYOND * spread, 1 - spread / distance, 0.0)
    return np.asarray(common + kept[:, None] * apart)


def _use(x: Floats, truth: Floats, guess: Floats) -> float:
    """Conversions gained for each 1,000 advertised to, when the best of new people by a guess are."""
    chosen = np.argsort(-(x @ guess), kind="stable")[: max(1, round(BEST * len(x)))]
    uplift = np.clip(MEAN_UPLIFT + x[chosen] @ truth, -BASE, 1 - BASE)
    return float(1000 * uplift.mean())
