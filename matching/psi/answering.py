"""The answerer's part of the arithmetic: mask both lists, and hide the count behind points that stand for nobody.

The asker's public point lets the answerer make pairs that match and belong to nobody. It mixes a secret number of them
in, so what the asker counts is already noisy: the exact count exists at neither party.

Source of the base protocol: Huberman, Franklin and Hogg 1999; of the count alone, by shuffling: Agrawal, Evfimievski
and Srikant 2003; noise by dummy members: compare Kacsmar et al. 2020.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from matching.psi.group import fresh_key, masked, point_of, public_of, random_point, shuffled
from matching.psi.messages import MARK, Question, Reply
from privacy.statistics.noise import CountNoise
from retail.errors import PrivacyError


def mark_of(domain: bytes, point: bytes) -> bytes:
    """Shorten a point to what is enough to recognise it: among a million points two agree with a chance below 1e-26."""
    return hashlib.blake2b(point, key=domain, digest_size=MARK).digest()


def mask_both(question: Question, people: Sequence[str], key: bytes) -> tuple[list[bytes], list[bytes]]:
    """Put the answerer's key on the asker's points and on the answerer's own people.

    Returns: marks of the asker's points under both keys, and the answerer's people under its key; in order.

    Raises: PrivacyError: a point of the question is none.
    """
    domain = question.terms.domain
    # The public point too, though its product is not used: `hide`, which needs it, comes after the noise is paid for.
    _, *points = masked([question.public, *question.points], key)
    marks = [mark_of(domain, point) for point in points]
    return marks, masked((point_of(domain, one) for one in people), key)


def hide(
    question: Question, marks: Sequence[bytes], own: Sequence[bytes], *, matching: int, spare: int, noise: CountNoise
) -> Reply:
    """Mix in points for nobody, and shuffle.

    Args:
        question: of the asker.
        marks: from `mask_both`.
        own: from `mask_both`.
        matching: how many of the spare points match; secret.
        spare: public, even.
        noise: that `matching` was drawn by, around `spare / 2`.

    Raises: PrivacyError: more points would match than are spare.

    Guarantee: an asker that keeps to the protocol learns from the reply the number of matches, with `matching` in it,
        and nothing else about the answerer's people; of their number only that it is at most `places`. Assumes
        decisional Diffie-Hellman, and that the asker masked all its people with one key: with a key for each it would
        see who is shared.
    """
    if not 0 <= matching <= spare:
        raise PrivacyError(f"{matching} of {spare} spare points cannot match; nothing was sent")
    domain = question.terms.domain
    marks, own = list(marks), list(own)
    for _ in range(matching):
        key = fresh_key()
        own.append(public_of(key))
        marks.append(mark_of(domain, masked([question.public], key)[0]))
    length = question.terms.places + spare
    own += [random_point() for _ in range(length - len(own))]
    marks += [secrets.token_bytes(MARK) for _ in range(length - len(marks))]
    return Reply(question.terms, spare, noise, tuple(shuffled(marks)), tuple(shuffled(own)))
