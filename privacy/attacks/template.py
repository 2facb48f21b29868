"""Is a face template a face? Turn templates back into pictures by one linear map, and see who is recognised.

The attacker has templates and pictures of other people (a public collection), fits the linear map from one to the
other, and applies it to stolen templates. The control inverts templates that are the pictures themselves.

Source: Mai et al. 2019, "On the reconstruction of face images from deep face templates", of which this is the linear
case, after Mignon and Jurie 2013.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from privacy.attacks.intervals import Floats, proportion_interval
from privacy.attacks.result import CONFIDENCE, AttackResult, ControlResult
from retail.errors import PrivacyError


@dataclass(frozen=True, eq=False)
class Faces:
    """Generated faces, for a demonstration without anybody's picture.

    Attributes:
        first: (persons, pixels) one picture of each person.
        second: (persons, pixels) another picture of each.
        embedding: (pixels, k) the linear embedding; a template is `picture @ embedding`.
    """

    first: Floats
    second: Floats
    embedding: Floats


def synthetic_faces(
    persons: int, *, pixels: int = 400, looks: int = 60, k: int = 64, change: float = 0.5, seed: int = 0
) -> Faces:
    """Generate pictures that differ between persons in `looks` directions, and between shots at random.

    Args:
        persons: how many.
        pixels: of a picture.
        looks: dimensions in which faces differ.
        k: length of a template.
        change: strength of what differs between two pictures of one person, relative to the persons' own looks.
        seed: of everything.

    Raises: PrivacyError: sizes that cannot be made.
    """
    if min(persons, pixels, looks, k) < 1 or looks > pixels:
        raise PrivacyError(f"cannot make {persons} faces of {pixels} pixels with {looks} looks and templates of {k}")
    rng = np.random.default_rng(np.random.SeedSequence([0xFACE, seed]))
    directions = np.linalg.qr(rng.standard_normal((pixels, looks)))[0].T * np.linspace(2.0, 0.3, looks)[:, None]
    own = rng.standard_normal((persons, looks)) @ directions
    scale = change * float(own.std())
    shots = own[None] + scale * rng.standard_normal((2, persons, pixels))
    return Faces(shots[0], shots[1], rng.standard_normal((pixels, k)) / np.sqrt(pixels))


def template_inversion(
    templates: Any,
    pictures: Any,
    *,
    known_templates: Any,
    known_pictures: Any,
    ridge: float = 1e-2,
    confidence: float = CONFIDENCE,
) -> AttackResult:
    """Re-identify persons from their templates.

    Args:
        templates: (n, k) stolen templates.
        pictures: (n, d) a picture of each of these persons, in the same order, other than the one enrolled.
        known_templates: (m, k) of other people, whom the attacker knows.
        known_pictures: (m, d) the pictures behind those.
        ridge: weight of the penalty, relative to the mean square of the known templates.
        confidence: of the interval.

    Returns: `estimate` is the share of persons whose picture, of all n, is the nearest to what was made of their
        template. There is no claim: whoever stores templates stores faces.

    Raises: PrivacyError: arrays that do not fit, or fewer than 10 persons.
    """
    started = time.perf_counter()
    stolen, gallery = _table(templates, "templates"), _table(pictures, "pictures")
    known, seen = _table(known_templates, "known_templates"), _table(known_pictures, "known_pictures")
    if len(stolen) != len(gallery) or len(known) != len(seen) or stolen.shape[1] != known.shape[1]:
        raise PrivacyError("templates and pictures must belong to the same persons, and all templates be of one length")
    if gallery.shape[1] != seen.shape[1]:
        raise PrivacyError(f"pictures have {gallery.shape[1]} and {seen.shape[1]} pixels; use one size")
    hits = _recognised(_invert(known, seen, stolen, ridge), gallery)
    lo, hi = proportion_interval(hits, len(stolen), confidence=confidence)
    easy = _recognised(_invert(seen, seen, gallery, 1e-9 + ridge), gallery)
    return AttackResult(
        name="template_inversion",
        estimate=hits / len(stolen),
        lo=lo,
        hi=hi,
        unit="share re-identified",
        ceiling=1.0,
        control=ControlResult(
            name="templates that are the pictures themselves",
            fired=easy >= 0.9 * len(gallery),
            estimate=easy / len(gallery),
            statement=f"{easy} of {len(gallery)} persons were recognised from their very pictures",
        ),
        n=len(stolen),
        seconds=time.perf_counter() - started,
        statement=f"{hits} of {len(stolen)} persons were re-identified from a template of {stolen.shape[1]} numbers by "
        f"one linear map (guessing finds 1 of {len(stolen)}). Deeper attacks find more: a template is a face.",
        breach=False,
    )


def _invert(templates: Floats, pictures: Floats, stolen: Floats, ridge: float) -> Floats:
    """Ridge regression from templates to pictures, about the known people's means."""
    middle, average = templates.mean(axis=0), pictures.mean(axis=0)
    centred = templates - middle
    weight = ridge * float((centred**2).mean()) * len(centred)
    gram = centred.T @ centred + weight * np.eye(centred.shape[1])
    learnt = np.linalg.solve(gram, centred.T @ (pictures - average))
    made: Floats = (stolen - middle) @ learnt + average
    return made


def _recognised(made: Floats, gallery: Floats) -> int:
    middle = gallery.mean(axis=0)
    one, other = _unit(made - middle), _unit(gallery - middle)
    return int(np.count_nonzero((one @ other.T).argmax(axis=1) == np.arange(len(gallery))))


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = rows / np.where(length > 0, length, 1.0)
    return scaled


def _table(values: Any, name: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2 or len(found) < 10 or not np.isfinite(found).all():
        raise PrivacyError(f"{name} must be finite numbers of at least 10 persons, got shape {found.shape}")
    return found
