"""What two parties agree on for one session before any point is sent; both sides' messages carry it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final

from retail.errors import PrivacyError

LEAST_PEOPLE: Final = 100
"""A party with fewer people than this asks nothing and answers nothing."""
MOST_PLACES: Final = 2_000_000
_SESSION: Final = re.compile(r"[0-9a-f]{32}")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """One session between two parties.

    Attributes:
        session: 32 hexadecimal digits, fresh for each session; part of the hash of every id.
        asker: who starts and gets the count.
        answerer: who answers.
        places: public number of points that each party sends for its people, whatever their number: the rest stands
            for nobody. So no message's length tells how many people a party has, or whether somebody joined.
        purpose: what the count is for; each party's own policy decides about it.

    Raises: PrivacyError: a value cannot be used.
    """

    session: str
    asker: str
    answerer: str
    places: int
    purpose: str

    def __post_init__(self) -> None:
        """Refuse terms that protect nobody."""
        if not isinstance(self.session, str) or not _SESSION.fullmatch(self.session):
            raise PrivacyError(f"a session is named by 32 hexadecimal digits, got {self.session!r:.60}")
        for name in ("asker", "answerer", "purpose"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST or not text.isprintable():
                raise PrivacyError(f"{name} of a session must be a printable text of 1 to {_LONGEST} characters, got "
                                   f"{text!r:.60}")  # fmt: skip
        if self.asker == self.answerer:
            raise PrivacyError(f"{self.asker!r} cannot hold a session with itself; name two parties")
        if type(self.places) is not int or not LEAST_PEOPLE <= self.places <= MOST_PLACES:
            raise PrivacyError(
                f"places must be a whole number from {LEAST_PEOPLE} to {MOST_PLACES}, got {self.places!r}"
            )

    @classmethod
    def fresh(cls, asker: str, answerer: str, *, places: int, purpose: str) -> Terms:
        """Open a session under a new name."""
        return cls(secrets.token_hex(16), asker, answerer, places, purpose)

    @classmethod
    def read(cls, fields: Any) -> Terms:
        """Read terms as `asdict` writes them.

        Raises: PrivacyError: other fields, or a value that cannot be used.
        """
        names = set(cls.__dataclass_fields__)
        if not isinstance(fields, dict) or set(fields) != names:
            raise PrivacyError(f"terms of a session have the fields {', '.join(sorted(names))}; this is something else")
        return cls(**fields)

    @property
    def pair(self) -> tuple[str, str]:
        """The two parties in one order, whoever asks."""
        first, second = sorted((self.asker, self.answerer))
        return first, second

    @property
    def domain(self) -> bytes:
        """What ids are hashed with, 32 bytes: other terms give unrelated points."""
        return hashlib.sha256(b"tradefair psi 1\0" + json.dumps(asdict(self), sort_keys=True).encode()).digest()
