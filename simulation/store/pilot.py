"""How many days a comparison needs, told by days of their own: the days that count do not choose their number.

If days are added until their own interval is narrow enough, they stop when they happen to vary little, and a 95%
interval holds the truth less often than it says. A pilot that is thrown away afterwards leaves the interval as good as
with a number of days that was fixed beforehand: `benchmarks/intervals.py` measures both.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

DAYS: Final = 8
"""Pairs of days of a pilot."""


def days_needed(
    differences: NDArray[np.float64], base: float, *, half_width: float, block: int, most: int, level: float = 0.95
) -> int:
    """Return how many days to simulate beside the pilot.

    Args:
        differences: (pilot days,) other minus base of the leading figure, NaN on a day without it.
        base: mean of the figure in the base, to which `half_width` is relative.
        half_width: wanted of the interval, as a share of the base.
        block: days added at a time: the answer is a multiple of it, or `most`.
        most: days at most.
        level: of the interval.

    Returns: from `block` to `most`; `most` where the pilot has fewer than two days with the figure, or a base of 0.

    Source: Stein 1945, A two-sample test for a linear hypothesis whose power is independent of the variance; here the
        first sample is left out of the mean, so that nothing need be assumed about the days.
    """
    real = differences[~np.isnan(differences)]
    wanted = half_width * abs(base)
    if len(real) < 2 or not wanted > 0:
        return most
    reach = float(stdtrit(len(real) - 1, (1 + level) / 2)) * float(real.std(ddof=1))
    blocks = max(1.0, math.ceil((reach / wanted) ** 2 / block)) if math.isfinite(reach) else math.inf
    return int(min(blocks * block, most))
