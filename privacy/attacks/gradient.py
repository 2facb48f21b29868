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


def similarity(found: Any, truth: Any) -> float:
    """Return the cosine between a reconstruction and the row; 0 when one of them is zero."""
    one, other = np.asarray(found, dtype=np.float64).ravel(), np.asarray(truth, dtype=np.float64).ravel()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 0 else 0.0


def inversion_attack(
    message: Message,
    rows: Any,
    others: Any,
    *,
    public: Any = None,
    bound: float | None = None,
    note: str = "",
    confidence: float = CAUTIOUS,
) -> AttackResult:
    """See how much of a person's row a message shows, beyond what it shows of somebody who is not in it.

    Args:
        message: what is sent for a set of rows, with whatever clipping and noise the sender applies. It is asked for
            all rows together, and, as the control, for the first row alone.
        rows: (n, d) of the persons behind the message.
        others: (k, d) of persons of the same population who are not behind it; at least 10.
        public: (d,) what is known of everybody, subtracted (by projection) first; nothing when None.
        bound: largest mean difference that a claim admits; None where none does.
        note: a sentence about who sees the message, for the statement.
        confidence: of the interval.

    Returns: `estimate` is the mean cosine of the persons' rows with the message minus that of the others'; 1 means
        the rows themselves, 0 that the message says as much of anybody. The control is a message about one person
        without protection, which must be that person's row.

    Raises: PrivacyError: arrays that do not fit.
    """
    started = time.perf_counter()
    inside, outside = _table(rows, "rows", 1), _table(others, "others", 10)
    if inside.shape[1] != outside.shape[1]:
        raise PrivacyError(f"rows have {inside.shape[1]} entries, others {outside.shape[1]}; use one kind of row")
    known = None if public is None else np.asarray(public, dtype=np.float64)
    sent = _sent(message, inside)
    mine = np.array([similarity(_without(sent, known), _without(row, known)) for row in inside])
    theirs = np.array([similarity(_without(sent, known), _without(row, known)) for row in outside])
    difference = float(mine.mean() - theirs.mean())
    spread = theirs.var(ddof=1) * (1 / len(theirs) + 1 / len(mine))
    if len(mine) > 1:
        spread = theirs.var(ddof=1) / len(theirs) + mine.var(ddof=1) / len(mine)
    reach = float(special.ndtri(0.5 + check_confidence(confidence) / 2)) * float(np.sqrt(spread))
    lo, hi = max(-1.0, difference - reach), min(1.0, difference + reach)
    return AttackResult(
        name="gradient_inversion",
        estimate=difference,
        lo=lo,
        hi=hi,
        unit="cosine above that of a stranger",
        ceiling=1.0,
        control=_control(inside[0]),
        n=len(inside),
        seconds=time.perf_counter() - started,
        statement=f"A message about {len(inside)} persons has cosine {mine.mean():.3f} with their rows and "
        f"{theirs.mean():.3f} with rows of {len(outside)} persons who are not in it; best single row "
        f"{mine.max():.3f}. A message about one person alone is that person's row." + (f" {note}" if note else ""),
        breach=bound is not None and lo > bound,
        claim=bound,
        conclusive=bound is None or bound < 1.0,
    )


def _control(row: Floats) -> ControlResult:
    """Invert the exact gradient of a linear layer for this one row."""
    errors = np.array([0.3, -0.7, 0.1])
    found = similarity(invert_linear(np.outer(errors, row), errors), row)
    return ControlResult(
        name="the gradient of one person, without clipping or noise",
        fired=bool(found > _EXACT),
        estimate=found,
        statement=f"the row was read off the gradient of a linear layer with cosine {found:.4f}",
    )


def _sent(message: Message, rows: Floats) -> Floats:
    sent = np.asarray(message(rows), dtype=np.float64)
    if sent.shape != rows.shape[1:] or not np.isfinite(sent).all():
        raise PrivacyError(
            f"a message about rows of length {rows.shape[1]} must be as long and finite, got {sent.shape}"
        )
    return sent


def _without(values: Floats, known: Floats | None) -> Floats:
    if known is None or not known.any():
        return values
    rest: Floats = values - (values @ known) / float(known @ known) * known
    return rest


def _table(rows: Any, name: str, least: int) -> Floats:
    found = np.asarray(rows, dtype=np.float64)
    if found.ndim != 2 or len(found) < least or not np.isfinite(found).all():
        raise PrivacyError(f"{name} must be (at least {least}, d) finite numbers, got shape {found.shape}")
    return found
