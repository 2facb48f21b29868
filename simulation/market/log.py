"""The event log of a run, in the tables of `retail.market_log`: what an auditor would get.

List-level: each list of a period (a category as shown to a segment) stands once, with how often it was shown. Full: one
list for every consumer who came. Products of the category below the last place shown stand without a position.
`query` is the category in a period, whose lists share the ranking's noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retail.market_log import MarketLog
from retail.market_log import columns as m
from simulation.market.reads import PARTIES
from simulation.market.run import MarketRun
from simulation.market.state import PLATFORM, Ints

CURRENCY = "XXX"
"""ISO 4217 for no currency: money is in mean unit costs."""
PLATFORM_NAME = "platform"


def market_log(run: MarketRun) -> MarketLog:
    """Return the log of a run that kept its lists.

    Raises: ValueError: it kept none; use `MarketRun.log`, which runs it again.
    """
    if run.recording is None:
        raise ValueError("the run kept no lists; use MarketRun.log()")
    kept = run.recording.periods
    names = pd.array([PLATFORM_NAME, *(f"m{k}" for k in range(run.settings.merchants))], dtype="str")
    full = run.recording.detail == "full"
    return MarketLog(
        impressions=_impressions(kept, names, run.settings.places, full=full),
        products=_products(run, kept[0], names),
        sales=_sales(kept),
        figures=_figures(kept),
        reads=_reads(run),
        requests=_requests(run, kept, names),
        exposures=_exposures(kept, names),
    )


def _sellers(seller: Ints, names: Any) -> Any:
    return names.take(np.asarray(seller) - PLATFORM)


def _impressions(kept: list[dict[str, Any]], names: Any, places: int, *, full: bool) -> pd.DataFrame:
    parts: dict[str, list[NDArray[Any]]] = {}
    first_list = 0
    for one in kept:
        order, arrivals = one["order"], one["arrivals"]
        categories, segments, slots = order.shape
        position = np.arange(1.0, slots + 1)
        position[places:] = np.nan
        cell = np.arange(categories * segments)
        category = cell // segments
        slot = order.reshape(-1, slots)
        if full:
            came = one["picks"][:, 0]
            lists = came[came >= 0]
            shown = np.ones(lists.size, dtype=np.int64)
        else:
            lists = np.flatnonzero(arrivals.ravel() > 0)
            shown = arrivals.ravel()[lists]
        chosen, rows = slot[lists], category[lists][:, None]
        there = one["active"][rows, chosen]
        at = (np.broadcast_to(rows, chosen.shape)[there], chosen[there])
        count = there.sum(axis=1)
        number = np.repeat(np.arange(lists.size), count)
        found = {
            m.LIST: first_list + number,
            m.PERIOD: np.full(number.size, one["period"]),
            m.POSITION: np.broadcast_to(position, chosen.shape)[there],
            m.PRODUCT: one["id"][at],
            m.SELLER: one["seller"][at],
            m.OWN: one["own"][at],
            m.QUERY: one["period"] * categories + at[0],
            m.SHOWN: shown[number],
            m.PRICE: one["price"][at],
            "rating": one["rating"][at],
            "relevance": one["told"][at[0], (lists % segments)[number], at[1]],
        }
        if one["sponsored"] is not None:
            found["sponsored"] = one["sponsored"][at].astype(np.int8)
        first_list += lists.size
        for name, values in found.items():
            parts.setdefault(name, []).append(values)
    columns: dict[str, Any] = {name: np.concatenate(values) for name, values in parts.items()}
    columns[m.SELLER] = _sellers(columns[m.SELLER], names)
    return pd.DataFrame(columns, copy=False)


def _products(run: MarketRun, start: dict[str, Any], names: Any) -> pd.DataFrame:
    """Products of the start, and all that came out later."""
    category, slot = np.nonzero(start["active"])
    at = (category, slot)
    later = run.launches
    held = run.rules.held_stake > 0
    ids = np.concatenate([start["id"][at], np.array([one[0] for one in later], dtype=np.int64)])
    seller = np.concatenate([start["seller"][at], np.array([one[1] for one in later], dtype=np.int64)])
    own = np.concatenate([start["own"][at], np.array([one[2] for one in later], dtype=bool)])
    if held:
        own |= np.append(run.affiliates, False)[seller]
    copied = np.concatenate([np.full(category.size, -1), np.array([one[5] for one in later], dtype=np.int64)])
    launched = np.concatenate([np.zeros(category.size), np.array([one[4] for one in later])]).astype(np.int64)
    frame = pd.DataFrame({
        m.PRODUCT: ids,
        m.SELLER: _sellers(seller, names),
        m.OWN: own,
        m.CATEGORY: np.concatenate([category, np.array([one[3] for one in later], dtype=np.int64)]),
        m.LAUNCHED: launched,
    })  # fmt: skip
    frame[m.COPY_OF] = pd.array(np.where(copied < 0, 0, copied), dtype="Int64")
    frame.loc[copied < 0, m.COPY_OF] = pd.NA
    return frame.sort_values(m.PRODUCT, ignore_index=True)


def _sales(kept: list[dict[str, Any]]) -> pd.DataFrame:
    frame = _by_product(kept, {m.UNITS: lambda one: one["units"], m.REVENUE: lambda one: one["units"] * one["price"]})
    frame[m.CURRENCY] = CURRENCY
    return frame


def _figures(kept: list[dict[str, Any]]) -> pd.DataFrame:
    return _by_product(kept, {m.PROFIT: lambda one: one["profit"], m.POPULARITY: lambda one: one["popularity"]})


def _by_product(kept: list[dict[str, Any]], values: dict[str, Any]) -> pd.DataFrame:
    columns: dict[str, Any] = {
        m.PERIOD: np.concatenate([np.full(int(one["active"].sum()), one["period"]) for one in kept]),
        m.PRODUCT: np.concatenate([one["id"][one["active"]] for one in kept]),
    }
    for name, value in values.items():
        columns[name] = np.concatenate([value(one)[one["active"]] for one in kept]).astype(np.float64)
    return pd.DataFrame(columns)


def _reads(run: MarketRun) -> pd.DataFrame | None:
    role = {one.id: one.role for one in PARTIES}
    frame = run.reads.drop(columns="use")
    return frame.assign(role=frame[m.ACTOR].map(role), public=False) if len(frame) else None


def _requests(run: MarketRun, kept: list[dict[str, Any]], names: Any) -> pd.DataFrame | None:
    """Every merchant asks for its own data at every review, and gets them at once or not at all."""
    answers = run.reads.loc[run.reads["use"] == "own_orders"].set_index(m.PERIOD)[m.ALLOWED]
    periods, who = [], []
    for one in kept:
        if one["period"] % run.settings.review == 0:
            asked = np.flatnonzero(one["merchants"])
            periods.append(np.full(asked.size, one["period"]))
            who.append(asked)
    if not who or not np.concatenate(who).size:
        return None
    period = np.concatenate(periods)
    given = answers.reindex(period).to_numpy(dtype=bool)
    answered = pd.array(period, dtype="Int64")
    answered[~given] = pd.NA
    return pd.DataFrame({
        m.PERIOD: period,
        m.MERCHANT: _sellers(np.concatenate(who), names),
        m.ANSWERED: answered,
        m.COMPLETE: given,
        m.FREE: given,
    })  # fmt: skip


def _exposures(kept: list[dict[str, Any]], names: Any) -> pd.DataFrame | None:
    """Who reached whom: consumers of a segment whose list began with a seller's product, and what they bought of it.

    The score is the share of the other segments that are told to like that product less. What is told itself would not
    do: a product that is worse or dearer comes first only where it is liked the better, under a neutral ranking too.
    """
    parts = []
    for one in kept:
        category, segment = np.nonzero(one["arrivals"] > 0)
        slot = one["order"][category, segment, 0]
        there = one["active"][category, slot]
        category, segment, slot = category[there], segment[there], slot[there]
        told = one["told"][category, :, slot].astype(np.float64)
        mine = np.take_along_axis(told, segment[:, None], axis=1)
        less, as_much = (told < mine).sum(axis=1), (told == mine).sum(axis=1) - 1
        best = (less + as_much / 2) / max(told.shape[1] - 1, 1)
        parts.append(pd.DataFrame({
            m.PERIOD: one["period"],
            m.ADVERTISER: one["seller"][category, slot],
            m.OWN: one["own"][category, slot],
            m.SEGMENT: segment,
            m.PEOPLE: one["arrivals"][category, segment],
            m.SCORE: best * one["arrivals"][category, segment],
            m.CONVERSIONS: one["by_segment"][category, segment, slot],
        }))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    if frame.empty:
        return None
    keys = [m.PERIOD, m.ADVERTISER, m.OWN, m.SEGMENT]
    frame = frame.groupby(keys, as_index=False, sort=True).sum()
    frame[m.SCORE] /= frame[m.PEOPLE]
    frame[m.ADVERTISER] = _sellers(frame[m.ADVERTISER].to_numpy(), names)
    return frame
