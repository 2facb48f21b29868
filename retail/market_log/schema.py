"""The documented tables of a marketplace's log: columns, kinds of cells, least values, keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from retail.market_log import columns as m

Kind = Literal["id", "text", "number", "count", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: as in `retail.market_log.columns`.
        kind: "id" whole number or text; "text"; "number" finite; "count" whole number; "flag" true or false.
        least: smallest value of a number or count; None for no bound.
        required: the table cannot be used without it.
        filled: no cell may be empty.
    """

    name: str
    kind: Kind
    least: float | None = None
    required: bool = True
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        name: file name without its ending, and field of `MarketLog`.
        columns: those of the schema.
        keys: columns that together occur once; several keys are checked one by one.
        qualities: whether any further columns of numbers are read as logged quality.
    """

    name: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    qualities: bool = False


_PERIOD: Final = Column(m.PERIOD, "count", 0)

TABLES: Final = (
    Table(
        "impressions",
        (
            Column(m.LIST, "id"),
            _PERIOD,
            Column(m.POSITION, "count", 1, filled=False),
            Column(m.PRODUCT, "id"),
            Column(m.SELLER, "id"),
            Column(m.OWN, "flag"),
            Column(m.QUERY, "id", required=False),
            Column(m.SHOWN, "count", 1, required=False),
        ),
        keys=((m.LIST, m.POSITION), (m.LIST, m.PRODUCT)),
        qualities=True,
    ),
    Table(
        "products",
        (
            Column(m.PRODUCT, "id"),
            Column(m.SELLER, "id"),
            Column(m.OWN, "flag"),
            Column(m.CATEGORY, "id"),
            Column(m.LAUNCHED, "count", 0),
            Column(m.COPY_OF, "id", required=False, filled=False),
        ),
        keys=((m.PRODUCT,),),
    ),
    Table(
        "sales",
        (
            _PERIOD,
            Column(m.PRODUCT, "id"),
            Column(m.UNITS, "number", 0),
            Column(m.REVENUE, "number", 0),
            Column(m.CURRENCY, "text"),
        ),
        keys=((m.PERIOD, m.PRODUCT),),
    ),
    Table(
        "figures",
        (_PERIOD, Column(m.PRODUCT, "id"), Column(m.PROFIT, "number"), Column(m.POPULARITY, "number")),
        keys=((m.PERIOD, m.PRODUCT),),
    ),
    Table(
        "reads",
        (
            _PERIOD,
            Column(m.ACTOR, "id"),
            Column(m.OWNER, "id"),
            Column(m.DATA, "text"),
            Column(m.COLUMNS, "text", filled=False),
            Column(m.PURPOSE, "text"),
            Column(m.ALLOWED, "flag"),
            Column(m.ROLE, "text", required=False, filled=False),
            Column(m.PUBLIC, "flag", required=False),
        ),
    ),
    Table(
        "requests",
        (
            _PERIOD,
            Column(m.MERCHANT, "id"),
            Column(m.ANSWERED, "count", 0, filled=False),
            Column(m.COMPLETE, "flag"),
            Column(m.FREE, "flag"),
        ),
    ),
    Table(
        "exposures",
        (
            _PERIOD,
            Column(m.ADVERTISER, "id"),
            Column(m.OWN, "flag"),
            Column(m.SEGMENT, "id"),
            Column(m.PEOPLE, "count", 0),
            Column(m.SCORE, "number"),
            Column(m.CONVERSIONS, "number", 0),
        ),
        keys=((m.PERIOD, m.ADVERTISER, m.SEGMENT),),
    ),
)

NOT_NEGATIVE: Final = (m.PRICE,)
"""Logged qualities that may not be negative."""
