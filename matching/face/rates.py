"""Error rates of comparisons, in the words of ISO/IEC 19795-1: FMR, FNMR, DET curve, EER; each with weights.

A comparison is a match when its score is at or above the threshold. FMR is the share of non-mated comparisons that
match, FNMR the share of mated ones that do not. A DET curve is the list of both over all thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Scores with who was compared with whom.

    Attributes:
        score: (n,) float64, finite; higher is more alike.
        probe: (n,) int64, the person of the one side.
        reference: (n,) int64, the person of the other.

    Raises: DataError: lengths differ, a score is not finite, or one of the two kinds of comparison is missing.
    """

    score: Floats
    probe: Ints
    reference: Ints

    def __post_init__(self) -> None:
        """Refuse what no rate can be computed from."""
        if not self.score.shape == self.probe.shape == self.reference.shape or self.score.ndim != 1:
            raise DataError(f"scores and persons differ in shape: {self.score.shape}, {self.probe.shape}")
        if not np.isfinite(self.score).all():
            raise DataError("a score is NaN or infinite; check the embeddings that it came from")
        mated = int(self.mated.sum())
        if mated == 0 or mated == len(self.score):
            raise DataError(
                f"{mated} mated and {len(self.score) - mated} non-mated comparisons: error rates need both, "
                "so give at least two people and two images of one of them"
            )

    @property
    def mated(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: both sides are the same person."""
        return np.asarray(self.probe == self.reference)


@dataclass(frozen=True, eq=False)
class DetCurve:
    """Error rates over thresholds, from the highest threshold to the lowest.

    Attributes:
        threshold: (m,) descending; the first is infinite (nothing matches).
        fmr: (m,) ascending, from 0 to 1.
        fnmr: (m,) descending, from 1 to 0.
    """

    threshold: Floats
    fmr: Floats
    fnmr: Floats

    @property
    def eer(self) -> float:
        """Equal error rate: where FMR and FNMR cross, on the line between the two points around the crossing."""
        after = int(np.argmax(self.fmr >= self.fnmr))
        gap_after = float(self.fmr[after] - self.fnmr[after])
        if after == 0 or gap_after == 0.0:
            return float(self.fmr[after])
        gap_before = float(self.fnmr[after - 1] - self.fmr[after - 1])
        share = gap_before / (gap_before + gap_after)
        return float(self.fmr[after - 1] + share * (self.fmr[after] - self.fmr[after - 1]))

    def fnmr_at(self, fmr: float) -> float:
        """Return the least FNMR of a threshold whose FMR is at most `fmr`."""
        return float(self.fnmr[np.flatnonzero(self.fmr <= fmr + 1e-12)[-1]])


class RankedComparisons:
    """Comparisons sorted once, so that curves with many weightings are cheap (a bootstrap)."""

    def __init__(self, comparisons: Comparisons) -> None:
        order = np.argsort(-comparisons.score, kind="stable")
        self.comparisons = comparisons
        self.probe, self.reference = comparisons.probe[order], comparisons.reference[order]
        self.mated = self.probe == self.reference
        score = comparisons.score[order]
        self._last = np.append(score[1:] != score[:-1], True)  # equal scores match together
        self.threshold = np.concatenate([[np.inf], score[self._last]])

    def curve(self, weight_of: Floats | None = None) -> DetCurve:
        """Return the DET curve.

        Args:
            weight_of: (persons,) how often each person counts; None counts everybody once. A mated comparison has its
                person's weight, a non-mated one the product of both: people who were drawn twice are never compared
                with themselves as if they were strangers.
        """
        if weight_of is None:
            weight = np.ones(len(self.probe))
        else:
            one, other = weight_of[self.probe], weight_of[self.reference]
            weight = np.where(self.mated, one, one * other)
        false = np.cumsum(np.where(self.mated, 0.0, weight))
        true = np.cumsum(np.where(self.mated, weight, 0.0))
        if false[-1] <= 0 or true[-1] <= 0:
            raise DataError("no weight is left on mated or on non-mated comparisons")
        fmr = np.concatenate([[0.0], false[self._last] / false[-1]])
        fnmr = np.concatenate([[1.0], 1.0 - true[self._last] / true[-1]])
        return DetCurve(self.threshold, fmr, np.maximum(fnmr, 0.0))


def all_pairs(vectors: Any, person: Any) -> Comparisons:
    """Compare every image with every other one, each pair once, by cosine.

    Args:
        vectors: (n, d) unit rows of one model.
        person: (n,) whose image each is.
    """
    rows, who = np.asarray(vectors, dtype=np.float64), np.asarray(person, dtype=np.int64)
    if rows.ndim != 2 or who.shape != (len(rows),):
        raise DataError(f"{rows.shape} vectors and {who.shape} persons do not belong together")
    one, other = np.triu_indices(len(rows), k=1)
    return Comparisons((rows @ rows.T)[one, other], who[one], who[other])
