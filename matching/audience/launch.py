"""The launch of a product: from when it is sold, and whose purchases of it count as early."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retail.errors import DataError
from retail.interactions import Catalogue, Interactions

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Launch:
    """What is public of a launch: the brand announces it.

    Attributes:
        product: code in the public catalogue.
        day: first day of sale, days since 1970-01-01. Features look at rows before it and at no others.
        early_days: who buys within so many days from `day` on is an early buyer, a seed.

    Raises: DataError: a product code below 0, or fewer than one early day.
    """

    product: int
    day: int
    early_days: int = 28

    def __post_init__(self) -> None:
        """Refuse what is no launch."""
        if self.product < 0:
            raise DataError(f"product code {self.product} is in no catalogue; take a code of the public catalogue")
        if self.early_days < 1:
            raise DataError(f"early_days = {self.early_days} leaves no day for an early purchase; give 1 or more")

    @classmethod
    def of(cls, catalogue: Catalogue, product: object, day: int, early_days: int = 28) -> Launch:
        """Find the product by its id.

        Raises: DataError: the catalogue has no such product, or as the constructor.
        """
        code = int(catalogue.codes([product])[0])
        if code < 0:
            raise DataError(f"product {product!r} is not in the catalogue; name a product of the products table")
        return cls(code, day, early_days)


def early_buyers(history: Interactions, launch: Launch) -> Mask:
    """(persons,) who bought the product within the early days; a function of each person's own rows."""
    return bought_between(history, launch, launch.day, launch.day + launch.early_days)


def later_buyers(history: Interactions, launch: Launch) -> Mask:
    """(persons,) who bought the product after the early days and not within them: what an audience should hold."""
    later = bought_between(history, launch, launch.day + launch.early_days, None)
    return later & ~early_buyers(history, launch)


def known_before(history: Interactions, launch: Launch) -> Mask:
    """(persons,) who bought anything before the launch: only about them can anything be said."""
    found = np.zeros(len(history.persons), dtype=np.bool_)
    found[history.rows()[history.day < launch.day]] = True
    return found


def bought_between(history: Interactions, launch: Launch, start: int, end: int | None) -> Mask:
    """(persons,) who bought the product from a day on, and before the end where there is one."""
    lines = (history.product == launch.product) & (history.day >= start)
    if end is not None:
        lines &= history.day < end
    found = np.zeros(len(history.persons), dtype=np.bool_)
    found[history.rows()[lines]] = True
    return found
