"""Why the model suggests a product to a shopper: which features speak for it, in words and in log-odds.

Read at the merchant, from that merchant's own rows, as `serve.scores` does; the sums are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from federation.recommend.examples import EXPLORE_FEATURES, explore_features
from federation.recommend.habit import HABIT_FEATURES, bought_before, habits
from federation.recommend.objective import EXPLORE, HABIT, SCALE
from federation.recommend.serve import local_lift
from federation.recommend.settings import RecommendOptions
from federation.recommend.taste import LEVELS
from federation.task import Model, NodeData

_LIFT: Final = "bought here more than elsewhere"
_NEW: Final = {
    "popularity": "popular at all merchants",
    "neighbours": "bought by shoppers who buy from the same categories",
    **{level: f"often buys from this {level.removesuffix('_id')}" for level in LEVELS},
    **{f"expected_{level}": f"this {level.removesuffix('_id')} sells well at all merchants" for level in LEVELS},
}
_AGAIN: Final = {
    "trips": "how often it was bought",
    "recency": "how lately it was bought",
    "last_window": "how often it was bought in the last four weeks",
    "last_quarter": "how often it was bought in the last sixteen weeks",
    "rate": "how regularly it is bought",
    "lateness": "how long ago, for how often it is bought",
    "activity": "how often the shopper comes",
    "popularity": "popular at all merchants",
    "one": "",
}


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A product that the model would show.

    Attributes:
        product: code in the catalogue.
        log_odds: that the shopper buys it in the coming window.
        bought_before: whether the shopper has bought it.
        because: (reason in words, what it adds to the log-odds over a usual product of the same list), the strongest
            first; what speaks against it is left out.
    """

    product: int
    log_odds: float
    bought_before: bool
    because: tuple[tuple[str, float], ...]


def reasons(
    model: Model, node: NodeData, row: int, options: RecommendOptions, window_days: int, *, most: int = 20
) -> list[Reasoned]:
    """Rank products for one shopper and say why.

    Args:
        model: after the last round.
        node: the merchant's own data.
        row: of the shopper in `node.history`.
        options: the task's options.
        window_days: length of the coming window.
        most: products of each kind.

    Returns: the best that were bought before and the best that were not, best first; `log_odds` is what `serve.scores`
        gives. What a feature adds is its weight times how far it lies above its mean over the products of that list, so
        what holds for every product alike explains nothing.
    """
    new = _new(model, node, row, options)
    again = _again(model, node, row, window_days)
    found = [*new, *again]
    bought = {one.product for one in again}
    kept = [one for one in found if one.bought_before or one.product not in bought]
    kept.sort(key=lambda one: -one.log_odds)
    counts = {True: 0, False: 0}
    result = []
    for one in kept:
        counts[one.bought_before] += 1
        if counts[one.bought_before] <= most:
            result.append(one)
    return result


def _new(model: Model, node: NodeData, row: int, options: RecommendOptions) -> list[Reasoned]:
    items, weights = model["candidates"], model["average"]
    bought = bought_before(node.history)[row : row + 1]
    features = explore_features(model, bought, node.catalogue, items, options)[0].astype(np.float64)
    names = [_NEW[name] for name in EXPLORE_FEATURES]
    parts = features * weights[EXPLORE]
    if options.local_lift:
        recent = bought_before(node.history.between(node.now - options.popularity_days, None))
        parts = np.column_stack([parts, local_lift(model, recent)[items]])
        names.append(_LIFT)
    slope, level = weights[SCALE]
    return _reasoned(items, slope * parts, names, level, bought_before=False)


def _again(model: Model, node: NodeData, row: int, window_days: int) -> list[Reasoned]:
    history = node.history
    start, end = int(history.indptr[row]), int(history.indptr[row + 1])
    own = replace(
        history,
        persons=history.persons[row : row + 1],
        indptr=np.array([0, end - start], dtype=np.int64),
        product=history.product[start:end],
        day=history.day[start:end],
        basket=history.basket[start:end],
        quantity=history.quantity[start:end],
    )
    habit = habits(own, model["popularity"], now=node.now, window_days=window_days)
    parts = habit.features.astype(np.float64) * model["average"][HABIT]
    names = [_AGAIN[name] for name in HABIT_FEATURES]
    return _reasoned(habit.product, parts, names, 0.0, bought_before=True)


def _reasoned(
    products: NDArray[np.int64], parts: NDArray[np.float64], names: list[str], level: float, *, bought_before: bool
) -> list[Reasoned]:
    total = parts.sum(axis=1) + level
    above = parts - parts.mean(axis=0) if len(parts) else parts
    result = []
    for product, log_odds, own in zip(products.tolist(), total.tolist(), above, strict=True):
        order = np.argsort(-own, kind="stable")
        because = tuple((names[k], float(own[k])) for k in order if own[k] > 0 and names[k])
        result.append(Reasoned(int(product), float(log_odds), bought_before, because))
    return result
