"""Impressions -> ranked lists as arrays: own flag first, then each logged quality in SD within lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from privacy.rules.ordered_logit import Lists, centred
from retail.errors import ConfigError, DataError
from retail.market_log import columns as m

Floats = npt.NDArray[np.float64]

_MOST_CELLS: Final = 100_000_000
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, eq=False)
class RankedLists:
    """Lists that hold own and other products.

    Attributes:
        lists: columns: own (0 or 1), then the qualities, each divided by its SD within lists.
        period: (lists,) of each list.
        qualities: names of the columns after the first.
        raw: (lists, places, qualities) as logged.
        dropped: qualities that say nothing here: constant within every list, or a sum of others.
        all_lists: lists in the log.
        alone: of those, with one product.
        unmixed: of those, with several products, all own or none.
        gaps: of all lists, with a place between the first and the last shown one that no row has.
        unshown: products of the lists here that were candidates and not shown.
        own_is_quality: the qualities tell own and other products apart without fail, so that their effects cannot be.
    """

    lists: Lists
    period: npt.NDArray[np.int64]
    qualities: tuple[str, ...]
    raw: Floats
    dropped: tuple[str, ...]
    all_lists: int
    alone: int
    unmixed: int
    gaps: int
    unshown: int
    own_is_quality: bool


def ranked_lists(impressions: pd.DataFrame, qualities: Sequence[str]) -> RankedLists:
    """Bring impressions into arrays.

    Args:
        impressions: as `retail.market_log.check` leaves them.
        qualities: columns to be taken as fair reasons for a place.

    Raises:
        ConfigError: a quality is no column of numbers in the log.
        DataError: the lists are too long, or too many, for memory.
    """
    for name in qualities:
        if name not in impressions.columns or name in _NOT_QUALITY:
            raise ConfigError(f"quality {name!r} is no logged quality of impressions; name a column of numbers there")
    frame = impressions.sort_values([m.LIST, m.POSITION], kind="stable")  # candidates that were not shown come last
    code, _ = pd.factorize(frame[m.LIST])
    length = np.bincount(code)
    position = frame[m.POSITION].to_numpy(dtype=np.float64)
    at = ~np.isnan(position)
    last = np.zeros(len(length))
    np.maximum.at(last, code[at], position[at])  # places are counted from 1, each once
    gaps = int((last > np.bincount(code[at], minlength=len(length))).sum())
    own = frame[m.OWN].to_numpy(dtype=bool)
    owned = np.bincount(code, weights=own)
    mixed = (owned > 0) & (owned < length)
    kept = mixed[code]
    frame, code = frame[kept], code[kept]
    number = np.cumsum(mixed) - 1
    row = number[code]
    count, places = int(mixed.sum()), int(length[mixed].max(initial=0))
    if count * places * (1 + len(qualities)) > _MOST_CELLS:
        raise DataError(
            f"impressions: {count:,} lists of up to {places:,} products are too many; "
            "split the log by period, or write equal lists once with `shown`"
        )
    starts = np.concatenate([[0], np.cumsum(length[mixed])])[:-1] if count else np.zeros(0, dtype=np.int64)
    place = np.arange(len(row)) - starts[row] if count else np.zeros(0, dtype=np.int64)
    there = np.zeros((count, places), dtype=bool)
    there[row, place] = True
    raw = np.zeros((count, places, len(qualities)))
    raw[row, place] = frame[list(qualities)].to_numpy(dtype=np.float64).reshape(len(row), len(qualities))
    flag = np.zeros((count, places, 1))
    flag[row, place, 0] = frame[m.OWN].to_numpy(dtype=np.float64)
    first = frame.iloc[starts] if count else frame
    cluster, _ = pd.factorize(first[m.QUERY])
    weight = first[m.SHOWN].to_numpy(dtype=np.float64)
    placed = frame[m.POSITION].notna().to_numpy()
    shown = np.bincount(row, weights=placed, minlength=count).astype(np.int64) if not placed.all() else None
    lists = Lists(np.concatenate([flag, raw], axis=2), there, weight, np.asarray(cluster, dtype=np.int64), shown)
    scaled, taken, own_is_quality = _usable(lists)
    return RankedLists(
        scaled,
        first[m.PERIOD].to_numpy(dtype=np.int64),
        tuple(qualities[at] for at in taken),
        raw[:, :, taken],
        tuple(name for at, name in enumerate(qualities) if at not in taken),
        len(length),
        int((length == 1).sum()),
        int(((length > 1) & ~mixed).sum()),
        gaps,
        int((~placed).sum()),
        own_is_quality,
    )


def with_columns(ranked: RankedLists, columns: Floats) -> Lists:
    """Return the lists with other qualities: (lists, places, any) numbers, scaled, useless ones left out."""
    flag = ranked.lists.x[:, :, :1]
    return _usable(replace(ranked.lists, x=np.concatenate([flag, columns], axis=2)))[0]


def _usable(lists: Lists) -> tuple[Lists, list[int], bool]:
    """Scale the columns after the first; leave out those that earlier ones or the list already say.

    Returns: the lists, indices of the qualities kept (from 0), and whether they make up the own flag.
    """
    middle = centred(lists)[lists.there]
    spread = np.sqrt((middle**2).mean(axis=0)) if len(middle) else np.zeros(lists.x.shape[2])
    size = np.abs(lists.x[lists.there]).max(axis=0, initial=0.0)
    kept: list[int] = []
    basis: list[Floats] = []
    for column in range(1, lists.x.shape[2]):
        if spread[column] <= 1e-12 * max(size[column], 1e-300):
            continue
        rest = _residual(middle[:, column] / spread[column], basis)
        if float(np.sqrt((rest**2).mean())) > _TOLERANCE:
            kept.append(column)
            basis.append(rest / np.linalg.norm(rest))
    left = _residual(middle[:, 0], basis)
    told = bool(len(left)) and float(np.sqrt((left**2).mean())) <= _TOLERANCE
    x = centred(lists) / np.where(spread > 0, spread, 1.0)
    x[:, :, 0] = lists.x[:, :, 0]
    columns = [0, *kept]
    return replace(lists, x=x[:, :, columns]), [at - 1 for at in kept], told


def _residual(column: Floats, basis: list[Floats]) -> Floats:
    for _ in range(2):  # twice, for accuracy
        for one in basis:
            column = column - one * (one @ column)
    return column


_NOT_QUALITY: Final = (m.LIST, m.PERIOD, m.POSITION, m.PRODUCT, m.SELLER, m.OWN, m.QUERY, m.SHOWN)
