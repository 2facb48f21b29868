"""What is true about generated shoppers and products, and what no real data set would tell."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail import columns as c
from retail.randomness import Floats, Uint64, uniforms
from retail.world import SEGMENTS, Ints, World

SLOTS: Final = 6
FAVOURITES: Final = 10
FAVOURITE_WEIGHTS: Final = (1.0 / np.arange(1, FAVOURITES + 1) ** 0.7) / np.sum(
    1.0 / np.arange(1, FAVOURITES + 1) ** 0.7
)
GLOBAL_SHARE: Final = 0.1
CATEGORY_SHARE: Final = 0.25
_MAX_UPLIFT: Final = 0.4


@dataclass(frozen=True, eq=False)
class People:
    """Latent traits, one row per person, in the order of `person`.

    Attributes:
        person: (n,) ids.
        segment: (n,) code below `SEGMENTS`, also in the customers table.
        home_store: (n,) store index; `other_stores` (n, 2) the ones visited now and then.
        home_share: (n,) probability that a basket is bought at home.
        habit: (n,) probability that a line repeats a favourite product.
        own_label_share: (n,) probability that a product within a type is taken from the own label, where there is one.
        taste_types: (n, SLOTS) type codes the person likes (a type may fill two slots).
        taste_weights: (n, SLOTS) their weights, rows sum to 1.
        favourites: (n, FAVOURITES) product rows (taxonomy order of `World`), weighted by `FAVOURITE_WEIGHTS`.
        treated: (n,) True for those who got the campaign, by a coin independent of everything else.
        uplift: (n,) expected additional baskets in the campaign window because of the treatment.
    """

    person: Ints
    segment: Ints
    home_store: Ints
    other_stores: Ints
    home_share: Floats
    habit: Floats
    own_label_share: Floats
    taste_types: Ints
    taste_weights: Floats
    favourites: Ints
    treated: npt.NDArray[np.bool_]
    uplift: Floats


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth behind a generated data set.

    Attributes:
        people: latent traits of every shopper.
        world: catalogue order, quality and popularity; `quality` below repeats it by public id.
        campaign_category: category code that the campaign is about.
        campaign_days: first day and day after the last one, as days since 1970-01-01.
    """

    people: People
    world: World
    campaign_category: int
    campaign_days: tuple[int, int]

    @property
    def quality(self) -> pd.Series[float]:
        """True quality, indexed by product id."""
        return pd.Series(self.world.quality, index=pd.Index(self.world.product_id, name=c.PRODUCT)).sort_index()

    @property
    def uplift(self) -> pd.Series[float]:
        """Expected additional baskets in the campaign window if treated, indexed by person id."""
        return pd.Series(self.people.uplift, index=pd.Index(self.people.person, name=c.PERSON))

    @property
    def average_uplift(self) -> float:
        """Mean of `uplift`: what an unbiased estimate of the average treatment effect comes to."""
        return float(self.people.uplift.mean())

    def type_shares(self, rows: Ints) -> Floats:
        """Return the expected share of each type among the lines of some people.

        It leaves out the campaign and that a basket holds a product once, which move shares slightly.

        Args:
            rows: (k,) positions in `people`.

        Returns: (k, types) float64, rows sum to 1, columns in the order of type codes.
        """
        people, world = self.people, self.world
        types = len(world.own_start)
        overall = world.popularity.mean(axis=0)
        by_type = np.bincount(world.type_of, weights=overall, minlength=types)
        by_category = np.bincount(world.category_of_type, weights=by_type)
        within = by_type / by_category[world.category_of_type]

        shares = np.tile(GLOBAL_SHARE * by_type, (len(rows), 1))
        line = np.arange(len(rows))
        habit = people.habit[rows]
        taste = 1.0 - GLOBAL_SHARE - habit
        for slot in range(FAVOURITES):
            kind = world.type_of[people.favourites[rows, slot]]
            np.add.at(shares, (line, kind), habit * FAVOURITE_WEIGHTS[slot])
        for slot in range(SLOTS):
            kind = people.taste_types[rows, slot]
            weight = taste * people.taste_weights[rows, slot]
            np.add.at(shares, (line, kind), (1.0 - CATEGORY_SHARE) * weight)
            same = world.category_of_type[None, :] == world.category_of_type[kind][:, None]
            shares += same * within[None, :] * (CATEGORY_SHARE * weight)[:, None]
        return shares


