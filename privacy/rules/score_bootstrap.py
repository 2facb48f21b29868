"""Clustered tests of one coefficient: against the normal law with many clusters, by a wild score bootstrap with few.

The wild bootstrap multiplies each cluster's score by a random sign instead of fitting the model anew, so that 999 draws
are one product of matrices. Guarantee: with independent clusters whose scores are symmetric at the null the test is
exact but for the estimation of the other coefficients; in general it is valid as clusters grow.

Source: Kline and Santos 2012, "A score based approach to wild bootstrap inference", J. Econometric Methods 1(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from privacy.rules.ordered_logit import Fit, Lists, at_values, fit

Floats = npt.NDArray[np.float64]

_LEAST_INFORMATION: Final = 1e-3  # of that at the margin; below it the estimate has run away
_FAR: Final = 20.0  # log-odds


@dataclass(frozen=True, slots=True)
class Estimate:
    """One coefficient.

    Attributes:
        effect: the estimate; infinite, or NaN, where `separated`.
        lo: lower end of the 95% interval.
        hi: upper end.
        bound: one-sided 95% lower bound.
        p: one-sided, of "at most the margin".
        separated: the columns order the lists without exception, or nearly, so that no finite estimate exists. `p`
            holds. The effect is then infinite with its lower bounds where p is below .05, else NaN.
        others: (columns - 1,) estimates of the other coefficients.
    """

    effect: float
    lo: float
    hi: float
    bound: float
    p: float
    separated: bool
    others: Floats


def signs(draws: int, clusters: int, rng: np.random.Generator) -> Floats:
    """(draws, clusters) of -1 and 1."""
    return np.where(rng.integers(0, 2, size=(draws, clusters), dtype=np.int8) > 0, 1.0, -1.0)


def wild_p(scores: Floats, weights: Floats) -> float:
    """Return the one-sided p value of "the scores' mean is at most 0".

    Args:
        scores: (clusters,) at the null.
        weights: (draws, clusters) random signs.
    """
    observed = _studentised(scores.sum(), (scores**2).sum(), len(scores))
    drawn = _studentised(weights @ scores, (scores**2).sum(), len(scores))
    return float((1 + (drawn >= observed - 1e-12).sum()) / (len(weights) + 1))


def _studentised(total: npt.ArrayLike, squares: float, count: int) -> Floats:
    total = np.asarray(total, dtype=np.float64)
    spread = np.sqrt(np.maximum(squares - total**2 / count, 1e-300))
    return np.asarray(total / spread)


def wild_quantiles(scores: Floats, weights: Floats, levels: tuple[float, ...]) -> Floats:
    """Return quantiles of the drawn absolute t, to be used in an interval around an estimate."""
    drawn = np.abs(_studentised(weights @ scores, (scores**2).sum(), len(scores)))
    return np.array(np.quantile(drawn, levels), dtype=np.float64)


def first_effect(
    lists: Lists, *, margin: float, few: int, resamples: int, rng: np.random.Generator, depth: int | None = None
) -> Estimate:
    """Estimate the coefficient of the first column, and test that it is at most the margin.

    Args:
        lists: see `Lists`.
        margin: null value, log-odds.
        few: with fewer clusters (or where no finite estimate exists) the bootstrap is used.
        resamples: its draws.
        rng: for the draws.
        depth: see `fit`.
    """
    free, clusters = fit(lists, depth=depth), lists.clusters
    null = _null(lists, margin, depth)
    if free.separated or _information(free) < _LEAST_INFORMATION * _information(null):
        return _separated(lists, free, margin, signs(resamples, clusters, rng), depth)
    effect, error = float(free.beta[0]), float(np.sqrt(free.variance()[0, 0]))
    if clusters >= few:
        law = stats.t(clusters - 1)
        two, one = float(law.ppf(0.975)), float(law.ppf(0.95))
        p = float(law.sf((effect - margin) / error)) if error > 0 else float(effect <= margin)
    else:
        weights = signs(resamples, clusters, rng)
        p = wild_p(_cleaned(null), weights)
        two, one = wild_quantiles(_cleaned(free), weights, (0.95, 0.9))
    return Estimate(
        effect,
        effect - float(two) * error,
        effect + float(two) * error,
        effect - float(one) * error,
        p,
        False,
        free.beta[1:],
    )


def _separated(lists: Lists, free: Fit, margin: float, weights: Floats, depth: int | None) -> Estimate:
    """Test at the margin, which needs no finite estimate; lower bounds are those of the likelihood ratio.

    The bounds take lists as independent; a score test cannot give them, since its scores keep their sign as they fade.
    """
    p = wild_p(_cleaned(_null(lists, margin, depth)), weights)
    effect = lo = bound = hi = float("nan")
    if p <= 0.05:
        effect = hi = float("inf")
        lo, bound = (_likelihood_bound(lists, free, margin, depth, level) for level in (0.95, 0.9))
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
