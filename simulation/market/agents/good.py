"""A product of the readable market."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.market.agents.merchant import Merchant
    from simulation.market.agents.platform import Platform


@dataclass(eq=False)
class Good:
    """A product on the list; see `state.Products` for the units."""

    seller: Merchant | Platform
    category: int
    quality: float
    style: float
    cost: float
    price: float
    rating_z: float
    taste_z: list[float]
    price_z: float
    launched: int = 0
    copy_of: Good | None = None
    sold: float = 0.0
    ratings: float = 0.0
    margin: float = 0.0
    units: int = 0
    next_price: float = 0.0
    share: list[float] = field(default_factory=list)
    sponsored: bool = False

    @property
    def original(self) -> Good:
        """What it imitates, or itself."""
        return self.copy_of or self

    def part(self, near: list[Good], segment: int) -> float:
        """Its part of what close substitutes sold last to a segment."""
        sold = sum(other.share[segment] for other in near if other.share)
        return self.share[segment] / sold if self.share and sold > 0 else 0.0

    @property
    def own(self) -> bool:
        """Whether the platform sells it."""
        return self.seller.is_platform
