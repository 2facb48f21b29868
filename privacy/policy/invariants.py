"""What must hold for any policy, ours or a user's: who competes never sees what the other keeps to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from privacy.policy.facts import Facts
from privacy.policy.vocabulary import TRADING_ROLES
from privacy.regimes import Regime


def competes(facts: Facts) -> bool:
    """Tell whether actor and owner are of different units that both trade."""
    return facts.trades and facts.owner_role in TRADING_ROLES and facts.unit != facts.owner_unit


def merchant_keeps_from_merchant(facts: Facts) -> bool:
    """No party of a merchant's unit gets another merchant's non-public data, in any form, under any regime."""
    platform = facts.of_platform
    return not (competes(facts) and not platform and facts.owner_role == "merchant" and not facts.public)


def rival_keeps_from_rival(facts: Facts) -> bool:
    """No party gets non-public data of a unit that it competes with, in any form."""
    return not (competes(facts) and not facts.public)


def outsiders_get_no_rows(facts: Facts) -> bool:
    """Shoppers and the public get nothing but what is public or their own."""
    return facts.role not in ("shopper", "public") or facts.public or facts.own


Invariant = Callable[[Facts], bool]

ALWAYS: Final[Mapping[str, Invariant]] = {
    "a merchant never gets another merchant's non-public data": merchant_keeps_from_merchant,
    "shoppers and the public get nothing but public data and their own": outsiders_get_no_rows,
}
UNLESS_PLATFORM_READS: Final[Mapping[str, Invariant]] = {
    "nobody gets a competing unit's non-public data": rival_keeps_from_rival,
}


def invariants(regime: Regime | None) -> dict[str, Invariant]:
    """Return what an allowed request must satisfy under a regime, by name."""
    if regime is not None and regime.platform_reads:
        return dict(ALWAYS)
    return {**ALWAYS, **UNLESS_PLATFORM_READS}
