"""A user's own folder of tables: checked as a whole, loaded as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import zoneinfo
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from retail import columns as c
from retail.dataset import LazyTable, Period, RetailData
from retail.errors import ConfigError, DataError
from retail.files import sha256_file
from retail.problems import FolderReport, Problem, shown
from retail.schema import TABLES, Table
from retail.tablefile import TableFile, read_table

__all__ = ["FolderReport", "Problem", "check_folder", "load_folder", "public_tables"]

_SHARED_IDS: Final = (c.PERSON, c.PRODUCT, c.STORE)
_DAY_US: Final = 86_400_000_000


def check_folder(path: Path) -> FolderReport:
    """Read every table of a folder and report all that is wrong with it.

    The schema, the limits and the list of checks are in docs/data.md.

    Args:
        path: folder with transactions.csv or transactions.parquet, and optional tables next to it.
    """
    return _read_folder(Path(path))[0]


def load_folder(
    path: Path,
    *,
    timezone: str = "UTC",
    currency: str = "EUR",
    period: Period | None = None,
    population: int | None = None,
) -> RetailData:
    """Load a folder that passes every check.

    What the caller declares (period, population) and the tables `products` and `stores` are treated as public;
    nothing public is ever derived from the rows. A missing table is empty: without `products` there is no public
    catalogue, and without a declared period the returned one is marked as not public.

    Args:
        path: the folder.
        timezone: IANA name; times without offset are local there, others are converted, and days are cut there.
        currency: ISO 4217 code of `sales_value`.
        period: days to use; rows outside are left out. None takes the days of the rows.
        population: publicly known number of persons.

    Raises:
        DataError: the folder has a problem (one line each), or no row lies in the period, or a file changed meanwhile.
        ConfigError: an argument cannot be used.
    """
    path = Path(path)
    zone = _time_zone(timezone)
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ConfigError(f"currency = {currency!r} is not an ISO 4217 code; write for example EUR")
    if population is not None and (isinstance(population, bool) or not isinstance(population, int) or population < 1):
        raise ConfigError(
            f"population = {population!r}; give the public number of persons, at least 1, or leave it out"
        )
    before = _state(path)
    report, read = _read_folder(path)
    if not report.ok:
        raise DataError(report.message)
    hashes = {file: sha256_file(path / file) for file in sorted(report.tables.values())}
    if _state(path) != before:
        raise DataError(f"{path}: a file changed while it was read; load the folder again when nothing writes to it")

    transactions = _with_days(read["transactions"], zone)
    if period is None:
        period = _observed_period(transactions)
    else:
        inside = transactions[c.DAY].between(period.start_day, period.end_day, inclusive="left")
        if not inside.any():
            seen = _observed_period(transactions)
            raise DataError(
                f"{report.tables['transactions']}, column {c.TIME}, {len(transactions):,} rows: none lies from "
                f"{period.start} to {period.end}; declare days between {seen.start} and {seen.end}"
            )
        transactions = transactions[inside].reset_index(drop=True)
    identity = [hashes, timezone, currency, str(period.start), str(period.end)]
    return RetailData(
        name=path.resolve().name,
        timezone=timezone,
        currency=currency,
        period=period,
        transactions=transactions,
        products=_table(read, "products"),
        customers=_table(read, "customers"),
        stores=_table(read, "stores"),
        campaigns=_table(read, "campaigns"),
        promotions=LazyTable(path / report.tables["promotions"]) if "promotions" in read else None,
        fingerprint=hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        population=population,
    )


def public_tables(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the products and the stores of a folder and open no other file.

    Returns: the public catalogue and the public list of stores, as `load_folder` gives them; a missing table is empty.

    Raises:
        DataError: the folder or a table has a problem (one line each).
    """
    path = Path(path)
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened as a folder ({error.strerror}); name the one with the tables"
        ) from error
    read: dict[str, TableFile] = {}
    tables: dict[str, str] = {}
    problems: list[Problem] = []
    for table in TABLES:
        if table.name not in ("products", "stores"):
            continue
        file, problem = _file_of(table, names, path)
        if file is not None:
            tables[table.name] = file
            read[table.name] = read_table(path / file, table)
        problems.extend([problem] if problem is not None else read[table.name].problems if file is not None else [])
    if problems:
        raise DataError(FolderReport(path, tables, {}, tuple(problems), ()).message)
    _agree_on_ids(read, tables)
    return _table(read, "products"), _table(read, "stores")


def _read_folder(path: Path) -> tuple[FolderReport, dict[str, TableFile]]:
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        hints = {
            FileNotFoundError: "give an existing folder",
            NotADirectoryError: "give the folder that holds the tables",
        }
        hint = hints.get(type(error), "change its permissions (chmod u+rx)")
        closed = Problem(str(path), "", 0, f"cannot be opened as a folder ({error.strerror}); {hint}")
        return FolderReport(path, {}, {}, (closed,), ()), {}

    problems: list[Problem] = []
    notes: list[str] = []
    read: dict[str, TableFile] = {}
    tables: dict[str, str] = {}
    names = {entry.name for entry in entries}
    for table in TABLES:
        file, problem = _file_of(table, names, path)
        if problem is not None:
            problems.append(problem)
        if file is None:
            continue
        tables[table.name] = file
        read[table.name] = read_table(path / file, table)
        problems.extend(read[table.name].problems)
        notes.extend(f"{file}: column {shown(name)} is not read" for name in read[table.name].not_read)
    if not problems:
        problems.extend(_agree_on_ids(read, tables))
        notes.extend(_coverage(read))
    used = {f"{table.name}{suffix}" for table in TABLES for suffix in (".csv", ".parquet")}
    others = sorted(name for name in names - used if not name.startswith(".") and not (path / name).is_dir())
    notes.extend(f"{shown(name)} is not one of the tables and is not read" for name in others)
    rows = {name: source.rows for name, source in read.items() if source.rows is not None}
    return FolderReport(path, tables, rows, tuple(problems), tuple(notes)), read


