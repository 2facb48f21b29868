"""What the bundled packs are meant to say, written a second time, by hand and without the rule tables.

The enumeration compares the compiled policies with this: a slip would have to be made twice, in two notations, to stay
unseen. Nothing here is ever enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from privacy.policy.facts import Facts
from privacy.regimes import Regime

_FACES: Final = {"face_images", "face_templates"}
_LEARNING: Final = {"recommendation", "personalisation", "in_store_recognition", "payment", "evaluation"}
_KEEPING_SHOP: Final = {"payment", "own_business", "security", "audit"}
_ADVERTS: Final = {"marketing", "personalisation"}
_DEEDS: Final = {"transactions", "orders", "payments", "movement", "mood"}


def forbidden(facts: Facts, *, packs: Collection[str]) -> bool:
    """Tell whether the bundled packs are meant to forbid a request, whoever permits it."""
    return any(_FORBIDS[pack](facts) for pack in packs if pack in _FORBIDS)


def intended(facts: Facts, *, packs: Collection[str], regime: Regime | None) -> bool:
    """Tell whether the bundled packs and a regime are meant to allow a request."""
    if forbidden(facts, packs=packs):
        return False
    if regime is not None and _regime_permits(facts, regime):
        return True
    return any(_PERMITS[pack](facts) for pack in packs if pack in _PERMITS)


def _base(f: Facts) -> bool:
    if f.public and f.action in ("read", "train"):
        return True
    if f.role in ("auditor", "regulator") and f.action == "read" and not f.trades:
        sums = f.form != "raw" and f.purpose == "audit"
        learnt = f.kind in ("model", "metrics") and f.form == "raw" and f.purpose in ("audit", "evaluation")
        return sums or learnt
    if f.role == "researcher":
        return f.action in ("read", "train") and f.form == "dp" and f.purpose == "research" and not f.trades
    if not f.own:
        return False
    if f.role in ("marketplace", "platform_retail"):
        return True
    if f.kind == "orders":
        return False
    return f.role == "merchant" or (f.role == "aggregator" and f.action in ("read", "train", "release"))


def _forbidden_everywhere(f: Facts) -> bool:
    if f.kind == "special_category" and f.action in ("train", "target", "sell"):
        return True
    return f.action == "sell" and f.people and f.consent == "none"


def _regime_permits(f: Facts, regime: Regime) -> bool:
    platform = f.role in ("marketplace", "platform_retail")
    using = f.action in ("read", "train", "target")
    if regime.platform_reads and platform and using and f.owner_role == "merchant":
        return True
    if regime.merchants_get_own and f.role == "merchant" and f.own and f.kind == "orders":
        return using or f.action == "release"
    if regime.shared_model == "none":
        return False
    if regime.shared_model == "pooled":
        served = f.purpose in ("recommendation", "personalisation", "evaluation")
        if platform and using and f.unit == f.owner_unit:
            return True
        return (
            f.role == "merchant"
            and f.action == "read"
            and f.owner_role == "marketplace"
            and f.kind == "model"
            and served
        )
    if regime.shared_model == "pooled_merchants":
        forms = {"raw", "aggregate", "dp"}
    else:
        forms = {"dp"} if regime.noise else {"dp", "aggregate"}
    if f.role == "merchant" and f.action == "read" and f.owner_role == "aggregator" and not f.of_platform:
        return f.kind in ("model", "metrics") and f.form in forms and f.purpose in _LEARNING
    if f.role == "aggregator" and f.owner_role == "merchant" and not f.trades:
        if f.action == "release":
            return regime.shared_model == "federated" and f.purpose in ("recommendation", "evaluation", "research")
        if f.purpose not in _LEARNING:
            return False
        if regime.shared_model == "federated" and f.form == "aggregate" and f.action == "train":
            # Noise at a trusted aggregator: exact sums come in, noisy ones go out.
            return f.kind in ("transactions", "face_images")
        return f.action in ("read", "train") and f.form in forms
    return False


def _portable(f: Facts) -> bool:
    return f.role == "shopper" and f.own and f.action == "read"


def _dma_permits(f: Facts) -> bool:
    back = f.role == "merchant" and f.own and f.kind == "orders" and f.action == "read"
    return _portable(f) or (back and (f.form != "raw" or f.consent != "none"))


def _dma(f: Facts) -> bool:
    if f.public or f.role not in ("marketplace", "platform_retail"):
        return False
    of_trade = f.owner_role in ("merchant", "marketplace")
    if f.role == "platform_retail":
        return of_trade
    if of_trade and f.purpose in ("ranking", "own_label_development"):
        return True
    if f.action in ("read", "train") and f.owner_role == "platform_retail" and f.purpose == "ranking":
        return True
    adverts = f.action in ("read", "train", "target") and f.purpose in _ADVERTS and f.people and f.consent == "none"
    return adverts and f.owner_role == "merchant"


def _gdpr(f: Facts) -> bool:
    if f.place != "EU":
        return False
    if f.kind in _FACES:
        if f.form != "dp" and f.consent != "separate":
            return True
        if f.action == "recognise" and (f.consent != "separate" or not f.alternative):
            return True
    if f.action == "target" and f.people and f.minor and not f.guardian:
        return True
    if not f.people or f.consent == "separate":
        return False
    if f.action == "target" and f.kind in _DEEDS and f.purpose == "personalisation":
        return True
    if f.consent == "general":
        return False
    if f.kind == "payments" and f.form == "raw" and f.purpose not in _KEEPING_SHOP:
        return True
    if f.action == "target" and f.kind in _DEEDS and f.purpose == "marketing":
        return True
    if f.action in ("read", "train", "target"):
        return not f.own and f.form == "raw" and f.kind not in ("model", "metrics")
    return f.action == "release" and f.kind == "model" and f.form != "dp"


def _ai_act(f: Facts) -> bool:
    if f.place != "EU":
        return False
    if f.kind == "mood":
        return True
    if f.kind not in _FACES:
        return False
    return f.purpose in _ADVERTS or (f.action == "recognise" and f.purpose == "security" and f.consent != "separate")


def _pipl(f: Facts) -> bool:
    if f.place != "CN":
        return False
    raw = f.form == "raw"
    separate = f.consent == "separate"
    if raw and f.people and f.minor and not f.guardian:
        return True
    if f.kind in _FACES:
        if f.purpose not in ("in_store_recognition", "payment", "security"):
            return True
        if f.action == "recognise" and not (f.alternative and separate):
            return True
        if (raw and not f.own) or (f.action == "sell" and f.form != "dp"):
            return True
    if f.kind in ("face_templates", "movement") and f.form != "dp" and not separate:
        return True
    if not raw:
        return False
    if f.kind == "face_images" and f.purpose != "security" and not separate:
        return True
    if f.purpose in _KEEPING_SHOP or not f.people:
        return False
    if f.kind == "payments" and not separate:
        return True
    return f.kind not in ("model", "metrics") and f.consent == "none"


def _bipa(f: Facts) -> bool:
    if f.place != "US-IL":
        return False
    if f.kind == "face_images":
        return f.action in ("recognise", "train") and f.consent != "separate"
    if f.kind != "face_templates":
        return False
    if f.action == "sell" or f.purpose not in ("in_store_recognition", "payment", "security"):
        return True
    return (f.form != "dp" or f.action == "recognise") and f.consent != "separate"


def _ccpa(f: Facts) -> bool:
    if f.place != "US-CA":
        return False
    if f.action == "sell" and f.people and f.minor and not f.guardian:
        return True
    if f.consent != "none":
        return False
    if f.kind in _FACES and f.form != "dp" and f.purpose not in ("payment", "security"):
        return True
    if not f.people:
        return False
    if f.kind == "payments" and f.form == "raw" and f.purpose not in _KEEPING_SHOP:
        return True
    return f.action == "target" and not f.own and f.purpose in _ADVERTS


_PERMITS: Final[Mapping[str, Callable[[Facts], bool]]] = {
    "base": _base,
    "dma": _dma_permits,
    "gdpr": lambda f: f.place == "EU" and _portable(f),
    "ccpa": lambda f: f.place == "US-CA" and _portable(f),
}
_FORBIDS: Final[Mapping[str, Callable[[Facts], bool]]] = {
    "base": _forbidden_everywhere,
    "dma": _dma,
    "gdpr": _gdpr,
    "ai-act": _ai_act,
    "pipl": _pipl,
    "bipa": _bipa,
    "ccpa": _ccpa,
}
