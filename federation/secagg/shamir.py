"""Shares of a secret, any `threshold` of which give it back and fewer of which say nothing (Shamir 1979)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from retail.errors import PrivacyError

PRIME: Final = 2**521 - 1
"""The field. A secret has 32 bytes, so that most elements are none: wrong shares are found out."""
SECRET_BYTES: Final = 32
SHARE_BYTES: Final = 66


def split(secret: bytes, holders: Sequence[int], threshold: int) -> dict[int, bytes]:
    """Share a secret out.

    Args:
        secret: 32 bytes.
        holders: ids from 0, each once.
        threshold: shares that give it back, 1 to the number of holders.

    Returns: 66 bytes for each holder.

    Raises: PrivacyError: another length, a holder twice, or a threshold that cannot be had.

    Guarantee: fewer than `threshold` shares are uniformly random whatever the secret is; coefficients come from the
        operating system.
    """
    if len(secret) != SECRET_BYTES:
        raise PrivacyError(f"a secret has {SECRET_BYTES} bytes, got {len(secret)}")
    if not 1 <= threshold <= len(holders) or len(set(holders)) != len(holders) or min(holders) < 0:
        raise PrivacyError(f"{threshold} of {len(holders)} holders cannot share a secret; holders must differ")
    curve = [int.from_bytes(secret, "big"), *(secrets.randbelow(PRIME) for _ in range(threshold - 1))]
    found = {}
    for holder in holders:
        x, y = holder + 1, 0
        for coefficient in reversed(curve):
            y = (y * x + coefficient) % PRIME
        found[holder] = y.to_bytes(SHARE_BYTES, "big")
    return found


def combine(shares: Mapping[int, bytes], threshold: int) -> bytes:
    """Give a secret back.

    Args:
        shares: by holder; more than `threshold` of them must agree.
        threshold: as it was shared out.

    Raises: PrivacyError: too few shares, malformed ones, or shares that do not belong together.
    """
    if len(shares) < threshold:
        raise PrivacyError(f"{len(shares)} shares of a secret are here and {threshold} are needed")
    points = []
    for holder, share in sorted(shares.items()):
        value = int.from_bytes(share, "big")
        if len(share) != SHARE_BYTES or value >= PRIME:
            raise PrivacyError(f"the share of node {holder} is malformed")
        points.append((holder + 1, value))
    used = points[:threshold]
    secret = _at(used, 0)
    if secret >= 1 << (8 * SECRET_BYTES) or any(_at(used, x) != y for x, y in points[threshold:]):
        raise PrivacyError("shares of one secret do not belong together; a node sent a wrong one")
    return secret.to_bytes(SECRET_BYTES, "big")


def _at(points: Sequence[tuple[int, int]], x: int) -> int:
    """Evaluate the curve through the points (Lagrange)."""
    total = 0
    for i, (xi, yi) in enumerate(points):
        above = below = 1
        for j, (xj, _) in enumerate(points):
            if i != j:
                above = above * (x - xj) % PRIME
                below = below * (xi - xj) % PRIME
        total += yi * above * pow(below, -1, PRIME)
    return total % PRIME