def _file_of(table: Table, names: set[str], path: Path) -> tuple[str | None, Problem | None]:
    """Return the file that holds a table, or what is wrong with the choice."""
    found = [name for name in (f"{table.name}.csv", f"{table.name}.parquet") if name in names]
    if not found:
        if not table.required:
            return None, None
        there = shown(", ".join(sorted(names)) or "nothing")
        why = f"missing; add {table.name}.csv or {table.name}.parquet (the folder holds: {there})"
        return None, Problem(f"{table.name}.csv", "", 0, why)
    if len(found) == 2:
        return None, Problem(" and ".join(found), "", 0, "both are there; keep the one that counts")
    if table.lazy and found[0].endswith(".csv"):
        return None, Problem(found[0], "", 0, f"this table is read as Parquet only; save it as {table.name}.parquet")
    if not (path / found[0]).is_file():
        return None, Problem(
            found[0], "", 0, "not a file (a folder, a device or a broken link); replace it by one file"
        )
    return found[0], None


def _agree_on_ids(read: dict[str, TableFile], tables: dict[str, str]) -> list[Problem]:
    """Give each id one type in all tables: text as soon as one table has text. A lazy table must fit already."""
    problems = []
    for name in _SHARED_IDS:
        holders = [table for table in TABLES if table.name in read and name in read[table.name].frame]
        whole = {table.name: pd.api.types.is_integer_dtype(read[table.name].frame[name]) for table in holders}
        if all(whole.values()):
            continue
        for table in holders:
            if table.lazy and whole[table.name]:
                why = "whole numbers, but text in another table; save the column as text"
                problems.append(Problem(tables[table.name], name, read[table.name].rows or 0, why))
            elif whole[table.name]:
                read[table.name].frame[name] = read[table.name].frame[name].astype("str")
        lazy_text = [table for table in holders if table.lazy and not whole[table.name]]
        if lazy_text and all(whole[table.name] for table in holders if not table.lazy):
            why = "text, but whole numbers in the other tables; save the column as whole numbers"
            problems.append(Problem(tables[lazy_text[0].name], name, read[lazy_text[0].name].rows or 0, why))
    return problems


def _coverage(read: dict[str, TableFile]) -> list[str]:
    """Say how many lines name a product or store that the public tables do not list."""
    notes = []
    lines = read["transactions"].frame
    for table, name in (("products", c.PRODUCT), ("stores", c.STORE)):
        if table not in read:
            notes.append(f"no {table} table: there is no public list of {table}")
            continue
        unlisted = int((~lines[name].isin(read[table].frame[name])).sum())
        if unlisted:
            notes.append(f"{unlisted:,} of {len(lines):,} lines have a {name} that {table} does not list")
    return notes


def _with_days(read: TableFile, zone: zoneinfo.ZoneInfo) -> pd.DataFrame:
    """Return the transactions with TIME in the zone and DAY, the local calendar day."""
    frame = read.frame
    written = frame[c.TIME].astype("datetime64[us]")
    if read.has_offsets:
        time = written.dt.tz_localize("UTC").dt.tz_convert(zone)
        local = time.dt.tz_localize(None)
    else:
        summer = np.ones(len(written), dtype=bool)
        time = written.dt.tz_localize(zone, ambiguous=summer, nonexistent="shift_forward")
        local = written
    day = (local.astype("int64") // _DAY_US).astype("int32")
    order = (c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.TIME, c.DAY, c.QUANTITY, c.SALES)
    frame = frame.drop(columns=c.TIME)
    frame[c.TIME], frame[c.DAY] = time, day
    return frame[list(order)]


def _observed_period(transactions: pd.DataFrame) -> Period:
    first, last = (pd.Timestamp(int(day), unit="D").date() for day in transactions[c.DAY].agg(["min", "max"]))
    return Period(first, last, public=False)


def _table(read: dict[str, TableFile], name: str) -> pd.DataFrame:
    """Return a table with all documented columns; columns and tables that are not there are empty."""
    table = next(table for table in TABLES if table.name == name)
    frame: pd.DataFrame = read[name].frame if name in read else pd.DataFrame()
    absent: dict[str, Any] = {
        column: pd.Series(None, index=frame.index, dtype="str") for column in table.names if column not in frame
    }
    return frame.assign(**absent)


def _time_zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"timezone = {name!r} is not known; write an IANA name, for example Europe/Paris") from error


def _state(path: Path) -> list[tuple[str, int, int]]:
    if not path.is_dir():
        return []
    try:
        return sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in path.iterdir())
    except OSError:
        return []
