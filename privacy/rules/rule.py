"""One rule of the market, used three ways: to allow or refuse, to find breaches in a log, to plan how much to log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from privacy.policy import Decision, PolicyEngine, Request
from privacy.rules.design import Design, Plan
from privacy.rules.verdict import Verdict
from retail.errors import ConfigError
from retail.market_log import MarketLog


@dataclass(frozen=True, slots=True)
class Power:
    """What an audit would find.

    Attributes:
        rule: name of the rule.
        effect: the true effect that is assumed, in the unit of the rule's verdict.
        n: size of the audit.
        unit: what n counts.
        power: chance of the verdict "breach" at that effect, audited alone.
        needed: smallest n with at least the wanted power; None where the effect is within the margin.
        wanted: that power.
        margin: see `Design`.
        alpha: see `Design`.
        basis: how it was worked out.
    """

    rule: str
    effect: float
    n: int
    unit: str
    power: float
    needed: int | None
    wanted: float
    margin: float
    alpha: float
    basis: str


Tables = tuple[tuple[str, ...], ...]


class Rule(Protocol):
    """A rule of the market."""

    @property
    def name(self) -> str:
        """What commands and margins call it."""
        ...

    @property
    def needs(self) -> Tables:
        """Tables: an audit needs all of at least one of these groups."""
        ...

    def permits(self, request: Request) -> Decision:
        """Enforce: answer one request by the policies in force.

        Raises: ConfigError: the rule was made without a policy engine.
        """
        ...

    def audit(self, log: MarketLog, design: Design) -> Verdict:
        """Detect: look for a breach in a log that `retail.market_log.check` passed.

        Raises: ConfigError: the design asks for what the log does not have.
        """
        ...

    def power(self, design: Design, effect: float, plan: Plan) -> Power:
        """Plan: work out the chance that a true effect is found, and the n for a wanted chance."""
        ...


def ask(engine: PolicyEngine | None, request: Request, *, rule: str) -> Decision:
    """Put a request to the policies in force.

    Raises: ConfigError: there are none.
    """
    if engine is None:
        raise ConfigError(
            f"rule {rule!r} has no policy engine; make it with engine=PolicyEngine.load(...) to enforce it"
        )
    return engine.decide(request)


@dataclass(frozen=True, slots=True)
class Enforced:
    """What the rules have in common: the policies that answer requests.

    Attributes:
        engine: policies in force, for `permits`; None where nothing is enforced.
        name: of the rule.
    """

    name: ClassVar[str]
    engine: PolicyEngine | None = None

    def permits(self, request: Request) -> Decision:
        """Answer by the policies. Raises: ConfigError: the rule was made without any."""
        return ask(self.engine, request, rule=self.name)


def can_audit(rule: Rule, log: MarketLog) -> bool:
    """Say whether the log has a table that the rule can look at."""
    return any(all(name in log.tables for name in group) for group in rule.needs)
