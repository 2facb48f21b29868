"""One marketplace's log: tables that were checked alone and against each other."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from retail.errors import DataError
from retail.market_log import columns as m
from retail.market_log.cells import quality_cells, refusal, typed_cells
from retail.market_log.schema import NOT_NEGATIVE, TABLES, Table
from retail.problems import shown

_PARTIES: Final = (m.SELLER, m.ACTOR, m.OWNER, m.MERCHANT, m.ADVERTISER)
_PRODUCTS: Final = (m.PRODUCT, m.COPY_OF)
_OF_A_LIST: Final = (m.PERIOD, m.QUERY, m.SHOWN)


@dataclass(frozen=True, eq=False)
class MarketLog:
    """What a marketplace wrote down; a table that nobody kept is None. `check` says what the columns must hold.

    Attributes:
        impressions: one row for each place of each shown list, and for each candidate that was left out (no position).
        products: one row for each product.
        sales: units and revenue of a product in a period.
        figures: what is not public: profit, and the public popularity beside it.
        reads: who read whose data.
        requests: merchants' requests for their data.
        exposures: who advertised to whom.
        notes: what was there and was not read.
    """

    impressions: pd.DataFrame | None = None
    products: pd.DataFrame | None = None
    sales: pd.DataFrame | None = None
    figures: pd.DataFrame | None = None
    reads: pd.DataFrame | None = None
    requests: pd.DataFrame | None = None
    exposures: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that are there, by name, in the order of the schema."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "notes"}
        return {name: frame for name, frame in found.items() if frame is not None}

    @property
    def qualities(self) -> tuple[str, ...]:
        """Names of the logged qualities: the numbers in `impressions` that are not of the schema."""
        if self.impressions is None:
            return ()
        known = {column.name for column in TABLES[0].columns}
        return tuple(
            str(name)
            for name in self.impressions.columns
            if name not in known and pd.api.types.is_numeric_dtype(self.impressions[name])
        )


def check(log: MarketLog) -> MarketLog:
    """Return the log with typed columns and the optional ones filled in, once every rule of the schema holds.

    Optional columns are filled with: `query` the list, `shown` 1, `copy_of` nothing, `role` nothing, `public` false.
    Positions are int64, or float64 with NaN where the log names candidates that were not shown. Rows keep their order.
    Ids that are whole numbers in one table and text in another become text in all.

    Raises: DataError: the first rule that is broken, with table, row (1 is the first), column and value.
    """
    frames: dict[str, pa.Table] = {}
    for name, frame in log.tables.items():
        if not isinstance(frame, pd.DataFrame):
            raise DataError(f"{name} is {type(frame).__name__}; give a pandas table")
        frames[name] = _arrow(frame, name)
    return check_tables(frames, {name: name for name in frames}, notes=log.notes)


def check_tables(tables: Mapping[str, pa.Table], files: Mapping[str, str], *, notes: tuple[str, ...] = ()) -> MarketLog:
    """Check raw tables (cells as text or typed) and put them together.

    Args:
        tables: by the names of the schema.
        files: what to call each table in messages.
        notes: go into the result, before those that are added here.

    Raises: DataError: see `check`.
    """
    if not tables:
        raise DataError(f"there is no table; a log has at least one of {', '.join(table.name for table in TABLES)}")
    more: list[str] = []
    typed = {
        table.name: _typed(tables[table.name], table, files[table.name], more)
        for table in TABLES
        if table.name in tables
    }
    for names in (_PARTIES, _PRODUCTS):
        _same_kind(typed, names)
    for table in TABLES:
        if table.name in typed:
            _unique(typed[table.name], table, files[table.name])
    if "impressions" in typed:
        _one_list(typed["impressions"], files["impressions"])
        _placed(typed["impressions"], files["impressions"])
        typed["impressions"][m.QUERY] = typed["impressions"].get(m.QUERY, typed["impressions"][m.LIST])
        _fill(typed["impressions"], m.SHOWN, np.int64(1))
    if "sales" in typed:
        _one_currency(typed["sales"], files["sales"])
    if "requests" in typed:
        _answered_later(typed["requests"], files["requests"])
    if "products" in typed:
        _fill(typed["products"], m.COPY_OF, None)
    if "reads" in typed:
        _fill(typed["reads"], m.ROLE, "")
        typed["reads"][m.ROLE] = typed["reads"][m.ROLE].fillna("")
        typed["reads"][m.COLUMNS] = typed["reads"][m.COLUMNS].fillna("")
        _fill(typed["reads"], m.PUBLIC, False)
    _same_owner(typed, files)
    for table in TABLES:
        if table.name in typed:
            typed[table.name] = _in_order(typed[table.name], table)
    return MarketLog(**typed, notes=(*notes, *more))


def _arrow(frame: pd.DataFrame, name: str) -> pa.Table:
    columns = {}
    for column in frame.columns:
        try:
            columns[str(column)] = pa.chunked_array([pa.Array.from_pandas(frame[column])])
        except (pa.ArrowException, TypeError, ValueError) as error:
            why = shown(" ".join(str(error).split()), most=120)
            raise DataError(f"{name}, column {shown(column)}: cells of several kinds ({why}); use one kind") from error
    return pa.table(columns)


def _typed(table: pa.Table, schema: Table, file: str, notes: list[str]) -> pd.DataFrame:
    names = list(table.column_names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{file}: column {shown(twice[0])} stands twice; rename or remove one")
    for column in schema.columns:
        if column.required and column.name not in names:
            close = difflib.get_close_matches(column.name, [name.lower().strip() for name in names], n=1)
            hint = f"rename {close[0]!a} or add it" if close else "add it"
            there = shown(", ".join(names))
            raise DataError(f"{file}: column {column.name} is missing; {hint} (there are: {there})")
    if table.num_rows == 0:
        raise DataError(f"{file}: no rows; fill the table or leave it out")
    known = {column.name: column for column in schema.columns}
    done: dict[str, pd.Series[Any]] = {
        name: typed_cells(table.column(name), column, file) for name, column in known.items() if name in names
    }
    for name in names:
        if name in known:
            continue
        least = 0.0 if name in NOT_NEGATIVE else None
        series = quality_cells(table.column(name), name, file, least=least) if schema.qualities else None
        if series is None:
            notes.append(f"{file}: column {shown(name)} is not read")
        else:
            done[name] = series
    return pd.DataFrame(done, copy=False)


def _in_order(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Put the columns of the schema first, so that a log that was written and read again is the same."""
    names = [column.name for column in table.columns if column.name in frame.columns]
    return frame[[*names, *(name for name in frame.columns if name not in names)]]


