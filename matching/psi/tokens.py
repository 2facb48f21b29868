"""Tokens for people whom the registry never sees: so it can hold everybody to k_max merchants without knowing who.

The registry has a key. A merchant sends its people as masked points, gets them back under the registry's key too, and
takes its own mask off: what is left is a person's token, the same at every merchant.

    request = TokenRequest.of(ids)                                  # at the merchant
    answered = registry_points(request.points, key=registry_key)    # at the registry
    for token in request.tokens(answered):
        enrolment.enrol(token, "m1")                                # at the registry: refused above k_max

Unlike a session the answer keeps its order, so one request is a lookup of each id for whoever sends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import rbcl

from matching.psi.group import fresh_key, inverse, masked, point_of
from privacy.consent import Secret
from retail.errors import PrivacyError

_DOMAIN: Final = b"tradefair enrolment token 1"
MOST_POINTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A merchant's people, masked.

    Attributes:
        points: for the registry, in order of the ids.
        key: the mask; secret, for this request alone.

    Guarantee: the registry learns how many people are asked about and, once they are enrolled, which tokens the
        merchant enrols, so at how many merchants each token is. It learns no id from that. Assumes decisional
        Diffie-Hellman in ristretto255, and that the registry does not guess: with its key, anybody tests any id against
        a token, the registry too. Ids that can be guessed are safe from everybody else.
    """

    points: tuple[bytes, ...]
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, ids: Collection[str]) -> TokenRequest:
        """Mask some people.

        Raises: PrivacyError: nobody, too many at once, one twice, or an id that is no text.
        """
        people = cls.check(ids)
        key = fresh_key()
        return cls(tuple(masked((point_of(_DOMAIN, one) for one in people), key)), key)

    @staticmethod
    def check(ids: Collection[str]) -> list[str]:
        """Return the ids, if tokens may be asked for them. Raises: see `of`."""
        people = list(ids)
        if not all(isinstance(one, str) and one for one in people) or len(set(people)) != len(people):
            raise PrivacyError("tokens are asked for ids that are texts, not empty, each given once")
        if not 1 <= len(people) <= MOST_POINTS:
            raise PrivacyError(f"tokens are asked for 1 to {MOST_POINTS} people at once, got {len(people)}")
        return people

    def tokens(self, answered: Sequence[bytes]) -> list[str]:
        """Take the mask off.

        Args:
            answered: the registry's points, in order of the request's.

        Returns: 64 hexadecimal digits for each id, as `Enrolment.enrol` takes them.

        Raises: PrivacyError: another number of points, or one that is none.
        """
        if len(answered) != len(self.points):
            raise PrivacyError(f"the registry answered {len(answered)} of {len(self.points)} points; ask again")
        bare = masked(answered, inverse(self.key))
        return [hashlib.sha256(_DOMAIN + point).hexdigest() for point in bare]


def registry_points(points: Sequence[bytes], *, key: Secret) -> list[bytes]:
    """Put the registry's key on a merchant's points.

    Args:
        points: of one request, in order.
        key: the registry's; as long as it stays the same, so do tokens.

    Raises: PrivacyError: too many points, one twice, or one that is none. Whoever runs a registry limits how often a
        merchant may ask: each point is a guess at somebody.
    """
    if not 1 <= len(points) <= MOST_POINTS or len(set(points)) != len(points):
        raise PrivacyError(f"a request holds 1 to {MOST_POINTS} different points, got {len(points)}; refuse it")
    wide = bytes.fromhex(key.mark("enrolment token", "low half") + key.mark("enrolment token", "high half"))
    return masked(points, bytes(rbcl.crypto_core_ristretto255_scalar_reduce(wide)))
