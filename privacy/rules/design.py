"""What an auditor declares before looking at a log: qualities, margins, level, and what the log leaves out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from retail.errors import ConfigError

RANKING: Final = "ranking"
DATA: Final = "data"
ACCESS: Final = "access"
TARGETING: Final = "targeting"

MARGINS: Final[Mapping[str, float]] = MappingProxyType({RANKING: 0.02, DATA: 0.1, ACCESS: 0.05, TARGETING: 0.05})
"""Effects up to here are no breach: log-odds, percentile over .5, share of requests, share of others' mean score."""


@dataclass(frozen=True, slots=True)
class Design:
    """The declared design of an audit. Change it after a look at the log and its p values mean nothing.

    Attributes:
        qualities: logged columns that a ranking may fairly use; None for every column of numbers in `impressions`.
        unlogged: the ranking also uses quality that is not in the log. The ranking rule is then inconclusive.
        margins: rule -> margin; rules that are left out keep `MARGINS`.
        alpha: level of each audit, over all rules together.
        resamples: draws of each bootstrap.
        seed: of those draws.
        few: with fewer clusters a wild bootstrap takes the place of the law of large numbers.
        least: with fewer clusters than this nothing is concluded.
        within: periods in which a request must be answered.
        own_arm: ids of the own-label arm in `reads`; rows whose `role` is platform_retail count too.
        neighbours: how many equally popular products an imitated product is compared with.
        depth: how many places of each list, from the first, the ranking rule explains; None for all of them.
    """

    qualities: tuple[str, ...] | None = None
    unlogged: bool = False
    margins: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.05
    resamples: int = 999
    seed: int = 0
    few: int = 200
    least: int = 10
    within: int = 1
    own_arm: tuple[str, ...] = ("platform_retail",)
    neighbours: int = 20
    depth: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no audit can be done with."""
        for rule, margin in self.margins.items():
            if rule not in MARGINS:
                raise ConfigError(f"margin of {rule!r}: there is no such rule; choose one of {', '.join(MARGINS)}")
            if not (isinstance(margin, int | float) and math.isfinite(margin) and margin >= 0):
                raise ConfigError(f"margin of {rule} = {margin!r}: give a number of 0 or more")
        if self.margin(DATA) >= 0.5 or self.margin(ACCESS) >= 1:
            raise ConfigError(
                "the margin of data must be below .5 and that of access below 1, else nothing is a breach"
            )
        if not 0.0 < self.alpha < 0.5:
            raise ConfigError(f"alpha = {self.alpha!r}: give a level between 0 and .5, such as .05")
        for name, least in (("resamples", 99), ("few", 2), ("least", 2), ("within", 0), ("neighbours", 5), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} = {value!r}: give a whole number of at least {least}")
        if self.depth is not None and (type(self.depth) is not int or self.depth < 1):
            raise ConfigError(f"depth = {self.depth!r}: give a whole number of places, at least 1")

    def places(self, length: int) -> int:
        """Return how many places of lists of this length are explained."""
        if self.depth is not None:
            return min(self.depth, length)
        return length

    def margin(self, rule: str) -> float:
        """Return the margin of a rule."""
        return float(self.margins.get(rule, MARGINS[rule]))


@dataclass(frozen=True, slots=True)
class Plan:
    """What an audit that is still to come would look at; `Rule.power` reads what concerns its rule.

    Attributes:
        n: queries, imitated products, requests, or periods, by rule.
        items: products that each list ranks.
        shown: how many of them are shown, from the first; None for all.
        own_share: share of own products in a list.
        spread: SD of the score that logged qualities make in a list, log-odds.
        failing: share of requests that fail anyway.
        noise: SD between periods of the difference in score, as a share of others' mean score.
        lasting: SD between advertisers of what lasts, as a share of others' mean score.
        advertisers: how many there are.
        own_advertisers: how many of them are own.
        wanted: power for which `Power.needed` is worked out.
    """

    n: int = 200
    items: int = 10
    shown: int | None = None
    own_share: float = 0.3
    spread: float = 0.6
    failing: float = 0.0
    noise: float = 0.1
    lasting: float = 0.02
    advertisers: int = 40
    own_advertisers: int = 1
    wanted: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what cannot be planned."""
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise ConfigError(f"n = {self.n!r}: give a whole number of at least 1")
        if isinstance(self.items, bool) or not isinstance(self.items, int) or not 2 <= self.items <= 1000:
            raise ConfigError(f"items = {self.items!r}: give 2 to 1,000 products")
        if self.shown is not None and (type(self.shown) is not int or not 1 <= self.shown <= self.items):
            raise ConfigError(f"shown = {self.shown!r}: give 1 to {self.items:,} places, as many as items at most")
        for name, lo, hi in (("own_share", 0, 1), ("wanted", 0, 1)):
            if not lo < getattr(self, name) < hi:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: give a share between 0 and 1")
        if not 0 <= self.failing < 1:
            raise ConfigError(f"failing = {self.failing!r}: give a share of 0 or more, below 1")
        if not 1 <= self.own_advertisers < self.advertisers:
            raise ConfigError(
                f"own_advertisers = {self.own_advertisers!r} of advertisers = {self.advertisers!r}: "
                "there must be one of each kind at least"
            )
        for name in ("spread", "noise", "lasting"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigError(f"{name} = {getattr(self, name)!r}: give a number of 0 or more")
