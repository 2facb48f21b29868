"""Figures of every period: means over the markets with intervals, and each market's own where arms are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from experiments.market.figures import within
from simulation.market.state import SIZES

PERIODS_FILE: Final = "by_period.parquet"
"""Among the artifacts: means over the markets with intervals, one row for each period."""
MARKETS_FILE: Final = "by_seed_and_period.parquet"
"""Among the artifacts: what each side gets in each market and period, so that arms can be compared market by market."""
COMPARED: Final = (
    "consumer_surplus", "merchant_surplus", "platform_profit", "welfare",
    *(f"merchant_surplus_{size}" for size in SIZES),
)  # fmt: skip
"""Columns of `MARKETS_FILE`, after `seed` and `period`."""


def means(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return means over markets, then Student's 95% interval of each at each period by itself.

    Args:
        frames: of each market, one row a period, the same columns, among them `period`.

    Returns: the columns of the frames, then `<name>_lo` and `<name>_hi` of each but `period`: cut at what a share can
        be, and NaN with fewer than two markets or where a market has no figure.
    """
    names = [str(name) for name in frames[0].columns]
    values = np.stack([frame.to_numpy(np.float64) for frame in frames])
    mean = pd.DataFrame(values.mean(axis=0), columns=names)
    with np.errstate(invalid="ignore", divide="ignore"):
        n = len(values)
        error = values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(values.shape[1:], np.nan)
    half = stdtrit(n - 1, 0.975) * error
    ends: dict[str, list[float]] = {}
    for at, name in enumerate(names):
        if name == "period":
            continue
        centre = mean[name].to_numpy(np.float64)
        cut = [within(name, float(one - h), float(one + h)) for one, h in zip(centre, half[:, at], strict=True)]
        ends |= {f"{name}_lo": [lo for lo, _ in cut], f"{name}_hi": [hi for _, hi in cut]}
    return pd.concat([mean, pd.DataFrame(ends)], axis=1)


def of_markets(seeds: Sequence[int], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return seed, period and `COMPARED`, one row for each market and period."""
    parts = [frame[["period", *COMPARED]].assign(seed=seed) for seed, frame in zip(seeds, frames, strict=True)]
    return pd.concat(parts, ignore_index=True)[["seed", "period", *COMPARED]]


def differences(mine: pd.DataFrame, other: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return how an arm differs from another, market by market.

    Args:
        mine: a table of `of_markets`.
        other: the same of what it is compared with; markets that only one of them has are left out.
        name: one of `COMPARED`.

    Returns: period, value, lo, hi: the mean difference, with Student's 95% interval of each period by itself.
    """
    both = mine.merge(other, on=["seed", "period"], suffixes=("", "_other"))
    both[name] = both[name] - both[f"{name}_other"]
    frames = [part[["period", name]].reset_index(drop=True) for _, part in both.groupby("seed", sort=True)]
    if not frames:
        return pd.DataFrame(columns=["period", "value", "lo", "hi"], dtype=np.float64)
    found = means(frames)
    return found.rename(columns={name: "value", f"{name}_lo": "lo", f"{name}_hi": "hi"})
