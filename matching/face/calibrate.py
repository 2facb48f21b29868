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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from matching.embeddings import Embeddings
from matching.face.evaluate import threshold_at
from matching.face.rates import Floats
from privacy.log import canonical
from retail.errors import ConfigError, DataError
from retail.files import atomic_write

Use = Literal["in_store_recognition", "payment"]
USES: Final = ("in_store_recognition", "payment")
_SCHEMA: Final = "tradefair-face-calibration/1"
_RULE_OF_THREE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds of one model for one purpose.

    Attributes:
        model: id of the encoder.
        purpose: "in_store_recognition" (1:N, targets are FPIR) or "payment" (1:1, targets are FMR).
        thresholds: (target, least score of a match), from the loosest target to the strictest.
        people: on whom it was measured.
        comparisons: non-mated comparisons (1:1) or non-mated probes (1:N) that it rests on.
        gallery: most enrolled people for whom a 1:N threshold holds; 0 for 1:1.
        method: how, in words.
        source: which people, such as "ORL, people 0 to 29".
        made_at: UTC, ISO 8601.

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

    def merged(self, other: Calibration) -> Calibration:
        """Return one calibration with the targets of both, for the same model, purpose and people."""
        same = replace(other, thresholds=self.thresholds, comparisons=self.comparisons, made_at=self.made_at)
        if same != self:
            raise ConfigError("calibrations of different models, purposes or people cannot be put together")
        pairs = tuple(sorted({*self.thresholds, *other.thresholds}, reverse=True))
        return replace(self, thresholds=pairs)


def calibrate_verification(
    embeddings: Embeddings,
    person: Sequence[object],
    *,
    source: str,
    targets: Sequence[float] = (1e-2, 1e-3),
    enrolled: Iterable[object] = (),
) -> Calibration:
    """Find thresholds for 1:1, at targets of FMR.

    Args:
        embeddings: of people on whom the model was not trained.
        person: whose each is.
        source: which people these are, for the file.
        targets: false match rates.
        enrolled: people who are or will be enrolled; none of them may be among `person`.

    Returns: for each target the least threshold at which at most that share of the non-mated comparisons match. They
        are counted as if independent, which pairs that share a person are not: the interval of a rate is for
        `evaluate.verification` to say.

    Raises: DataError: an enrolled person is among them, or there are fewer than 3 / target non-mated comparisons (the
        rule of three: with fewer, even no false match at all leaves the target open at 95%).
    """
    who = _disjoint(embeddings, person, enrolled)
    vectors = np.asarray(embeddings.vectors, dtype=np.float64)
    one, other = np.triu_indices(len(who), k=1)
    strangers = who[one] != who[other]
    scores: Floats = (vectors @ vectors.T)[one, other][strangers]
    return _calibration(
        scores,
        model=embeddings.model,
        purpose="payment",
        targets=targets,
        people=len(np.unique(who)),
        gallery=0,
        method="share of non-mated comparisons at or above the threshold (FMR)",
        source=source,
        what="non-mated comparisons",
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
    templates = np.stack([vectors[who == one].mean(axis=0) for one in people])
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    scores = np.where(people[None, :] == who[:, None], -np.inf, vectors @ templates.T)
    common = {
        "model": embeddings.model,
        "purpose": "in_store_recognition",
        "people": len(people),
        "gallery": gallery,
        "source": source,
    }
    if len(people) > gallery:
        drawn = rng.random(scores.shape)
        drawn[~np.isfinite(scores)] = np.inf
        chosen = np.argsort(drawn, axis=1)[:, :gallery]
        top = np.take_along_axis(scores, chosen, axis=1).max(axis=1)
        method = "share of probes of people who are not enrolled that match anybody (FPIR)"
        return _calibration(top, targets=targets, method=method, what="probes of people not enrolled", **common)
    strangers = scores[np.isfinite(scores)]
    method = f"FPIR by the union bound: FMR of a probe against a template at most target / {gallery}"
    split = [target / gallery for target in targets]
    found = _calibration(strangers, targets=split, method=method, what="non-mated comparisons", **common)
    levels = [level for _, level in found.thresholds]
    return replace(found, thresholds=tuple(zip(sorted(targets, reverse=True), levels, strict=True)))


def _calibration(scores: Floats, *, targets: Sequence[float], what: str, **facts: Any) -> Calibration:
    wanted = sorted({float(target) for target in targets}, reverse=True)
    if not wanted or not all(0 < target < 1 for target in wanted):
        raise ConfigError(f"targets are {targets}; give rates between 0 and 1")
    needed = math.ceil(_RULE_OF_THREE / wanted[-1] - 1e-9)
    if len(scores) < needed:
        raise DataError(
            f"a rate of {wanted[-1]:g} needs at least {needed:,} {what} (rule of three), and these people give "
            f"{len(scores):,}; take more people or a looser target"
        )
    pairs = tuple((target, threshold_at(scores, target)) for target in wanted)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Calibration(thresholds=pairs, comparisons=len(scores), made_at=now, **facts)


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
