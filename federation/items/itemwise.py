"""The item task: what goes together and what comes next, product by product. Three sums over people.

With x a person's choices (0 or 1), and c the fading sum of what was chosen before a step:

1. "together": the sum of x x'. A linear item-item model without a diagonal follows in closed form;
2. "contexts": the sum of c c' over all steps, which says how contexts spread;
3. "next": the sum of c y' with y the product chosen at the step. A ridge regression of y on c follows.

A score adds up both models, each in spreads around its mean over products. The sums have millions of entries: exact
they are worth most, and under noise that hides a person most of it is lost (docs/movielens.md).

Sources: the item-item model, Steck 2019, "Embarrassingly shallow autoencoders for sparse data"; linear models of the
next item with fading contexts, Choi et al. 2021, "Session-aware linear item-item models".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from federation.items.contexts import Floats
from federation.items.settings import ItemOptions
from federation.task import Model, NodeData, Round, TaskSettings
from privacy.clipping import OuterRows, Updates
from retail.errors import ConfigError
from retail.interactions import Catalogue, Interactions

_MOST: Final = 5_000  # products: the sums have as many entries as the square of this
_REACH: Final = 4.0  # memories after which a choice is forgotten: it would count e^-4
_PAIRS: Final = 2_000_000  # pairs of one block's persons in memory at a time
_BLOCK: Final = 256


class ItemTask:
    """Learn what goes together and what comes next. See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.options` as in `ItemOptions`.
        catalogue: the public catalogue.

    Raises: ConfigError: an option is refused, or there are too many products for sums over pairs.
    """

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        self.settings, self.products = settings, len(catalogue)
        self.options = ItemOptions.read(settings.options)
        if self.products > _MOST:
            raise ConfigError(f"ItemTask sums over pairs of {self.products} products; the most is {_MOST}")
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        o, size = self.options, self.products**2
        return (
            Round("together", "what goes together", size, o.together_share),
            Round("contexts", "contexts", size, o.context_share),
            Round("next", "next item", size, o.next_share),
        )

    def person_bytes(self, round_: Round) -> int:
        """Return about how many bytes a person takes in a batch: rows are sparse, or factors of an outer product."""
        return 8 * self.products

    def initial(self) -> Model:
        """Return public constants: nothing goes with anything."""
        nothing = np.zeros((self.products, self.products), dtype=np.float32)
        return {"together": nothing, "spread": nothing, "next": nothing}

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round: nothing."""
        return {}

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        """Yield one row per person; see `Task`. Long rows are left to the clipping.

        With a clip norm every person's row has that length; without one people count by what they chose.
        """
        history = node.history
        if round_.name == "together":
            for start in range(0, len(node.persons), _BLOCK):
                yield self._outer(history, start, min(start + _BLOCK, len(node.persons)))
            return
        reach = int(np.ceil(_REACH * self.options.memory))
        pairs = np.cumsum(np.diff(history.indptr) * (2 * reach + 1))
        start = 0
        while start < len(node.persons):
            before = pairs[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(pairs, before + _PAIRS, side="right")))
            yield self._pairs(history, start, stop, reach, spread=round_.name == "contexts")
            start = stop

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`."""
        new, people, o = dict(model), self.settings.population, self.options
        total = mean.reshape(self.products, self.products) * people
        if round_.name != "next":
            total = (total + total.T) / 2
            floor = noise_scale * people * float(np.sqrt(2 * self.products))  # what noise alone explains
            if floor:
                values, vectors = np.linalg.eigh(total.astype(np.float32))
                total = (vectors * np.maximum(values, floor)) @ vectors.T
        if round_.name == "together":
            inverse = np.linalg.inv((total + o.ridge * np.eye(self.products)).astype(np.float32))
            new["together"] = -inverse / np.diag(inverse)
            np.fill_diagonal(new["together"], 0.0)
        elif round_.name == "contexts":
            new["spread"] = total.astype(np.float32)
        else:
            ridge = o.caution * max(float(np.trace(model["spread"])) / self.products, 1e-12)
            eased = model["spread"] + np.float32(ridge) * np.eye(self.products, dtype=np.float32)
            new["next"] = np.linalg.solve(eased, (total + o.backwards * total.T).astype(np.float32))
        return new

    def scores(self, model: Model, node: NodeData) -> Iterator[np.ndarray]:
        """Yield (block, products) scores of all persons of a node in order; what they have chosen is scored too."""
        history, lengths = node.history, np.diff(node.history.indptr)
        age = np.repeat(history.indptr[1:], lengths) - 1 - np.arange(len(history.product))
        shape = (len(lengths), self.products)
        fading = csr_array((np.exp(-age / self.options.memory), history.product, history.indptr), shape=shape)
        chosen = csr_array((np.ones(len(age)), history.product, history.indptr), shape=shape)
        for start in range(0, len(lengths), _BLOCK):
            rows = slice(start, start + _BLOCK)
            following, beside = fading[rows] @ model["next"], chosen[rows] @ model["together"]
            yield _spreads(following) + self.options.together * _spreads(beside)

    def _outer(self, history: Interactions, start: int, stop: int) -> OuterRows:
        """Persons' choices as factors: with a clip norm C the product of both has length C, else it is x x'."""
        items = history.product[history.indptr[start] : history.indptr[stop]]
        rows = np.repeat(np.arange(stop - start), np.diff(history.indptr[start : stop + 1]))
        left = np.zeros((stop - start, self.products))
        left[rows, items] = 1.0
        if self.settings.clip_norm is None:
            return OuterRows(left, left)
        left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1.0)
        return OuterRows(left, left * self._unit)

    def _pairs(self, history: Interactions, start: int, stop: int, reach: int, *, spread: bool) -> csr_array:
        """(persons, products^2): of round "contexts" or "next", each person weighted by the fourth root of the list.

        Of a choice j and one l places later, the contexts after both hold e^(-l / memory) times a geometric sum, and
        the context before the later one holds j by e^(-(l - 1) / memory).
        """
        begin, end = history.indptr[start], history.indptr[stop]
        items = history.product[begin:end].astype(np.int64)
        lengths = np.diff(history.indptr[start : stop + 1])
        place = np.arange(len(items)) - np.repeat(history.indptr[start:stop] - begin, lengths)
        size = np.repeat(lengths, lengths)
        lags = np.arange(0 if spread else 1, reach + 1)
        line, lag = np.nonzero(place[:, None] + lags < size[:, None])  # by line, and so by person
        later, lag = line + lags[lag], lags[lag]
        fade = np.exp(-np.arange(reach + 1) / self.options.memory)
        if spread:
            left = fade[1] ** (2.0 * np.arange(int(lengths.max(initial=0)) + 1))  # of a sum that ends with the list
            value = fade[lag] * (1 - left[size[line] - 1 - place[later]]) / (1 - fade[1] ** 2)
            cells = np.stack([items[line] * self.products + items[later], items[later] * self.products + items[line]])
            cells, value = cells.T.ravel(), np.repeat(np.where(lag == 0, value / 2, value), 2)
        else:
            cells, value = items[line] * self.products + items[later], fade[lag - 1]
        entries = np.bincount(line, minlength=len(items)) * (2 if spread else 1)
        owners = np.repeat(np.arange(stop - start), lengths)
        ends = np.cumsum(np.r_[0, np.bincount(owners, weights=entries, minlength=stop - start).astype(np.int64)])
        value = value * np.repeat(size**-0.25, entries)
        rows = csr_array((value, cells.astype(np.int32), ends), shape=(stop - start, self.products**2))
        return self._scaled(rows)

    def _scaled(self, rows: csr_array) -> csr_array:
        """With a clip norm, rows of just that length: shorter ones drown in noise."""
        if self.settings.clip_norm is None:
            return rows
        rows.sum_duplicates()
        lengths = np.sqrt(np.maximum(rows.multiply(rows).sum(axis=1), 1e-300))
        rows.data = rows.data * np.repeat(self._unit / lengths, np.diff(rows.indptr))
        return rows


def _spreads(scores: Floats) -> Floats:
    """Each row in spreads around its mean."""
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0))
