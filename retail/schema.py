"""The tables a user's folder may hold: names, kinds of columns, and the rules a cell must keep.

docs/data.md says the same to users. Cell rules are pandera checks, collected lazily so that one pass names every
broken rule; an error text says what is wrong and what to do.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from retail import columns as c

Kind = Literal["id", "text", "code", "number", "week", "date", "time", "attribute"]

LARGEST_NUMBER: Final = 1e9
LONGEST_TEXT: Final = 500
FIRST_DAY: Final = pd.Timestamp("1970-01-01")
LAST_DAY: Final = pd.Timestamp("2100-01-01")

BRANDS: Final = ("National", "Private")
DISPLAYS: Final = ("0", "1", "2", "3", "4", "5", "6", "7", "9", "A")
MAILERS: Final = ("0", "A", "C", "D", "F", "H", "J", "L", "P", "X", "Z")

# Patterns are RE2's, run by pyarrow. A formula may also start with the full-width signs some spreadsheets accept, and
# behind letters that nobody sees.
_FORMULA: Final = r"^[\s\p{Z}\p{C}]*[=@+\-\x{FF1D}\x{FF20}\x{FF0B}\x{FF0D}]"
_HARMLESS: Final = r"^\s*[+\-](?:\d+\.?\d*|\.\d+)\s*%?\s*$"
_HIDDEN: Final = r"[\x00-\x1f\x7f-\x{9f}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a user's table.

    Attributes:
        name: as in the file's header.
        kind: how cells are read and which rules they keep.
        required: the column must be there.
        filled: no cell may be empty.
        allowed: the closed set of values of a `code`.
    """

    name: str
    kind: Kind
    required: bool = True
    filled: bool = True
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a user's folder.

    Attributes:
        name: file name without suffix.
        columns: the columns that are read.
        key: columns that together name a row; no two rows share them.
        required: the folder must hold the table.
        attributes: other columns are kept as the persons' or stores' attributes; otherwise they are not read.
        lazy: read where asked (Parquet only) instead of into memory.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = False
    attributes: bool = False
    lazy: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in documented order."""
        return tuple(column.name for column in self.columns)


def _optional(name: str, kind: Kind, allowed: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, required=False, filled=False, allowed=allowed)


TABLES: Final = (
    Table(
        "transactions",
        (
            Column(c.PERSON, "id"),
            Column(c.BASKET, "id"),
            Column(c.PRODUCT, "id"),
            Column(c.STORE, "id"),
            Column(c.TIME, "time"),
            Column(c.QUANTITY, "number"),
            Column(c.SALES, "number"),
        ),
        key=(c.BASKET, c.PRODUCT),
        required=True,
    ),
    Table(
        "products",
        (
            Column(c.PRODUCT, "id"),
            _optional(c.TYPE, "text"),
            _optional(c.CATEGORY, "text"),
            _optional(c.MANUFACTURER, "id"),
            _optional(c.BRAND, "code", BRANDS),
            _optional(c.DEPARTMENT, "text"),
            _optional(c.PACKAGE, "text"),
        ),
        key=(c.PRODUCT,),
    ),
    Table("customers", (Column(c.PERSON, "id"),), key=(c.PERSON,), attributes=True),
    Table("stores", (Column(c.STORE, "id"),), key=(c.STORE,), attributes=True),
    Table(
        "campaigns",
        (
            Column(c.CAMPAIGN, "id"),
            Column(c.CAMPAIGN_KIND, "text", filled=False),
            Column(c.CAMPAIGN_START, "date"),
            Column(c.CAMPAIGN_END, "date"),
        ),
        key=(c.CAMPAIGN,),
    ),
    Table(
        "promotions",
        (
            Column(c.PRODUCT, "id"),
            Column(c.STORE, "id"),
            Column(c.WEEK, "week"),
            Column(c.DISPLAY, "code", allowed=DISPLAYS),
            Column(c.MAILER, "code", allowed=MAILERS),
        ),
        key=(c.PRODUCT, c.STORE, c.WEEK),
        lazy=True,
    ),
)


@functools.cache
def cell_rules(columns: tuple[Column, ...]) -> pandera.DataFrameSchema:
    """Return the pandera schema of some columns: one named check for each rule, to be validated with `lazy=True`.

    It judges cells that were already read as their kind: text as strings, numbers as float64, dates and times as
    timestamps without a zone.
    """
    return pandera.DataFrameSchema(
        {
            column.name: pandera.Column(None, checks=_checks(column), nullable=not column.filled, required=True)
            for column in columns
        }
    )


def _checks(column: Column) -> list[pandera.Check]:
    match column.kind:
        case "number":
            return [
                pandera.Check(lambda v: ~(v < 0), error="negative value; leave returns and corrections out"),
                pandera.Check(
                    lambda v: ~(v > LARGEST_NUMBER),
                    error=f"value above {LARGEST_NUMBER:,.0f}; check unit and separator",
                ),
            ]
        case "week":
            return [
                pandera.Check(
                    lambda v: v.between(0, 5_300) & (v % 1 == 0), error="not a week number from 0 to 5,300; correct it"
                )
            ]
        case "code":
            listed = ", ".join(column.allowed)
            return [pandera.Check(lambda v: v.isin(column.allowed), error=f"unknown value; use one of {listed}")]
        case "date" | "time":
            return [
                pandera.Check(
                    lambda v: v.between(FIRST_DAY, LAST_DAY, inclusive="left"),
                    error="date outside 1970 to 2099; correct it or leave the row out",
                )
            ]
        case _:
            return [
                pandera.Check(
                    no_formula,
                    error="cell that a spreadsheet would run as a formula (starts with =, +, - or @); "
                    "remove the leading character",
                ),
                pandera.Check(_all_visible, error="control or invisible character (such as NUL or U+202E); remove it"),
                pandera.Check(_short, error=f"more than {LONGEST_TEXT} characters; shorten it"),
            ]


def no_formula(cells: pd.Series[Any]) -> pd.Series[bool]:
    """Return which cells no spreadsheet would run; a number in text with its sign is none."""
    return ~_matches(cells, _FORMULA) | _matches(cells, _HARMLESS)


def _all_visible(cells: pd.Series[Any]) -> pd.Series[bool]:
    return ~_matches(cells, _HIDDEN)


def _short(cells: pd.Series[Any]) -> pd.Series[bool]:
    return cells.str.len() <= LONGEST_TEXT if _is_text(cells) else pd.Series(True, index=cells.index)


def _matches(cells: pd.Series[Any], pattern: str) -> pd.Series[bool]:
    """Return where text matches; other types never do."""
    if not _is_text(cells):
        return pd.Series(False, index=cells.index)
    found = pc.match_substring_regex(pa.array(cells, pa.string()), pattern)
    return pd.Series(found.to_numpy(zero_copy_only=False).astype(bool), index=cells.index)


def _is_text(cells: pd.Series[Any]) -> bool:
    return pd.api.types.is_string_dtype(cells.dtype)
