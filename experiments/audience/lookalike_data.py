"""What a run about look-alikes reads: each merchant's own rows, through the port, and the launches among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from experiments.audience.lookalike_options import LookalikeOptions
from experiments.audience.lookalike_task import Described, described
from federation.access import MarketPort
from federation.nodes import public_catalogue
from federation.task import NodeData
from matching.audience.evaluate import Quality
from matching.audience.launch import Launch
from retail import columns as c
from retail.errors import DataError
from retail.interactions import Catalogue, Interactions

Ints = np.typing.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Launches:
    """The launches of a year, and who there is.

    Attributes:
        persons: (persons,) ids, ascending: every household at its one merchant.
        history: their lines.
        catalogue: the public catalogue.
        measured: launches that figures are about; fold: (measured,) part of each; chosen_on: others, never measured,
            that settings are chosen on.
    """

    persons: np.ndarray
    history: Interactions
    catalogue: Catalogue
    measured: tuple[Launch, ...]
    fold: tuple[int, ...]
    chosen_on: tuple[Launch, ...]

    def described(self, launches: tuple[Launch, ...], dimension: int | None) -> Described:
        """Describe all households for some launches; the last few are kept."""
        return _described(self, launches, dimension)

    def table(self, quality: Quality, names: Mapping[int, str]) -> pd.DataFrame:
        """Return one row for each measured launch: product, days, buyers, and the quality of an arm's scores.

        Columns `auc_redrawn` and `lift5_redrawn` hold (draws,) float32 of the launch by itself, with households drawn
        anew: the same ones for every arm, so that two arms can be compared draw by draw.

        Args:
            quality: of the arm's scores.
            names: of products by id, from the public table; one that is not there has an empty name.
        """
        about = self.described(self.measured, None)
        products = [self.catalogue.product_ids[one.product] for one in self.measured]
        return pd.DataFrame(
            {
                c.PRODUCT: products,
                "name": [names.get(one, "") for one in products],
                c.DAY: [one.day for one in self.measured],
                "early_days": [one.early_days for one in self.measured],
                "fold": self.fold,
                "seeds": [int(one.sum()) for one in about.early],
                "later_buyers": [int(one.sum()) for one in about.later],
                "auc": quality.auc,
                "lift5": quality.lift,
                "auc_redrawn": list(quality.auc_of_each.astype(np.float32)),
                "lift5_redrawn": list(quality.lift_of_each.astype(np.float32)),
            }
        )


def product_names(products: pd.DataFrame) -> dict[int, str]:
    """Return what people would call each product of the public table: its type and package, where they are known."""
    words = products.reindex(columns=[c.TYPE, c.PACKAGE]).fillna("").astype(str)
    named = (words[c.TYPE] + ", " + words[c.PACKAGE]).str.strip(", ")
    return dict(zip(products[c.PRODUCT], named, strict=True))


def read_launches(port: MarketPort, options: LookalikeOptions, *, seed: int, identity: str) -> Launches:
    """Have each merchant read its own rows, and list the launches of the year.

    In a market brands announce their launches. Here a product counts as launched on its first day of sale, and which
    launches are looked at depends on how many bought: a choice of the experiment, made on data that may be pooled.

    Args:
        port: of a run that begins after the last day of the data.
        options: which launches.
        seed: of the folds.
        identity: of data, partition and rules: rows of equal ones are read again, and arranged once.

    Raises:
        PolicyError: a merchant may not read its rows for this.
        DataError: a product is unknown or was not launched, or fewer launches are found than folds.
    """
    nodes = [port.own(place) for place in range(len(port.merchants))]
    return _launches(_Nodes(nodes, identity), public_catalogue(port.config), port.config.now, options, seed)


class _Nodes:
    """Nodes under an identity of their own, so that arranged launches are kept without comparing rows."""

    def __init__(self, nodes: Sequence[NodeData], identity: str) -> None:
        self.nodes, self.identity = nodes, identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Nodes) and self.identity == other.identity


@lru_cache(maxsize=2)
def _launches(held: _Nodes, catalogue: Catalogue, now: int, options: LookalikeOptions, seed: int) -> Launches:
    history = stacked([node.history for node in held.nodes])
    start = int(history.day.min()) if len(history.day) else now
    found = _found(history, catalogue, start, options)
    measured = [launch for launch, later in found if later >= options.least_later]
    others = [launch for launch, later in found if later < options.least_later]
    if options.products:
        measured = _named(found, catalogue, options)
        others = [launch for launch in others if launch not in measured]
    measured, others = measured[: options.most_launches], others[: options.most_launches]
    for what, some in (("measured", measured), ("chosen on", others)):
        if len(some) < options.folds:
            raise DataError(
                f"{len(some)} launches can be {what}, {options.folds} folds need one each: lower options.least_later, "
                f"options.least_seeds or options.folds, or take data of more households"
            )
    order = np.random.default_rng([seed, len(measured)]).permutation(len(measured))
    fold = np.empty(len(measured), dtype=np.int64)
    fold[order] = np.arange(len(measured)) % options.folds
    return Launches(history.persons, history, catalogue, tuple(measured), tuple(fold.tolist()), tuple(others))


@lru_cache(maxsize=6)
def _described(launches: Launches, chosen: tuple[Launch, ...], dimension: int | None) -> Described:
    return described(launches.history, launches.catalogue, chosen, dimension)


def stacked(parts: Sequence[Interactions]) -> Interactions:
    """Put the lines of several merchants' households together; each household is at one merchant.

    Raises: DataError: there is no merchant, or a household is at two.
    """
    if not parts:
        raise DataError("there is no merchant; list at least one")
    persons = np.concatenate([one.persons for one in parts])
    if len(np.unique(persons)) != len(persons):
        raise DataError("a household is at two merchants; cut merchants by home_store, with k_max = 1")
    order = np.argsort(persons, kind="stable")
    lengths = np.concatenate([np.diff(one.indptr) for one in parts])
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])[:-1]
    taken = lengths[order]
    indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(taken)])
    lines = np.repeat(starts[order] - indptr[:-1], taken) + np.arange(indptr[-1])
    offsets = np.cumsum([0, *(int(one.basket.max(initial=-1)) + 1 for one in parts[:-1])])
    basket = np.concatenate([one.basket + offset for one, offset in zip(parts, offsets, strict=True)])
    return Interactions(
        persons=persons[order],
        indptr=indptr,
        product=np.concatenate([one.product for one in parts])[lines],
        day=np.concatenate([one.day for one in parts])[lines],
        basket=basket[lines],
        quantity=np.concatenate([one.quantity for one in parts])[lines],
        n_products=parts[0].n_products,
    )


def _found(
    history: Interactions, catalogue: Catalogue, start: int, options: LookalikeOptions
) -> list[tuple[Launch, int]]:
    """List launches with enough early and later buyers, most later buyers first, with how many those are."""
    first_sale = np.full(len(catalogue), np.iinfo(np.int64).max)
    np.minimum.at(first_sale, history.product, history.day.astype(np.int64))
    since = first_sale - start
    sold = np.bincount(history.product, minlength=len(catalogue))
    likely = (since >= options.first_day) & (since <= options.last_day) & (sold >= options.least_seeds)
    lines = np.flatnonzero(likely[history.product])
    person, product, day = history.rows()[lines], history.product[lines], history.day[lines]
    order = np.lexsort((day, person, product))
    person, product, day = person[order], product[order], day[order]
    once = np.ones(len(order), dtype=np.bool_)
    once[1:] = (person[1:] != person[:-1]) | (product[1:] != product[:-1])
    product, day = product[once], day[once]
    found = []
    for code in np.unique(product):
        days = np.sort(day[product == code])
        if len(days) < options.least_seeds:
            continue
        weeks = int(days[options.least_seeds - 1] - first_sale[code]) // 7 + 1
        launch = Launch(int(code), int(first_sale[code]), 7 * weeks)
        later = int((days >= launch.day + launch.early_days).sum())
        if later >= options.least_later / 2:
            found.append((launch, later))
    return sorted(found, key=lambda one: (-one[1], one[0].product))


def _named(found: Sequence[tuple[Launch, int]], catalogue: Catalogue, options: LookalikeOptions) -> list[Launch]:
    by_product = {launch.product: launch for launch, _ in found}
    chosen = []
    for product in options.products:
        code = Launch.of(catalogue, product, 0).product
        if code not in by_product:
            raise DataError(
                f"product {product!r} has no launch between day {options.first_day} and {options.last_day} with "
                f"{options.least_seeds} early and {options.least_later / 2:g} later buyers; name another"
            )
        chosen.append(by_product[code])
    return chosen
