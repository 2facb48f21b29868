"""What may be said of a difference: better or worse only where days and parameters together leave no doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from simulation.store.intervals import Interval  # which loads scipy: commands also want the number alone

Verdict = Literal["better", "worse", "higher", "lower", "no clear difference", "not judged"]
LEAST_DRAWS: Final = 8
"""Draws of the parameters without which nothing is judged.

Of two draws both may lie near the central parameters by chance: then the interval is hardly wider than that of the
days, and one that says 95% holds the truth in 91 to 93% (`benchmarks/intervals.py`). From eight draws on it holds
nearly as often as with 64. Of days two are enough: Student's quantile for one degree of freedom,
12.7, pays for them.
"""


def verdict(better: int, interval: Interval | None, *, draws: int) -> Verdict:
    """Say what an interval of days and parameters leaves of a difference.

    Args:
        better: +1 more is better, -1 less is better, 0 neither.
        interval: of the difference; None without one.
        draws: of the parameters, behind the interval.

    Returns: "better" and "worse" ("higher" and "lower" where neither is better) only where the interval excludes 0 and
        there are at least `LEAST_DRAWS` draws; with fewer "not judged", as without an interval.
    """
    if interval is None:
        return "not judged"
    if not interval.excludes(0.0):
        return "no clear difference"
    if draws < LEAST_DRAWS:
        return "not judged"
    up = interval.lo > 0
    if better == 0:
        return "higher" if up else "lower"
    return "better" if up == (better > 0) else "worse"
