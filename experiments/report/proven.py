"""Numbers and what stands behind them: entries with their way to a signed head, sums over logs, heads, whole logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

How = Literal["count", "sum", "max", "distinct", "epsilon", "replay"]


@dataclass(frozen=True, slots=True)
class Number:
    """A printed number.

    Attributes:
        value: as logged; None where it could not be measured.
        shown: the text that is printed, `experiments.report.text.written(value, unit)`.
        unit: "1", "ratio", "s", "count", "nano-rho", "epsilon", "delta", ...
        proof: id of an `EntryProof`, a `Derivation` or a `HeadProof`; None when no log entry stands behind it, which
            every format marks as "no proof".
        field: which field of the proven entry it is, such as "value" or "lo".
    """

    value: float | int | None
    shown: str
    unit: str
    proof: str | None
    field: str


Sentence = tuple[str | Number, ...]
"""Words with numbers between them; they are printed one after the other."""


@dataclass(frozen=True, slots=True)
class EntryProof:
    """A log entry with the path that leads from it to a signed head.

    Attributes:
        id: "p1", "p2", ...: what is printed beside a number.
        origin: name of the log.
        index: position of the entry in the log.
        size: of the log under the signed head.
        leaf: SHA-256 of 0x00 and the canonical entry, hexadecimal.
        path: hashes up to the root, hexadecimal.
        entry: index, kind, time and body.
    """

    id: str
    origin: str
    index: int
    size: int
    leaf: str
    path: tuple[str, ...]
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A number worked out from whole logs, which the report carries so that it can be worked out again.

    Attributes:
        id: "d1", "d2", ...
        how: "count" entries, "sum" or "max" of a field, count "distinct" values of it, "epsilon" of a sum of costs, or
            "replay" the entries against the policy and count those that break the rule named by `field`.
        origins: the logs.
        kind: of the entries.
        where: fields of the body, and the value (or one of the values) they must have.
        field: what is summed, or the rule; empty for a count.
        words: the rule in plain words.
    """

    id: str
    how: How
    origins: tuple[str, ...]
    kind: str
    where: Mapping[str, Any]
    field: str
    words: str


@dataclass(frozen=True, slots=True)
class HeadProof:
    """A signed head, and (for a run's log) the entry of the scenario's log that repeats it.

    Attributes:
        id: "h1", "h2", ...
        origin: name of the log.
        head: origin, size, root, time, key and signature, as `privacy.log` writes them.
        entry: id of the entry in the scenario's log with the same size and root; None where there is none.
        earlier: consistency proofs from each earlier signed head to this one.
    """

    id: str
    origin: str
    head: Mapping[str, Any]
    entry: str | None
    earlier: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """All entries of one log, so that a count over it can be checked.

    Attributes:
        origin: name of the log.
        size: entries.
        entries: canonical entries, one per line, deflated, in base64.
    """

    origin: str
    size: int
    entries: str
