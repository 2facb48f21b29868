"""Plain words for the vocabulary of policies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from privacy.policy.vocabulary import FORMS as FORM_NAMES
from privacy.policy.vocabulary import KINDS as KIND_NAMES

_FEW: Final = 3

ROLES: Final[Mapping[str, str]] = {
    "merchant": "a merchant",
    "marketplace": "the marketplace",
    "platform_retail": "the platform's retail arm",
    "aggregator": "an aggregator",
    "auditor": "an auditor",
    "regulator": "a regulator",
    "shopper": "a shopper",
    "researcher": "a researcher",
    "public": "a member of the public",
}
KINDS: Final[Mapping[str, str]] = {
    "catalogue": "catalogue",
    "transactions": "till transactions",
    "orders": "marketplace orders",
    "movement": "movement tracks",
    "face_images": "face images",
    "face_templates": "face templates",
    "payments": "payments",
    "mood": "mood readings",
    "special_category": "health, beliefs and other special categories",
    "model": "models",
    "metrics": "metrics",
}
PURPOSES: Final[Mapping[str, str]] = {
    "own_business": "running the business",
    "recommendation": "recommendation",
    "in_store_recognition": "recognition in the store",
    "payment": "payment",
    "marketing": "marketing",
    "ranking": "ranking",
    "own_label_development": "own-label development",
    "research": "research",
    "audit": "audit",
    "personalisation": "personalisation",
    "evaluation": "evaluation",
    "security": "security",
}

ACTIONS: Final[Mapping[str, str]] = {
    "read": "read",
    "release": "release (through the gate)",
    "train": "train on",
    "recognise": "recognise people by",
    "target": "target people by",
    "sell": "sell",
}
FORMS: Final[Mapping[str, str]] = {
    "raw": "raw",
    "aggregate": "aggregated",
    "dp": "differentially private",
}
PLACES: Final[Mapping[str, str]] = {
    "none": "places without a named law",
    "EU": "the EU",
    "CN": "China",
    "US-IL": "Illinois",
    "US-CA": "California",
}
OWNERS: Final[Mapping[tuple[str, str, bool], str]] = {
    ("resource.owner", "principal", False): "its own",
    ("resource.owner", "principal", True): "another party's",
    ("resource.owner.unit", "principal.unit", False): "its own unit's",
    ("resource.owner.unit", "principal.unit", True): "another unit's",
}
PHRASES: Final[Mapping[tuple[str, str, bool], str]] = {
    ("context.agreed", "", False): "the people agreed",
    ("context.agreed", "", True): "the people did not agree",
    ("context.agreed_separately", "", False): "the people agreed to this separately",
    ("context.agreed_separately", "", True): "the people did not agree to this separately",
    ("context.minor", "", False): "children may be among the people",
    ("context.minor", "", True): "no children are among the people",
    ("context.guardian", "", False): "guardians agreed for the children",
    ("context.guardian", "", True): "no guardian agreed for the children",
    ("context.alternative", "", False): "people who refuse are served in another way",
    ("context.alternative", "", True): "people who refuse are not served in another way",
    ("resource.about_persons", "", False): "the data are about people",
    ("resource.about_persons", "", True): "the data are not about people",
    ("resource.public", "", False): "the data are public",
    ("resource.public", "", True): "the data are not public",
    ("principal.independent", "", False): "the party belongs to no trading business",
    ("principal.independent", "", True): "the party belongs to a trading business",
    ("principal.of_platform", "", False): "the party belongs to the platform",
    ("principal.of_platform", "", True): "the party does not belong to the platform",
}


def joined_kinds(kinds: Collection[str]) -> str:
    """Write kinds in the order of the vocabulary: "transactions, orders", "all but mood", "all kinds"."""
    left = [kind for kind in KIND_NAMES if kind not in kinds]
    if not left:
        return "all kinds"
    if len(left) <= _FEW:
        return f"all but {', '.join(left)}"
    return ", ".join(kind for kind in KIND_NAMES if kind in kinds)


def joined_forms(forms: Collection[str]) -> str:
    """Write forms in the order of the vocabulary: " (raw, dp)", or nothing for all of them."""
    named = [form for form in FORM_NAMES if form in forms]
    return "" if len(named) == len(FORM_NAMES) else f" ({', '.join(named)})"


def either(words: Sequence[str]) -> str:
    """Join words: "a", "a or b", "a, b or c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"
