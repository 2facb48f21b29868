"""Clustered tests of one coefficient: against the normal law with many clusters, by a wild score bootstrap with few.

The wild bootstrap multiplies each cluster's score by a random number instead of fitting the model anew, so that 999
draws are a product of matrices. The numbers have mean 0, variance 1 and third moment 1 (Mammen), and the scores are
centred first, so that draws are as lopsided as scores are where few products are own: with random signs instead, 7.4%
rather than 6.5% of 2,000 rankings at the margin were flagged (50 queries, 6% own products; seeds not used to choose).
Other coefficients, fitted to the same clusters, make the observed sum stand out more than the drawn ones, which keep
them as they are; t is made smaller for that as degrees of freedom would (5.7% rather than 6.6% of 8,000 rankings).
Guarantee: valid as independent clusters grow; docs/market-audit.md has its size with few.

Source: Kline and Santos 2012, "A score based approach to wild bootstrap inference", J. Econometric Methods 1(1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from privacy.rules.ordered_logit import Fit, Lists, at_values, fit

Floats = npt.NDArray[np.float64]

_LEAST_INFORMATION: Final = 1e-3  # of that at the margin; below it the estimate has run away
_SUSPICIOUS: Final = 4.0  # log-odds; a larger estimate is checked for having run away
_FAR: Final = 20.0  # log-odds


@dataclass(frozen=True, slots=True)
class Estimate:
    """One coefficient.

    Attributes:
        effect: the estimate; infinite, or NaN, where `separated`.
        lo: lower end of the 95% interval.
        hi: upper end.
        bound: one-sided lower bound at the level of the test (95% at .05).
        p: one-sided, of "at most the margin".
        separated: the columns order the lists without exception, or nearly, so that no finite estimate exists. `p`
            holds. The effect is then infinite with its lower bounds where p is at most alpha, else NaN.
        others: (columns - 1,) estimates of the other coefficients.
    """

    effect: float
    lo: float
    hi: float
    bound: float
    p: float
    separated: bool
    others: Floats


def wild_weights(draws: int, clusters: int, rng: np.random.Generator) -> Floats:
    """(draws, clusters) of two values with mean 0, variance 1 and third moment 1.

    Source: Mammen 1993, "Bootstrap and wild bootstrap for high dimensional linear models".
    """
    root = math.sqrt(5.0)
    return np.where(rng.random((draws, clusters)) < (root + 1) / (2 * root), (1 - root) / 2, (1 + root) / 2)


def wild_p(scores: Floats, weights: Floats, *, estimated: int = 0) -> float:
    """Return the one-sided p value of "the scores' mean is at most 0".

    Args:
        scores: (clusters,) at the null.
        weights: see `wild_weights`.
        estimated: other coefficients that were estimated from the same clusters.
    """
    observed = _studentised(scores, np.ones((1, len(scores))))[0]
    observed *= math.sqrt(max(1 - estimated / len(scores), 0.0))
    return float((1 + (_studentised(scores - scores.mean(), weights) >= observed).sum()) / (len(weights) + 1))


def _studentised(scores: Floats, weights: Floats) -> Floats:
    """(draws,) weighted sums over their standard error."""
    total = weights @ scores
    spread = np.sqrt(np.maximum(weights**2 @ scores**2 - total**2 / len(scores), 1e-300))
    return np.asarray(total / spread)


def wild_quantiles(scores: Floats, weights: Floats, levels: tuple[float, ...]) -> Floats:
    """Return quantiles of the drawn absolute t, to be used in an interval around an estimate."""
    drawn = np.abs(_studentised(scores - scores.mean(), weights))
    return np.array(np.quantile(drawn, levels), dtype=np.float64)


def first_effect(
    lists: Lists,
    *,
    margin: float,
    few: int,
    resamples: int,
    rng: np.random.Generator,
    depth: int | None = None,
    alpha: float = 0.05,
) -> Estimate:
    """Estimate the coefficient of the first column, and test that it is at most the margin.

    Args:
        lists: see `Lists`.
        margin: null value, log-odds.
        few: with fewer clusters (or where no finite estimate exists) the bootstrap is used.
        resamples: its draws.
        rng: for the draws.
        depth: see `fit`.
        alpha: level of the test, below .5.
    """
    free, clusters = fit(lists, depth=depth), lists.clusters
    few_or_far = clusters < few or free.separated or abs(float(free.beta[0])) > _SUSPICIOUS
    null = _null(lists, margin, depth) if few_or_far else None
    if null is not None and (free.separated or _information(free) < _LEAST_INFORMATION * _information(null)):
        return _separated(lists, free, margin, wild_weights(resamples, clusters, rng), depth, alpha)
    effect, error = float(free.beta[0]), float(np.sqrt(free.variance()[0, 0]))
    if null is None or clusters >= few:
        law = stats.t(clusters - 1)
        two, one = float(law.ppf(0.975)), float(law.ppf(1 - alpha))
        p = float(law.sf((effect - margin) / error)) if error > 0 else float(effect <= margin)
    else:
        weights = wild_weights(resamples, clusters, rng)
        p = wild_p(_cleaned(null), weights, estimated=len(free.beta) - 1)
        two, one = wild_quantiles(_cleaned(free), weights, (0.95, 1 - 2 * alpha))
    return Estimate(
        effect,
        effect - float(two) * error,
        effect + float(two) * error,
        effect - float(one) * error,
        p,
        False,
        free.beta[1:],
    )


def _separated(lists: Lists, free: Fit, margin: float, weights: Floats, depth: int | None, alpha: float) -> Estimate:
    """Test at the margin, which needs no finite estimate; lower bounds are those of the likelihood ratio.

    The bounds take lists as independent; a score test cannot give them, since its scores keep their sign as they fade.
    """
    p = wild_p(_cleaned(_null(lists, margin, depth)), weights, estimated=len(free.beta) - 1)
    effect = lo = bound = hi = float("nan")
    if p <= alpha:
        effect = hi = float("inf")
        lo, bound = (_likelihood_bound(lists, free, margin, depth, level) for level in (0.95, 1 - 2 * alpha))
    return Estimate(effect, lo, hi, bound, p, True, free.beta[1:])


def _likelihood_bound(lists: Lists, free: Fit, margin: float, depth: int | None, level: float) -> float:
    drop = float(stats.chi2(1).ppf(level)) / 2 * float(lists.weight.mean())  # a list shown often is one observation
    lo, hi = margin, margin + _FAR
    for _ in range(14):
        middle = (lo + hi) / 2
        rejected = free.log_likelihood - _null(lists, middle, depth).log_likelihood > drop
        lo, hi = (middle, hi) if rejected else (lo, middle)
    return lo


def _null(lists: Lists, margin: float, depth: int | None) -> Fit:
    """Estimate the other coefficients with the first at the margin; gradient and Hessian are those of all."""
    offset = margin * lists.x[:, :, 0]
    rest = fit(lists.take(list(range(1, lists.x.shape[2]))), offset=offset, depth=depth)
    return at_values(lists, np.concatenate([[margin], rest.beta]), depth=depth)


def _information(found: Fit) -> float:
    """Information about the first coefficient that is left once the others are estimated."""
    information = found.information
    slope = np.linalg.lstsq(information[1:, 1:], information[1:, 0], rcond=None)[0]
    return float(information[0, 0] - information[0, 1:] @ slope)


def _cleaned(found: Fit) -> Floats:
    """Effective scores: those of the first column less their projection on the others."""
    information, scores = found.information, found.scores
    if len(information) == 1:
        return scores[:, 0]
    slope = np.linalg.lstsq(information[1:, 1:], information[1:, 0], rcond=None)[0]
    cleaned: Floats = scores[:, 0] - scores[:, 1:] @ slope
    return cleaned
