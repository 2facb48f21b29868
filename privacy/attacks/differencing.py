"""Two releases that differ by one person: whose rows are the difference?

The attacker has a release with a person in it, one without, and a list of candidates with their rows. The candidate
whose row fits the difference best is named. Exact sums give everybody away; noise that is as strong as claimed leaves
little more than guessing.

Source: Dinur and Nissim 2003 for the attack on exact answers; the bound is a direct consequence of the definition of
differential privacy (see `differencing_attack`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from privacy.accounting import check_delta, check_epsilon
from privacy.attacks.intervals import Floats, proportion_interval
from privacy.attacks.result import CAUTIOUS, AttackResult, ControlResult
from retail.errors import PrivacyError

Release = Callable[[NDArray[np.bool_], int], Any]
"""Takes which persons are in, (n,) bool, and the number of the trial, and returns what is published, (d,)."""

_CONTROL_TRIALS: Final = 20


def differencing_attack(
    release: Release,
    exact: Release,
    rows: Any,
    *,
    trials: int,
    seed: int,
    claim: tuple[float, float] | None = None,
    confidence: float = CAUTIOUS,
) -> AttackResult:
    """Name the person by whom two releases differ.

    Args:
        release: what is published, with fresh noise at each call.
        exact: the same without noise, for the control.
        rows: (n, d) the candidates' rows, known to the attacker, after any clipping; no two the same.
        trials: how often to take somebody out; each time one person, drawn at random.
        seed: of those draws.
        claim: (epsilon, delta) of one release; None where nothing is claimed.
        confidence: of the interval.

    Returns: `estimate` is the share of trials in which the right person is named, among n. `claim` is the most that
        the claim admits, (e^epsilon + n delta) / n at most 1; `breach` when the interval lies above it.

    Raises: PrivacyError: releases or rows that do not fit, fewer than 2 candidates, or two with the same row.

    Guarantee: under (epsilon, delta)-DP of the release with the person, whatever is done with it and with the one
        without: the chance to name the right one of n equally likely persons is at most (e^epsilon + n delta) / n,
        since each name comes out at most e^epsilon times as often (plus delta) as it would without that person.
    """
    started = time.perf_counter()
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim != 2 or len(table) < 2 or trials < 1 or not np.isfinite(table).all():
        raise PrivacyError(f"differencing needs at least 2 candidates and a trial, got {table.shape}, {trials} trials")
    if len(np.unique(table, axis=0)) < len(table):
        raise PrivacyError("two candidates have the same row, so no attack can tell them apart; leave one out")
    rng = np.random.default_rng(np.random.SeedSequence([0xD1FF, seed]))
    hits = _hits(release, table, rng.integers(len(table), size=trials))
    lo, hi = proportion_interval(hits, trials, confidence=confidence)
    plain = min(trials, _CONTROL_TRIALS)
    sure = _hits(exact, table, rng.integers(len(table), size=plain))
    bound = None if claim is None else _most(len(table), *claim)
    return AttackResult(
        name="differencing",
        estimate=hits / trials,
        lo=lo,
        hi=hi,
        unit="share of trials",
        ceiling=1.0,
        control=ControlResult(
            name="the same releases without noise",
            fired=sure >= 0.9 * plain,
            estimate=sure / plain,
            statement=f"without noise {sure} of {plain} persons were named",
        ),
        n=trials,
        seconds=time.perf_counter() - started,
        statement=f"The person by whom two releases differ was named in {hits} of {trials} trials, among {len(table)} "
        f"(guessing: {1 / len(table):.1%}). "
        + ("Nothing was claimed." if bound is None else f"The claim admits at most {bound:.1%} for any attacker."),
        breach=bound is not None and lo > bound,
        claim=bound,
        conclusive=bound is None or bound < 1.0,
    )


def _hits(release: Release, rows: Floats, taken_out: NDArray[np.int64]) -> int:
    everybody, length = np.ones(len(rows), dtype=bool), (rows**2).sum(axis=1)
    hits = 0
    for trial, person in enumerate(taken_out):
        fewer = everybody.copy()
        fewer[person] = False
        difference: Floats = np.asarray(release(everybody, 2 * trial)) - np.asarray(release(fewer, 2 * trial + 1))
        if difference.shape != rows.shape[1:]:
            raise PrivacyError(f"releases of shape {difference.shape} do not fit rows of length {rows.shape[1]}")
        hits += int(np.argmin(length - 2 * rows @ difference) == person)  # squared distance, up to a constant
    return hits


def _most(candidates: int, epsilon: float, delta: float) -> float:
    grown = math.exp(min(check_epsilon(epsilon), 700.0))
    return min(1.0, (grown + candidates * check_delta(delta)) / candidates)
