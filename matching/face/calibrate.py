"""Thresholds come from here: measured on other people than those enrolled, for one model and one purpose, in a file.

No threshold is a constant of the program, and no file serves another model or purpose than the one it was made for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from matching.embeddings import Embeddings
from matching.face.evaluate import threshold_at
from matching.face.rates import Floats
from matching.face.templates import templates_of, turns
from privacy.log import canonical
from retail.errors import ConfigError, DataError
from retail.files import atomic_write

Use = Literal["in_store_recognition", "payment"]
USES: Final = ("in_store_recognition", "payment")
_SCHEMA: Final = "tradefair-face-calibration/3"
_RULE_OF_THREE: Final = 3.0
TEMPLATES: Final = (1, 3, 5, 10, 20)
"""Pictures of a template for which a threshold for 1:1 holds; enrolment takes 1 to 20."""
_DRAWS: Final = 20  # of templates of one size
_ONE_PERSON: Final = 0.01
_ENOUGH: Final = 2_000_000  # comparisons of one size; with many people fewer draws give them


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds of one model for one purpose.

    Attributes:
        model: id of the encoder.
        purpose: "in_store_recognition" (1:N, targets are FPIR) or "payment" (1:1, targets are FMR).
        thresholds: (target, least score of a match), from the loosest target to the strictest.
        people: on whom it was measured.
        comparisons: pairs of pictures of two people (1:1) or non-mated probes or comparisons (1:N) that it rests on.
        gallery: most enrolled people for whom a 1:N threshold holds; 0 for 1:1.
        method: how, in words.
        source: which people, such as "ORL, people 0 to 29".
        made_at: UTC, ISO 8601.
        one_person: two pictures are taken for two people below this score, which `_ONE_PERSON` of the pairs of one
            person lie below; None where nobody had two pictures.

    Raises: ConfigError: thresholds that are not finite, not ordered, or not monotone in the target; a wrong purpose.
    """

    model: str
    purpose: Use
    thresholds: tuple[tuple[float, float], ...]
    people: int
    comparisons: int
    gallery: int
    method: str
    source: str
    made_at: str
    one_person: float | None = None

    def __post_init__(self) -> None:
        """Refuse thresholds that nobody could have measured."""
        if self.purpose not in USES:
            raise ConfigError(f"purpose is {self.purpose!r}; a calibration serves one of {', '.join(USES)}")
        targets = [target for target, _ in self.thresholds]
        levels = [level for _, level in self.thresholds]
        if not targets or not all(0 < target < 1 for target in targets) or not all(map(math.isfinite, levels)):
            raise ConfigError("a calibration needs finite thresholds for targets between 0 and 1; calibrate again")
        if any(a <= b for a, b in itertools.pairwise(targets)):
            raise ConfigError(f"targets {targets} are not in order from loose to strict; calibrate again")
        if any(a > b for a, b in itertools.pairwise(levels)):
            raise ConfigError("a stricter target has a lower threshold; the file was changed, calibrate again")
        if self.one_person is not None and not math.isfinite(self.one_person):
            raise ConfigError("one_person of a calibration must be finite; the file was changed, calibrate again")

    def threshold(self, target: float) -> float:
        """Return the least score of a match at a target: of that target, or of the next stricter one.

        Raises: ConfigError: no target of the file is as strict.
        """
        for known, level in self.thresholds:
            if known <= target:
                return level
        raise ConfigError(
            f"this calibration reaches {self.thresholds[-1][0]:g}, and {target:g} is asked for; "
            "calibrate on more people"
        )

    def save(self, path: Path | str) -> None:
        """Write the file, whole or not at all.

        Raises: DataError: it cannot be written.
        """
        body = {"schema": _SCHEMA, **asdict(self), "thresholds": [list(pair) for pair in self.thresholds]}
        text = json.dumps({**body, "sha256": _digest(body)}, indent=1)
        atomic_write(Path(path), lambda file: file.write_text(text + "\n", encoding="utf-8"))

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Read a file that `save` wrote.

        Raises: DataError: there is none, it cannot be read, or it was changed since.
        """
        try:
            body: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            digest = body.pop("sha256")
            schema = body["schema"]
            if schema != _SCHEMA:
                raise DataError(f"{path} is a {schema!r:.60}, this code reads {_SCHEMA}; calibrate again")
            if digest != _digest(body):
                raise DataError(f"{path} was changed after it was written; calibrate again")
            del body["schema"]
            pairs = tuple((float(target), float(level)) for target, level in body.pop("thresholds"))
            return cls(thresholds=pairs, **body)
        except FileNotFoundError as error:
            raise DataError(f"there is no calibration at {path}; make one on people who are not enrolled") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path} is no calibration ({type(error).__name__}); make a new one") from error


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


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()
