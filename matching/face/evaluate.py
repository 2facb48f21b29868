"""How well faces are told apart one to one: error rates with 95% intervals over people, and by group.

Source: ISO/IEC 19795-1:2021 for the words and the rates; the bootstrap resamples people and not images or pairs (Bolle
et al. 2004, "Error analysis of pattern recognition systems: the subsets bootstrap"), since pairs that share a person
are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
        fmr: rate with an interval that treats comparisons as independent (too narrow); None without comparisons.
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


def by_group(comparisons: Comparisons, group_of: Mapping[int, str], *, threshold: float) -> list[GroupRow]:
    """Tabulate error rates by group with counts, so that nobody reads a rate over three people as a finding.

    Args:
        comparisons: scores.
        group_of: person -> group; people without one are under "not given".
        threshold: of the calibration.

    Returns: one row for each group, by name, and "all" last.
    """
    names = np.array([group_of.get(int(one), "not given") for one in comparisons.probe], dtype=object)
    others = np.array([group_of.get(int(one), "not given") for one in comparisons.reference], dtype=object)
    rows = [
        _row(comparisons, str(name), np.asarray((names == name) & (others == name)), threshold)
        for name in sorted({*names.tolist(), *others.tolist()})
    ]
    return [*rows, _row(comparisons, "all", np.ones(len(names), dtype=bool), threshold)]


def _row(comparisons: Comparisons, name: str, inside: Any, threshold: float) -> GroupRow:
    mated, match = comparisons.mated & inside, comparisons.score >= threshold
    other = ~comparisons.mated & inside
    people = len({*comparisons.probe[inside].tolist(), *comparisons.reference[inside].tolist()})
    return GroupRow(
        group=name,
        people=people,
        mated=int(mated.sum()),
        non_mated=int(other.sum()),
        fmr=_share(int((match & other).sum()), int(other.sum())),
        fnmr=_share(int((~match & mated).sum()), int(mated.sum())),
    )


def _share(hits: int, of: int) -> Estimate | None:
    if not of:
        return None
    from privacy.attacks.intervals import proportion_interval  # here: its package takes seconds, and a till has no use

    lo, hi = proportion_interval(hits, of, confidence=CONFIDENCE)
    return Estimate(hits / of, lo, hi)


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
