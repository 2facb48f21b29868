"""The launches of a finished run of look-alikes: how well each method does for one of them, held against a rule."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from apps.audiences.table import Ends, Row
from experiments.audience.measured import TABLE_FILE, percentiles
from experiments.documents import read_frame
from experiments.runs import RunStore
from retail.errors import DataError

FIGURES: Final = {"auc": "AUC", "lift5": "Lift at 5%"}
CHANCE: Final = {"auc": 0.5, "lift5": 1.0}
_COLUMNS: Final = ("product_id", "day", "early_days", "seeds", "later_buyers", *FIGURES)


@dataclass(frozen=True, slots=True)
class Launch:
    """One launched product.

    Attributes:
        product: its id; name: what people would call it, empty where nobody knows.
        day: of the launch.
        early_days: for how many days buyers counted as early; early: how many those are; later: who bought after.
    """

    product: str
    name: str
    day: dt.date
    early_days: int
    early: int
    later: int

    @property
    def label(self) -> str:
        """What a list of launches shows."""
        return f"{self.name.capitalize()} ({self.product})" if self.name else f"Product {self.product}"


def launch_tables(store: RunStore, scenario: str, rows: Sequence[Row]) -> dict[str, pd.DataFrame]:
    """Read what each arm's run kept of every launch, by arm; runs that kept nothing are left out.

    Raises: DataError: a file is damaged, or was made by another version.
    """
    found = {}
    for row in rows:
        for run_id in row["run_ids"][:1]:
            path = store.root / scenario / run_id / "artifacts" / TABLE_FILE
            if not path.is_file():
                continue
            table = read_frame(path)
            missing = [name for name in _COLUMNS if name not in table]
            if missing:
                raise DataError(f"{path}: has no column {missing[0]!r}; run the scenario again with this version")
            found[row["arm"]] = table
    return found


def launches(tables: dict[str, pd.DataFrame]) -> list[Launch]:
    """List the launches that arms were measured on, most later buyers first."""
    found: dict[str, Launch] = {}
    for table in tables.values():
        for one in table.to_dict("records"):
            day = dt.date(1970, 1, 1) + dt.timedelta(days=int(one["day"]))
            early = int(one["early_days"]), int(one["seeds"])
            launch = Launch(str(one["product_id"]), str(one.get("name") or ""), day, *early, int(one["later_buyers"]))
            found.setdefault(launch.product, launch)
    return sorted(found.values(), key=lambda one: (-one.later, one.product))


def quality(table: pd.DataFrame, product: str, metric: str) -> Ends:
    """Return a figure of one launch, with its interval where the run kept draws; NaN where it was not measured."""
    found = table[table["product_id"].astype(str) == product]
    if found.empty:
        return math.nan, math.nan, math.nan
    value = float(found[metric].iloc[0])
    return value, *percentiles(_draws(found, metric), value)


def beside(table: pd.DataFrame, reference: pd.DataFrame, product: str, metric: str) -> Ends | None:
    """Return how far an arm lies above another for one launch, households drawn alike; None where that is not known."""
    mine, other = (one[one["product_id"].astype(str) == product] for one in (table, reference))
    if mine.empty or other.empty:
        return None
    value = float(mine[metric].iloc[0]) - float(other[metric].iloc[0])
    first, second = _draws(mine, metric), _draws(other, metric)
    if first is None or second is None or len(first) != len(second):
        return value, math.nan, math.nan
    return value, *percentiles(first - second, value)


def _draws(found: pd.DataFrame, metric: str) -> Any:
    name = f"{metric}_redrawn"
    return np.asarray(found[name].iloc[0], dtype=np.float64) if name in found else None
