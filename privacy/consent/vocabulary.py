"""Words of a receipt, and their nearest terms in the W3C Data Privacy Vocabulary (DPV 2).

The mapping is ours: DPV's purposes are finer in some places and coarser in others. A term that only comes near is
still what a machine at the other end knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from privacy.policy.vocabulary import JURISDICTIONS, KINDS, PURPOSES, Jurisdiction, Kind, Purpose

Level = Literal["general", "separate"]
Basis = Literal["consent", "explicit_consent", "written_release"]
Processing = Literal["collect", "store", "use", "analyse", "profile", "derive", "combine", "share"]
Method = Literal["web_form", "app", "paper", "till", "recorded_call"]

LEVELS: Final[tuple[str, ...]] = get_args(Level)
BASES: Final[tuple[str, ...]] = get_args(Basis)
PROCESSING: Final[tuple[str, ...]] = get_args(Processing)
METHODS: Final[tuple[str, ...]] = get_args(Method)
LAWS: Final = tuple(name for name in JURISDICTIONS if name != "none")
BIOMETRIC: Final = frozenset({"face_images", "face_templates"})
"""Kinds of data for which a receipt must be explicit: GDPR 9(2)(a), PIPL 29, BIPA 15(b)."""

DPV_PURPOSES: Final[Mapping[str, str]] = {
    "own_business": "dpv:ServiceProvision",
    "recommendation": "dpv:ProvideProductRecommendations",
    "in_store_recognition": "dpv:IdentityVerification",
    "payment": "dpv:PaymentManagement",
    "marketing": "dpv:Marketing",
    "ranking": "dpv:SearchFunctionalities",
    "own_label_development": "dpv:ImproveExistingProductsAndServices",
    "research": "dpv:ResearchAndDevelopment",
    "audit": "dpv:OrganisationComplianceManagement",
    "personalisation": "dpv:ServicePersonalisation",
    "evaluation": "dpv:ServiceMonitoring",
    "security": "dpv:EnforceSecurity",
}
DPV_PROCESSING: Final[Mapping[str, str]] = {
    "collect": "dpv:Collect",
    "store": "dpv:Store",
    "use": "dpv:Use",
    "analyse": "dpv:Analyse",
    "profile": "dpv:Profiling",
    "derive": "dpv:Derive",
    "combine": "dpv:Combine",
    "share": "dpv:Share",
}

__all__ = [
    "BASES",
    "BIOMETRIC",
    "DPV_PROCESSING",
    "DPV_PURPOSES",
    "KINDS",
    "LAWS",
    "LEVELS",
    "METHODS",
    "PROCESSING",
    "PURPOSES",
    "Basis",
    "Jurisdiction",
    "Kind",
    "Level",
    "Method",
    "Processing",
    "Purpose",
]
