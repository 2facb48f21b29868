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
    enrolled = np.asarray(gallery_person)
    if len(np.unique(enrolled)) != len(enrolled):
        raise DataError("a person is in the gallery twice; give one template for each")
    score = np.asarray(probes, dtype=np.float64) @ np.asarray(gallery, dtype=np.float64).T
    best, top = score.argmax(axis=1), score.max(axis=1)
    person = np.asarray(probe_person)
    is_mated = np.isin(person, enrolled)
    if not is_mated.any() or is_mated.all():
        raise DataError("open-set identification needs probes of enrolled people and of people who are not enrolled")
    right = enrolled[best] == person
    number = numbered(person)
    people = int(number.max()) + 1

    def rate(weights: Floats | None) -> list[float]:
        weight = np.ones(len(person)) if weights is None else weights[number]
        least = threshold_at(top[~is_mated], fpir, weight=weight[~is_mated])
        found = is_mated & right & (top >= least)
        return [1.0 - float(weight[found].sum() / weight[is_mated].sum())]

    def usable(weights: Floats) -> bool:
        return bool(weights[number[is_mated]].any() and weights[number[~is_mated]].any())

    (fnir,) = bootstrap(rate, people, rng=rng, resamples=resamples, needs=usable)
    others = int((~is_mated).sum())
    return IdentificationReport(len(enrolled), int(is_mated.sum()), others, fpir, fnir, others >= 3 / fpir)


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
    order = np.argsort(who, kind="stable")
    rank = np.empty(len(who), dtype=np.int64)
    rank[order] = np.arange(len(who)) - np.searchsorted(who[order], who[order])
    people = int(who.max()) + 1
    if np.bincount(who).min() <= photos:
        raise DataError(f"somebody has no more than {photos} images; templates need {photos} and probes one more")
    if not sizes or not all(1 <= size < people for size in sizes):
        raise DataError(f"sizes are {list(sizes)}; with {people} people give sizes from 1 to {people - 1}")
    templates = np.stack([rows[(who == one) & (rank < photos)].mean(axis=0) for one in range(people)])
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    probe = rank >= photos
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
