"""Consent in a report: what the register and the logs say about coverage and withdrawal; no person is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from experiments.report.evidence import Evidence
from experiments.report.model import Fact, Figure
from retail.errors import DataError

CONSENT: Final = "consent"
WITHDRAWAL: Final = "withdrawal"
_NONE: Final = "No consent register was used: public data."


def consent_of(
    evidence: Evidence, origins: Sequence[str], register: Path | None, *, at: str
) -> tuple[tuple[Fact, ...], tuple[Figure, ...]]:
    """Return what is said about consent, and its figures.

    Args:
        evidence: the logs.
        origins: logs to look for consent and withdrawals in.
        register: the file of a consent register; None where none was used.
        at: UTC time at which receipts are judged.

    Raises:
        DataError: the register is named and not there.
        PrivacyError: the file is no consent register.
    """
    views = [view for origin in origins if (view := evidence.logs.view(origin)) is not None]
    logged = any(view.of(CONSENT) or view.of(WITHDRAWAL) for view in views)
    if register is None and not logged:
        return (Fact("Coverage", _NONE, "GDPR 6, 7", ""), Fact("Withdrawal", _NONE, "GDPR 7(3)", "")), ()
    figures = _logged(evidence, [view.origin for view in views]) if logged else []
    first = Fact("Coverage", "No register was named; the figures count what the logs hold.", "GDPR 6, 7", "log")
    if register is not None:
        first = Fact("Register", register.name, "GDPR 7(1)", "file")
        figures += _coverage(evidence, register, at=at)
    acts = "Acts on the next round and on open uses, which ask the register again."
    return (first, Fact("Withdrawal", acts, "GDPR 7(3)", "")), tuple(figures)


def _logged(evidence: Evidence, origins: list[str]) -> list[Figure]:
    receipts = evidence.work_out(
        "count", origins, CONSENT, where={"event": "recorded"}, words="number of consent receipts in the logs"
    )
    ended = evidence.work_out("count", origins, WITHDRAWAL, words="number of withdrawals in the logs")
    figures = [_figure(evidence, "Receipts put on record", receipts), _figure(evidence, "Withdrawals", ended)]
    delays = [
        (_moment(entry.time) - _moment(entry.body["said_at"])).total_seconds()
        for origin in origins
        if (view := evidence.logs.view(origin)) is not None
        for entry in view.of(WITHDRAWAL)
        if isinstance(entry.body.get("said_at"), str)
    ]
    if delays:
        longest = evidence.plain(max(0.0, *delays), "s")
        label = "Longest time from a person's word to the register (it acts from then on)"
        figures.append(_figure(evidence, label, longest))
    return figures


def _coverage(evidence: Evidence, register: Path, *, at: str) -> list[Figure]:
    from privacy.consent import ConsentRegister

    if not register.is_file():
        raise DataError(f"there is no consent register at {register}; leave --consent out, or name its file")
    moment = _moment(at) if at else None
    options: dict[str, Any] = {} if moment is None else {"clock": lambda: moment}
    opened = ConsentRegister.open(register, log=None, commitments=None, **options)
    people: dict[tuple[str, str, str], dict[str, int]] = {}
    for controller, purpose, level, state, count in opened.summary():
        states = people.setdefault((controller, purpose, level), {})
        states[state] = states.get(state, 0) + count
    return [
        _figure(
            evidence,
            f"{controller}, {purpose}, {level} consent: people whose receipt is {state.replace('_', ' ')}",
            evidence.plain(count, "count"),
        )
        for (controller, purpose, level), states in sorted(people.items())
        for state, count in sorted(states.items())
    ]


def _figure(evidence: Evidence, label: str, value: Any) -> Figure:
    nothing = evidence.plain(None, value.unit)
    return Figure(arm="", label=label, sweep="", name=label, value=value, lo=nothing, hi=nothing, n=nothing)


def _moment(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
