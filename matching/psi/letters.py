"""The four messages by which people get tokens and places at a merchant; `matching.psi.wire` says how they look.

token_question   merchant -> registry   people as masked points
token_reply      registry -> merchant   the same points under the registry's key too, in order
claim            merchant -> registry   tokens of these people, sorted
admission        registry -> merchant   tokens of those who have a slot left
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from matching.psi.tokens import MOST_POINTS
from matching.psi.wire import WIDE, Signature, Signed, cut, read_line, refuse_repeats
from retail.errors import PrivacyError

Kind = Literal["token_question", "token_reply", "claim", "admission"]
_SESSION: Final = re.compile(r"[0-9a-f]{32}")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """Who enrols people where.

    Attributes:
        session: 32 hexadecimal digits, fresh for each request.
        merchant: as policies, runs and the registry call it.
        registry: likewise.

    Raises: PrivacyError: a value cannot be used.
    """

    session: str
    merchant: str
    registry: str

    def __post_init__(self) -> None:
        """Refuse names that nobody can read."""
        if not isinstance(self.session, str) or not _SESSION.fullmatch(self.session):
            raise PrivacyError(f"a request is named by 32 hexadecimal digits, got {self.session!r:.60}")
        for name in ("merchant", "registry"):
            text = getattr(self, name)
            if not isinstance(text, str) or text != text.strip() or not text or not text.isprintable():
                raise PrivacyError(
                    f"the name of a {name} is a printable text without spaces around it, got {text!r:.60}"
                )
            if len(text) > _LONGEST:
                raise PrivacyError(f"the name of a {name} has {len(text)} characters; {_LONGEST} are enough")
        if self.merchant == self.registry:
            raise PrivacyError(f"{self.merchant!r} cannot be its own registry; name two parties")

    @classmethod
    def fresh(cls, merchant: str, registry: str) -> Parts:
        """Begin a request under a new name."""
        return cls(secrets.token_hex(16), merchant, registry)

    @classmethod
    def read(cls, fields: Any) -> Parts:
        """Read what `asdict` writes. Raises: PrivacyError: other fields, or a value that cannot be used."""
        names = set(cls.__dataclass_fields__)
        if not isinstance(fields, dict) or set(fields) != names:
            raise PrivacyError(f"a request names {', '.join(sorted(names))}; this is something else")
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Letter(Signed):
    """One of the four messages.

    Attributes:
        kind: which.
        terms: who enrols people where.
        items: (people,) points or tokens, 32 bytes each, all different.
        period: of an admission: the accounting period.
        k_max: of an admission: its cap.
        signature: of the sender; None before it is signed.
    """

    kind: Kind
    terms: Parts
    items: tuple[bytes, ...]
    period: str = ""
    k_max: int = 0
    signature: Signature | None = None

    def head(self) -> dict[str, Any]:
        """Return what stands in the line."""
        head = {"psi": self.kind, "terms": asdict(self.terms), "people": len(self.items)}
        return head | {"period": self.period, "k_max": self.k_max} if self.kind == "admission" else head

    def parts(self) -> Sequence[bytes]:
        """Return what stands behind it."""
        return self.items

    @classmethod
    def read(cls, message: bytes, kind: Kind) -> Letter:
        """Read a message of one kind. Points are only counted: multiplying them shows which are none.

        Raises: PrivacyError: it is no such message, or holds what no honest party sends.
        """
        admission = {"period", "k_max"} if kind == "admission" else set()
        fields, body, signature = read_line(message, kind, {"terms", "people", *admission})
        people, period, k_max = fields["people"], fields.get("period", ""), fields.get("k_max", 0)
        if type(people) is not int or not 0 <= people <= MOST_POINTS:
            raise PrivacyError(f"a message is about at most {MOST_POINTS:,} people, got {people!r:.60}; refuse it")
        if not isinstance(period, str) or type(k_max) is not int or (admission and not (period and k_max >= 1)):
            raise PrivacyError("an admission names an accounting period and its cap; this one does not, so refuse it")
        items = cut(body, WIDE, people)
        refuse_repeats(items)
        return cls(kind, Parts.read(fields["terms"]), tuple(items), period, k_max, signature)
