"""Demand learnt from the Complete Journey."""

from __future__ import annotations

import csv
import functools
import hashlib
import logging
import os
import zipfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from retail import columns as c
from retail import complete_journey
from retail.dataset import RetailData
from retail.errors import DataError
from retail.files import atomic_write
from simulation.store.demand_model.model import DemandModel
from simulation.store.demand_model.trips import Trips, trips_of

RULES: Final = 1
"""Version of how trips are made: part of the cache's name. Raise it with every change."""
UNNAMED: Final = ""
"""What stands in the table for products without a category."""

_ARRAYS: Final = ("hour_start", "start", "category", "lines", "items", "spend")
_TABLE: Final = "complete_journey_categories.csv"

_log = logging.getLogger(__name__)


def complete_journey_demand(*, cache: Path | None = None) -> DemandModel:
    """Trips of the whole panel, all stores and the whole year together.

    The first call on a machine reads the data set (seconds) and keeps the trips in the cache; later ones take a small
    part of a second.

    Args:
        cache: folder of the kept copy; by default as in `retail.complete_journey.load`.

    Raises: DataError: the package is not installed, or its tables cannot be read.
    """
    return _demand(None if cache is None else Path(cache))


@functools.cache
def _demand(cache: Path | None) -> DemandModel:
    table = (resources.files("simulation.store.demand_model") / _TABLE).read_bytes()
    source = complete_journey.fingerprint()
    identity = hashlib.sha256(f"{source}\ntrips {RULES}\n".encode() + table).hexdigest()
    folder = cache or Path(os.environ.get("TRADEFAIR_CACHE") or os.path.expanduser("~/.cache/tradefair"))
    kept = folder / f"store-trips-{identity[:32]}.npz"
    trips = _read(kept)
    if trips is None:
        trips = trips_in(complete_journey.load(cache=cache), category_table())
        _keep(trips, kept)
    return DemandModel("complete-journey", "USD", identity, trips)


def category_table() -> dict[str, str]:
    """The category on a plan for each category of the Complete Journey; `UNNAMED` for products without one."""
    text = (resources.files("simulation.store.demand_model") / _TABLE).read_text(encoding="utf-8")
    return {row["source"]: row["category"] for row in csv.DictReader(text.splitlines())}


def trips_in(data: RetailData, table: Mapping[str, str]) -> Trips:
    """Make trips of a data set's lines.

    Args:
        data: products with CATEGORY, lines with TIME in local time.
        table: category on a plan for each category of the products; `UNNAMED` for products without one, listed or not.

    Raises: DataError: a category that was bought is not in the table.
    """
    lines = data.transactions
    row = pd.Index(data.products[c.PRODUCT]).get_indexer(pd.Index(lines[c.PRODUCT]))
    names = np.append(data.products[c.CATEGORY].fillna(UNNAMED).to_numpy(dtype=object), UNNAMED)
    number, found = pd.factorize(names)
    bought = np.bincount(number[row], minlength=len(found))
    missing = [
        (str(name), int(count)) for name, count in zip(found, bought, strict=True) if count and name not in table
    ]
    if missing:
        raise DataError(_missing(data.name, missing))
    target = np.array([table.get(str(name), "") for name in found])
    return trips_of(
        basket=pd.factorize(lines[c.BASKET], sort=True)[0],
        hour=lines[c.TIME].dt.hour.to_numpy(dtype=np.int64),
        category=target[number[row]],
        quantity=lines[c.QUANTITY].to_numpy(dtype=np.float64),
        spend=lines[c.SALES].to_numpy(dtype=np.float64),
    )


def _missing(name: str, missing: list[tuple[str, int]]) -> str:
    worst = sorted(missing, key=lambda pair: (-pair[1], pair[0]))
    listed = ", ".join(f"{category or '(none)'} ({lines:,} lines)" for category, lines in worst[:10])
    more = f" and {len(worst) - 10} more" if len(worst) > 10 else ""
    return (
        f"{name}: no category on the plan is known for {listed}{more}; add them to the mapping, or put them all "
        'together with other="general merchandise"'
    )


def _read(path: Path) -> Trips | None:
    """The kept trips, or None when there is no sound copy (the archive has checksums)."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in _ARRAYS}
            return Trips(categories=tuple(str(name) for name in kept["categories"]), **arrays)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("%s: the kept trips cannot be read (%s); they are made again", path, error)
        return None


def _keep(trips: Trips, path: Path) -> None:
    """Keep the trips for the next time; not being able to is no error."""
    arrays = {name: getattr(trips, name) for name in _ARRAYS}
    try:
        atomic_write(path, lambda temporary: np.savez(temporary, categories=np.array(trips.categories), **arrays))
    except DataError as error:
        _log.warning("%s: the trips cannot be kept (%s); the next start makes them again", path, error)
