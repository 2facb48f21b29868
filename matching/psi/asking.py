"""The asker's part of the arithmetic: mask the people, and count what comes back under both keys."""

from __future__ import annotations

from collections.abc import Collection

from matching.psi.answering import mark_of
from matching.psi.group import masked, point_of, public_of, random_point, shuffled
from matching.psi.messages import Question, Reply
from matching.psi.terms import LEAST_PEOPLE, Terms
from retail.errors import PrivacyError


def ask(terms: Terms, ids: Collection[str], key: bytes) -> Question:
    """Mask one's people.

    Args:
        terms: of the session.
        ids: of the people, each once.
        key: fresh, for this session alone.

    Raises: PrivacyError: too few people, more than places, or one of them twice.

    Guarantee: whoever lacks the key learns nothing of the people from the question, not even how many they are; two
        questions about the same people have no point in common. Assumes decisional Diffie-Hellman in ristretto255 and
        that SHA-512 behaves like a random function.
    """
    people = checked_ids(ids, terms)
    domain = terms.domain
    own = masked((point_of(domain, one) for one in people), key)
    points = own + [random_point() for _ in range(terms.places - len(own))]
    return Question(terms, public_of(key), tuple(shuffled(points)))


def count_matches(reply: Reply, key: bytes) -> int:
    """Count points that both parties have, without the mean of the answerer's noise.

    Returns: people in common plus noise of `reply.noise`; may be negative.

    Raises: PrivacyError: a point of the reply is none.
    """
    marks = frozenset(reply.marks)
    domain = reply.terms.domain
    both = sum(mark_of(domain, point) in marks for point in masked(reply.points, key))
    return both - reply.spare // 2


def checked_ids(ids: Collection[str], terms: Terms) -> list[str]:
    """Return a party's ids, if a session may be held about so many.

    Raises: PrivacyError: too few, too many, one twice, or one that is no text.
    """
    people = list(ids)
    if not all(isinstance(one, str) and one for one in people):
        raise PrivacyError("ids of a session are texts that are not empty; write numbers as both parties write them")
    if len(set(people)) != len(people):
        raise PrivacyError("an id stands twice in the list; a session counts people, so give each once")
    if len(people) < LEAST_PEOPLE:
        raise PrivacyError(f"the list has {len(people)} people; no session is held about fewer than {LEAST_PEOPLE}")
    if len(people) > terms.places:
        raise PrivacyError(
            f"the list has {len(people)} people and the session {terms.places} places; agree on more places"
        )
    return people
