"""How well people are found among many when others come in too: FNIR at a fixed FPIR, also by size of the gallery.

Source: ISO/IEC 19795-1:2021 for the words and the rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matching.face.evaluate import Estimate, bootstrap, numbered, threshold_at
from matching.face.rates import Floats
from matching.face.templates import templates_of, turns
from retail.errors import DataError


@dataclass(frozen=True, slots=True)
class IdentificationReport:
    """One to many, with people who are not enrolled.

    Attributes:
        gallery: people enrolled.
        mated: probes of enrolled people.
        non_mated: probes of people who are not enrolled.
        fpir: the target; the share of non-mated probes for whom somebody is returned is at most this.
        fnir: share of mated probes for whom their own template is not returned first at that threshold.
        enough: whether there are at least 3 / FPIR non-mated probes; with fewer, a rate of 0 would prove nothing.
    """

    gallery: int
    mated: int
    non_mated: int
    fpir: float
    fnir: Estimate
    enough: bool


def identification(
    gallery: Any,
    gallery_person: Any,
    probes: Any,
    probe_person: Any,
    *,
    rng: np.random.Generator,
    fpir: float = 0.01,
    resamples: int = 1000,
) -> IdentificationReport:
    """Measure one-to-many search with people who are not enrolled.

    Args:
        gallery: (g, d) one template for each enrolled person, unit rows.
        gallery_person: (g,) whose each is, each person once.
        probes: (n, d) unit rows, other images than those enrolled.
        probe_person: (n,) whose each is; those not in the gallery are not enrolled.
        rng: for the bootstrap over probes' people; the gallery stays as it is.
        fpir: target.
        resamples: of the bootstrap.

    Raises: DataError: no probe of an enrolled person, or none of another.
    """
    search = OpenSet(gallery, gallery_person, probes, probe_person)

    def rate(weights: Floats | None) -> list[float]:
        return [search.fnir(fpir, weights)]

    (fnir,) = bootstrap(rate, search.people, rng=rng, resamples=resamples, needs=search.usable)
    return IdentificationReport(
        search.gallery, search.mated, search.non_mated, fpir, fnir, search.non_mated >= 3 / fpir
    )


class OpenSet:
    """The best candidate of every probe, found once, so that rates with many weightings are cheap (a bootstrap).

    Arguments as for `identification`.

    Attributes:
        gallery: people enrolled.
        people: people with probes, numbered in ascending order.
        mated: probes of enrolled people.
        non_mated: probes of others.
    """

    def __init__(self, gallery: Any, gallery_person: Any, probes: Any, probe_person: Any) -> None:
        enrolled, person = np.asarray(gallery_person), np.asarray(probe_person)
        if len(np.unique(enrolled)) != len(enrolled):
            raise DataError("a person is in the gallery twice; give one template for each")
        score = np.asarray(probes, dtype=np.float64) @ np.asarray(gallery, dtype=np.float64).T
        self._is_mated = np.isin(person, enrolled)
        if not self._is_mated.any() or self._is_mated.all():
            raise DataError(
                "open-set identification needs probes of enrolled people and of people who are not enrolled"
            )
        self._top = score.max(axis=1)
        self._right = self._is_mated & (enrolled[score.argmax(axis=1)] == person)
        self._number = numbered(person)
        self.gallery, self.people = len(enrolled), int(self._number.max()) + 1
        self.mated, self.non_mated = int(self._is_mated.sum()), int((~self._is_mated).sum())

    def fnir(self, fpir: float, weight_of: Floats | None = None) -> float:
        """Return FNIR at the threshold at which at most a share `fpir` of the non-mated probes finds anybody.

        Args:
            fpir: the share.
            weight_of: (people,) how often each person counts; None counts everybody once.
        """
        weight = np.ones(len(self._number)) if weight_of is None else weight_of[self._number]
        other = ~self._is_mated
        least = threshold_at(self._top[other], fpir, weight=weight[other])
        found = self._right & (self._top >= least)
        return 1.0 - float(weight[found].sum() / weight[self._is_mated].sum())

    def usable(self, weight_of: Floats) -> bool:
        """Tell whether a weighting leaves probes of both sorts."""
        weight = weight_of[self._number]
        return bool(weight[self._is_mated].any() and weight[~self._is_mated].any())


def by_gallery_size(
    vectors: Any,
    person: Any,
    *,
    sizes: Sequence[int],
    rng: np.random.Generator,
    photos: int = 3,
    fpir: float = 0.01,
    draws: int = 20,
) -> dict[int, Estimate]:
    """Measure how FNIR grows with the gallery.

    For each size people are drawn at random `draws` times; of each enrolled person the first `photos` images (in their
    order) make the template, and all other images are probes, those of people who were not drawn included.

    Args:
        vectors: (n, d) unit rows of one model.
        person: (n,) whose image each is; everybody needs more than `photos` images.
        sizes: people enrolled, each from 1 to one less than there are.
        rng: draws people.
        photos: in a template.
        fpir: target.
        draws: galleries of each size.

    Returns: size -> mean FNIR over the draws, with the range that holds the middle 95% of them.

    Raises: DataError: a size with nobody left to be a stranger, or somebody with too few images.
    """
    rows, who = np.asarray(vectors, dtype=np.float64), numbered(person)
    people = int(who.max()) + 1
    if np.bincount(who).min() <= photos:
        raise DataError(f"somebody has no more than {photos} images; templates need {photos} and probes one more")
    if not sizes or not all(1 <= size < people for size in sizes):
        raise DataError(f"sizes are {list(sizes)}; with {people} people give sizes from 1 to {people - 1}")
    probe = turns(who) >= photos
    templates = templates_of(rows, who, ~probe)
    found = {}
    for size in sizes:
        rates = []
        for _ in range(draws):
            enrolled = rng.permutation(people)[:size]
            report = identification(
                templates[enrolled], enrolled, rows[probe], who[probe], rng=rng, fpir=fpir, resamples=1
            )
            rates.append(report.fnir.value)
        lo, hi = np.quantile(rates, [0.025, 0.975])
        found[size] = Estimate(float(np.mean(rates)), float(lo), float(hi))
    return found
