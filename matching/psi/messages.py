"""The two messages of a session; `matching.psi.wire` says how they look as bytes. Anything else is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from matching.psi.group import POINT
from matching.psi.terms import Terms
from matching.psi.wire import MOST_SPARE, Signature, Signed, cut, read_line, refuse_repeats, wrong_length
from privacy.blind import BEYOND
from privacy.statistics.noise import CountNoise
from retail.errors import PrivacyError

MARK: Final = 16
"""Bytes of a mark: what the answerer sends of a point that the asker need only recognise."""


@dataclass(frozen=True, slots=True)
class Question(Signed):
    """What the asker sends.

    Attributes:
        terms: of the session.
        public: the base point under the asker's key; the answerer makes points with it that stand for nobody and match.
        points: (places,) the asker's people, masked, and points for nobody, shuffled.
        signature: of the asker; None before it is signed.
    """

    terms: Terms
    public: bytes
    points: tuple[bytes, ...]
    signature: Signature | None = None

    def head(self) -> dict[str, Any]:
        """Return what stands in the line."""
        return {"psi": "question", "terms": asdict(self.terms)}

    def parts(self) -> Sequence[bytes]:
        """Return what stands behind it."""
        return [self.public, *self.points]

    @classmethod
    def read(cls, message: bytes) -> Question:
        """Read a message. Points are only counted: multiplying them shows which are none.

        Raises: PrivacyError: it is no such message, or holds what no honest party sends.
        """
        fields, body, signature = read_line(message, "question", {"terms"})
        terms = Terms.read(fields["terms"])
        public, *points = cut(body, POINT, terms.places + 1)
        refuse_repeats([public, *points])
        return cls(terms, public, tuple(points), signature)


@dataclass(frozen=True, slots=True)
class Reply(Signed):
    """What the answerer sends back.

    Attributes:
        terms: of the session.
        spare: points for nobody among both lists, even; a secret number of them matches, `spare / 2` without noise.
        noise: of that number around `spare / 2`.
        marks: (places + spare,) of the asker's points under both keys, shuffled.
        points: (places + spare,) the answerer's people under its own key, shuffled.
        signature: of the answerer; None before it is signed.
    """

    terms: Terms
    spare: int
    noise: CountNoise
    marks: tuple[bytes, ...]
    points: tuple[bytes, ...]
    signature: Signature | None = None

    def head(self) -> dict[str, Any]:
        """Return what stands in the line."""
        return {"psi": "reply", "terms": asdict(self.terms), "spare": self.spare, "noise": asdict(self.noise)}

    def parts(self) -> Sequence[bytes]:
        """Return what stands behind it."""
        return [*self.marks, *self.points]

    @classmethod
    def read(cls, message: bytes) -> Reply:
        """Read a message. Points are only counted: multiplying them shows which are none.

        Raises: PrivacyError: it is no such message, or holds what no honest party sends.
        """
        fields, body, signature = read_line(message, "reply", {"terms", "spare", "noise"})
        terms, spare, noise = Terms.read(fields["terms"]), fields["spare"], fields["noise"]
        if type(spare) is not int or not 0 <= spare <= MOST_SPARE or spare % 2:
            raise PrivacyError(f"spare points of a reply are an even number up to {MOST_SPARE}, got {spare!r:.60}")
        if (
            not isinstance(noise, dict)
            or set(noise) != {"shape", "scale"}
            or not isinstance(noise["scale"], int | float)
        ):
            raise PrivacyError("a reply says shape and scale of its noise; this one does not, so refuse it")
        if not 0 < noise["scale"] <= MOST_SPARE:  # before anything is computed from it: larger ones take for ever
            raise PrivacyError(f"noise on the scale {noise['scale']!r:.60} fits no reply; refuse it")
        drawn = CountNoise(noise["shape"], float(noise["scale"]))
        if 2 * drawn.beyond(BEYOND) != spare:
            raise PrivacyError(f"{spare} spare points do not fit the noise that the reply names; refuse it")
        length = terms.places + spare
        if len(body) != length * (MARK + POINT):
            raise wrong_length(len(body), length * (MARK + POINT))
        marks = cut(body[: length * MARK], MARK, length)
        points = cut(body[length * MARK :], POINT, length)
        refuse_repeats(marks)
        refuse_repeats(points)
        return cls(terms, spare, drawn, tuple(marks), tuple(points), signature)
