"""What a run about look-alikes reads: each merchant's own rows, through the port, and the launches among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from experiments.audience.lookalike_lessons import Bought, Lesson, lesson_sums
from experiments.audience.lookalike_options import LookalikeOptions
from federation.access import MarketPort
from federation.nodes import public_catalogue
from federation.task import NodeData
from matching.audience.embedding import embedding
from matching.audience.evaluate import Quality
from matching.audience.features import Purchases, features
from matching.audience.launch import Launch, early_buyers, known_before, later_buyers
from retail import columns as c
from retail.errors import DataError
from retail.interactions import Catalogue, Interactions

Floats = np.typing.NDArray[np.float64]
Mask = np.typing.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Described:
    """What is known of some households for each launch.

    Attributes:
        features: (persons, len(FEATURES)) each; places: (persons, d) each; none where no profile is made.
        early: (persons,) bool each; later: likewise; counted: known before, and not early.
        known: (persons,) bool each.
    """

    features: tuple[Floats, ...]
    places: tuple[Floats, ...]
    early: tuple[Mask, ...]
    later: tuple[Mask, ...]
    known: tuple[Mask, ...]
    counted: tuple[Mask, ...]


def described(
    history: Interactions, catalogue: Catalogue, launches: tuple[Launch, ...], dimension: int | None
) -> Described:
    """Describe households for some launches, each from its own rows before each launch.

    Args:
        history: their lines.
        catalogue: the public catalogue.
        launches: what is public of them.
        dimension: of the space of profiles; None for none.
    """
    purchases = Purchases.of(history)
    early = tuple(early_buyers(history, one) for one in launches)
    known = tuple(known_before(history, one) for one in launches)
    return Described(
        tuple(features(purchases, catalogue, one) for one in launches),
        ()
        if dimension is None
        else tuple(embedding(purchases, catalogue, one, dimension=dimension) for one in launches),
        early,
        tuple(later_buyers(history, one) for one in launches),
        known,
        tuple(who & ~seed for who, seed in zip(known, early, strict=True)),
    )


@dataclass(frozen=True, eq=False)
class Launches:
    """The launches of a year, and who there is.

    Attributes:
        persons: (persons,) ids, ascending: every household at its one merchant.
        history: their lines.
        catalogue: the public catalogue.
        measured: launches that figures are about; chosen_on: others, never measured, that settings are chosen on.
        lessons: what weights of either are learned on, by the day of the lesson.
        lesson_days: the day of its lesson, for each launch.
    """

    persons: np.ndarray
    history: Interactions
    catalogue: Catalogue
    measured: tuple[Launch, ...]
    chosen_on: tuple[Launch, ...]
    lessons: Mapping[int, Lesson]
    lesson_days: Mapping[Launch, int]

    def lesson_of(self, launch: Launch) -> Lesson:
        """Return what the weights of a launch are learned on; it may hold no launch."""
        return self.lessons[self.lesson_days[launch]]

    def described(self, launches: tuple[Launch, ...], dimension: int | None) -> Described:
        """Describe all households for some launches; the last few are kept."""
        return _described(self, launches, dimension)

    def sums(self, lessons: tuple[Lesson, ...]) -> tuple[Floats | None, ...]:
        """Return the exact sums of lessons over all households; the last few are kept."""
        return _sums(self, lessons)

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
                "lesson_day": [self.lesson_days[one] for one in self.measured],
                "lesson_launches": [len(self.lesson_of(one).launches) for one in self.measured],
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


def read_launches(port: MarketPort, options: LookalikeOptions, *, identity: str) -> Launches:
    """Have each merchant read its own rows, and list the launches of the year.

    In a market brands announce their launches. Here a product counts as launched on its first day of sale, and which
    launches are looked at depends on how many bought: a choice of the experiment, made on data that may be pooled.

    Args:
        port: of a run that begins after the last day of the data.
        options: which launches.
        identity: of data, partition and rules: rows of equal ones are read again, and arranged once.

    Raises:
        PolicyError: a merchant may not read its rows for this.
        DataError: a product is unknown or was not launched, or no launch is found to measure or to choose on.
    """
    nodes = [port.own(place) for place in range(len(port.merchants))]
    return _launches(_Nodes(nodes, identity), public_catalogue(port.config), port.config.now, options)


class _Nodes:
    """Nodes under an identity of their own, so that arranged launches are kept without comparing rows."""

    def __init__(self, nodes: Sequence[NodeData], identity: str) -> None:
        self.nodes, self.identity = nodes, identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Nodes) and self.identity == other.identity


@lru_cache(maxsize=2)
def _launches(held: _Nodes, catalogue: Catalogue, now: int, options: LookalikeOptions) -> Launches:
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
        if not some:
            raise DataError(
                f"no launch can be {what}: lower options.least_later or options.least_seeds, or take data of more "
                "households"
            )
    plan, bought = options.lessons(start), Bought.of(Purchases.of(history))
    days = {launch: plan.day_for(launch) for launch in (*measured, *others)}
    lessons = {day: plan.on(day, bought) for day in sorted(set(days.values()))}
    return Launches(history.persons, history, catalogue, tuple(measured), tuple(others), lessons, days)


@lru_cache(maxsize=6)
def _described(launches: Launches, chosen: tuple[Launch, ...], dimension: int | None) -> Described:
    return described(launches.history, launches.catalogue, chosen, dimension)


@lru_cache(maxsize=6)
def _sums(launches: Launches, lessons: tuple[Lesson, ...]) -> tuple[Floats | None, ...]:
    return lesson_sums(launches.history, launches.catalogue, lessons)


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
