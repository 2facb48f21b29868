"""Advertisers differ for good, own or not: how far would as many others, drawn at random, stand from the rest?

A platform's own label is often one advertiser. A lasting difference in what people think of it looks like a preference
in every period, so that no number of periods tells the two apart; only other advertisers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail.market_log import columns as m

Floats = npt.NDArray[np.float64]

_CLEAR: Final = 0.05
"""Share of the mean size of scores that their mean must reach: shares of less are noise, whatever they are."""


@dataclass(frozen=True, eq=False)
class Advantages:
    """What each advertiser has over the others in the same segments and periods.

    Attributes:
        advantage: (advertisers,) mean score less that of all others there, as a share of the mean score of those who
            are not own.
        people: (advertisers,) whom they reached there.
        own: (advertisers,) bool.
    """

    advantage: Floats
    people: Floats
    own: npt.NDArray[np.bool_]

    @property
    def labelings(self) -> int:
        """In how many ways as many advertisers could have been the own ones."""
        return math.comb(len(self.own), int(self.own.sum()))


def advantages(exposures: pd.DataFrame, what: str) -> Advantages | None:
    """Compare each advertiser with all others, in segments and periods where own and others reached people.

    Args:
        exposures: as `retail.market_log.check` leaves them.
        what: the score, or conversions (which are taken for each person).

    Returns: None where nothing can be compared, or others' mean score is not clearly above 0, so that a share of it
        says nothing.
    """
    frame = exposures[exposures[m.PEOPLE] > 0]
    cell = frame.groupby([m.PERIOD, m.SEGMENT])
    frame = frame[cell[m.OWN].transform("any") & ~cell[m.OWN].transform("all")]
    people = frame[m.PEOPLE].to_numpy(dtype=np.float64)
    total = frame[what].to_numpy(dtype=np.float64) * (people if what == m.SCORE else 1.0)
    sums = frame.assign(total=total, people=people).groupby([m.PERIOD, m.SEGMENT])[["total", "people"]].transform("sum")
    others = (sums["total"].to_numpy() - total) / (sums["people"].to_numpy() - people)
    own = frame[m.OWN].to_numpy(dtype=bool)
    if own.all() or not own.any():
        return None
    level = float(total[~own].sum() / people[~own].sum())
    if level <= _CLEAR * float(np.abs(total[~own]).sum() / people[~own].sum()):
        return None
    by = pd.DataFrame({"gap": total - people * others, "people": people, "own": own}).groupby(
        [frame[m.ADVERTISER].to_numpy(), own]
    )
    gap, reached = by["gap"].sum().to_numpy(), by["people"].sum().to_numpy()
    return Advantages(gap / (reached * level), reached, by["own"].first().to_numpy(dtype=bool))


def placebo_test(found: Advantages, *, margin: float, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """Test that own advertisers' advantage is at most the margin above what random advertisers have.

    Returns: one-sided p value; SD of the advantage of as many random advertisers over the rest.

    Guarantee: exact (up to the draws) where, without a preference, each set of that many advertisers is as likely to
        be the own one.
    """
    shifted = found.advantage - margin * found.own
    observed = _gap(found.own[None], shifted, found.people)[0]
    order = rng.random((draws, len(found.own))).argsort(axis=1)
    drawn = _gap(order < int(found.own.sum()), shifted, found.people)
    return float((1 + (drawn >= observed - 1e-12).sum()) / (draws + 1)), float(drawn.std())


def _gap(chosen: npt.NDArray[np.bool_], advantage: Floats, people: Floats) -> Floats:
    """(draws,) mean advantage of the chosen less that of the rest, by people."""
    mine, rest = chosen @ people, ~chosen @ people
    return np.asarray(chosen @ (advantage * people) / mine - ~chosen @ (advantage * people) / rest)
