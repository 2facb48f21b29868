"""Was this person in the training data? A small membership attack on what a run published.

The attacker has a score for each person (how well the published model fits that person's rows) and, optionally, the
scores of the same persons under reference models that were trained without the target's knowledge. With references
the score is compared with what it would be if the person were out; this is the offline form of LiRA.

Sources: Yeom et al. 2018 (threshold on a score); Carlini et al. 2022, "Membership inference attacks from first
principles" (LiRA); Hanley and McNeil 1982 (interval of the area under the curve).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from privacy.attacks.intervals import Floats, check_confidence, mask, most_auc, vector
from privacy.attacks.result import CAUTIOUS, AttackResult, ControlResult
from retail import separation
from retail.errors import PrivacyError

Scores = Callable[[NDArray[np.int64]], Any]
"""Takes the positions of persons, (n,), and returns their scores, (n,); higher means a better fit."""

_PLANTED: Final = 2.0


def membership_attack(
    score: Scores,
    member: Any,
    *,
    references: tuple[Scores, ...] = (),
    claim: tuple[float, float] | None = None,
    confidence: float = CAUTIOUS,
) -> AttackResult:
    """Tell members from others by their scores.

    Args:
        score: under the published model.
        member: (n,) bool, who was in the training data; others come from the same population.
        references: the same under other models, each trained on persons drawn without regard to `member`.
        claim: (epsilon, delta) of one person; None where nothing is claimed.
        confidence: of the interval.

    Returns: `estimate` is the area under the curve (.5 is guessing), `ceiling` 1; `claim` the largest area that the
        claimed epsilon and delta admit. `breach` when the interval lies above that. The statement also says how many
        members are named at a false positive rate of 1%.

    Raises: PrivacyError: scores that are not finite, or fewer than 10 persons of one kind.

    Guarantee: none that the run is private: a better attack may exist. The interval takes persons as independent,
        which persons of one model are not quite.
    """
    started = time.perf_counter()
    inside = mask(member, "member", len(np.asarray(member)))
    if min(inside.sum(), (~inside).sum()) < 10:
        raise PrivacyError(f"{inside.sum()} members and {(~inside).sum()} others are too few; use at least 10 of each")
    people = np.arange(len(inside))
    values = vector(score(people), "scores")
    if len(values) != len(inside):
        raise PrivacyError(f"{len(values)} scores for {len(inside)} persons; return one each")
    if references:
        values = _against(values, np.stack([vector(one(people), "reference scores") for one in references]))
    area = auc(values, inside)
    lo, hi = _interval(area, int(inside.sum()), int((~inside).sum()), confidence)
    bound = None if claim is None else most_auc(*claim)
    named = true_positives(values, inside, at=0.01)
    return AttackResult(
        name="membership",
        estimate=area,
        lo=lo,
        hi=hi,
        unit="area under the curve",
        ceiling=1.0,
        control=_control(values, inside, confidence),
        n=len(values),
        seconds=time.perf_counter() - started,
        statement=f"Members and others are told apart with area {area:.3f} (.5 is guessing); at 1% false positives "
        f"{named:.1%} of members are named. "
        + ("Nothing was claimed." if bound is None else f"The claim admits at most {bound:.3f}.")
        + " A stronger attack may find more.",
        breach=bound is not None and lo > bound,
        claim=bound,
        conclusive=bound is None or bound < 1.0,
    )


def auc(scores: Any, member: Any) -> float:
    """Return the chance that a random member scores above a random other; ties count half."""
    values = vector(scores, "scores")
    inside = mask(member, "member", len(values))
    return float(separation.auc(values, inside)[0])


def true_positives(scores: Any, member: Any, *, at: float) -> float:
    """Return the share of members above a threshold that at most a share `at` of the others passes."""
    values = vector(scores, "scores")
    inside = mask(member, "member", len(values))
    others = np.sort(values[~inside])[::-1]
    return float((values[inside] > others[min(math.floor(at * len(others)), len(others) - 1)]).mean())


def _against(values: Floats, references: Floats) -> Floats:
    """Compare each score with what reference models give that person; one spread for all, since references are few."""
    if references.shape[1] != len(values):
        raise PrivacyError(f"reference scores for {references.shape[1]} persons, not {len(values)}; return one each")
    spread = float(np.sqrt(references.var(axis=0).mean())) or 1.0
    compared: Floats = (values - references.mean(axis=0)) / spread
    return compared


def _interval(area: float, inside: int, outside: int, confidence: float) -> tuple[float, float]:
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (inside - 1) * (first - area**2) + (outside - 1) * (second - area**2)
    least = 1 / (12 * min(inside, outside))  # of an area of .5; keeps an area of 1 from looking certain
    error = math.sqrt(max(variance, least if area in (0.0, 1.0) else 0.0) / (inside * outside))
    reach = float(special.ndtri(0.5 + check_confidence(confidence) / 2)) * error
    return max(0.0, area - reach), min(1.0, area + reach)


def _control(values: Floats, inside: NDArray[np.bool_], confidence: float) -> ControlResult:
    """Raise the members' scores by two standard deviations: then their area must lie clearly above guessing."""
    planted = values + _PLANTED * (float(values.std()) or 1.0) * inside
    area = auc(planted, inside)
    lo, _ = _interval(area, int(inside.sum()), int((~inside).sum()), confidence)
    return ControlResult(
        name="members' scores raised on purpose",
        fired=lo > 0.5,
        estimate=area,
        statement=f"members whose scores were raised by {_PLANTED:g} standard deviations were told apart at {area:.3f}",
    )
