"""From the words of a scenario to the settings and rules of a market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from retail.errors import ConfigError
from simulation.market.rules import DelayedAccess, FeeCap, NonDiscrimination, Remedy, Rules, StructuralSeparation
from simulation.market.rules import make_rules as rules_of
from simulation.market.settings import MarketSettings

_WITH_NUMBER: Final[Mapping[str, Callable[[Any], Remedy]]] = {"fee_cap": FeeCap, "delayed_access": DelayedAccess}
_WITHOUT: Final[Mapping[str, Callable[[], Remedy]]] = {
    "non_discrimination": NonDiscrimination,
    "structural_separation": StructuralSeparation,
}


def read_settings(given: Mapping[str, Any]) -> MarketSettings:
    """Return the settings of a market, with the model's own values for what is not given.

    Raises: ConfigError: a name is no setting, or a value has no meaning.
    """
    return MarketSettings().with_values(**given)


def read_rules(regime: str, remedies: Mapping[str, Any], settings: MarketSettings) -> Rules:
    """Return the rules of a market.

    Args:
        regime: id of a regime.
        remedies: such as {"fee_cap": 0.1, "non_discrimination": True}; false leaves one out.
        settings: of the market; bonus and stake come from there.

    Raises: PolicyError: there is no such regime. ConfigError: no such remedy, or a value has no meaning.
    """
    made: list[Remedy] = []
    for name, value in remedies.items():
        if name in _WITH_NUMBER:
            made.append(_WITH_NUMBER[name](value))
        elif name not in _WITHOUT:
            known = ", ".join((*_WITH_NUMBER, *_WITHOUT))
            raise ConfigError(f"remedies: there is no {name!r}; choose among {known}")
        elif not isinstance(value, bool):
            raise ConfigError(f"remedies: {name} = {value!r} must be true or false")
        elif value:
            made.append(_WITHOUT[name]())
    return rules_of(regime, tuple(made), settings)
