"""What does a release add to what anybody could guess of a person's attribute anyway?

A model that has learnt "who buys nappies buys baby food" lets an attacker guess about persons who were never in the
data. That is a statistic and no leak. The leak is what is guessed better about persons who were in the data than about
persons who were not; only that is bounded by an epsilon. Both are reported, and the second is judged.

Source: Yeom et al. 2018, section 4 (attribute advantage as the difference between members and others); Jayaraman and
Evans 2022 (imputation is not inference).
"""

from __future__ import annotations

import math
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from privacy.attacks.intervals import check_confidence, mask, most_advantage, vector
from privacy.attacks.membership import auc
from privacy.attacks.result import CAUTIOUS, AttackResult, ControlResult
from retail.errors import PrivacyError

_LEAST: Final = 10


def attribute_inference(
    released: Any,
    public: Any,
    attribute: Any,
    member: Any,
    *,
    claim: tuple[float, float] | None = None,
    confidence: float = CAUTIOUS,
) -> AttackResult:
    """Compare guesses of a yes-no attribute with and without the release, for members and for others.

    Args:
        released: (n,) score of the attribute, made from the release and from what is public of the person; high means
            yes, unless it clearly means no among those who were not in the data, whom the attacker may know.
        public: (n,) score made from public data alone.
        attribute: (n,) bool, the truth.
        member: (n,) bool, whose rows were in the training data. The attribute is guessed for all n in one way.
        claim: (epsilon, delta) of one person; None where nothing is claimed.
        confidence: of the interval.

    Returns: `estimate` is the share guessed right among members minus the same among others, with the release; both
        weighted so that the attribute is as frequent in each. The statement adds what public data alone give. `claim`
        is the most that the claim admits, `breach` when the interval lies above it.

    Raises: PrivacyError: arrays that do not fit, or fewer than 10 persons with one combination of the two.

    Guarantee: none that nothing leaks: a better guess may exist.
    """
    started = time.perf_counter()
    truth = mask(attribute, "attribute", len(np.asarray(attribute)))
    inside = mask(member, "member", len(truth))
    smallest = min(int((truth == a)[inside == b].sum()) for a in (True, False) for b in (True, False))
    if smallest < _LEAST:
        raise PrivacyError(f"a group of {smallest} persons is too small; choose an attribute that more persons have")
    right = _guess(released, truth, ~inside) == truth
    before = _guess(public, truth, ~inside) == truth
    leak, error = _difference(right, truth, inside)
    reach = float(special.ndtri(0.5 + check_confidence(confidence) / 2)) * error
    bound = None if claim is None else most_advantage(*claim)
    with_it, without = _balanced(right, truth), _balanced(before, truth)
    return AttackResult(
        name="attribute_inference",
        estimate=leak,
        lo=max(-1.0, leak - reach),
        hi=min(1.0, leak + reach),
        unit="share guessed right, members minus others",
        ceiling=1.0,
        control=_control(right, truth, inside, confidence),
        n=len(truth),
        seconds=time.perf_counter() - started,
        statement=f"The attribute is guessed right for {with_it:.1%} with the release, for {without:.1%} from public "
        f"data alone (.5 is guessing); members and others differ by {leak:+.1%}. "
        + ("Nothing was claimed." if bound is None else f"The claim admits a difference of at most {bound:.1%}.")
        + " What is guessed as well about others is a statistic, not a leak.",
        breach=bound is not None and leak - reach > bound,
        claim=bound,
        conclusive=bound is None or bound < 1.0,
    )


def _guess(scores: Any, truth: NDArray[np.bool_], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say yes to as many persons as have the attribute: with high scores, or low where `known` clearly says so."""
    values = vector(scores, "scores")
    if len(values) != len(truth):
        raise PrivacyError(f"{len(values)} scores for {len(truth)} persons; give one each")
    yes, no = int((truth & known).sum()), int((~truth & known).sum())
    chance = math.sqrt((yes + no + 1) / (12 * yes * no))  # standard error of the area when scores say nothing
    sign = -1.0 if auc(values[known], truth[known]) < 0.5 - 3 * chance else 1.0
    chosen = np.zeros(len(truth), dtype=bool)
    chosen[np.argsort(-sign * values, kind="stable")[: int(truth.sum())]] = True
    return chosen


def _balanced(right: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((right[truth].mean() + right[~truth].mean()) / 2)


def _difference(right: NDArray[np.bool_], truth: NDArray[np.bool_], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the balanced share guessed right among members minus that among others, and its standard error."""
    groups = [(kind, value) for kind in (truth, ~truth) for value in (inside, ~inside)]
    shares = [float(right[kind & where].mean()) for kind, where in groups]
    counts = [int((kind & where).sum()) for kind, where in groups]
    smoothed = [(share * count + 1) / (count + 2) for share, count in zip(shares, counts, strict=True)]
    variance = sum(p * (1 - p) / count for p, count in zip(smoothed, counts, strict=True)) / 4
    return (shares[0] - shares[1] + shares[2] - shares[3]) / 2, math.sqrt(variance)


def _control(
    right: NDArray[np.bool_], truth: NDArray[np.bool_], inside: NDArray[np.bool_], confidence: float
) -> ControlResult:
    """Give the attacker every member's attribute: then members must be guessed clearly better than others."""
    planted = np.where(inside, True, right)
    leak, error = _difference(planted, truth, inside)
    fired = leak - float(special.ndtri(0.5 + confidence / 2)) * error > 0
    return ControlResult(
        name="members' attributes given away",
        fired=fired,
        estimate=leak,
        statement=f"with every member's attribute given away the difference was {leak:+.1%}",
    )
