"""A merchant's own traces: where visits were at which time, read with care, into the same heat maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retail.errors import DataError
from simulation.store.floor import CELL_M, Floor
from simulation.store.heat import WHAT, HeatMap, What
from simulation.store.routes import Presence

VISIT: Final = "visit"
TIME: Final = "time"
X: Final = "x"
Y: Final = "y"
WHO: Final = "person"
LONGEST_VISIT_S: Final = 6 * 3600.0
"""A longer visit is more likely one person's trace over days than one visit."""
MOST_POINTS: Final = 50_000_000


@dataclass(frozen=True, eq=False)
class Traces:
    """Points of visits, ordered by visit and time.

    Attributes:
        width_m: of the plan, from west to east.
        depth_m: of the plan, from north to south.
        visit: (n,) int64, 0 to visits - 1 in the order in which visits first appear; rising.
        person: (visits,) int64, number of the person of each visit; the visit's own number where nobody is named.
        named: whether the file names persons.
        time_s: (n,) float64, rising within a visit.
        x: (n,) float64 metres from the left edge.
        y: (n,) float64 metres from the upper edge.
        days: how many calendar days the visits began on; 1 where times are seconds of one day.
    """

    width_m: float
    depth_m: float
    visit: NDArray[np.int64]
    person: NDArray[np.int64]
    named: bool
    time_s: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    days: int

    @property
    def visits(self) -> int:
        """How many visits there are."""
        return len(self.person)


