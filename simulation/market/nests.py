"""Close substitutes: a product and its copies share a nest of the logit, everything else stands alone.

With w_j = attention_j exp(v_j) and a dissimilarity lambda in (0, 1], a nest n counts like one product of weight

    W_n = (sum over j in n of w_j^(1/lambda))^lambda,   within which j is chosen with w_j^(1/lambda) / sum of the same.

So every product may be given the weight W_n times its part of the nest, after which shares and the logsum are those of
a plain logit. lambda = 1 is the plain logit; near 0 a copy takes nearly all of its buyers from what it imitates, and
consumers gain next to nothing by it.

Source: the nested logit in the form of generalised extreme values, McFadden 1978; Train, "Discrete choice methods with
simulation", chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.market.settings import MarketSettings
from simulation.market.state import Floats, Ints, Products


@dataclass(frozen=True, slots=True, eq=False)
class Nests:
    """Nests of two products or more, their (n,) members in the order of nests.

    Attributes:
        category, slot: (n,) int64, where members stand.
        nest: (n,) int64, from 0 without gaps.
        first: number of each nest's first member.
        dissimilarity: lambda.
    """

    category: Ints
    slot: Ints
    nest: Ints
    first: Ints
    dissimilarity: float

    def of(self, table: Floats) -> Floats:
        """Return the (n, S) values of the members. Args: table: (C, S, K)."""
        return np.asarray(table[self.category, :, self.slot])

    def total(self, values: Floats) -> Floats:
        """Return (n, S) float64, to each member the sum over its nest. Args: values: (n, S)."""
        return np.asarray(np.add.reduceat(values, self.first, axis=0)[self.nest])

    def parts(self, share: Floats) -> Floats:
        """Return (n, S) float64, each member's part of its nest's sales, 0 where there are none.

        Args:
            share: (C, S, K).
        """
        mine = self.of(share)
        total = self.total(mine)
        return np.asarray(np.where(total > 0, mine / np.where(total > 0, total, 1.0), 0.0))


def find_nests(products: Products, settings: MarketSettings) -> Nests | None:
    """Return the nests of listed products; None where there is none, or the logit is plain."""
    if settings.nest == 1:
        return None
    copies = products.active & (products.copy_of >= 0)
    root = np.where(copies, products.copy_of, products.id)
    root = np.where(products.active & np.isin(root, products.copy_of[copies]), root, -1)
    category, slot = np.nonzero(root >= 0)
    _, nest, size = np.unique(root[category, slot], return_inverse=True, return_counts=True)
    several = size[nest] > 1
    category, slot, nest = category[several], slot[several], nest[several]
    if not nest.size:
        return None
    order = np.argsort(nest, kind="stable")
    _, first, nest = np.unique(nest[order], return_index=True, return_inverse=True)
    return Nests(category[order], slot[order], nest, first, settings.nest)


def draw_together(weight: NDArray[np.float64], nests: Nests) -> None:
    """Give every member of a nest the weight that it has in a plain logit, in place. Args: weight: (C, S, K), w."""
    mine, power = nests.of(weight), nests.dissimilarity
    best = np.maximum.reduceat(mine, nests.first, axis=0)[nests.nest]
    shown = best > 0
    part = (mine / np.where(shown, best, 1.0)) ** (1 / power)  # by the best, so that nothing vanishes
    total = np.where(shown, nests.total(part), 1.0)
    weight[nests.category, :, nests.slot] = best * total ** (power - 1) * part
