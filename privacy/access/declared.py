"""The rules that a log says were in force, and whether they are still the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from privacy.policy.compiled import compile_texts
from privacy.policy.sources import SIMULATION_PACK, load_texts
from retail.errors import PolicyError

POLICY_ENTRY: Final = "policy"
"""Kind of the log entry that declares rules."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What one entry declares.

    Attributes:
        packs: bundled packs and folders, in the order in which they were loaded.
        regime: id; empty for none.
        fingerprint: of the rules that parties were under, the pack of the evaluator of a simulation left out; empty
            where the entry has none.
    """

    packs: tuple[str, ...]
    regime: str
    fingerprint: str

    def changed(self) -> str:
        """Say in words that the rules are other ones by now; empty while they are the same.

        Raises: PolicyError: a pack or folder is gone, or cannot be used.
        """
        if not self.fingerprint:
            return ""
        sources = [pack for pack in self.packs if pack != SIMULATION_PACK]
        now = compile_texts(load_texts(sources, regime=self.regime or None)).fingerprint
        if now == self.fingerprint:
            return ""
        return (
            f"{', '.join(sources)} under regime {self.regime or 'none'} have other rules now (fingerprint {now[:16]}) "
            f"than when the log was written ({self.fingerprint[:16]})"
        )


def declared(bodies: Iterable[Mapping[str, Any]]) -> tuple[Declared, ...]:
    """Read the bodies of `POLICY_ENTRY` entries, each declaration once; entries without packs declare nothing."""
    found: dict[Declared, None] = {}
    for body in bodies:
        packs = body.get("packs")
        if isinstance(packs, list) and packs:
            one = Declared(tuple(map(str, packs)), str(body.get("regime") or ""), str(body.get("fingerprint") or ""))
            found[one] = None
    return tuple(found)


def packs_of(policies: Iterable[Declared]) -> tuple[str, ...]:
    """Return the packs of some declarations, each once."""
    return tuple(dict.fromkeys(pack for one in policies for pack in one.packs))


def check_unchanged(policies: Iterable[Declared]) -> None:
    """Refuse to take rules for those of a log when they were edited since.

    Raises: PolicyError: they were, or are gone.
    """
    for one in policies:
        said = one.changed()
        if said:
            raise PolicyError(f"{said}; name the rules to judge by with --policy")