def _fill(frame: pd.DataFrame, name: str, value: object) -> None:
    if name not in frame.columns:
        frame[name] = pd.Series([value] * len(frame), index=frame.index, dtype=object if value is None else None)


def _same_kind(frames: Mapping[str, pd.DataFrame], names: tuple[str, ...]) -> None:
    """Turn ids into text in every table when one table has them as text."""
    places = [(frame, name) for frame in frames.values() for name in names if name in frame.columns]
    filled = [(frame, name) for frame, name in places if frame[name].notna().any()]
    if len({_is_whole(frame[name]) for frame, name in filled}) > 1:
        for frame, name in filled:
            if _is_whole(frame[name]):
                frame[name] = frame[name].map(lambda cell: str(int(cell)), na_action="ignore").astype(object)


def _is_whole(series: pd.Series[Any]) -> bool:
    return pd.api.types.is_integer_dtype(series) or isinstance(series.dropna().iloc[0], int | np.integer)


def _unique(frame: pd.DataFrame, table: Table, file: str) -> None:
    for key in table.keys:
        again = (frame.duplicated(list(key)) & frame[key[-1]].notna()).to_numpy()
        if again.any():
            row = int(np.flatnonzero(again)[0])
            cells = frame.loc[row, list(key)]
            first = int(np.flatnonzero((frame[list(key)] == cells).all(axis=1).to_numpy())[0])
            value = ", ".join(f"{name} {shown(_plain(cells[name]), most=40)}" for name in key)
            do = "correct one of them; a list that was shown again needs an id of its own" if table.qualities else ""
            raise DataError(
                f"{file}, row {row + 1}: {value} stands in row {first + 1} already; {do or 'keep one of them'}"
            )


