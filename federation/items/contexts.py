"""What a person has chosen so far, as numbers: from that person's own lines and public features of products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail.interactions import Interactions

Floats = NDArray[np.float64]
_USUAL = 4.0  # log of 55 choices: about where people stand in the middle of a list


@dataclass(frozen=True, eq=False)
class Contexts:
    """Each person's last steps: what was known before, and what was chosen then.

    Attributes:
        rows: (s,) row of the person.
        known: (s, w) contexts.
        chosen: (s,) codes of the products.
        seen: (s, d) the sum, over what the person had chosen before, of chance x features.
        chance: (s,) the sum of chance over the same.
        now: (p, w) what is known of each person after the last choice.
    """

    rows: NDArray[np.int64]
    known: Floats
    chosen: NDArray[np.int64]
    seen: Floats
    chance: Floats
    now: Floats


def width(features: int) -> int:
    """Length of a context: a 1, how long the list is, its recent part, and all of it."""
    return 2 + 2 * features


def contexts(history: Interactions, features: Floats, chance: Floats, *, memory: float, steps: int) -> Contexts:
    """Walk along everybody's list at once.

    Each number in a context is a function of that person's choices before the step, in their order, and of `features`.

    Args:
        history: lines; the order of a person's lines is that of time.
        features: (products, d).
        chance: (products,) how likely each is to be chosen by somebody of whom nothing is known.
        memory: choices after which one counts 1/e in the recent part.
        steps: of each person the last so many steps, but not the first choice of all.
    """
    lengths = np.diff(history.indptr)
    people, d = len(lengths), features.shape[1]
    fade = np.exp(-1.0 / memory)
    recent, whole, seen = (np.zeros((people, d)) for _ in range(3))
    weight, past = np.zeros(people), np.zeros(people)
    first = np.maximum(lengths - steps, np.minimum(1, lengths))
    out: list[tuple[NDArray[np.int64], Floats, NDArray[np.int64], Floats, Floats]] = []
    for step in range(int(lengths.max(initial=0))):
        here = np.flatnonzero(lengths > step)
        item = history.product[history.indptr[here] + step].astype(np.int64)
        asked = first[here] <= step
        who = here[asked]
        if len(who):
            known = _context(step, recent[who], weight[who], whole[who])
            out.append((who, known, item[asked], seen[who], past[who]))
        recent[here] = fade * recent[here] + features[item]
        weight[here] = fade * weight[here] + 1.0
        whole[here] += features[item]
        seen[here] += features[item] * chance[item, None]
        past[here] += chance[item]
    now = _context(lengths, recent, weight, whole)
    if not out:
        nobody = np.zeros(0, dtype=np.int64)
        return Contexts(nobody, now[:0], nobody, seen[:0], past[:0], now)
    rows, known, chosen, before, likely = (np.concatenate(part) for part in zip(*out, strict=True))
    order = np.argsort(rows, kind="stable")
    return Contexts(rows[order], known[order], chosen[order], before[order], likely[order], now)


def _context(length: int | NDArray[np.int64], recent: Floats, weight: Floats, whole: Floats) -> Floats:
    """(p, w): means are drawn towards 0 by one choice's worth, so that short lists say little."""
    many = np.broadcast_to(np.asarray(length, dtype=np.float64), (len(recent),))
    size = np.log(np.maximum(many, 1.0)) - _USUAL
    return np.hstack(
        [np.ones((len(recent), 1)), size[:, None], recent / (weight + 1)[:, None], whole / (many + 1)[:, None]]
    )
