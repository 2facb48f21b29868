"""Is the noise as strong as declared, and is it drawn afresh each time?

Both checks read noise itself: what a run published at coordinates where nobody contributed. They find faults that the
one-run audit is too weak for: noise at half strength, and noise used twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from privacy.attacks.intervals import Floats, check_confidence
from privacy.attacks.result import CAUTIOUS, AttackResult, ControlResult
from retail.errors import PrivacyError


def variance_check(noise: Any, scale: Any, *, names: Sequence[str], confidence: float = CAUTIOUS) -> AttackResult:
    """Compare the strength of each release's noise with what was declared.

    Args:
        noise: (releases, n) what was published where nobody contributed.
        scale: (releases,) standard deviations that the claim needs.
        names: of the releases.
        confidence: of the interval over all releases together.

    Returns: `estimate` is the ratio of measured to declared standard deviation where the upper limit of its interval is
        least, among single releases and all of them taken together: the clearest shortfall, which need not be the
        least ratio. `breach` when that interval lies below 1. `ceiling` is the highest ratio that this many draws can
        tell from 1.

    Raises: PrivacyError: arrays that do not fit, no draws, or a scale that is not above 0.

    Guarantee: with honest Gaussian noise a breach is reported with probability at most (1 - confidence) / 2.
        Bonferroni over the releases and their sum; chi-squared intervals.
    """
    started = time.perf_counter()
    drawn, declared = _releases(noise, names), np.asarray(scale, dtype=np.float64)
    if declared.shape != (len(drawn),) or not (np.isfinite(declared).all() and (declared > 0).all()):
        raise PrivacyError(f"each of {len(drawn)} releases needs a declared scale above 0, got {declared.tolist()}")
    standard = drawn / declared[:, None]
    ratio, lo, hi, where = _weakest(standard, names, confidence)
    halved = _weakest(standard / max(ratio, 1e-300) / 2, names, confidence)
    half = (1 - confidence) / 2 / (len(drawn) + 1)
    ceiling = math.sqrt(float(special.chdtri(drawn.size, 1 - half)) / drawn.size)
    weaker = hi < 1
    verdict = "weaker than the claim needs" if weaker else "not weaker than the claim needs, as far as this test sees"
    return AttackResult(
        name="noise_variance",
        estimate=ratio,
        lo=lo,
        hi=hi,
        unit="measured / declared standard deviation",
        ceiling=ceiling,
        control=ControlResult(
            name="the same noise at half strength",
            fired=halved[2] < 1,
            estimate=halved[0],
            statement=f"noise at half strength was measured as {halved[0]:.2f}, at most {halved[2]:.2f}",
        ),
        n=int(drawn.size),
        seconds=time.perf_counter() - started,
        statement=f"{drawn.size} draws in {len(drawn)} releases; the least upper limit, {hi:.3f} of the declared "
        f"strength, is that of {where}, measured as {ratio:.3f}: {verdict}. A shortfall to less than about "
        f"{ceiling:.3f} in all releases together would be seen.",
        breach=weaker,
        claim=1.0,
    )


def independence_check(noise: Any, *, names: Sequence[str], confidence: float = CAUTIOUS) -> AttackResult:
    """Look for noise that was used twice: in two rounds, at two nodes, or along one release.

    Args:
        noise: (releases, n) what was published where nobody contributed, the same coordinates in each.
        names: of the releases.
        confidence: over all pairs together.

    Returns: `estimate` is the largest correlation in absolute value; `breach` when it is more than chance explains.
        `ceiling` is None; the statement gives the smallest correlation that is seen.

    Raises: PrivacyError: arrays that do not fit, or fewer than 10 draws a release.

    Guarantee: with independent Gaussian noise a breach is reported with probability at most 1 - confidence (Student's
        t for the correlation about a mean known to be 0, Bonferroni over the pairs). Finds noise that lines up
        coordinate by coordinate, or that repeats from one coordinate to the next; not noise that was shuffled.
    """
    started = time.perf_counter()
    drawn = _releases(noise, names, least=10)
    check_confidence(confidence)
    found, where, pairs = _closest(drawn, names)
    n = drawn.shape[1] - 1
    seen = _threshold(n, (1 - confidence) / pairs)
    planted = np.concatenate([drawn, 2.0 * drawn[:1]])
    again, _, more = _closest(planted, [*names, "a copy"])
    fired = abs(again) > _threshold(n, (1 - confidence) / more)
    lo, hi = _fisher(abs(found), n, 1 - (1 - confidence) / pairs)
    reused = abs(found) > seen
    verdict = "more than chance explains" if reused else "no more than chance explains"
    return AttackResult(
        name="noise_independence",
        estimate=abs(found),
        lo=lo,
        hi=hi,
        unit="absolute correlation",
        ceiling=None,
        control=ControlResult(
            name="a release whose noise was used before",
            fired=fired,
            estimate=abs(again),
            statement=f"a copy of {names[0]} correlates with it at {abs(again):.2f}",
        ),
        n=int(drawn.size),
        seconds=time.perf_counter() - started,
        statement=f"{pairs} comparisons of {len(drawn)} releases; closest is {where} with correlation {found:+.3f}, "
        f"{verdict}. Correlations above {seen:.3f} would be seen.",
        breach=reused,
        claim=seen,
    )


def _releases(noise: Any, names: Sequence[str], *, least: int = 2) -> Floats:
    drawn = np.asarray(noise, dtype=np.float64)
    if drawn.ndim != 2 or len(drawn) != len(names) or len(drawn) < 1 or drawn.shape[1] < least:
        raise PrivacyError(f"noise must be (releases, at least {least}), got {drawn.shape} for {len(names)} names")
    if not np.isfinite(drawn).all():
        raise PrivacyError("noise holds NaN or infinity; the run is broken before any test of its noise")
    return drawn


def _weakest(standard: Floats, names: Sequence[str], confidence: float) -> tuple[float, float, float, str]:
    """Return ratio, interval and name of what has the least upper limit: a release, or all of them together."""
    half = (1 - check_confidence(confidence)) / 2 / (len(standard) + 1)
    groups = [(standard.ravel(), "all together"), *zip(standard, names, strict=True)]
    found = []
    for values, name in groups:
        squares, n = float((values**2).sum()), len(values)
        lo, hi = (math.sqrt(squares / float(special.chdtri(n, tail))) for tail in (half, 1 - half))
        found.append((math.sqrt(squares / n), lo, hi, str(name)))
    return min(found, key=lambda one: one[2])


def _closest(drawn: Floats, names: Sequence[str]) -> tuple[float, str, int]:
    """Return the largest correlation about 0, where it is, and how many were looked at."""
    length = np.sqrt((drawn**2).sum(axis=1, keepdims=True))
    unit = drawn / np.where(length > 0, length, 1.0)
    between = np.triu(unit @ unit.T, k=1)
    along = (unit[:, 1:] * unit[:, :-1]).sum(axis=1)
    first, second = (int(one) for one in np.unravel_index(np.argmax(np.abs(between)), between.shape))
    best = int(np.argmax(np.abs(along)))
    pairs = len(drawn) * (len(drawn) - 1) // 2 + len(drawn)
    if abs(along[best]) >= abs(between[first, second]):
        return float(along[best]), f"{names[best]} with itself one coordinate on", pairs
    return float(between[first, second]), f"{names[first]} with {names[second]}", pairs


def _threshold(n: int, significance: float) -> float:
    """Return the absolute correlation that n draws exceed by chance with this probability."""
    t = float(special.stdtrit(n, 1 - significance / 2))
    return t / math.sqrt(n + t * t)


def _fisher(correlation: float, n: int, confidence: float) -> tuple[float, float]:
    middle = math.atanh(min(correlation, 1 - 1e-12))
    reach = float(special.ndtri(0.5 + confidence / 2)) / math.sqrt(max(n - 2, 1))
    return max(0.0, math.tanh(middle - reach)), math.tanh(middle + reach)
