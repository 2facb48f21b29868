"""Attributes that are refused before anything is computed: the policy decides, and the port asks it."""

from __future__ import annotations

from collections.abc import Collection

from experiments.audience.spec import AudienceSpec
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.port import DataPort
from retail.attributes import ATTRIBUTES, SENSITIVE
from retail.errors import ConfigError

_MERCHANT = "merchant"


def wanted(spec: AudienceSpec) -> tuple[str, ...]:
    """Return the attributes that a run is about. Raises: ConfigError: none, or one twice."""
    named = spec.options.get("attributes", list(ATTRIBUTES))
    if not isinstance(named, Collection) or isinstance(named, str) or not named or len(set(named)) != len(named):
        raise ConfigError(f"options.attributes = {named!r}: list names, each once, out of {', '.join(ATTRIBUTES)}")
    return tuple(str(one) for one in named)


def refuse_sensitive(spec: AudienceSpec) -> None:
    """Ask the port for every attribute of a special category, as a run would to learn it for advertisements.

    Raises: PolicyError: the rules in force forbid it, which those of "base" do in every place.
    """
    asked = [one for one in wanted(spec) if one in SENSITIVE]
    if not asked:
        return
    policy = spec.settings.policy
    sets = {one: f"what purchases tell about {SENSITIVE[one]}" for one in asked}
    register = Register(
        [Party(_MERCHANT, "merchant")],
        [Dataset(name, _MERCHANT, "special_category", "raw", about_persons=True) for name in sets.values()],
    )
    port = DataPort(
        PolicyEngine.load(("base", *policy.packs), register=register, regime="isolated"),
        sources={},
        log=Log.open(":memory:", origin=None, key=None),
        consents=None,
        regime="isolated",
        jurisdiction=policy.jurisdiction,
    )
    port.admit_each(
        [(_MERCHANT, name) for name in sets.values()], columns=("attribute",), purpose="personalisation", action="train"
    )
