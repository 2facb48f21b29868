"""Baskets and lines of generated shoppers, for one chunk of people at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from retail.randomness import Floats, Uint64, uniforms
from retail.truth import (
    CATEGORY_SHARE,
    FAVOURITE_WEIGHTS,
    GLOBAL_SHARE,
    People,
    pick,
    pick_between,
    pick_in_type,
    pick_slot,
)
from retail.world import PERIOD_DAYS, Ints, World

MAX_BASKETS: Final = 1024
_MAX_LINES: Final = 64
_LINE_SHAPE: Final = 0.8
_BASKET_SHAPE: Final = 2.0
_WEEKDAYS: Final = np.array([0.9, 0.9, 0.9, 1.0, 1.1, 1.3, 0.9])
_HOURS: Final = np.array([0] * 7 + [1, 2, 4, 5, 6, 6, 6, 6, 7, 9, 10, 9, 7, 5, 3, 2, 1], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Habits:
    """How much is bought and when: what a user of the generator may change.

    Attributes:
        days: days covered, from `first_day` (days since 1970-01-01).
        baskets: mean number of baskets per person over all days, at least 1.
        lines: mean number of lines drawn per basket, at least 1 (a product drawn twice stays one line).
    """

    first_day: int
    days: int
    baskets: float
    lines: float


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines as arrays of one length, sorted by person, time and product."""

    person: Ints
    basket: Ints
    product: Ints
    store: Ints
    second: Ints
    quantity: Ints
    sales: Floats


def draw_lines(
    world: World,
    people: People,
    *,
    keys: Uint64,
    habits: Habits,
    campaign_category: int,
    campaign_days: tuple[int, int],
) -> Lines:
    """Draw every line of some people.

    A line repeats a favourite product (probability `habit`), or is drawn from all products (0.1), or follows a taste:
    a liked type (0.75 of those), or its whole category (0.25). Popularity of the 28-day period decides within a type.
    Whoever is treated makes, with probability `uplift`, one more basket of one line in the campaign's category and
    window.
    """
    count = 1 + pick(
        negative_binomial(habits.baskets - 1, _BASKET_SHAPE, MAX_BASKETS - 2),
        uniforms(keys, stream=20),
        MAX_BASKETS - 2,
    )
    extra = people.treated & (uniforms(keys, stream=21) < people.uplift)
    owner = np.repeat(np.arange(len(keys)), count + extra)
    index = _index_within(count + extra)
    promoted = extra[owner] & (index == count[owner])

    key = keys[owner]
    day = habits.first_day + pick(_day_shares(habits), uniforms(key, stream=22, counter=index), habits.days)
    window = campaign_days[1] - campaign_days[0]
    in_window = campaign_days[0] + (uniforms(key, stream=23) * window).astype(np.int64)
    day = np.where(promoted, in_window, day)
    hour = pick(np.cumsum(_HOURS / _HOURS.sum()), uniforms(key, stream=24, counter=index), 24)
    second = day * 86_400 + hour * 3_600 + (uniforms(key, stream=25, counter=index) * 3_600).astype(np.int64)
    home = promoted | (uniforms(key, stream=26, counter=index) < people.home_share[owner])
    other = people.other_stores[owner, (uniforms(key, stream=27, counter=index) * 2).astype(np.int64)]
    store = world.store_id[np.where(home, people.home_store[owner], other)]

    size = 1 + pick(
        negative_binomial(habits.lines - 1, _LINE_SHAPE, _MAX_LINES - 1),
        uniforms(key, stream=28, counter=index),
        _MAX_LINES - 1,
    )
    size[promoted] = 1
    trip = np.repeat(np.arange(len(owner)), size)
    counter = index[trip] * _MAX_LINES + _index_within(size)
    period = (day[trip] - habits.first_day) // PERIOD_DAYS
    product = _products(world, people, owner=owner[trip], keys=key[trip], counter=counter, period=period)
    at = np.flatnonzero(promoted[trip])
    category = np.full(len(at), campaign_category)
    product[at] = pick_between(
        world,
        first=world.category_start[category],
        last=world.category_start[category + 1],
        period=period[at],
        u=uniforms(key[trip][at], stream=36, counter=counter[at]),
    )

    chronological = np.empty(len(owner), dtype=np.int64)
    chronological[np.lexsort((index, second, owner))] = np.arange(len(owner))
    n = len(world.product_id)
    _, kept = np.unique(chronological[trip] * (n + 1) + world.product_id[product], return_index=True)
    trip, product, counter = trip[kept], product[kept], counter[kept]
    owner = owner[trip]
    quantity = 1 + (np.log(uniforms(keys[owner], stream=37, counter=counter)) / math.log(0.2)).astype(np.int64)
    discount = np.where(uniforms(keys[owner], stream=38, counter=counter) < 0.2, 0.8, 1.0)
    return Lines(
        person=people.person[owner],
        basket=people.person[owner] * MAX_BASKETS + index[trip],
        product=world.product_id[product],
        store=store[trip],
        second=second[trip],
        quantity=quantity,
        sales=np.round(world.price[product] * quantity * discount, 2),
    )


