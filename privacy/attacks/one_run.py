"""A lower bound on epsilon from one training run: many canaries at once, each put in or left out by a coin.

An attacker who sees what the run published guesses, for the canaries it is surest about, which of them were in. Under
(epsilon, delta)-DP nobody can guess too many of them right, so many right guesses disprove small epsilons.

Source: Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run", theorem 5.2 and appendix D.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from privacy.accounting import check_delta, check_epsilon
from privacy.attacks.intervals import check_confidence, mask, vector
from privacy.attacks.result import CONFIDENCE, AttackResult, ControlResult
from retail.errors import PrivacyError

_STEP: Final = 0.25
_MOST: Final = 60.0  # no number of canaries that fits a machine gets there
_FIRED: Final = 0.8  # of the control's own ceiling
_CONTROL_SHARE: Final = 0.6  # of the control's canaries are guessed: seldom are fewer than 30% in, or out
_SHARES: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)


def p_value(*, canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """Bound the probability of this many right guesses if the run were (epsilon, delta)-DP.

    Args:
        canaries: m, each put in by a fair coin of its own.
        guesses: r <= m, how many the attacker guesses; fixed beforehand.
        correct: v <= r, how many of them were right.
        epsilon: of the hypothesis, at least 0.
        delta: of the hypothesis, 0 <= delta < 1.

    Returns: min(1, P[W >= v] + 2 m delta max_i P[v > W >= v - i] / i) for W binomial with r trials of probability
        e^epsilon / (1 + e^epsilon) and i from 1 to m.

    Raises: PrivacyError: numbers that do not fit together.

    Guarantee: for neighbours that differ by one canary added or removed, and whatever the attacker does. Assumes that
        the coins are fair and independent, and that nothing the attacker uses depends on them but the run.
    """
    _check_counts(canaries, guesses, correct)
    if not (math.isfinite(epsilon) and epsilon >= 0) or not 0 <= delta < 1:
        raise PrivacyError(f"a hypothesis needs epsilon >= 0 and 0 <= delta < 1, got {epsilon!r} and {delta!r}")
    chance = 1 / (1 + math.exp(-epsilon))
    tail = 1.0 if correct == 0 else float(special.bdtrc(correct - 1, guesses, chance))
    if correct == 0 or delta == 0:
        return min(1.0, tail)
    below = np.arange(correct - 1, -1, -1, dtype=np.float64)  # v - 1, v - 2, ..., 0
    log_mass = (
        special.gammaln(guesses + 1)
        - special.gammaln(below + 1)
        - special.gammaln(guesses - below + 1)
        - below * math.log1p(math.exp(-epsilon))
        - (guesses - below) * (epsilon + math.log1p(math.exp(-epsilon)))
    )
    steepest = float((np.cumsum(np.exp(log_mass)) / np.arange(1, correct + 1)).max())
    return min(1.0, tail + 2 * canaries * delta * steepest)


def epsilon_lower_bound(
    *, canaries: int, guesses: int, correct: int, delta: float, confidence: float = CONFIDENCE
) -> float:
    """Return the largest epsilon below which every epsilon is refuted; 0 when none is.

    Raises: PrivacyError: as `p_value`, or a confidence outside (0, 1).

    Guarantee: if the run is (epsilon, delta)-DP, the bound exceeds that epsilon with probability at most
        1 - confidence. With the assumptions of `p_value`.
    """
    significance = 1 - check_confidence(confidence)

    def refuted(epsilon: float) -> bool:
        found = p_value(canaries=canaries, guesses=guesses, correct=correct, epsilon=epsilon, delta=delta)
        return found < significance

    if not refuted(0.0):
        return 0.0
    low = 0.0
    while low < _MOST and refuted(low + _STEP):  # upward, so that what is above a gap counts for nothing
        low += _STEP
    high = low + _STEP
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def ceiling(*, canaries: int, guesses: int | None = None, delta: float, confidence: float = CONFIDENCE) -> float:
    """Return the largest bound that this audit can ever give: every guess right.

    Args:
        canaries: m.
        guesses: r; all canaries when None.
        delta: of the bound.
        confidence: of the bound.
    """
    made = canaries if guesses is None else guesses
    return epsilon_lower_bound(canaries=canaries, guesses=made, correct=made, delta=delta, confidence=confidence)


def guess(scores: Any, *, guesses: int) -> NDArray[np.int8]:
    """Guess "in" (1) for the highest scores, "out" (-1) for the lowest, half of the guesses each, 0 for the others.

    Raises: PrivacyError: scores that are not finite, or more guesses than scores.
    """
    values = vector(scores, "scores")
    if isinstance(guesses, bool) or not 1 <= guesses <= len(values):
        raise PrivacyError(f"{guesses!r} guesses on {len(values)} canaries; make at least 1 and no more than there are")
    order = np.argsort(values, kind="stable")
    highest = (guesses + 1) // 2
    made = np.zeros(len(values), dtype=np.int8)
    made[order[: guesses - highest]] = -1
    made[order[len(values) - highest :]] = 1
    return made


@lru_cache(maxsize=256)
def choose_guesses(
    canaries: int, *, signal: float, delta: float, seed: int, pilots: int = 50, confidence: float = CONFIDENCE
) -> int:
    """Choose how many guesses to make, on generated scores; nothing of the audited run is looked at.

    Args:
        canaries: m.
        signal: how far apart, in standard deviations of the noise, the scores of the leak to be found would be.
        delta: of the bound.
        seed: of the pilots; apart from every seed of the audited run.
        pilots: how many generated runs to try each choice on.
        confidence: of the bound.

    Returns: the number, among some shares of m, whose mean bound over the pilots is largest.
    """
    rng = np.random.default_rng(np.random.SeedSequence([0x9E55, seed]))
    choices = sorted({max(1, round(share * canaries)) for share in _SHARES})
    reached = np.zeros(len(choices))
    for _ in range(pilots):
        included = rng.random(canaries) < 0.5
        scores = rng.standard_normal(canaries) + signal * included
        for index, guesses in enumerate(choices):
            right = _right(guess(scores, guesses=guesses), included)
            reached[index] += epsilon_lower_bound(
                canaries=canaries, guesses=guesses, correct=right, delta=delta, confidence=confidence
            )
    return choices[int(np.argmax(reached))]


def one_run_audit(
    scores: Any,
    included: Any,
    *,
    guesses: int,
    delta: float,
    claim: float | None,
    control: tuple[Any, Any],
    confidence: float = CONFIDENCE,
) -> AttackResult:
    """Bound epsilon from below by the canaries of one run.

    Args:
        scores: (m,) what the attacker makes of each canary; higher means more likely in.
        included: (m,) bool, the coins.
        guesses: how many guesses to make; chosen without looking at these scores.
        delta: of the claim.
        claim: the epsilon that the run claims; None where it claims none.
        control: (scores, included) of other canaries, in the same run, whose leak is known to be so large that hardly
            a guess on them can be wrong. It fires when their bound reaches four fifths of what it could be at most.
        confidence: of the bound.

    Returns: `lo` is the bound, `estimate` the log-odds of a right guess (not a bound), `hi` infinity: no audit shows
        that a run is private. `breach` when the bound exceeds the claim. Inconclusive when the ceiling does not.

    Raises: PrivacyError: arrays of other shapes or kinds, or a value out of range.
    """
    started = time.perf_counter()
    check_delta(delta)
    values = vector(scores, "scores", least=2)
    coins = mask(included, "included", len(values))
    right = _right(guess(values, guesses=guesses), coins)
    sizes = {"canaries": len(values), "guesses": guesses, "delta": delta, "confidence": confidence}
    bound = epsilon_lower_bound(**sizes, correct=right)  # type: ignore[arg-type]
    most = ceiling(**sizes)  # type: ignore[arg-type]
    checked = _control(*control, delta=delta, confidence=confidence)
    epsilon = None if claim is None else check_epsilon(claim)
    reaches = epsilon is None or most > epsilon
    claimed = "no claim" if epsilon is None else f"a claim of {epsilon:.3g}"
    found = (
        f"{right} of {guesses} guesses on {len(values)} canaries were right: epsilon is at least {bound:.2f} (delta "
        f"{delta:g}, {confidence:.0%} confidence), against {claimed}. If all guesses were right this audit would show "
        f"{most:.2f}, and nothing above that; all {len(values)} canaries guessed would show "
        f"{ceiling(canaries=len(values), delta=delta, confidence=confidence):.2f}. "
    )
    limits = (
        "A bound below the claim does not prove the claim."
        if reaches
        else "That is less than the claim, so this audit could not have contradicted it: use more canaries."
    )
    return AttackResult(
        name="one_run",
        estimate=_log_odds(right, guesses),
        lo=bound,
        hi=math.inf,
        unit="epsilon",
        ceiling=most,
        control=checked,
        n=len(values),
        seconds=time.perf_counter() - started,
        statement=found + limits,
        breach=epsilon is not None and bound > epsilon,
        claim=epsilon,
        conclusive=reaches,
    )


def _control(scores: Any, included: Any, *, delta: float, confidence: float) -> ControlResult:
    values = vector(scores, "scores of the control", least=2)
    coins = mask(included, "coins of the control", len(values))
    guesses = max(2, round(_CONTROL_SHARE * len(values)))
    right = _right(guess(values, guesses=guesses), coins)
    sizes = {"canaries": len(values), "guesses": guesses, "delta": delta, "confidence": confidence}
    bound, most = epsilon_lower_bound(**sizes, correct=right), ceiling(**sizes)  # type: ignore[arg-type]
    return ControlResult(
        name="canaries that leak on purpose",
        fired=bound >= _FIRED * most > 0,
        estimate=bound,
        statement=f"{right} of {guesses} guesses on planted leaks were right: bound {bound:.2f} of at most {most:.2f}",
    )


def _right(made: NDArray[np.int8], included: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(made * np.where(included, 1, -1) > 0))


def _log_odds(right: int, guesses: int) -> float:
    share = (right + 0.5) / (guesses + 1)
    return max(0.0, math.log(share / (1 - share)))


def _check_counts(canaries: int, guesses: int, correct: int) -> None:
    whole = all(isinstance(one, int | np.integer) and not isinstance(one, bool) for one in (canaries, guesses, correct))
    if not whole or not 0 <= correct <= guesses <= canaries or guesses < 1:
        raise PrivacyError(f"{correct!r} right of {guesses!r} guesses on {canaries!r} canaries do not fit together")
