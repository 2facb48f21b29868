"""Releases that are priced and not yet drawn: how exact they will be, and from which count on they show a number.

Everything here follows from public numbers; `privacy.mechanisms.statistics` makes these plans and draws by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from privacy.statistics.noise import CountNoise


@dataclass(frozen=True, slots=True)
class CountPlan:
    """Counts of some cells, priced.

    Attributes:
        cells: how many counts.
        keys: most cells that one person is counted in.
        per_key: most that one person adds to a cell.
        noise: added to each count.
        cost: nano-rho.
    """

    cells: int
    keys: int
    per_key: int
    noise: CountNoise
    cost: int

    @property
    def error_95(self) -> int:
        """Half-width within which one count lies with a chance of 95%."""
        return self.noise.error()

    @property
    def error_95_all(self) -> int:
        """Half-width within which all counts lie at once with a chance of 95%."""
        return self.noise.error(draws=self.cells)


@dataclass(frozen=True, slots=True)
class TopKPlan:
    """The k largest of some counts, priced.

    Attributes:
        cells: how many candidates.
        k: how many are named.
        pick_scale: scale of the exponential mechanism that picks; None: all counts are noised and sorted.
        pick_cost: nano-rho spent on picking, 0 with `pick_scale` None.
        per_key: most that one person adds to a candidate.
        counts: of the picked candidates, or of all with `pick_scale` None.
    """

    cells: int
    k: int
    pick_scale: float | None
    pick_cost: int
    per_key: int
    counts: CountPlan

    @property
    def cost(self) -> int:
        """Nano-rho of picking and counting together."""
        return self.pick_cost + self.counts.cost


@dataclass(frozen=True, slots=True)
class QuantilePlan:
    """One quantile, priced.

    Attributes:
        candidates: public values to choose from, rising.
        alpha: which quantile, in (0, 1); OpenDP rounds it to 1/10,000.
        per_person: most rows of one person.
        scale: of the exponential mechanism, in OpenDP's score.
        cost: nano-rho.
        error_95: by how many rows the rank of the answer may be worse than that of the best candidate, at 95%.
    """

    candidates: tuple[float, ...]
    alpha: float
    per_person: int
    scale: float
    cost: int
    error_95: int


Plan: TypeAlias = CountPlan | TopKPlan | QuantilePlan


@dataclass(frozen=True, slots=True)
class Exactness:
    """How exact the numbers of an answer are.

    Attributes:
        error_95: half-width of the 95% interval of one number, in `unit`.
        error_95_all: of all numbers at once.
        unit: what is counted; "rows of rank" for a quantile, whose error in values depends on the data.
        noise: "gaussian", "laplace" or "exponential".
        scale: of that noise.
    """

    error_95: int
    error_95_all: int
    unit: str
    noise: str
    scale: float


def exactness(plan: Plan, *, counting: str) -> Exactness:
    """Describe a plan; `counting` names what is counted."""
    if isinstance(plan, QuantilePlan):
        return Exactness(plan.error_95, plan.error_95, "rows of rank", "exponential", plan.scale)
    counts = plan.counts if isinstance(plan, TopKPlan) else plan
    return Exactness(counts.error_95, counts.error_95_all, counting, counts.noise.shape, counts.noise.scale)


def threshold(plan: Plan, *, delta: float) -> int | None:
    """Return the least noisy count that is shown; None for a quantile and for a single count.

    A display rule: values are public and counts are noisy already, so privacy does not rest on it. It keeps people from
    reading noise as customers, and a group of one from standing in a table.

    Args:
        plan: of the release.
        delta: of the budget.

    Guarantee: of one person's cells that nobody else is in, any is shown with a chance of at most delta. Depends on the
        noise, the bounds and delta, and on nothing in the data.
    """
    if isinstance(plan, QuantilePlan):
        return None
    counts = plan.counts if isinstance(plan, TopKPlan) else plan
    if plan.cells == 1:
        return None
    return counts.per_key + counts.noise.beyond(delta / counts.keys, two_sided=False) + 1
