"""On what weights are learned: launches that lie back, with what was bought of them until the day of the lesson.

Every few weeks of the year there is a lesson. It takes the products that were first sold some weeks before its day,
those with most buyers so far, and counts who had bought each of them by that day. A launch uses the last lesson whose
day is not after its own. So no row from the launch on enters, nobody's, and a product whose buyers are still coming
counts with those who have come.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.audience.features import Purchases, features
from matching.audience.launch import Launch, bought_between, known_before
from matching.audience.weights import moment_rows
from retail.interactions import Catalogue, Interactions

Floats = np.typing.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One set of weights.

    Attributes:
        day: rows from this day on are not looked at, days since 1970-01-01.
        launches: earlier ones, to learn from; of each only product and day are used.
    """

    day: int
    launches: tuple[Launch, ...]

    def without(self, products: frozenset[int]) -> Lesson:
        """Return the lesson without some products."""
        return Lesson(self.day, tuple(one for one in self.launches if one.product not in products))


@dataclass(frozen=True, slots=True)
class Lessons:
    """When there are lessons, and about what.

    Attributes:
        first: day of the first one; every: days from one to the next.
        sold_from: products that were sold before this day are no launches.
        least_age: days for which a product must have been sold.
        least_buyers: households who must have bought it by then.
        most: products, those with most buyers so far.
    """

    first: int
    every: int
    sold_from: int
    least_age: int
    least_buyers: int
    most: int

    def day_for(self, launch: Launch) -> int:
        """Return the day of the last lesson that is not after a launch."""
        return self.first + (launch.day - self.first) // self.every * self.every

    def on(self, day: int, bought: Bought) -> Lesson:
        """Return what can be learnt from on a day; nothing of it depends on rows from that day on.

        The list follows from exact numbers of buyers, and one household may change it: a guarantee that takes lessons
        for public holds for lists that were made otherwise, or from public data.
        """
        before = bought.day < day
        buyers = np.bincount(bought.product[before], minlength=len(bought.first_sale))
        usable = (bought.first_sale >= self.sold_from) & (bought.first_sale <= day - self.least_age)
        usable &= buyers >= self.least_buyers
        codes = np.flatnonzero(usable)
        best = codes[np.argsort(-buyers[codes], kind="stable")][: self.most]
        return Lesson(day, tuple(Launch(int(code), int(bought.first_sale[code])) for code in np.sort(best)))


@dataclass(frozen=True, eq=False)
class Bought:
    """When households first bought each product.

    Attributes:
        product: (pairs,) of each different (household, product); day: (pairs,) of the first purchase.
        first_sale: (products,) day of the first purchase by anybody; beyond all days where there was none.
    """

    product: np.ndarray
    day: np.ndarray
    first_sale: np.ndarray

    @classmethod
    def of(cls, purchases: Purchases) -> Bought:
        """Read it off the lines of all households."""
        first = np.full(purchases.history.n_products, np.iinfo(np.int64).max)
        np.minimum.at(first, purchases.pair_product, purchases.pair_day.astype(np.int64))
        return cls(purchases.pair_product, purchases.pair_day.astype(np.int64), first)


def lesson_rows(
    purchases: Purchases, catalogue: Catalogue, lesson: Lesson, known: MutableMapping[Launch, Floats]
) -> Floats:
    """Return what each household adds to the sums of a lesson, as `matching.audience.weights.moment_rows`.

    Args:
        purchases: lines of some households.
        catalogue: public.
        lesson: what to learn from.
        known: features of launches that were asked for before; new ones are added.

    Guarantee: as `moment_rows`; and no line from `lesson.day` on is looked at.
    """
    history = purchases.history
    for launch in lesson.launches:
        if launch not in known:
            known[launch] = features(purchases, catalogue, launch)
    return moment_rows(
        [known[one] for one in lesson.launches],
        [bought_between(history, one, one.day, lesson.day) for one in lesson.launches],
        [known_before(history, one) for one in lesson.launches],
    )


def lesson_sums(history: Interactions, catalogue: Catalogue, lessons: Sequence[Lesson]) -> tuple[Floats | None, ...]:
    """Return the exact sums of lessons over all households; None where there is nothing to learn from."""
    purchases, known = Purchases.of(history), dict[Launch, Floats]()
    return tuple(lesson_rows(purchases, catalogue, one, known).sum(axis=0) if one.launches else None for one in lessons)