def negative_binomial(mean: float, shape: float, most: int) -> Floats:
    """Return the distribution function at 0..most - 1 of a negative binomial with that mean, cut off at `most`.

    Args:
        mean: at least 0; a mean of 0 gives always 0.
        shape: the smaller, the more people differ; the variance is mean + mean**2 / shape.
        most: number of values; probability beyond goes to the last one.
    """
    values = np.arange(most, dtype=np.float64)
    stay = mean / (mean + shape)
    ratio = np.concatenate([[1.0], stay * (values[1:] - 1 + shape) / values[1:]])
    running: Floats = np.cumsum((1 - stay) ** shape * np.cumprod(ratio))
    running[-1] = 1.0
    return running


def _products(world: World, people: People, *, owner: Ints, keys: Uint64, counter: Ints, period: Ints) -> Ints:
    """Draw a product row for each line."""
    source = uniforms(keys, stream=30, counter=counter)
    which = uniforms(keys, stream=31, counter=counter)
    u = uniforms(keys, stream=32, counter=counter)
    habit = people.habit[owner]
    product = np.empty(len(owner), dtype=np.int64)

    at = np.flatnonzero(source < habit)
    product[at] = people.favourites[owner[at], pick(np.cumsum(FAVOURITE_WEIGHTS), which[at], len(FAVOURITE_WEIGHTS))]

    at = np.flatnonzero(source >= 1.0 - GLOBAL_SHARE)
    whole = np.zeros(len(at), dtype=np.int64)
    product[at] = pick_between(world, first=whole, last=whole + len(world.product_id), period=period[at], u=u[at])

    at = np.flatnonzero((source >= habit) & (source < 1.0 - GLOBAL_SHARE))
    slot = pick_slot(np.cumsum(people.taste_weights[owner[at]], axis=1), which[at])
    kind = people.taste_types[owner[at], slot]
    wide = uniforms(keys[at], stream=33, counter=counter[at]) < CATEGORY_SHARE
    own = uniforms(keys[at], stream=34, counter=counter[at]) < people.own_label_share[owner[at]]
    category = world.category_of_type[kind]
    product[at] = np.where(
        wide,
        pick_between(
            world,
            first=world.category_start[category],
            last=world.category_start[category + 1],
            period=period[at],
            u=u[at],
        ),
        pick_in_type(world, kind=kind, own=own, period=period[at], u=u[at]),
    )
    return product


def _day_shares(habits: Habits) -> Floats:
    weight = _WEEKDAYS[(np.arange(habits.days) + habits.first_day + 3) % 7]
    running: Floats = np.cumsum(weight / weight.sum())
    return running


def _index_within(counts: Ints) -> Ints:
    """Return 0, 1, .. counts[0] - 1, 0, 1, .. counts[1] - 1, and so on."""
    starts = np.cumsum(counts) - counts
    index: Ints = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    return index
