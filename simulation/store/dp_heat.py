"""Heat maps that may leave: presence of visits, released with noise through the release gate.

    choice = choose_release(simulated, epsilon=1.0)                       # on simulated days: costs no budget
    gate = movement_gate(movement_rows(real), ledger=ledger, engine=engine, log=log, max_cells=choice.max_cells)
    private = release_presence(gate, "shop", real, epsilon=1.0)
    shown = filled(private, choice)                                       # or on_floor(private, floor)

What is counted is presence, 0 or 1 per visit and square: seconds per square would need far more noise. Nothing here
draws noise; `privacy.release` does. All noisy counts are asked for: the gate's threshold would hide most of a store,
and privacy does not rest on it. Two readings cost nothing. `on_floor` uses the plan: nobody is inside a shelf, and no
count is negative. `filled` also weighs what is cut off or noisy against what simulated days lead to expect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privacy.accounting import epsilon_rdp
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds, bounded_counts
from privacy.statistics.queries import Grid, Key, Query
from retail import columns as c
from retail.errors import ConfigError
from simulation.store.floor import CELL_M, Floor
from simulation.store.routes import Presence, within_reach

MOVEMENT: Final = "movement"
"""Id of the data set of visits in a register."""
X: Final = "x_m"
Y: Final = "y_m"
DELTA: Final = 1e-5
CLIPS: Final = (60, 100, 150, 220)
"""Squares per visit that are tried, unless told otherwise."""
DOUBT: Final = 0.25
"""By how much of itself a simulated count may be wrong, as a standard deviation. An assumption."""
_SHOP: Final = "shop"


@dataclass(frozen=True, eq=False)
class PrivateHeat:
    """A released heat map of visits.

    Attributes:
        values: (rows, columns) float64 noisy counts of visits, or of persons where rows name them; may be negative.
        side_m: edge of a square.
        max_cells: squares of a visit that were counted.
        epsilon: of this release alone, at the budget's delta; less was asked where a more exact answer was stored.
        noise_sd: standard deviation of the noise of one count.
        cost: nano-rho.
    """

    values: NDArray[np.float64]
    side_m: float
    max_cells: int
    epsilon: float
    noise_sd: float
    cost: int


@dataclass(frozen=True, eq=False)
class Choice:
    """How to release and how to read what comes, from simulated days.

    Attributes:
        max_cells: squares of one visit that are counted.
        mean: (rows, columns) simulated visits of a day.
        spread: (rows, columns) how far a real day may be from that, as a standard deviation.
        kept: (rows, columns) share of a square's visits that `max_cells` leaves in the count; 1 where nobody comes.
        error: mean relative L1 error of releases as they will be read, on simulated days that took no part in `mean`
            and `kept`.
        unaided: the same without any release: the other days' mean alone.
        tried: (max_cells, error) of all that were tried.
    """

    max_cells: int
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    kept: NDArray[np.float64]
    error: float
    unaided: float
    tried: tuple[tuple[int, float], ...]


def movement_rows(presence: Presence, person: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Write presence as the rows of a data set of movement: a row for each time that a visit enters a cell.

    Where a visit was in more squares than count, those with most rows stay.

    Args:
        presence: of the visits.
        person: (visits,) number of the person of each visit, whom the release then protects and counts, once per square
            over all visits; None protects and counts visits.

    Returns: columns person_id, merchant_id, basket_id (all int64), x_m and y_m (float64, middle of the square).
    """
    visit, square = np.repeat(presence.visit, presence.steps), np.repeat(presence.square, presence.steps)
    return pd.DataFrame(
        {
            c.PERSON: visit if person is None else person[visit],
            c.MERCHANT: np.zeros(len(visit), dtype=np.int64),
            c.BASKET: visit,
            X: (square % presence.columns + 0.5) * presence.side_m,
            Y: (square // presence.columns + 0.5) * presence.side_m,
        }
    )


def movement_gate(
    rows: pd.DataFrame, *, ledger: Ledger, engine: PolicyEngine, log: Log, max_cells: int, dataset: str = MOVEMENT
) -> ReleaseGate:
    """Make a release gate for rows of movement.

    Args:
        rows: from `movement_rows`.
        ledger: pays.
        engine: decides; its register must hold the data set, of kind movement and in the form dp.
        log: in the ledger's books.
        max_cells: squares of one person that count, from `choose_release`.
        dataset: its id in the register.
    """
    return ReleaseGate(
        dataset=dataset,
        ledger=ledger,
        engine=engine,
        log=log,
        rows=lambda names: rows[list(names)],
        bounds=_bounds(max_cells),
    )


def release_presence(
    gate: ReleaseGate, actor: str, shape: Presence, *, epsilon: float, purpose: str = "own_business", title: str = ""
) -> PrivateHeat:
    """Ask a gate for the heat map of visits.

    Args:
        gate: from `movement_gate`.
        actor: who asks.
        shape: its rows, columns and side are the grid; its visits are not looked at.
        epsilon: of this release alone, at the budget's delta.
        purpose: for the policy.
        title: for people.

    Raises: PolicyError, PrivacyError: see `ReleaseGate.release`.

    Guarantee: DP with the epsilon of what is returned, at the budget's delta, for one person of the rows: a visit, or a
        person with all visits.
    """
    answer = gate.release(actor, _query(shape, gate.dataset, epsilon, purpose, title))
    counts = np.array([row[-1] for row in answer.rows], dtype=np.float64)
    values = counts.reshape(shape.columns, shape.rows).T  # keys are in the order of their names: x, then y
    sd = answer.scale * (math.sqrt(2) if answer.noise == "laplace" else 1.0)
    most = gate.bounds.max_cells
    spent = epsilon_rdp(answer.cost, delta=gate.ledger.budget.delta)
    return PrivateHeat(values, shape.side_m, most, spent, sd, answer.cost)


def choose_release(
    simulated: Sequence[Presence],
    *,
    epsilon: float,
    floor: Floor | None = None,
    clips: Sequence[int] = CLIPS,
    doubt: float = DOUBT,
) -> Choice:
    """Choose how many squares of a visit to count, on simulated days; nobody's budget pays.

    Each day is released from a ledger in memory, read, and held against its exact counts.

    Args:
        simulated: presence of at least three days on the grid to be released, with about as many visits as are
            expected, and best with drawn parameters.
        epsilon: of the release to come, at delta 1e-5.
        floor: of the plan, when releases will be read with `on_floor`; when None they will be read with `filled`, here
            against the other days.
        clips: numbers of squares to try.
        doubt: share by which simulated counts may be wrong beside what differs between these days.

    Raises: ConfigError: fewer than three days, nothing to try, or a doubt that is no share above 0.
    """
    if len(simulated) < 3 or not clips or not 0 < doubt < 10:
        raise ConfigError(
            f"choosing needs three simulated days, a clip to try and a doubt above 0, got {len(simulated)}, "
            f"{len(clips)} and {doubt}"
        )
    exact = np.stack([day.counts for day in simulated]).astype(np.float64)
    rows = [movement_rows(day) for day in simulated]
    found: list[Choice] = []
    for clip in clips:
        cut = np.stack([_cut(day, each, int(clip)) for day, each in zip(simulated, rows, strict=True)])
        errors, unaided = [], []
        for place, (day, each) in enumerate(zip(simulated, rows, strict=True)):
            others = np.arange(len(simulated)) != place
            expected = _expected(int(clip), exact[others], cut[others], doubt)
            private = _rehearsed(day, each, epsilon=epsilon, max_cells=int(clip))
            read = filled(private, expected) if floor is None else on_floor(private, floor)
            errors.append(relative_error(read, day.counts))
            unaided.append(relative_error(expected.mean, day.counts))
        whole = _expected(int(clip), exact, cut, doubt)
        found.append(replace(whole, error=float(np.mean(errors)), unaided=float(np.mean(unaided))))
    best = min(found, key=lambda one: one.error)
    return replace(best, tried=tuple((one.max_cells, one.error) for one in found))


def on_floor(private: PrivateHeat, floor: Floor) -> NDArray[np.float64]:
    """Read a released map by the plan alone: 0 where nobody can walk, and no count below 0.

    Uses nothing but the release and the plan, which is public, so it costs nothing. Squares where few walk come out too
    high on average, since noise below 0 is cut; counts that the bound cut off stay cut off.

    Args:
        private: from `release_presence`.
        floor: of the same store.

    Returns: (rows, columns) float64.

    Raises: ConfigError: the release has another grid than the floor.
    """
    reach = within_reach(floor, side_cells=round(private.side_m / CELL_M))
    if private.values.shape != reach.shape:
        raise ConfigError(
            f"a release of {private.values.shape} squares does not fit a floor of {reach.shape}; give the floor of the "
            "plan that was released"
        )
    return np.where(reach, np.maximum(private.values, 0.0), 0.0)


def filled(private: PrivateHeat, choice: Choice) -> NDArray[np.float64]:
    """Read a released map: the most plausible visits, given the noisy counts and what simulated days lead to expect.

    A count is taken as kept * visits + noise, the visits as normal around the simulated mean. Uses nothing but the
    release and public numbers, so it costs nothing.

    Args:
        private: from `release_presence`.
        choice: from `choose_release`.

    Returns: (rows, columns) expected visits, at least 0.

    Raises: ConfigError: the release has another grid or another bound than the choice.
    """
    if private.values.shape != choice.mean.shape or private.max_cells != choice.max_cells:
        raise ConfigError(
            f"a release of {private.values.shape} squares with at most {private.max_cells} per visit cannot be read by "
            f"a choice of {choice.mean.shape} with {choice.max_cells}; release with the choice's max_cells and grid"
        )
    variance, noise = choice.spread**2, private.noise_sd**2
    centre, total = choice.kept * choice.mean, choice.kept**2 * variance + noise
    return np.maximum(choice.mean + choice.kept * variance / total * (private.values - centre), 0.0)


def relative_error(shown: NDArray[np.float64], exact: NDArray[np.int64]) -> float:
    """L1 distance over the sum of the exact counts; NaN for an empty store."""
    whole = float(exact.sum())
    return float(np.abs(shown - exact).sum()) / whole if whole else float("nan")


def _query(shape: Presence, dataset: str, epsilon: float, purpose: str, title: str) -> Query:
    side = Fraction(repr(shape.side_m))  # .3 134 times is 40.2, which floats miss
    high, wide = float(shape.rows * side), float(shape.columns * side)
    keys = (Key(X, grid=Grid(0.0, wide, shape.side_m)), Key(Y, grid=Grid(0.0, high, shape.side_m)))
    return Query("counts", dataset=dataset, keys=keys, epsilon=epsilon, purpose=purpose, title=title, hide_small=False)


def _cut(day: Presence, rows: pd.DataFrame, max_cells: int) -> NDArray[np.float64]:
    """Count a simulated day as the gate would, before noise."""
    query = _query(day, MOVEMENT, 1.0, "own_business", "")
    counts = bounded_counts(rows, query, _bounds(max_cells))
    return counts.reshape(day.columns, day.rows).T.astype(np.float64)


def _expected(clip: int, exact: NDArray[np.float64], cut: NDArray[np.float64], doubt: float) -> Choice:
    mean, counted = exact.mean(axis=0), cut.mean(axis=0)
    kept = np.divide(counted, mean, out=np.ones_like(mean), where=mean > 0)
    spread = np.sqrt(exact.var(axis=0, ddof=1) + (doubt * mean) ** 2)
    return Choice(clip, mean, spread, kept, math.nan, math.nan, ())


def _bounds(max_cells: int) -> Bounds:
    return Bounds(max_merchants=1, max_cells=max_cells, max_rows=1)


def _rehearsed(day: Presence, rows: pd.DataFrame, *, epsilon: float, max_cells: int) -> PrivateHeat:
    """Release a simulated day from a ledger that lives in memory."""
    budget = Budget("simulated visits", 2 * epsilon, DELTA, max(1, day.visits))
    ledger = Ledger.open(":memory:", scope="run", budget=budget)
    register = Register([Party(_SHOP, "merchant")], [Dataset(MOVEMENT, _SHOP, "movement", "dp", about_persons=True)])
    engine = PolicyEngine.load(["base"], register=register)
    log = Log.open(ledger.books, origin=None, key=None)
    gate = movement_gate(rows, ledger=ledger, engine=engine, log=log, max_cells=max_cells)
    return release_presence(gate, _SHOP, day, epsilon=epsilon)