def draw_people(world: World, *, keys: Uint64, persons: Ints, treated_share: float, campaign_category: int) -> People:
    """Draw the latent traits of some people; each row depends on that person's key and the world only."""
    n = len(persons)
    stores = len(world.store_id)
    segment = (uniforms(keys, stream=1) * SEGMENTS).astype(np.int64)
    home = pick(world.store_cumulative, uniforms(keys, stream=2), stores)
    others = np.stack(
        [pick(world.store_cumulative, uniforms(keys, stream=3, counter=i), stores) for i in (0, 1)], axis=1
    )

    categories = len(world.category_start) - 1
    row = home * SEGMENTS + segment
    taste_types = np.empty((n, SLOTS), dtype=np.int64)
    drawn = np.empty((n, SLOTS), dtype=np.int64)
    for slot in range(SLOTS):
        u = uniforms(keys, stream=4, counter=slot)
        drawn[:, slot] = pick(world.category_cumulative, row + u, len(world.category_cumulative)) - row * categories
        drawn[:, slot] = np.clip(drawn[:, slot], 0, categories - 1)
        if slot >= SLOTS // 2:
            again = uniforms(keys, stream=5, counter=slot) < 0.6
            drawn[again, slot] = drawn[again, slot - SLOTS // 2]
        product = pick_between(
            world,
            first=world.category_start[drawn[:, slot]],
            last=world.category_start[drawn[:, slot] + 1],
            period=np.zeros(n, dtype=np.int64),
            u=uniforms(keys, stream=6, counter=slot),
        )
        taste_types[:, slot] = world.type_of[product]
    raw = np.stack([0.3 - np.log(uniforms(keys, stream=7, counter=slot)) for slot in range(SLOTS)], axis=1)
    weights = raw / raw.sum(axis=1, keepdims=True)

    own_label_share = uniforms(keys, stream=8) ** 1.5
    favourites = np.empty((n, FAVOURITES), dtype=np.int64)
    running = np.cumsum(weights, axis=1)
    for slot in range(FAVOURITES):
        kind = taste_types[np.arange(n), pick_slot(running, uniforms(keys, stream=9, counter=slot))]
        favourites[:, slot] = pick_in_type(
            world,
            kind=kind,
            own=uniforms(keys, stream=10, counter=slot) < own_label_share,
            period=np.zeros(n, dtype=np.int64),
            u=uniforms(keys, stream=11, counter=slot),
        )
    affinity = (weights * (world.category_of_type[taste_types] == campaign_category)).sum(axis=1)
    return People(
        person=persons,
        segment=segment,
        home_store=home,
        other_stores=others,
        home_share=0.5 + 0.45 * uniforms(keys, stream=12),
        habit=0.35 + 0.3 * uniforms(keys, stream=13),
        own_label_share=own_label_share,
        taste_types=taste_types,
        taste_weights=weights,
        favourites=favourites,
        treated=uniforms(keys, stream=14) < treated_share,
        uplift=np.minimum(_MAX_UPLIFT, 0.02 + 0.05 * (segment == 0) + 0.1 * own_label_share + 0.6 * affinity),
    )


def join_people(parts: list[People]) -> People:
    """Put chunks of people one after the other."""
    return People(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(People)})


def pick(cumulative: Floats, u: Floats, count: int) -> Ints:
    """Return where each u falls in a running sum, at most `count` - 1."""
    found: Ints = np.minimum(np.searchsorted(cumulative, u, side="right"), count - 1).astype(np.int64)
    return found


def pick_slot(running: Floats, u: Floats) -> Ints:
    """Return the slot that each u falls into, a row of running weights for each u."""
    slots: Ints = np.minimum((running < u[:, None]).sum(axis=1), running.shape[1] - 1)
    return slots


def pick_between(world: World, *, first: Ints, last: Ints, period: Ints, u: Floats) -> Ints:
    """Return a product row in [first, last), by popularity in the given period; the range must not be empty."""
    n = len(world.product_id)
    base = period * n
    low = np.where(first > 0, world.cumulative[base + first - 1], period.astype(np.float64))
    high = world.cumulative[base + last - 1]
    found = np.searchsorted(world.cumulative, low + u * (high - low), side="right") - base
    rows: Ints = np.clip(found, first, last - 1).astype(np.int64)
    return rows


def pick_in_type(world: World, *, kind: Ints, own: npt.NDArray[np.bool_], period: Ints, u: Floats) -> Ints:
    """Return a product row of a type, from the own label where `own` holds, else from the national brands.

    A type that lacks the wanted side serves from the other one.
    """
    first, middle, last = world.type_start[kind], world.own_start[kind], world.type_start[kind + 1]
    own = (own & (middle < last)) | (middle == first)
    return pick_between(world, first=np.where(own, middle, first), last=np.where(own, last, middle), period=period, u=u)
