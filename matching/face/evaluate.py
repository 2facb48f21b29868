"""How well faces are told apart one to one: error rates with 95% intervals over people, and by group.

Source: ISO/IEC 19795-1:2021 for the words and the rates; the bootstrap resamples people and not images or pairs (Bolle
et al. 2004, "Error analysis of pattern recognition systems: the subsets bootstrap"), since pairs that share a person
are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from matching.face.rates import Comparisons, DetCurve, Floats, Ints, RankedComparisons, all_pairs

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate with its 95% interval.

    Attributes:
        value: over the people as they are.
        lo: 2.5% quantile of the bootstrap over people.
        hi: 97.5% quantile.
    """

    value: float
    lo: float
    hi: float

    def __str__(self) -> str:
        """Such as .012 [.003, .025]."""
        return f"{self.value:.4f} [{self.lo:.4f}, {self.hi:.4f}]"


@dataclass(frozen=True, eq=False)
class VerificationReport:
    """One to one: every image against every other.

    Attributes:
        people: how many.
        mated: comparisons of two images of one person.
        non_mated: comparisons of images of two persons.
        eer: equal error rate.
        fnmr: FMR -> FNMR at it; an FMR for which there are too few comparisons (below 3 / FMR) is left out.
        left_out: such FMRs.
        det: the curve.
    """

    people: int
    mated: int
    non_mated: int
    eer: Estimate
    fnmr: Mapping[float, Estimate]
    left_out: tuple[float, ...]
    det: DetCurve


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Error rates of one group at one threshold, comparisons within the group only.

    Attributes:
        group: its name.
        people: how many.
        mated: comparisons of one person with itself.
        non_mated: comparisons of two people of the group.
        fmr: rate with an interval over the group's people, see `at_least_3_in`; None without comparisons.
        fnmr: likewise.
    """

    group: str
    people: int
    mated: int
    non_mated: int
    fmr: Estimate | None
    fnmr: Estimate | None


def verification(
    vectors: Any,
    person: Any,
    *,
    rng: np.random.Generator,
    fmr: Sequence[float] = (1e-2, 1e-3),
    resamples: int = 1000,
) -> VerificationReport:
    """Measure one-to-one comparison.

    Args:
        vectors: (n, d) unit rows of one model, of people whom the model was not trained on.
        person: (n,) whose image each is.
        rng: for the bootstrap.
        fmr: false match rates at which FNMR is reported.
        resamples: of the bootstrap over people.

    Raises: DataError: arrays that do not belong together, or fewer than two people.
    """
    pairs = all_pairs(vectors, numbered(person))
    ranked = RankedComparisons(pairs)
    people = int(pairs.probe.max(initial=pairs.reference.max())) + 1
    non_mated = int((~pairs.mated).sum())
    kept = [one for one in fmr if non_mated >= 3 / one]

    def rates(weights: Floats | None) -> list[float]:
        curve = ranked.curve(weights)
        return [curve.eer, *(curve.fnmr_at(one) for one in kept)]

    eer, *fnmr = bootstrap(rates, people, rng=rng, resamples=resamples, needs=_can_be_compared(pairs, people))
    return VerificationReport(
        people=people,
        mated=int(pairs.mated.sum()),
        non_mated=non_mated,
        eer=eer,
        fnmr=dict(zip(kept, fnmr, strict=True)),
        left_out=tuple(one for one in fmr if one not in kept),
        det=ranked.curve(),
    )


def threshold_at(scores: Floats, rate: float, *, weight: Floats | None = None) -> float:
    """Return the least threshold at which at most a share `rate` of the scores is at or above it.

    It lies just above the first score that is too many, so the share is at most `rate` also where scores are equal.
    Monotone: a smaller rate never gives a smaller threshold.
    """
    order = np.argsort(-scores)
    ranked = scores[order]
    weight = np.ones(len(scores)) if weight is None else weight[order]
    above = np.cumsum(weight) / weight.sum()
    too_many = int(np.searchsorted(above, rate + 1e-12, side="right"))
    if too_many >= len(ranked):
        return float(np.nextafter(ranked[-1], -np.inf))
    return float(np.nextafter(ranked[too_many], np.inf))


def by_group(
    comparisons: Comparisons,
    group_of: Mapping[int, str],
    *,
    threshold: float,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> list[GroupRow]:
    """Tabulate error rates by group with counts, so that nobody reads a rate over three people as a finding.

    Args:
        comparisons: scores.
        group_of: person -> group; people without one are under "not given".
        threshold: of the calibration.
        rng: for the bootstrap over a group's people.
        resamples: of the bootstrap.

    Returns: one row for each group, by name, and "all" last.
    """
    names = np.array([group_of.get(int(one), "not given") for one in comparisons.probe], dtype=object)
    others = np.array([group_of.get(int(one), "not given") for one in comparisons.reference], dtype=object)
    inside = {str(name): (names == name) & (others == name) for name in sorted({*names.tolist(), *others.tolist()})}
    inside["all"] = np.ones(len(names), dtype=bool)
    return [_row(comparisons, name, kept, threshold, rng, resamples) for name, kept in inside.items()]


def at_least_3_in(found: Estimate, people: int) -> Estimate:
    """Give a rate an upper end of at least 3 / people (rule of three): a bootstrap of nothing would show no doubt.

    People are the trials, not comparisons: those that share a person are not independent, and ten people stay ten
    however many pictures of them are compared.
    """
    return replace(found, hi=max(found.hi, min(1.0, 3 / people)))


def _row(
    comparisons: Comparisons, name: str, inside: Any, threshold: float, rng: np.random.Generator, resamples: int
) -> GroupRow:
    probe, reference = comparisons.probe[inside], comparisons.reference[inside]
    match, mated = comparisons.score[inside] >= threshold, comparisons.mated[inside]
    who = np.unique(np.concatenate([probe, reference]))
    one, other = np.searchsorted(who, probe), np.searchsorted(who, reference)

    def share(kept: Any, wrong: Any) -> Estimate | None:
        if not kept.any():
            return None
        hits, asked = (np.zeros((len(who), len(who))) for _ in range(2))
        np.add.at(hits, (one[kept], other[kept]), wrong[kept])
        np.add.at(asked, (one[kept], other[kept]), 1.0)
        own = bool(mated[kept].all())

        def rate(weights: Floats | None) -> list[float]:
            each = np.ones(len(who)) if weights is None else weights
            pair = np.diag(each) if own else np.outer(each, each)
            return [float((pair * hits).sum() / (pair * asked).sum())]

        def usable(weights: Floats) -> bool:
            pair = np.diag(weights) if own else np.outer(weights, weights)
            return bool((pair * asked).sum() > 0)

        (found,) = bootstrap(rate, len(who), rng=rng, resamples=resamples, needs=usable)
        return at_least_3_in(found, len(who))

    return GroupRow(
        group=name,
        people=len(who),
        mated=int(mated.sum()),
        non_mated=int((~mated).sum()),
        fmr=share(~mated, match),
        fnmr=share(mated, ~match),
    )


def bootstrap(
    rates: Callable[[Floats | None], list[float]],
    people: int,
    *,
    rng: np.random.Generator,
    resamples: int,
    needs: Callable[[Floats], bool],
) -> list[Estimate]:
    """Resample people, and return each rate with its interval.

    Args:
        rates: (people,) how often each counts, or None for once each -> rates.
        people: how many.
        rng: draws.
        resamples: how often.
        needs: whether rates can be computed from a draw; others are drawn again.
    """
    drawn: list[list[float]] = []
    while len(drawn) < resamples:
        weights = np.bincount(rng.integers(0, people, people), minlength=people).astype(np.float64)
        if needs(weights):
            drawn.append(rates(weights))
    table = np.asarray(drawn, dtype=np.float64).reshape(resamples, -1)
    lo, hi = np.quantile(table, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return [Estimate(value, float(low), float(high)) for value, low, high in zip(rates(None), lo, hi, strict=True)]


def _can_be_compared(pairs: Comparisons, people: int) -> Callable[[Floats], bool]:
    """Tell which draws leave mated and non-mated comparisons."""
    with_mates = np.zeros(people, dtype=bool)
    with_mates[pairs.probe[pairs.mated]] = True

    def usable(weights: Floats) -> bool:
        return bool(weights[with_mates].any() and (weights > 0).sum() >= 2)

    return usable


def numbered(person: Any) -> Ints:
    """Number people from 0."""
    return np.asarray(np.unique(np.asarray(person), return_inverse=True)[1], dtype=np.int64)
