"""Who takes part: the identity keys of all merchants, in the order of the public list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from federation.secagg.keys import new_identity, public_identity
from retail.errors import ConfigError

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, repr=False)
class Identities:
    """Secret identity keys of nodes that one process stands for; only where it does stand for all of them."""

    secrets: tuple[bytes, ...]

    @classmethod
    def new(cls, nodes: int) -> Identities:
        """Make one for each node."""
        return cls(tuple(new_identity() for _ in range(nodes)))

    @property
    def roster(self) -> str:
        """The roster as text."""
        return roster_text([public_identity(one) for one in self.secrets])


def roster_text(keys: Sequence[bytes]) -> str:
    """Write a roster: hexadecimal keys, commas between."""
    return ",".join(one.hex() for one in keys)


def read_roster(text: str) -> tuple[bytes, ...]:
    """Read a roster.

    Raises: ConfigError: it is empty, holds something else than keys, or a key twice.
    """
    found = [one.strip() for one in text.split(",")] if text.strip() else []
    if not found:
        raise ConfigError("a secure aggregation needs the roster of the merchants' identity keys; none was given")
    wrong = next((one for one in found if not _KEY.fullmatch(one)), None)
    if wrong is not None:
        raise ConfigError(f"the roster holds {wrong!r:.80}, which is no identity key of 64 hexadecimal digits")
    if len(set(found)) != len(found):
        raise ConfigError("the roster holds a key twice; every merchant needs an identity of its own")
    return tuple(bytes.fromhex(one) for one in found)
