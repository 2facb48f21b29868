"""How well an encoder tells people apart whom it never saw: error rates, and the same with people drawn anew.

Which people are drawn depends on the fold alone, so it is the same for every arm and seed: differences between arms
are paired. Rates and their names are those of ISO/IEC 19795-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.face.evaluate import numbered
from matching.face.open_set import OpenSet
from matching.face.rates import DetCurve, RankedComparisons, all_pairs
from matching.face.templates import templates_of, turns
from retail.errors import DataError
from retail.faces.faceset import FaceSet

Floats = NDArray[np.float64]
Embed = Callable[[NDArray[np.uint8]], Floats]
"""(n, 64, 64) uint8 -> (n, d) embeddings of any length."""
REPLICATES: Final = 500
MOST_PEOPLE: Final = 100
"""At most so many people of a fold are compared with each other: pairs grow with the square."""
PHOTOS: Final = 3
"""Images in a template, where people are enrolled."""
FMR: Final = {"fnmr_fmr_1e-2": 1e-2, "fnmr_fmr_1e-3": 1e-3}
FPIR: Final = {"fnir_fpir_1e-2": 1e-2}
_DRAWN: Final = 0xB007
_DET_POINTS: Final = np.geomspace(1e-4, 1.0, 81)


@dataclass(frozen=True, eq=False)
class Rates:
    """Error rates of one encoder on one fold, or their mean over several encoders.

    Attributes:
        values: name -> rate; NaN where there are too few comparisons to say anything.
        replicates: (REPLICATES,) rows, the same names: the rates with people drawn anew.
        det: fmr, fnmr.
        people: who were compared.
        mated: comparisons of two images of one person.
        non_mated: comparisons of images of two persons.
    """

    values: dict[str, float]
    replicates: pd.DataFrame
    det: pd.DataFrame
    people: int
    mated: int
    non_mated: int


def tested(faces: FaceSet) -> FaceSet:
    """Return the people of a fold who are compared: the first `MOST_PEOPLE`."""
    return faces.of(range(min(faces.people, MOST_PEOPLE)))


def rates(vectors: Floats, person: NDArray[np.int64], *, fold: int, suffix: str = "") -> Rates:
    """Measure embeddings of people whom the encoder never saw.

    Verification compares every image with every other. Identification enrols each half of the people once, with
    templates of their first `PHOTOS` images; their other images are probes, and so are all images of the other half, as
    strangers. The FPIR holds on each half by itself: with fewer than 100 strangers' images, 1% means none.

    Args:
        vectors: (n, d), finite, not zero.
        person: (n,) whose image each is.
        fold: decides which people are drawn.
        suffix: "_door" measures the equal error rate alone, under that name.

    Raises:
        DataError: an embedding is not finite, or fewer than four people.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or not length.all():
        raise DataError("the encoder gave NaN, infinity or zero for a face; lower options.rate, or the noise")
    unit, who = vectors / length, numbered(person)
    pairs = all_pairs(unit, who)
    ranked = RankedComparisons(pairs)
    mated = int(pairs.mated.sum())
    non_mated = len(pairs.score) - mated
    halves = () if suffix else _halves(unit, who)

    def found(weights: Floats | None) -> dict[str, float]:
        curve = ranked.curve(weights)
        values = {f"eer{suffix}": curve.eer}
        if suffix:
            return values
        values |= {name: _enough(curve.fnmr_at(at), non_mated, at) for name, at in FMR.items()}
        for name, at in FPIR.items():
            values[name] = float(np.mean([half.fnir(at, weights) for half in halves])) if halves else np.nan
        return values

    drawn = _drawn(fold, int(who.max()) + 1)
    table = pd.DataFrame([found(weights) for weights in drawn])
    return Rates(found(None), table, _det(ranked.curve()), int(who.max()) + 1, mated, non_mated)


def mean_rates(many: Sequence[Rates]) -> Rates:
    """Average over encoders that were measured on the same people, such as those of merchants who trained alone."""
    values = {name: float(np.mean([one.values[name] for one in many])) for name in many[0].values}
    replicates = sum((one.replicates for one in many[1:]), many[0].replicates)
    det = pd.DataFrame(
        {"fmr": many[0].det["fmr"], "fnmr": np.mean([one.det["fnmr"].to_numpy() for one in many], axis=0)}
    )
    first = many[0]
    return Rates(values, replicates / len(many), det, first.people, first.mated, first.non_mated)


def beside(rates_: Rates, more: Rates) -> Rates:
    """Return the rates with those of the same people under another camera beside them."""
    table = pd.concat([rates_.replicates, more.replicates], axis=1)
    return Rates(rates_.values | more.values, table, rates_.det, rates_.people, rates_.mated, rates_.non_mated)


@lru_cache(maxsize=8)
def _drawn(fold: int, people: int) -> Floats:
    """(REPLICATES, people) how often each person counts; a draw that misses one half of the people is drawn again."""
    if people < 4:
        raise DataError(f"{people} people are tested; at least 4 are needed, so that half of them can be enrolled")
    rng = np.random.default_rng([_DRAWN, fold, people])
    half = np.arange(people) % 2 == 0
    rows: list[Floats] = []
    while len(rows) < REPLICATES:
        weights = np.bincount(rng.integers(0, people, people), minlength=people).astype(np.float64)
        if weights[half].any() and weights[~half].any():
            rows.append(weights)
    return np.stack(rows)


def _halves(unit: Floats, who: NDArray[np.int64]) -> tuple[OpenSet, ...]:
    """Enrol every second person, then the others; () where somebody has too few images."""
    if np.bincount(who).min() <= PHOTOS:
        return ()
    rank = turns(who)
    people = int(who.max()) + 1
    templates = templates_of(unit, who, rank < PHOTOS)
    found = []
    for half in (np.arange(0, people, 2), np.arange(1, people, 2)):
        probe = (rank >= PHOTOS) | ~np.isin(who, half)
        found.append(OpenSet(templates[half], half, unit[probe], who[probe]))
    return tuple(found)


def _enough(rate: float, comparisons: int, at: float) -> float:
    """Return NaN below 3 / FMR comparisons: even no false match would then leave the FMR open at 95%."""
    return rate if comparisons >= 3 / at else np.nan


def _det(curve: DetCurve) -> pd.DataFrame:
    return pd.DataFrame({"fmr": _DET_POINTS, "fnmr": [curve.fnmr_at(at) for at in _DET_POINTS]})
