"""What all parties of a secure aggregation know and hold fixed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final

from retail.errors import ConfigError

DEGREE: Final = 20
"""Neighbours of a node where there are more nodes than that."""
MOST_NODES: Final = 100_000
_ABORTS: Final = 1e-3  # chance of a round that gives nothing, where the allowed dropouts fall at random


@dataclass(frozen=True, slots=True)
class Terms:
    """How many take part, how many may be lost, and how many may work for the server.

    Attributes:
        nodes: on the public list of merchants, at least 3.
        dropouts: nodes that may be lost in a round; a round that loses more gives nothing.
        colluders: merchants assumed to tell the server all they know.
        degree: even number of neighbours of each node; all others where there are no more.

    Raises: ConfigError: numbers that cannot be had together.

    Guarantee: with `threshold` shares needed of each secret, and each honest holder giving out at most one of a node's
        two secrets, the server and `colluders` merchants never hold enough of both, whatever the server says about
        who was lost: that would take 2 t shares, and there are at most holders + colluders < 2 t.
    """

    nodes: int
    dropouts: int = 0
    colluders: int = 0
    degree: int = DEGREE

    def __post_init__(self) -> None:
        """Refuse terms that protect nobody or never end well."""
        for name, least in (("nodes", 3), ("dropouts", 0), ("colluders", 0), ("degree", 2)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= MOST_NODES:
                raise ConfigError(
                    f"{name} = {value!r} cannot be used; give a whole number from {least} to {MOST_NODES}"
                )
        if self.degree % 2:
            raise ConfigError(f"degree = {self.degree} is odd; give an even number of neighbours")
        if self.quorum < self.colluders + 2:
            raise ConfigError(
                f"of {self.nodes} nodes, {self.dropouts} lost and {self.colluders} colluding leave fewer than two "
                "honest ones, whose sum would be one node's vector; allow fewer"
            )
        if self.threshold > self.holders:
            raise ConfigError(
                f"{self.colluders} colluding nodes are too many for {self.holders} holders of each secret; allow "
                "fewer, or raise degree"
            )
        if self.neighbours < self.nodes - 1:
            from scipy.stats import hypergeom  # here because it takes a second, and most runs need none of it

            lost = hypergeom(self.nodes - 1, self.dropouts, self.neighbours).sf(self.holders - self.threshold)
            too_many = float(lost) * self.nodes > _ABORTS
        else:
            too_many = self.dropouts > self.holders - self.threshold
        if too_many:
            raise ConfigError(
                f"{self.dropouts} lost of {self.nodes} nodes may leave fewer than {self.threshold} of the "
                f"{self.holders} holders of a secret; allow fewer dropouts or colluders, or raise degree"
            )

    @property
    def neighbours(self) -> int:
        """How many neighbours each node has."""
        return min(self.degree, self.nodes - 1)

    @property
    def holders(self) -> int:
        """Who holds shares of a node's secrets: its neighbours and itself."""
        return self.neighbours + 1

    @property
    def threshold(self) -> int:
        """Shares that recover a secret: the least t with 2 t > holders + colluders."""
        return (self.holders + self.colluders) // 2 + 1

    @property
    def quorum(self) -> int:
        """Fewest vectors that may be added up."""
        return self.nodes - self.dropouts


def session_id(terms: Terms, roster: tuple[bytes, ...], *, run: str, round_: str, size: int, step: float) -> bytes:
    """Return the 32 bytes that keys, signatures and shares of one aggregation are bound to.

    Args:
        terms: of the aggregation.
        roster: identity keys of all nodes, by place.
        run: names the run, once and for all.
        round_: unique within the run.
        size: numbers in a vector.
        step: of the fixed point.
    """
    body = [asdict(terms), hashlib.sha256(b"".join(roster)).hexdigest(), run, round_, size, float(step).hex()]
    return hashlib.sha256(b"tradefair secure aggregation 1" + json.dumps(body, sort_keys=True).encode()).digest()
