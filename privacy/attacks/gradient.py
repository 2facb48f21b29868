"""Can a person's row be read off a message? For one person yes, exactly; sums, clipping and noise take that away.

The gradient of a linear layer for one input is an outer product: weight gradient = error x input, bias gradient =
error. Dividing one by the other gives the input, to the last digit. That is why a message about one person is that
person's row, and why "only gradients are sent" protects nobody.

Sources: Phong et al. 2018, section 3 (the quotient); Zhu, Liu and Han 2019 (the attack by optimisation).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from scipy import special

from privacy.attacks.intervals import Floats, check_confidence
from privacy.attacks.result import CAUTIOUS, AttackResult, ControlResult
from retail.errors import PrivacyError

Message = Callable[[Floats], Any]
"""Takes the rows of some persons, (n, d), and returns what is sent for them, (d,)."""

_EXACT: Final = 0.999
_ROUNDING: Final = 1e-9


def invert_linear(weight_gradient: Any, bias_gradient: Any) -> Floats:
    """Return the one input behind the gradients of a linear layer.

    Args:
        weight_gradient: (outputs, inputs).
        bias_gradient: (outputs,); at least one entry is not 0.

    Returns: (inputs,) the input, exactly up to rounding when one person stands behind the gradients.

    Raises: PrivacyError: other shapes, values that are not finite, or a bias gradient of zeros.
    """
    weights, bias = np.asarray(weight_gradient, dtype=np.float64), np.asarray(bias_gradient, dtype=np.float64)
    if (
        weights.ndim != 2
        or bias.shape != weights.shape[:1]
        or not (np.isfinite(weights).all() and np.isfinite(bias).all())
    ):
        raise PrivacyError(
            f"gradients of a linear layer are (outputs, inputs), (outputs,); got {weights.shape}, {bias.shape}"
        )
    if not bias.any():
        raise PrivacyError("the bias gradient is zero, so nothing of the input is in the gradients")
    found: Floats = bias @ weights / float(bias @ bias)  # least squares over all outputs
    return found


def inversion_attack(
    message: Message,
    rows: Any,
    others: Any,
    *,
    public: Any = None,
    exact: Message | None = None,
    draws: int = 20,
    note: str = "",
    confidence: float = CAUTIOUS,
) -> AttackResult:
    """Show how much of a person's row a message holds, beyond what it holds of somebody who is not in it.

    An illustration: it tests no claim, and is never a breach and never "passed".

    Args:
        message: what is sent for a set of rows, with whatever clipping and noise the sender applies; fresh noise at
            each call.
        rows: (n, d) of the persons behind the message.
        others: (k, d) of persons who are not behind it, left out at random from the population of `rows`, at least 10.
            With people of another kind the figure shows how the two kinds differ, and not what the message gives away.
        public: (d,) what is known of everybody, subtracted (by projection) first; nothing when None.
        exact: the message without clipping and noise, for the control; the sum of the rows when None.
        draws: how often the message is asked for. A person's cosine is the mean over them.
        note: a sentence about who sees the message, for the statement.
        confidence: of the interval.

    Returns: `estimate` is the mean cosine of the persons' rows with the message minus that of the others'; 1 means
        the rows themselves, 0 that the message says as much of anybody. The interval covers the choice of persons and
        the draws of noise; it is approximate, and takes persons as independent. The control is a message about the
        first person alone without protection, which must be that person's row.

    Raises: PrivacyError: arrays that do not fit, or no draws.
    """
    started = time.perf_counter()
    inside, outside = _table(rows, "rows", 1), _table(others, "others", 10)
    if inside.shape[1] != outside.shape[1]:
        raise PrivacyError(f"rows have {inside.shape[1]} entries, others {outside.shape[1]}; use one kind of row")
    known = None if public is None else np.asarray(public, dtype=np.float64)
    if isinstance(draws, bool) or draws < 1:
        raise PrivacyError(f"a message must be drawn at least once, got {draws!r} draws")
    near = np.stack([_near(_sent(message, inside), np.concatenate([inside, outside]), known) for _ in range(draws)])
    each = near[:, : len(inside)].mean(axis=1) - near[:, len(inside) :].mean(axis=1)
    mine, theirs = near.mean(axis=0)[: len(inside)], near.mean(axis=0)[len(inside) :]
    difference = float(mine.mean() - theirs.mean())
    spread = theirs.var(ddof=1) * (1 / len(theirs) + 1 / len(mine))
    if len(mine) > 1:
        spread = theirs.var(ddof=1) / len(theirs) + mine.var(ddof=1) / len(mine)
    spread += each.var(ddof=1) / draws if draws > 1 else 0.0
    reach = float(special.ndtri(0.5 + check_confidence(confidence) / 2)) * float(np.sqrt(spread))
    lo, hi = max(-1.0, difference - reach), min(1.0, difference + reach)
    return AttackResult(
        name="gradient_inversion",
        estimate=difference,
        lo=lo,
        hi=hi,
        unit="cosine above that of a stranger",
        ceiling=1.0,
        control=_control(exact or _sum, inside[:1], known),
        n=len(inside),
        seconds=time.perf_counter() - started,
        statement=f"An illustration, not a test: a message about {len(inside)} persons has cosine {mine.mean():.3f} "
        f"with their rows and {theirs.mean():.3f} with rows of {len(outside)} persons who are not in it (draws of the "
        f"message: {draws}); best single row {mine.max():.3f}. A message about one person alone is that person's row."
        + (f" {note}" if note else ""),
        breach=False,
        conclusive=False,
        estimate_only=True,
    )


def _control(exact: Message, row: Floats, known: Floats | None) -> ControlResult:
    """Look for this one row in a message about it alone."""
    found = float(_near(_sent(exact, row), row, known)[0])
    return ControlResult(
        name="a message about one person, without clipping or noise",
        fired=bool(found > _EXACT),
        estimate=found,
        statement=f"a message about one person alone, without protection, had cosine {found:.4f} with that row",
    )


def _sum(rows: Floats) -> Floats:
    found: Floats = rows.sum(axis=0)
    return found


def _near(sent: Floats, rows: Floats, known: Floats | None) -> Floats:
    """Return (n,) the cosine of a message with each row, less what is public; 0 where nothing is left."""
    message, table = _without(sent[None], known)[0], _without(rows, known)
    length = np.linalg.norm(table, axis=1) * np.linalg.norm(message)
    found: Floats = np.divide(table @ message, length, out=np.zeros(len(table)), where=length > 0)
    return found


def _sent(message: Message, rows: Floats) -> Floats:
    sent = np.asarray(message(rows), dtype=np.float64)
    if sent.shape != rows.shape[1:] or not np.isfinite(sent).all():
        raise PrivacyError(
            f"a message about rows of length {rows.shape[1]} must be as long and finite, got {sent.shape}"
        )
    return sent


def _without(values: Floats, known: Floats | None) -> Floats:
    """Take the public direction out of each row; a row that is nothing else becomes zeros."""
    if known is None or not known.any():
        return values
    rest: Floats = values - np.outer(values @ known, known) / float(known @ known)
    left = np.linalg.norm(rest, axis=1) > _ROUNDING * np.linalg.norm(values, axis=1)
    kept: Floats = rest * left[:, None]
    return kept


def _table(rows: Any, name: str, least: int) -> Floats:
    found = np.asarray(rows, dtype=np.float64)
    if found.ndim != 2 or len(found) < least or not np.isfinite(found).all():
        raise PrivacyError(f"{name} must be (at least {least}, d) finite numbers, got shape {found.shape}")
    return found