def read_traces(path: Path, *, width_m: float, depth_m: float, longest_visit_s: float = LONGEST_VISIT_S) -> Traces:
    """Read traces from a CSV file with the columns visit, time, x, y and perhaps person.

    Args:
        path: the file; its first line names the columns.
        width_m: of the plan, from west to east.
        depth_m: of the plan, from north to south.
        longest_visit_s: longer visits are refused.

    Raises: DataError: the file cannot be read or a row cannot be used; the message names the row (line of the file).
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
    except pd.errors.ParserError as error:
        with path.open(encoding="utf-8", errors="replace") as file:
            hint = _other_cells(file.readline())
        raise DataError(
            f"cannot read the traces {path} ({_first_line(error)}); give a CSV file in UTF-8{hint}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the traces {path} ({_first_line(error)}); give a CSV file in UTF-8") from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path} is empty; give a table with the columns visit, time, x, y") from error
    return traces_of(table, width_m=width_m, depth_m=depth_m, longest_visit_s=longest_visit_s, what=str(path))


def traces_of(
    table: pd.DataFrame,
    *,
    width_m: float,
    depth_m: float,
    longest_visit_s: float = LONGEST_VISIT_S,
    what: str = "the traces",
) -> Traces:
    """Check a table of traces; see `read_traces`. Row 2 is the first one, as in a file whose first line names columns.

    `time` is seconds from opening, or a date and time (ISO 8601) in every row. Points of a visit follow one another
    in time; those of different visits may be mixed.
    """
    missing = [name for name in (VISIT, TIME, X, Y) if name not in table.columns]
    if missing:
        joined = " and ".join([", ".join(missing[:-1]), missing[-1]])
        hint = _other_cells(str(table.columns[0])) if len(table.columns) == 1 else ""
        named = f"column {missing[0]} is" if len(missing) == 1 else f"columns {joined} are"
        raise DataError(f"{what}: {named} missing; traces need visit, time, x and y{hint}")
    if not len(table):
        raise DataError(f"{what}: no row; give at least one point of one visit")
    if len(table) > MOST_POINTS:
        raise DataError(f"{what}: {len(table):,} rows are more than {MOST_POINTS:,}; give fewer visits at once")
    spelled = table[VISIT].astype(str).str.strip()
    _refuse(spelled.isin(["", "nan", "None"]), what, "visit is empty", "name the visit of every point")
    x, y = (_numbers(table[name], what, name) for name in (X, Y))
    for values, name, most in ((x, X, width_m), (y, Y, depth_m)):
        far = (values < 0) | (values > most)
        if far.any():
            row = int(np.flatnonzero(far)[0])
            raise DataError(
                f"{what}, row {row + 2}: {name} = {values[row]:g} lies outside the plan (0 to {most:g} m); "
                "use metres from the plan's upper left corner"
            )
    time_s, days = _times(table[TIME], what)
    visit, names = pd.factorize(spelled)
    order = np.argsort(visit, kind="stable")
    same = np.diff(visit[order]) == 0
    back = same & (np.diff(time_s[order]) < 0)
    if back.any():
        row = int(order[1:][back].min())
        raise DataError(
            f"{what}, row {row + 2}: time {table[TIME].iloc[row]} of visit {names[visit[row]]!r} is before the one "
            "above it; sort the points of each visit by time"
        )
    first = np.flatnonzero(np.append(True, ~same))
    last = np.append(first[1:], len(order)) - 1
    spans = time_s[order][last] - time_s[order][first]
    if (spans > longest_visit_s).any():
        place = int(np.flatnonzero(spans > longest_visit_s)[0])
        raise DataError(
            f"{what}, row {order[first[place]] + 2} to {order[last[place]] + 2}: visit {names[place]!r} lasts "
            f"{spans[place] / 3600:.1f} hours, more than {longest_visit_s / 3600:g}; "
            "give each visit of a person its own name"
        )
    if WHO in table.columns:
        person = _persons(table, visit, names, what)
    else:
        person = np.arange(len(names), dtype=np.int64)
    visit_days = days if isinstance(days, int) else len(np.unique(days[order][first]))
    return Traces(
        width_m, depth_m, visit[order].astype(np.int64), person, WHO in table.columns,
        time_s[order], x[order], y[order], visit_days,
    )  # fmt: skip


def trace_presence(traces: Traces, *, side_m: float = CELL_M) -> Presence:
    """Say which squares each visit was in, at its points; `steps` counts points that begin a stay in the square."""
    rows, columns, square = _squares(traces, side_m)
    enters = np.append(True, (np.diff(traces.visit) != 0) | (np.diff(square) != 0))
    key = traces.visit[enters] * (rows * columns) + square[enters]
    places, pairs = pd.factorize(key)
    visit, where = np.divmod(np.asarray(pairs, dtype=np.int64), rows * columns)
    return Presence(traces.visits, rows, columns, side_m, visit, where, np.bincount(places).astype(np.int64))


def trace_heat(traces: Traces, *, what: What = "visits", side_m: float = CELL_M) -> HeatMap:
    """Make a heat map of traces, per day.

    A point holds until the next one of its visit: that time is spent in its square, and the move to the next point
    counts once in each of the directions that it goes.

    Raises: DataError: `what` is unknown.
    """
    rows, columns, square = _squares(traces, side_m)
    if what == "visits":
        counts = trace_presence(traces, side_m=side_m).counts.astype(np.float64)
        return HeatMap(what, counts / traces.days, side_m, traces.days)
    same = np.diff(traces.visit) == 0
    weight: NDArray[np.float64]
    if what == "dwell":
        weight = np.append(np.where(same, np.diff(traces.time_s), 0.0), 0.0)
    elif what in WHAT:
        across, down = np.diff(square % columns), np.diff(square // columns)
        going = {"flow_east": across > 0, "flow_west": across < 0, "flow_south": down > 0, "flow_north": down < 0}
        weight = np.append(same & going[what], False).astype(np.float64)
    else:
        raise DataError(f"a heat map shows one of {', '.join(WHAT)}, got {what!r}")
    values = np.bincount(square, weights=weight, minlength=rows * columns).reshape(rows, columns)
    return HeatMap(what, values / traces.days, side_m, traces.days)


def points_off_floor(traces: Traces, floor: Floor) -> int:
    """Count the points where nobody can walk: in walls and fixtures, or in a part that no entrance leads to."""
    rows, columns, cell = _squares(traces, CELL_M)
    if (rows, columns) != floor.walkable.shape:
        raise DataError(f"traces of {rows} x {columns} cells lie on a floor of {floor.walkable.shape}; take its plan's")
    return int((~floor.walkable.ravel()[cell]).sum())


def _squares(traces: Traces, side_m: float) -> tuple[int, int, NDArray[np.int64]]:
    """Rows, columns, and the square of each point; a point on the far edge belongs to the last square."""
    rows, columns = (max(1, int(np.ceil(size / side_m - 1e-9))) for size in (traces.depth_m, traces.width_m))
    row = np.minimum((traces.y // side_m).astype(np.int64), rows - 1)
    column = np.minimum((traces.x // side_m).astype(np.int64), columns - 1)
    return rows, columns, row * columns + column


def _times(column: pd.Series[Any], what: str) -> tuple[NDArray[np.float64], int | NDArray[np.int64]]:
    """Seconds, and the calendar day of each row (1 altogether where times are seconds)."""
    plain = pd.to_numeric(column, errors="coerce")
    if plain.notna().any():
        seconds = _numbers(column, what, TIME)
        _refuse(pd.Series(seconds < 0), what, "time is before opening", "count seconds from opening, or give dates")
        return seconds, 1
    stamps = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
    _refuse(stamps.isna(), what, "time is neither seconds nor a date and time", "write it as 2026-03-01T10:15:00")
    seconds = np.asarray((stamps - stamps.min()).dt.total_seconds(), dtype=np.float64)
    written = column.astype(str).str.strip().str[:10]  # the day as written, in local time
    return seconds, pd.factorize(written)[0].astype(np.int64)


def _numbers(column: pd.Series[Any], what: str, name: str) -> NDArray[np.float64]:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    broken = ~np.isfinite(values)
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise DataError(f"{what}, row {row + 2}: {name} = {column.iloc[row]!r} is no finite number; correct or drop it")
    return values


def _persons(table: pd.DataFrame, visit: NDArray[np.int64], names: Any, what: str) -> NDArray[np.int64]:
    spelled = table[WHO].astype(str).str.strip()
    _refuse(
        spelled.isin(["", "nan", "None"]), what, "person is empty", "name the person of every point, or drop the column"
    )
    person = pd.factorize(spelled)[0].astype(np.int64)
    of_visit = np.zeros(len(names), dtype=np.int64)
    of_visit[visit[::-1]] = person[::-1]  # the first point of each visit decides
    other = person != of_visit[visit]
    if other.any():
        row = int(np.flatnonzero(other)[0])
        raise DataError(
            f"{what}, row {row + 2}: visit {names[visit[row]]!r} has a second person {spelled.iloc[row]!r}; "
            "one visit is of one person"
        )
    return of_visit


def _refuse(wrong: pd.Series[Any], what: str, why: str, advice: str) -> None:
    if wrong.any():
        raise DataError(f"{what}, row {int(np.flatnonzero(wrong.to_numpy())[0]) + 2}: {why}; {advice}")


def _other_cells(header: str) -> str:
    """Say what parts the cells of a first line that has no comma; nothing where nobody can tell."""
    signs = {";": "semicolons", "\t": "tabs", "|": "bars"}
    mark = next((name for sign, name in signs.items() if sign in header), None)
    if mark is None or "," in header:
        return ""
    return f". Cells are parted by {mark}: save it as CSV with commas between cells and points in numbers"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
