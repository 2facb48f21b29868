"""What must hold for any policy, ours or a user's: who competes never sees what the other keeps to itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from privacy.policy.facts import Facts
from privacy.policy.vocabulary import PURPOSE_GROUPS, TRADING_ROLES
from privacy.regimes import Regime

_DMA: Final = "dma"
_OF_TRADE: Final = ("merchant", "marketplace")  # who holds what merchants' trade on the platform made


def competes(facts: Facts, *, arms_apart: bool = False) -> bool:
    """Tell whether actor and owner both trade and are of different units.

    Args:
        facts: of a request.
        arms_apart: count the marketplace and the platform's retail arm as competitors although their unit is one: what
            the marketplace holds comes from merchants, and the retail arm competes with those.
    """
    if not (facts.trades and facts.owner_role in TRADING_ROLES):
        return False
    arms = facts.role == "platform_retail" and facts.owner_role == "marketplace"
    return facts.unit != facts.owner_unit or (arms_apart and arms)


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


def retail_arm_keeps_off(facts: Facts) -> bool:
    """The retail arm gets no non-public data of merchants or of the marketplace, in any form, for any purpose."""
    rival = competes(facts, arms_apart=True) and facts.owner_role in _OF_TRADE
    return not (facts.role == "platform_retail" and rival and not facts.public)


def platform_never_uses_trade_to_compete(facts: Facts) -> bool:
    """No arm of the platform uses what merchants' trade made to compete, whichever arm or merchant holds it.

    That a merchant uses its own data is no such use.
    """
    trader = facts.own and facts.role == "merchant"
    of_trade = facts.owner_role in _OF_TRADE and not facts.public and not trader
    return not (facts.of_platform and of_trade and facts.purpose in PURPOSE_GROUPS["competing"])


Invariant = Callable[[Facts], bool]

ALWAYS: Final[Mapping[str, Invariant]] = {
    "a merchant never gets another merchant's non-public data": merchant_keeps_from_merchant,
    "shoppers and the public get nothing but public data and their own": outsiders_get_no_rows,
}
UNLESS_PLATFORM_READS: Final[Mapping[str, Invariant]] = {
    "nobody gets a competing unit's non-public data": rival_keeps_from_rival,
}
WITH_DMA: Final[Mapping[str, Invariant]] = {
    "the platform's retail arm gets no non-public data of merchants or the marketplace": retail_arm_keeps_off,
    "the platform does not compete by non-public data of merchants or the marketplace": (
        platform_never_uses_trade_to_compete
    ),
}


def invariants(regime: Regime | None, packs: Collection[str] = ()) -> dict[str, Invariant]:
    """Return what an allowed request must satisfy under a regime, by name; more where the pack "dma" is loaded."""
    apart = {} if regime is not None and regime.platform_reads else UNLESS_PLATFORM_READS
    return {**ALWAYS, **apart, **(WITH_DMA if _DMA in packs else {})}
