"""How sellers would answer with prices when the own label leaves or moves, at the costs that observed prices imply."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.market.label_market import Floats, RankedCategory, choice_chances
from retail.errors import DataError

_STEPS: Final = 2_000
_CLOSE: Final = 1e-9


def implied_markups(category: RankedCategory) -> Floats:
    """(J,) markups times -b at which observed prices are each seller's best answer, in lists without a bonus.

    A seller's first-order condition in a logit mixed over rankings is m_j = 1/-b + sum over its products k of
    E[s_j s_k] / E[s_j] m_k; without lists it is the markup of `LabelSetting.implied_costs`. A pooled rest of others is
    many small sellers: its markup is 1/-b. Costs are price + markup / b.
    """
    chance = choice_chances(category.value, category.log_attention("as_is", 0.0))
    same = (category.seller[:, None] == category.seller[None, :]) & ~_many(category)[:, None]
    joint = np.where(same, chance.T @ chance / len(chance), 0.0) / chance.mean(axis=0)[:, None]
    return np.asarray(np.linalg.solve(np.eye(len(joint)) - joint, np.ones(len(joint))))


def answered_prices(
    category: RankedCategory,
    coefficient: float,
    markup: Floats,
    log_attention: Floats,
    present: NDArray[np.bool_],
    start: Floats | None = None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Let sellers answer each other's prices until nobody would change one; places stay as they are.

    Products whose implied cost is not positive keep their price: the model of competition does not fit them. Their
    margins still count for their seller's other products. A rest of many small sellers has nothing to answer, as its
    markup depends on nobody.

    Args:
        category: observed.
        coefficient: b < 0.
        markup: (J,) from `implied_markups`.
        log_attention: (R, J) of the list that is shown now.
        present: (J,) what is sold now.
        start: (J,) prices to begin from, by default those observed.

    Returns: (J,) prices; (J,) bool, what is sold at a price held for want of a cost above 0.

    Raises: DataError: prices do not come to rest.
    """
    observed = category.setting.price
    cost = observed + markup / coefficient
    moving = (cost > 0) & present & ~_many(category)
    order = np.argsort(category.seller, kind="stable")
    first = np.flatnonzero(np.diff(category.seller[order], prepend=-1))
    price = observed if start is None else np.where(moving, start, observed)
    for _ in range(_STEPS):
        chance = choice_chances(category.value + coefficient * (price - observed), log_attention)
        earned = np.add.reduceat((chance * (price - cost))[:, order], first, axis=1)[:, category.seller]
        share = chance.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = cost - 1 / coefficient + (chance * earned).mean(axis=0) / share
        new = np.where(moving, wanted, observed)
        if np.abs(new - price).max() < _CLOSE * (1 + np.abs(price).max()):
            return new, present & (cost <= 0)
        price = new
    raise DataError(
        f"'{category.setting.category}': sellers' prices do not come to rest at a price coefficient of "
        f'{coefficient:.3g}; hold them (prices = "held")'
    )


def _many(category: RankedCategory) -> NDArray[np.bool_]:
    """Which columns are rests of many sellers' products."""
    return category.setting.pooled & ~category.setting.own
