"""What one arm of an audience scenario gives back: figures, and the same figures drawn anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail.errors import DataError

Floats = npt.NDArray[np.float64]
REDRAWN_FILE: Final = "redrawn.parquet"
"""Among the artifacts of a run: one row for each draw, one column for each figure that has draws."""
TABLE_FILE: Final = "table.parquet"
"""Among the artifacts: the detail behind the figures, such as one row for each product; where a method keeps it."""
_LEAST_DRAWS: Final = 20


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure of an arm.

    Attributes:
        name: letters, digits and underscores; targets write it.
        value: as measured; NaN where it could not be.
        n: persons, products or pairs behind it.
        unit: "1" for a pure number.
        redrawn: (draws,) the figure with its data drawn anew; NaN for a draw without one. None without an interval.
        ends: the ends of the interval where it comes from a formula, such as a standard error; then `redrawn` may be
            left out, and differences to other arms have no interval.
    """

    name: str
    value: float
    n: int
    unit: str = "1"
    redrawn: Floats | None = None
    ends: tuple[float, float] | None = None

    def interval(self) -> tuple[float, float]:
        """Return the 95% interval: given, or by percentiles of the draws; NaN without either."""
        if self.ends is not None:
            return self.ends
        return percentiles(self.redrawn, self.value)


@dataclass(frozen=True, eq=False)
class Measured:
    """What an arm measured.

    Attributes:
        figures: each name once; those with draws have equally many.
        draws: what was drawn anew and how, such as "launches and households, seed 0". Two arms with the same text
            were drawn alike, draw by draw, so that their differences are paired; empty where nothing was.
        info: what `run.json` should say beside: `said`, a list of sentences for people (what was chosen, and on which
            held-out part), `epsilon_spent`, `consumers` ... JSON values.
        table: detail to keep, None for none.
    """

    figures: tuple[Figure, ...]
    draws: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    table: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse figures that cannot stand in one table.

        Raises: DataError: a name twice, or draws of different number.
        """
        names = [one.name for one in self.figures]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"figure {twice[0]!r} was measured twice; give each its own name")
        lengths = {len(one.redrawn) for one in self.figures if one.redrawn is not None}
        if len(lengths) > 1:
            raise DataError(f"figures were redrawn {sorted(lengths)} times; draw all of an arm equally often")

    def metrics(self) -> pd.DataFrame:
        """Return one row for each figure, as the run store keeps them."""
        rows = []
        for one in self.figures:
            lo, hi = one.interval()
            rows.append({"name": one.name, "value": one.value, "lo": lo, "hi": hi, "unit": one.unit, "n": one.n})
        return pd.DataFrame(rows)

    def redrawn(self) -> pd.DataFrame:
        """Return one column for each figure that has draws."""
        return pd.DataFrame({one.name: one.redrawn for one in self.figures if one.redrawn is not None})


def percentiles(redrawn: Floats | None, value: float) -> tuple[float, float]:
    """Return the ends between which 95% of the draws lie; NaN without a value, or with too few usable draws."""
    usable = np.zeros(0) if redrawn is None else redrawn[np.isfinite(redrawn)]
    if not math.isfinite(value) or len(usable) < _LEAST_DRAWS:
        return math.nan, math.nan
    lo, hi = np.quantile(usable, (0.025, 0.975))
    return float(lo), float(hi)
