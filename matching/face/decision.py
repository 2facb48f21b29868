"""What a comparison of faces may answer: who it is, that it is nobody, or that nothing was compared. Never a score.

With exact scores 128 probes rebuild a template of 128 numbers (`tests/matching/face/test_attacks.py`), so a score
leaves this package for nobody: neither in a result nor in a message nor in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "policy",
    "consent",
    "photo",
    "rate limit",
    "liveness",
    "amount",
    "gallery",
    "changed",
    "key",
]


@dataclass(frozen=True, slots=True)
class Match:
    """The face is this person's, at the threshold of the calibration.

    Attributes:
        person: id, as it was enrolled.
    """

    person: str


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Something was compared, and nobody was found. It does not say whom it came near."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was compared, or the answer may not be used.

    Attributes:
        reason: one word for programs.
        message: one sentence for the merchant's staff: what is wrong and what to do. It names no person.
    """

    reason: Reason
    message: str


Decision = Match | NoMatch | Refused