def _plain(cell: object) -> object:
    """A position among empty ones is a float, and is shown as the whole number that it is."""
    return int(cell) if isinstance(cell, float) else cell


def _one_list(frame: pd.DataFrame, file: str) -> None:
    """A list has one period, one query and was shown so many times as a whole."""
    for name in _OF_A_LIST:
        if name not in frame.columns:
            continue
        other = (frame[name] != frame.groupby(m.LIST, sort=False)[name].transform("first")).to_numpy()
        if other.any():
            row = int(np.flatnonzero(other)[0])
            what = f"list {shown(frame[m.LIST].iloc[row], most=40)} has another {name} in its first row"
            raise refusal(file, name, row, pa.array(frame[name]), f"{what}; give each list its own id")


def _placed(frame: pd.DataFrame, file: str) -> None:
    """A list has a place at least; the rows without one are candidates."""
    place = frame[m.POSITION]
    if place.notna().all():
        frame[m.POSITION] = place.astype(np.int64)
        return
    without = place.isna().groupby(frame[m.LIST], sort=False).transform("all").to_numpy()
    if without.any():
        row = int(np.flatnonzero(without)[0])
        why = f"list {shown(frame[m.LIST].iloc[row], most=40)} has no position at all"
        hint = "an empty one says that a product could have been listed and was not; give the shown ones theirs"
        raise refusal(file, m.POSITION, row, None, f"{why}; {hint}")


def _one_currency(frame: pd.DataFrame, file: str) -> None:
    wrong = np.flatnonzero(~frame[m.CURRENCY].str.fullmatch(r"[A-Z]{3}").to_numpy(dtype=bool))
    if wrong.size:
        cells = pa.array(frame[m.CURRENCY])
        raise refusal(file, m.CURRENCY, int(wrong[0]), cells, "not an ISO 4217 code; write for example EUR")
    other = np.flatnonzero((frame[m.CURRENCY] != frame[m.CURRENCY].iloc[0]).to_numpy())
    if other.size:
        why = f"the rows before are in {frame[m.CURRENCY].iloc[0]}, and a log has one currency; convert the others"
        raise refusal(file, m.CURRENCY, int(other[0]), pa.array(frame[m.CURRENCY]), why)


def _answered_later(frame: pd.DataFrame, file: str) -> None:
    early = np.flatnonzero((frame[m.ANSWERED] < frame[m.PERIOD]).to_numpy())
    if early.size:
        row = int(early[0])
        why = f"before the request, in period {frame[m.PERIOD].iloc[row]}; correct one of them"
        raise refusal(file, m.ANSWERED, row, pa.array(frame[m.ANSWERED]), why)


def _same_owner(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> None:
    """A product is own in both tables or in none."""
    if "products" not in frames or "impressions" not in frames:
        return
    frame = frames["impressions"]
    known = frame[m.PRODUCT].map(frames["products"].set_index(m.PRODUCT)[m.OWN])
    wrong = np.flatnonzero(((known != frame[m.OWN]) & known.notna()).to_numpy())
    if wrong.size:
        row = int(wrong[0])
        product = shown(frame[m.PRODUCT].iloc[row], most=40)
        what = f"product {product} has the other flag in {files['products']}; correct one of them"
        raise refusal(files["impressions"], m.OWN, row, pa.array(frame[m.OWN]), what)
