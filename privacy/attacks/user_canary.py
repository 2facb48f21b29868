"""An estimate of epsilon from one run: how far canaries that were in stand from canaries that were not.

It reads the two groups of scores as two Gaussians. Where that is true the estimate is good already with a hundred
canaries; where it is not, it may be too low or too high. **It is an estimate and not a bound**, so it never counts as a
breach by itself.

Source: Andrew, Kairouz, Oh, Oprea, McMahan and Suriyakumar 2023, "One-shot empirical privacy estimation for federated
learning". There canaries are random directions of the model; here they are coordinates that nobody else uses, whose
scores without a canary are the run's own noise.
"""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from privacy.accounting import check_delta, check_epsilon
from privacy.attacks.intervals import Floats, gaussian_epsilon, mask, vector
from privacy.attacks.result import CONFIDENCE, AttackResult, ControlResult
from retail.errors import PrivacyError

_RESAMPLES: Final = 400
_MOST: Final = 30.0  # standard deviations: further apart, groups are simply told apart
_PLANTED: Final = 3.0  # standard deviations between the control's groups


def user_canary_estimate(
    scores: Any,
    included: Any,
    *,
    delta: float,
    claim: float | None,
    seed: int,
    confidence: float = CONFIDENCE,
) -> AttackResult:
    """Estimate epsilon from the scores of canaries.

    Args:
        scores: (m,) what the run shows of each canary.
        included: (m,) bool, which of them took part; at least 10 of each.
        delta: at which epsilon is estimated.
        claim: the epsilon that the run claims; None where it claims none.
        seed: of the bootstrap.
        confidence: of the bootstrap interval.

    Returns: never a breach and never "passed": the outcome is "estimate", or "inconclusive" where the interval lies
        above the claim, and then the statement says that it should be looked into. `ceiling` is where two groups are
        told apart without a doubt.

    Raises: PrivacyError: arrays of other shapes or kinds, or too few canaries.
    """
    started = time.perf_counter()
    check_delta(delta)
    values = vector(scores, "scores", least=20)
    coins = mask(included, "included", len(values))
    inside, outside = values[coins], values[~coins]
    if min(len(inside), len(outside)) < 10:
        raise PrivacyError(f"{len(inside)} canaries in and {len(outside)} out are too few; use at least 10 of each")
    estimate = _epsilon(inside, outside, delta)
    rng = np.random.default_rng(np.random.SeedSequence([0xCA9A, seed]))
    drawn = np.array(
        [_epsilon(_again(inside, rng), _again(outside, rng), delta) for _ in range(_RESAMPLES)], dtype=np.float64
    )
    lo, hi = (float(end) for end in np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]))
    epsilon = None if claim is None else check_epsilon(claim)
    above = epsilon is not None and lo > epsilon
    warning = " It lies above the claim: look for the reason, though this proves nothing." if above else ""
    return AttackResult(
        name="user_canary",
        estimate=estimate,
        lo=lo,
        hi=hi,
        unit="epsilon",
        ceiling=gaussian_epsilon(_MOST, delta=delta),
        control=_control(outside, delta),
        n=len(values),
        seconds=time.perf_counter() - started,
        statement=f"An estimate, not a bound: {len(inside)} canaries in and {len(outside)} out stand as far apart as "
        f"at epsilon {estimate:.2f} (delta {delta:g}), if their scores are Gaussian.{warning}",
        breach=False,
        claim=epsilon,
        conclusive=False,
        estimate_only=True,
    )


def _epsilon(inside: Floats, outside: Floats, delta: float) -> float:
    spread = float(np.sqrt((inside.var(ddof=1) + outside.var(ddof=1)) / 2))
    apart = float(inside.mean() - outside.mean())
    if apart == 0:
        return 0.0
    return gaussian_epsilon(_MOST if abs(apart) >= _MOST * spread else abs(apart) / spread, delta=delta)


def _again(values: Floats, rng: np.random.Generator) -> Floats:
    return values[rng.integers(len(values), size=len(values))]


def _control(outside: Floats, delta: float) -> ControlResult:
    """Move every second canary that was out by three times the spread, and see whether the estimate finds that."""
    spread = float(outside.std(ddof=1)) or 1.0
    planted = outside[::2] + _PLANTED * spread
    found, truth = _epsilon(planted, outside[1::2], delta), gaussian_epsilon(_PLANTED, delta=delta)
    return ControlResult(
        name="a planted distance",
        fired=found > 0.5 * truth,
        estimate=found,
        statement=f"canaries moved by {_PLANTED:g} standard deviations (epsilon {truth:.1f}) were read as {found:.1f}",
    )
