"""What the settings of runs say about the rules that they were made under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.arms import regime_of
from experiments.scenario import Arm
from privacy.policy import JURISDICTIONS
from privacy.policy.sources import SIMULATION_PACK
from privacy.regimes import REGIMES


def regimes_of(settings: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the regimes of runs, each once, in the order of `REGIMES`; settings that cannot be read are left out."""
    found = set()
    for one in settings:
        if _is_market(one):
            found.add(one.get("arm", {}).get("regime"))
            continue
        try:
            arm = Arm.model_validate(one["arm"])
        except (KeyError, ValueError):
            continue
        found.add(arm.regime or regime_of(arm))
    return tuple(id_ for id_ in REGIMES if id_ in found)


def place_of(settings: Iterable[Mapping[str, Any]]) -> str:
    """Return whose law runs were under; "none" where they name none, or differ."""
    places = {str(one.get("policy", {}).get("jurisdiction", "none")) for one in settings}
    place = places.pop() if len(places) == 1 else "none"
    return place if place in JURISDICTIONS else "none"


def packs_of(settings: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the packs under which runs were made, from their settings: base, the simulation's rules, their own."""
    found: dict[str, None] = {"base": None}
    for one in settings:
        if _is_market(one):
            continue  # its own parties read under base and the regime; nobody from outside measures people
        if one.get("privacy", {}).get("mode", "simulation") == "simulation":
            found[SIMULATION_PACK] = None
        found |= {str(pack): None for pack in one.get("policy", {}).get("packs", ())}
    return tuple(found)


def market_regimes(settings: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the regimes of runs that are simulated markets; empty where there is no such run."""
    return regimes_of(one for one in settings if _is_market(one))


def _is_market(settings: Mapping[str, Any]) -> bool:
    return settings.get("kind") == "market"
