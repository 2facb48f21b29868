r"""What moves sales: offers that come and go by store and week, compared as differences in differences.

Sales of brand b in store s and week w are

    y_bsw = a_bs + g_bw + sum_k d_k offer_k,bsw + e_bsw :

what a brand always sells in a store (a) and what it sells everywhere in a week (g: seasons, prices of the chain) are
taken away, so an offer's effect is how sales of a store with it moved against stores without. It assumes that stores
would have moved alike without offers. The leads test that: an offer of next week has no business moving this week's
sales. With offers that come and go and effects that differ, the estimate is a weighted mean in which some weights may
be below 0 (de Chaisemartin and D'Haultfoeuille 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effect:
    """Effect of one offer.

    Attributes:
        name: of the offer.
        value: lines a store and week.
        error: standard error, clustered by store.
        base: mean lines of stores and weeks without any offer.
    """

    name: str
    value: float
    error: float
    base: float

    @property
    def pct(self) -> tuple[float, float, float]:
        """The effect in % of the base, and its 95% interval."""
        half = 1.959964 * self.error
        value, lo, hi = (100 * one / self.base for one in (self.value, self.value - half, self.value + half))
        return value, lo, hi


def offer_effects(sold: Floats, offers: Mapping[str, NDArray[np.bool_]], *, leads: bool = False) -> tuple[Effect, ...]:
    """Estimate what offers do to sales.

    Args:
        sold: (brands, stores, weeks).
        offers: name -> (brands, stores, weeks) bool.
        leads: add, for each offer, `NAME_ahead`: the same one week before it is there; the last week is left out.

    Raises: DataError: shapes differ, there is one store or week, no store and week is without offers, or offers that do
        not vary between stores within weeks.
    """
    if sold.ndim != 3 or min(sold.shape[1:]) < 2 or not np.isfinite(sold).all():
        raise DataError(
            f"sales of shape {sold.shape} are no brands, stores and weeks with two stores and weeks at least"
        )
    columns = {name: np.asarray(there, dtype=np.float64) for name, there in offers.items()}
    if not columns or any(one.shape != sold.shape for one in columns.values()):
        raise DataError("offers need the shape of the sales, and one at least")
    bare = ~np.any([there > 0 for there in columns.values()], axis=0)
    base = float(sold[bare].mean()) if bare.any() else 0.0
    if base <= 0:
        raise DataError("no store and week without an offer sold anything; there is nothing to compare with")
    if leads:
        columns |= {f"{name}_ahead": np.roll(one, -1, axis=2) for name, one in list(columns.items())}
        columns = {name: one[:, :, :-1] for name, one in columns.items()}
        sold = sold[:, :, :-1]
    x = np.stack([_within(one) for one in columns.values()], axis=-1)
    y = _within(sold)
    flat = x.reshape(-1, x.shape[-1])
    gram = flat.T @ flat
    scale = np.sqrt(np.diag(gram))
    if (scale < 1e-9).any() or np.linalg.cond(gram / np.outer(scale, scale)) > 1e10:
        raise DataError(f"{', '.join(columns)} do not vary apart between stores within weeks; leave one out")
    bread = np.linalg.inv(gram)
    effects = bread @ (flat.T @ y.ravel())
    left = y - x @ effects
    scores = np.einsum("bswk,bsw->sk", x, left)  # all brands of a store are one cluster
    stores = sold.shape[1]
    spread = bread @ (scores.T @ scores) @ bread * (stores / (stores - 1))
    errors = np.sqrt(np.diag(spread))
    return tuple(
        Effect(name, float(value), float(error), base)
        for name, value, error in zip(columns, effects, errors, strict=True)
    )


def _within(values: Floats) -> Floats:
    """Take away the means of brand and store, and of brand and week."""
    by_store, by_week = values.mean(axis=2, keepdims=True), values.mean(axis=1, keepdims=True)
    return np.asarray(values - by_store - by_week + values.mean(axis=(1, 2), keepdims=True))
