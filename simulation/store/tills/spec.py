"""What stands at the end of the shop: one till, or a bank of self-checkouts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from retail.errors import ConfigError
from simulation.store.plan.kinds import TILL_KINDS, TillKind
from simulation.store.plan.plan import StorePlan

ALWAYS: Final = ((0.0, math.inf),)
"""Open from the first shopper until the last one has paid."""


@dataclass(frozen=True, slots=True)
class TillSpec:
    """A queue and whoever serves it.

    Attributes:
        kind: lane (a cashier scans), express (a lane for few items), self_checkout (shoppers scan), tray (reads all
            items at once), face (a lane that bills a face or a linked account, so that nobody has to pay there), or
            tray_account (a tray that does so).
        servers: how many shoppers are served at once from the one queue.
        max_items: largest basket that is accepted; None for any, at an express lane for the settings' `express_items`.
        opens: (from, to) in seconds after opening, rising; to = inf until the last shopper has paid. Whoever is in
            the queue when a till closes is still served.

    Raises: ConfigError: an unknown kind, no server, no item, or hours that do not rise.
    """

    kind: TillKind
    servers: int = 1
    max_items: int | None = None
    opens: tuple[tuple[float, float], ...] = ALWAYS

    def __post_init__(self) -> None:
        """Refuse a till that cannot work."""
        if self.kind not in TILL_KINDS:
            raise ConfigError(f"till kind {self.kind!r} is unknown; use one of {', '.join(TILL_KINDS)}")
        if self.servers < 1:
            raise ConfigError(f"{self.kind} till: servers = {self.servers} must be at least 1")
        if self.max_items is not None and self.max_items < 1:
            raise ConfigError(f"{self.kind} till: max_items = {self.max_items} must be at least 1, or none for any")
        edges = [edge for span in self.opens for edge in span]
        rising = all(a < b for a, b in self.opens) and edges == sorted(edges)
        if not edges or not rising or not all(edge >= 0 for edge in edges) or not math.isfinite(edges[-2]):
            raise ConfigError(f"{self.kind} till: opens = {self.opens} must be rising (from, to) seconds after opening")


def plan_tills(plan: StorePlan) -> tuple[TillSpec, ...]:
    """Read a plan's tills.

    A till that is staffed until the store closes, or always, serves until the last shopper has paid.

    Returns: in the plan's order, hours of the day turned into seconds after opening.
    Raises: ConfigError: the plan has no till, or one is never staffed while the store is open.
    """
    if not plan.tills:
        raise ConfigError(f"plan {plan.name!r} has no till; add a fixture with kind = 'till'")
    specs = []
    for till in plan.tills:
        opens = []
        for start_h, end_h in till.open_h:
            start_s = max(start_h - plan.opens_h, 0.0) * 3600
            end_s = math.inf if end_h >= plan.closes_h else (end_h - plan.opens_h) * 3600
            if start_h < plan.closes_h and end_s > start_s:
                opens.append((start_s, end_s))
        if till.open_h and not opens:
            hours = f"{plan.opens_h:g} to {plan.closes_h:g} h"
            raise ConfigError(f"{till} is never staffed while the store is open ({hours}); correct its open_h")
        if till.till is None:
            raise ConfigError(f"{till} needs a kind of till; give till, such as 'lane'")
        specs.append(TillSpec(till.till, till.servers, till.max_items, tuple(opens) or ALWAYS))
    return tuple(specs)
