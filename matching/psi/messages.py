"""The two messages of a session as bytes: one line of JSON, then the points; anything else is refused.

Points lie bare behind the line, so 100,000 of them take 3.2 MB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from matching.psi.group import POINT
from matching.psi.terms import MOST_PLACES, Terms
from privacy.blind import BEYOND
from privacy.statistics.noise import CountNoise
from retail.errors import PrivacyError

MARK: Final = 16
"""Bytes of a mark: what the answerer sends of a point that the asker need only recognise."""
_LONGEST_LINE: Final = 4_000
_MOST_SPARE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """What the asker sends.

    Attributes:
        terms: of the session.
        public: the base point under the asker's key; the answerer makes points with it that stand for nobody and match.
        points: (places,) the asker's people, masked, and points for nobody, shuffled.
    """

    terms: Terms
    public: bytes
    points: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Write the message."""
        return _written({"psi": "question", "terms": asdict(self.terms)}, [self.public, *self.points])

    @classmethod
    def read(cls, message: bytes) -> Question:
        """Read a message. Points are only counted: multiplying them shows which are none.

        Raises: PrivacyError: it is no such message, or holds what no honest party sends.
        """
        fields, body = _read(message, "question", {"terms"})
        terms = Terms.read(fields["terms"])
        public, *points = _cut(body, POINT, terms.places + 1)
        _refuse_repeats([public, *points])
        return cls(terms, public, tuple(points))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the answerer sends back.

    Attributes:
        terms: of the session.
        spare: points for nobody among both lists, even; a secret number of them matches, `spare / 2` without noise.
        noise: of that number around `spare / 2`.
        marks: (places + spare,) of the asker's points under both keys, shuffled.
        points: (places + spare,) the answerer's people under its own key, shuffled.
    """

    terms: Terms
    spare: int
    noise: CountNoise
    marks: tuple[bytes, ...]
    points: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Write the message."""
        head = {"psi": "reply", "terms": asdict(self.terms), "spare": self.spare, "noise": asdict(self.noise)}
        return _written(head, [*self.marks, *self.points])

    @classmethod
    def read(cls, message: bytes) -> Reply:
        """Read a message. Points are only counted: multiplying them shows which are none.

        Raises: PrivacyError: it is no such message, or holds what no honest party sends.
        """
        fields, body = _read(message, "reply", {"terms", "spare", "noise"})
        terms, spare, noise = Terms.read(fields["terms"]), fields["spare"], fields["noise"]
        if type(spare) is not int or not 0 <= spare <= _MOST_SPARE or spare % 2:
            raise PrivacyError(f"spare points of a reply are an even number up to {_MOST_SPARE}, got {spare!r:.60}")
        if (
            not isinstance(noise, dict)
            or set(noise) != {"shape", "scale"}
            or not isinstance(noise["scale"], int | float)
        ):
            raise PrivacyError("a reply says shape and scale of its noise; this one does not, so refuse it")
        drawn = CountNoise(noise["shape"], float(noise["scale"]))
        if 2 * drawn.beyond(BEYOND) != spare:
            raise PrivacyError(f"{spare} spare points do not fit the noise that the reply names; refuse it")
        length = terms.places + spare
        if len(body) != length * (MARK + POINT):
            raise _wrong_length(len(body), length * (MARK + POINT))
        marks = _cut(body[: length * MARK], MARK, length)
        points = _cut(body[length * MARK :], POINT, length)
        _refuse_repeats(marks)
        _refuse_repeats(points)
        return cls(terms, spare, drawn, tuple(marks), tuple(points))


def _written(head: dict[str, Any], parts: Sequence[bytes]) -> bytes:
    return json.dumps(head, sort_keys=True).encode() + b"\n" + b"".join(parts)


def _read(message: bytes, kind: str, names: set[str]) -> tuple[dict[str, Any], bytes]:
    """Part the line from the points."""
    if len(message) > _LONGEST_LINE + 2 * (MOST_PLACES + _MOST_SPARE) * POINT:
        raise PrivacyError(f"a message of {len(message)} bytes is longer than any of a session; refuse it")
    line, end, body = message[: message.find(b"\n") + 1], message.find(b"\n"), message[message.find(b"\n") + 1 :]
    if not 0 < end <= _LONGEST_LINE:
        raise PrivacyError(f"this is no {kind} of a session: its first line is missing; hand over the file as it came")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PrivacyError(f"this is no {kind} of a session ({error}); hand over the file as it came") from error
    if not isinstance(fields, dict) or fields.get("psi") != kind or set(fields) != {"psi", *names}:
        raise PrivacyError(f"this is no {kind} of a session; hand over the file as it came")
    return fields, body


def _cut(body: bytes, size: int, count: int) -> list[bytes]:
    if len(body) != size * count:
        raise _wrong_length(len(body), size * count)
    return [body[at : at + size] for at in range(0, len(body), size)]


def _refuse_repeats(points: Sequence[bytes]) -> None:
    if len(set(points)) != len(points):
        raise PrivacyError(
            "the message holds a point twice; a party sends each of its people once, so refuse this session"
        )


def _wrong_length(got: int, expected: int) -> PrivacyError:
    return PrivacyError(
        f"the message holds {got} bytes of points and its terms say {expected}; it was cut, or holds more points than "
        "agreed, so refuse it"
    )
