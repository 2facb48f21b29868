"""What consumers were shown in a period, and what it made them likely to buy."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.market.state import Floats, Ints


@dataclass(slots=True)
class Shown:
    """The lists of one period, (C, S, K) unless said otherwise.

    Attributes:
        place: int64, 1 is first; neutral: int64, places without favour; attention, share, told: float64;
        rating: (C, K) float64; inclusive: (C, S) float64.
        id: (C, K) int64, of the products that stood in the slots.
    """

    place: Ints
    neutral: Ints
    attention: Floats
    share: Floats
    told: Floats
    rating: Floats
    inclusive: Floats
    id: Ints
