"""Measure thresholds on other people than those enrolled, for one model and one purpose.

No threshold is a constant of the program, and no file serves another model or purpose than the one it was made for.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from matching.embeddings import Embeddings
from matching.face.calibration import Calibration
from matching.face.evaluate import threshold_at
from matching.face.rates import Floats
from matching.face.templates import templates_of, turns
from retail.errors import ConfigError, DataError

_RULE_OF_THREE: Final = 3.0
TEMPLATES: Final = (1, 3, 5, 10, 20)
"""Pictures of a template for which a threshold for 1:1 holds; enrolment takes 1 to 20."""
_DRAWS: Final = 20  # of templates of one size
_ONE_PERSON: Final = 0.01
_ENOUGH: Final = 2_000_000  # comparisons of one size; with many people fewer draws give them


def calibrate_verification(
    embeddings: Embeddings,
    person: Sequence[object],
    *,
    source: str,
    rng: np.random.Generator,
    targets: Sequence[float] = (1e-2, 1e-3),
    enrolled: Iterable[object] = (),
) -> Calibration:
    """Find thresholds for 1:1, at targets of FMR: of a probe against the template of somebody else, as a till compares.

    A template is the mean of several pictures, so it has less noise than one picture, and strangers come nearer to it:
    a threshold of picture against picture lets several times its target pass. Templates of each of `TEMPLATES`
    pictures are drawn at random several times, every picture of everybody else is a probe, and of the thresholds for
    these sizes the strictest is taken.

    Args:
        embeddings: of people on whom the model was not trained.
        person: whose each is.
        source: which people these are, for the file.
        rng: draws the pictures of templates.
        targets: false match rates.
        enrolled: people who are or will be enrolled; none of them may be among `person`.

    Returns: for each target the least threshold at which, with every size of template, at most that share of the
        comparisons of these people match. On others the rate is near that and may be above: comparisons that share a
        person are not independent. A person with fewer pictures than a size gives all they have.

    Raises: DataError: an enrolled person is among them, or there are fewer than 3 / target pairs of pictures of two
        people (the rule of three: with fewer, even no false match at all leaves the target open at 95%). Pairs of
        pictures are counted, not comparisons, since drawing more templates of the same pictures adds no people.
    """
    who = _disjoint(embeddings, person, enrolled)
    wanted = _ordered(targets)
    of_each = np.bincount(who)
    pairs = (len(who) ** 2 - int((of_each**2).sum())) // 2
    _enough(pairs, wanted[-1], "non-mated comparisons")
    vectors = np.asarray(embeddings.vectors, dtype=np.float64)
    levels = np.full(len(wanted), -np.inf)
    for size in TEMPLATES:
        scores = _against_templates(vectors, who, size, rng)
        levels = np.maximum(levels, [threshold_at(scores, target) for target in wanted])
        if size >= of_each.max():
            break
    return _calibration(
        list(zip(wanted, levels.tolist(), strict=True)),
        model=embeddings.model,
        purpose="payment",
        people=len(of_each),
        comparisons=pairs,
        gallery=0,
        one_person=_one_person(vectors, who),
        method="share of probes at or above the threshold for another person's template (FMR), strictest size",
        source=source,
    )


def calibrate_identification(
    embeddings: Embeddings,
    person: Sequence[object],
    *,
    gallery: int,
    source: str,
    rng: np.random.Generator,
    targets: Sequence[float] = (1e-2,),
    enrolled: Iterable[object] = (),
) -> Calibration:
    """Find thresholds for 1:N with people who are not enrolled, at targets of FPIR.

    Every image is once the probe of somebody who is not enrolled, against the templates (means of all images) of
    `gallery` other people, drawn anew for each probe. With fewer people than that, the target is split over the
    gallery: at most `target / gallery` of the non-mated comparisons match, so at most `target` of the probes do (union
    bound); that takes 3 gallery / target comparisons.

    Args:
        embeddings: see `calibrate_verification`.
        person: see there.
        gallery: most people who will be enrolled.
        source: see there.
        rng: draws the galleries.
        targets: false positive identification rates.
        enrolled: see there.

    Raises: DataError: see there; with the number that is needed.
    """
    if gallery < 1:
        raise ConfigError(f"gallery is {gallery}; give the most people who will be enrolled, at least 1")
    who = _disjoint(embeddings, person, enrolled)
    vectors = np.asarray(embeddings.vectors, dtype=np.float64)
    people = np.unique(who)
    scores = np.where(people[None, :] == who[:, None], -np.inf, vectors @ templates_of(vectors, who).T)
    wanted = _ordered(targets)
    if len(people) > gallery:
        drawn = rng.random(scores.shape)
        drawn[~np.isfinite(scores)] = np.inf
        chosen = np.argsort(drawn, axis=1)[:, :gallery]
        top = np.take_along_axis(scores, chosen, axis=1).max(axis=1)
        split, what = wanted, "probes of people not enrolled"
        method = "share of probes of people who are not enrolled that match anybody (FPIR)"
    else:
        top = scores[np.isfinite(scores)]
        split, what = [target / gallery for target in wanted], "non-mated comparisons"
        method = f"FPIR by the union bound: FMR of a probe against a template at most target / {gallery}"
    _enough(len(top), split[-1], what)
    levels = [threshold_at(top, target) for target in split]
    return _calibration(
        list(zip(wanted, levels, strict=True)),
        model=embeddings.model,
        purpose="in_store_recognition",
        people=len(people),
        comparisons=len(top),
        gallery=gallery,
        one_person=_one_person(vectors, who),
        method=method,
        source=source,
    )


def _against_templates(vectors: Floats, who: Any, size: int, rng: np.random.Generator) -> Floats:
    """Score every picture against templates of `size` random pictures of each other person; several templates each."""
    people = int(who.max()) + 1
    draws = min(_DRAWS, max(1, _ENOUGH // (len(who) * people)))
    strangers = who[:, None] != np.arange(people)[None, :]
    found = []
    for _ in range(draws):
        order = rng.permutation(len(who))
        templates = templates_of(vectors[order], who[order], turns(who[order]) < size)
        found.append((vectors @ templates.T)[strangers])
    return np.concatenate(found)


def _one_person(vectors: Floats, who: Any) -> float | None:
    """Return the score that a share `_ONE_PERSON` of the pairs of pictures of one person lie below."""
    one, other = np.triu_indices(len(who), k=1)
    mated = who[one] == who[other]
    if not mated.any():
        return None
    scores = np.einsum("ij,ij->i", vectors[one[mated]], vectors[other[mated]])
    return float(np.quantile(scores, _ONE_PERSON, method="lower"))


def _ordered(targets: Sequence[float]) -> list[float]:
    wanted = sorted({float(target) for target in targets}, reverse=True)
    if not wanted or not all(0 < target < 1 for target in wanted):
        raise ConfigError(f"targets are {targets}; give rates between 0 and 1")
    return wanted


def _enough(given: int, strictest: float, what: str) -> None:
    needed = math.ceil(_RULE_OF_THREE / strictest - 1e-9)
    if given < needed:
        raise DataError(
            f"a rate of {strictest:g} needs at least {needed:,} {what} (rule of three), and these people give "
            f"{given:,}; take more people or a looser target"
        )


def _calibration(thresholds: Sequence[tuple[float, float]], **facts: Any) -> Calibration:
    made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Calibration(thresholds=tuple(thresholds), made_at=made_at, **facts)


def _disjoint(embeddings: Embeddings, person: Sequence[object], enrolled: Iterable[object]) -> Any:
    if len(person) != len(embeddings.vectors):
        raise DataError(f"{len(embeddings.vectors)} embeddings and {len(person)} persons do not belong together")
    both = {str(one) for one in person} & {str(one) for one in enrolled}
    if both:
        raise DataError(
            f"{len(both)} of the people are enrolled; a threshold measured on them would look better than it is, so "
            "calibrate on other people"
        )
    names = np.asarray([str(one) for one in person])
    who = np.unique(names, return_inverse=True)[1]
    if who.max(initial=0) < 1:
        raise DataError("a calibration needs images of at least two people; take more people")
    return who
