"""What holds in a market: a regime of `privacy.regimes`, remedies on top, and the two regimes that take numbers.

simulate(settings, self_preferencing(0.8))
simulate(settings, affiliated_stores(stake=0.4, w=0.5))
simulate(settings, "pooled", remedies=(DelayedAccess(10), FeeCap(0.12)))
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TypeAlias

from privacy.regimes import Regime
from privacy.regimes import regime as find_regime
from retail.errors import ConfigError
from simulation.market.settings import MarketSettings, check_whole


@dataclass(frozen=True, slots=True)
class FeeCap:
    """The fee may not pass `cap`, with whatever is added for services. Raises: ConfigError: it is not within [0, 1)."""

    cap: float

    def __post_init__(self) -> None:
        """Refuse a cap that is no fee."""
        _check("cap of the fee", self.cap, most=1.0)


@dataclass(frozen=True, slots=True)
class DelayedAccess:
    """The platform's arms see what merchants sold only so many periods later. Raises: ConfigError: no whole number."""

    periods: int

    def __post_init__(self) -> None:
        """Refuse a delay that is none."""
        check_whole("periods of delayed access", self.periods, least=1, most=100_000)


@dataclass(frozen=True, slots=True)
class NonDiscrimination:
    """One ranking for all: no bonus, and nobody gets the best audience first."""


@dataclass(frozen=True, slots=True)
class StructuralSeparation:
    """The platform neither sells goods nor holds a stake in those who do."""


Remedy: TypeAlias = FeeCap | DelayedAccess | NonDiscrimination | StructuralSeparation


@dataclass(frozen=True, slots=True)
class Rules:
    """A regime with its numbers and the remedies on top.

    Attributes:
        regime: who may read what, by the policy packs; its `own_label_bonus` is the bonus that holds.
        stake: the platform's share of its affiliates' profit; 0 where it holds none.
        remedies: what was added.
    """

    regime: Regime
    stake: float = 0.0
    remedies: tuple[Remedy, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what has no meaning, and a remedy given twice."""
        if not isinstance(self.regime, Regime):
            raise ConfigError(f"regime = {self.regime!r} is no regime; give its id or one of privacy.regimes")
        _check("stake", self.stake, most=math.nextafter(1.0, 2.0))
        for one in self.remedies:
            if not isinstance(one, Remedy):
                raise ConfigError(f"{one!r} is no remedy; give FeeCap, DelayedAccess, NonDiscrimination or "
                                  "StructuralSeparation")  # fmt: skip
        kinds = [type(one).__name__ for one in self.remedies]
        for kind in kinds:
            if kinds.count(kind) > 1:
                raise ConfigError(f"the remedy {kind} is given twice; give it once")

    def _has(self, kind: type) -> bool:
        return any(isinstance(one, kind) for one in self.remedies)

    @property
    def own_label(self) -> bool:
        """Whether the platform sells goods of its own."""
        return self.regime.own_label and not self._has(StructuralSeparation)

    @property
    def held_stake(self) -> float:
        """The platform's share of its affiliates' profit."""
        return 0.0 if self._has(StructuralSeparation) else self.stake

    @property
    def bonus(self) -> float:
        """What the ranking adds for the platform's own goods and its affiliates', log-odds."""
        return 0.0 if self._has(NonDiscrimination) else self.regime.own_label_bonus

    @property
    def best_audience_first(self) -> bool:
        """Whether the platform takes the best audience for its own goods."""
        return self.regime.best_audience_first and not self._has(NonDiscrimination)

    @property
    def fee_cap(self) -> float:
        """Highest fee; 1 where none is set."""
        return next((one.cap for one in self.remedies if isinstance(one, FeeCap)), 1.0)

    @property
    def delay(self) -> int:
        """Periods until the platform's arms see what merchants sold."""
        return next((one.periods for one in self.remedies if isinstance(one, DelayedAccess)), 0)


def self_preferencing(w: float) -> Rules:
    """Return the regime firewall with a bonus in the ranking; with w = 0 it is the firewall.

    Raises: ConfigError: w is no finite number of at least 0.
    """
    _check("w", w)
    return Rules(dataclasses.replace(find_regime("self_preferencing"), own_label_bonus=float(w)))


def affiliated_stores(stake: float, w: float) -> Rules:
    """Return the regime in which the platform owns a share of some merchants and favours them.

    Raises: ConfigError: stake is outside [0, 1], or w no finite number of at least 0.
    """
    _check("w", w)
    return Rules(dataclasses.replace(find_regime("affiliated_stores"), own_label_bonus=float(w)), stake=stake)


def make_rules(regime: str | Regime | Rules, remedies: tuple[Remedy, ...], settings: MarketSettings) -> Rules:
    """Put rules together: a regime by id takes its bonus and stake from the settings.

    Raises: PolicyError: there is no such regime. ConfigError: see `Rules`.
    """
    if isinstance(regime, Rules):
        return dataclasses.replace(regime, remedies=(*regime.remedies, *remedies))
    if isinstance(regime, Regime):
        return Rules(regime, settings.stake if regime.id == "affiliated_stores" else 0.0, tuple(remedies))
    found = find_regime(regime)
    if found.own_label_bonus > 0:
        found = dataclasses.replace(found, own_label_bonus=settings.bonus)
    return Rules(found, settings.stake if found.id == "affiliated_stores" else 0.0, tuple(remedies))


def _check(what: str, value: object, *, most: float = math.inf) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0.0 <= float(value) < most:  # type: ignore[arg-type]
        limit = "0 or more and finite" if most == math.inf else f"at least 0 and below {most:g}"
        raise ConfigError(f"{what} = {value!r} must be {limit}; write for example 0.1")
