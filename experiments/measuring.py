"""Measure rankings against what the same shoppers bought in the test window, at the same merchants."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from federation.access import MarketPort
from federation.recommend.habit import bought_before
from federation.shops import known_persons
from federation.task import NodeData
from retail.evaluation import measure
from retail.interactions import Interactions

Scores = Callable[[int, NodeData], Iterator[np.ndarray]]
"""(index of the node, its data) -> (block, products) scores of its persons in order."""


def evaluate(port: MarketPort, scores: Scores, *, days: int) -> pd.DataFrame:
    """Rank the whole catalogue for every shopper and compare with the purchases of the coming window.

    Args:
        port: through which merchants rank by their own rows, and an evaluator looks at the window.
        scores: ranks.
        days: length of the test window.

    Returns: one row for each shopper with purchases before and in the window: `shopper` (the same number for the same
        person at every origin of a data set) and the columns of `retail.evaluation.measure`. A shopper at several
        merchants counts with the mean over them. These figures are made from everybody's rows: they may be looked at
        in a simulation on public data; a deployment would have to release them at a price.
    """
    everybody = known_persons(port.config)
    tables = []
    for index, later in enumerate(port.later(days=days)):
        node = port.own(index)
        if not len(node.history.persons):
            continue
        bought, relevant = bought_before(node.history), bought_before(later)
        start = 0
        for block in scores(index, node):
            rows = slice(start, start + len(block))
            table = measure(block, bought[rows], relevant[rows])
            table.insert(0, "shopper", everybody.get_indexer(pd.Index(node.history.persons[rows])).astype(np.int32))
            tables.append(table[_active(later, rows)])
            start += len(block)
    if not tables:
        return unmeasured()
    whole = pd.concat(tables, ignore_index=True)
    if whole["shopper"].is_unique:
        return whole.sort_values("shopper", ignore_index=True)
    return whole.groupby("shopper", as_index=False).mean()


def unmeasured() -> pd.DataFrame:
    """Return the table of nobody."""
    return pd.DataFrame({"shopper": np.zeros(0, dtype=np.int32)})


def _active(later: Interactions, rows: slice) -> np.ndarray:
    """Whether each person of a block bought anything in the window."""
    bought: np.ndarray = np.diff(later.indptr)[rows] > 0
    return bought
