"""The words a rule may use: roles, actions, kinds, forms, purposes, and the groups they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Role = Literal[
    "merchant",
    "marketplace",
    "platform_retail",
    "aggregator",
    "auditor",
    "regulator",
    "shopper",
    "researcher",
    "public",
]
Action = Literal["read", "release", "train", "recognise", "target", "sell"]
Kind = Literal[
    "catalogue",
    "transactions",
    "orders",
    "movement",
    "face_images",
    "face_templates",
    "payments",
    "mood",
    "special_category",
    "model",
    "metrics",
]
Form = Literal["raw", "aggregate", "dp"]
Purpose = Literal[
    "own_business",
    "recommendation",
    "in_store_recognition",
    "payment",
    "marketing",
    "ranking",
    "own_label_development",
    "research",
    "audit",
    "personalisation",
    "evaluation",
    "security",
]
Consent = Literal["none", "general", "separate"]
Jurisdiction = Literal["none", "EU", "CN", "US-IL", "US-CA"]

ROLES: Final[tuple[str, ...]] = get_args(Role)
ACTIONS: Final[tuple[str, ...]] = get_args(Action)
KINDS: Final[tuple[str, ...]] = get_args(Kind)
FORMS: Final[tuple[str, ...]] = get_args(Form)
PURPOSES: Final[tuple[str, ...]] = get_args(Purpose)
CONSENTS: Final[tuple[str, ...]] = get_args(Consent)
JURISDICTIONS: Final[tuple[str, ...]] = get_args(Jurisdiction)

TRADING_ROLES: Final = ("merchant", "marketplace", "platform_retail")
ROLE_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "platform": ("marketplace", "platform_retail"),
    "overseer": ("auditor", "regulator"),
}
KIND_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "biometric": ("face_images", "face_templates"),
    "trade": ("transactions", "orders", "payments"),
    "shared": ("model", "metrics"),
}
PURPOSE_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "advertising": ("marketing", "personalisation"),
    "competing": ("ranking", "own_label_development"),
    "oversight": ("audit", "evaluation"),
}
