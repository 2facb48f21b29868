"""Cells as they stand in a file -> values of the kind the schema asks for, with the rows that could not be read."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from retail.schema import Kind

Mask = npt.NDArray[np.bool_]

NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"
_CLOCK: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
_OFFSET: Final = r" ?(Z|[+-]\d{2}(:?\d{2})?)$"
_OTHER_DATE: Final = r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}([ T].*)?$"

NOT_UTF8: Final = "text that is not UTF-8 (Latin-1 or Windows-1252, as some spreadsheets write); save as CSV UTF-8"
TEXT_WANTED: Final = "not text or a whole number; save the column as one of them"
NUMBER_WANTED: Final = "not a number; write 1234.5, without thousands separator, currency sign or decimal comma"
DATE_WANTED: Final = "not a date of the calendar in ISO 8601; write 2024-01-31"
TIME_WANTED: Final = "not an ISO 8601 date or date and time; write 2024-01-31, 2024-01-31T17:45:00 or with an offset"
OTHER_DATE: Final = (
    "date in another format than ISO 8601 (dates in two formats if the other rows are); write 2024-01-31"
)


class TimeForm:
    """How a time is written; the forms a column mixes are compared once the whole file was read."""

    UNREAD: Final = 0
    DATE: Final = 1
    LOCAL: Final = 2
    OFFSET: Final = 3


@dataclass(eq=False, slots=True)
class Cells:
    """One column of one batch.

    Attributes:
        values: typed values; null where the file has none or it could not be read.
        wrong: message -> (rows,) True where a cell could not be read.
        forms: (rows,) uint8 `TimeForm` of each cell, for times only.
    """

    values: pa.Array
    wrong: dict[str, Mask] = field(default_factory=dict)
    forms: npt.NDArray[np.uint8] | None = None

    @property
    def unread(self) -> Mask:
        """(rows,) True where a cell could not be read."""
        none: Mask = np.zeros(len(self.values), dtype=bool)
        return functools.reduce(np.logical_or, self.wrong.values(), none)

    def written(self) -> npt.NDArray[np.uint8]:
        """(rows,) the form of each time, `TimeForm.UNREAD` where there is none."""
        return np.zeros(len(self.values), dtype=np.uint8) if self.forms is None else self.forms


def read_cells(array: pa.Array, kind: Kind) -> Cells:
    """Read a column's cells as a kind.

    Args:
        array: what the file holds; strings are parsed (spaces around numbers and times do not count), other types
            are converted where nothing is lost.
        kind: of the schema.

    Returns: int64 or string for id, string for text and code, float64 for number and week, timestamp[us] without zone
        for date and time (UTC where the cell has an offset, else local); an attribute keeps its type.
    """
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        array, wrong = _decoded(array)
        cells = read_cells(array, kind)
        cells.wrong = {NOT_UTF8: wrong, **cells.wrong}
        return cells
    match kind:
        case "number" | "week":
            return _numbers(array)
        case "date":
            return _times(array, dates_only=True)
        case "time":
            return _times(array, dates_only=False)
        case "attribute" if not pa.types.is_string(array.type):
            plain = pa.types.is_primitive(array.type)
            return Cells(array) if plain else _none_of(array, TEXT_WANTED)
        case _:
            return _texts(array, keep_whole=kind == "id")


def written_as(form: int) -> str:
    """Say in words how a `TimeForm` is written."""
    return {TimeForm.DATE: "a date", TimeForm.LOCAL: "a time without offset", TimeForm.OFFSET: "a time with offset"}[
        form
    ]


def _decoded(array: pa.Array) -> tuple[pa.Array, Mask]:
    """Return the cells as text, null where the bytes are not UTF-8, and where that is."""
    try:
        return array.cast(pa.string()), np.zeros(len(array), dtype=bool)
    except pa.ArrowInvalid:
        texts = [_text_or_none(cell) for cell in array.to_pylist()]
        decoded = pa.array(texts, pa.string())
        return decoded, _filled(array) & ~_filled(decoded)


def _text_or_none(cell: bytes | None) -> str | None:
    try:
        return None if cell is None else cell.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _texts(array: pa.Array, *, keep_whole: bool) -> Cells:
    if pa.types.is_string(array.type):
        return Cells(array)
    if pa.types.is_integer(array.type):
        if not keep_whole:
            return Cells(array.cast(pa.string()))
        if pa.types.is_uint64(array.type):
            return Cells(array.cast(pa.string()))
        return Cells(array.cast(pa.int64()))
    return _none_of(array, TEXT_WANTED, pa.string())


def _numbers(array: pa.Array) -> Cells:
    if pa.types.is_string(array.type):
        trimmed = pc.utf8_trim_whitespace(array)
        good = pc.fill_null(pc.match_substring_regex(trimmed, NUMBER), False)
        wrong = _filled(array) & ~_mask(good)
        return Cells(pc.if_else(good, trimmed, None).cast(pa.float64()), {NUMBER_WANTED: wrong})
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
        values = array.cast(pa.float64(), safe=False)
        finite = _mask(pc.fill_null(pc.is_finite(values), False))
        missing = ~_filled(array) | _mask(pc.fill_null(pc.is_nan(values), True))
        return Cells(pc.if_else(pa.array(finite), values, None), {NUMBER_WANTED: ~finite & ~missing})
    return _none_of(array, NUMBER_WANTED, pa.float64())


def _times(array: pa.Array, *, dates_only: bool) -> Cells:
    wanted = DATE_WANTED if dates_only else TIME_WANTED
    micro = pa.timestamp("us")
    filled = _filled(array)
    if pa.types.is_string(array.type):
        return _written_times(array, filled, wanted=wanted, dates_only=dates_only)
    if pa.types.is_date(array.type):
        return Cells(array.cast(micro), forms=np.where(filled, TimeForm.DATE, TimeForm.UNREAD).astype(np.uint8))
    if pa.types.is_timestamp(array.type):
        form = TimeForm.LOCAL if array.type.tz is None else TimeForm.OFFSET
        plain = array.cast(pa.timestamp(array.type.unit)) if array.type.tz is not None else array
        forms = np.where(filled, form, TimeForm.UNREAD).astype(np.uint8)
        if dates_only and array.type.tz is not None:
            return _none_of(array, wanted, micro)
        return Cells(plain.cast(micro, safe=False), forms=forms)
    return _none_of(array, wanted, micro)


def _written_times(array: pa.Array, filled: Mask, *, wanted: str, dates_only: bool) -> Cells:
    trimmed = pc.utf8_trim_whitespace(array)

    def matches(pattern: str) -> Mask:
        return _mask(pc.fill_null(pc.match_substring_regex(trimmed, pattern), False))

    forms = np.zeros(len(array), dtype=np.uint8)
    forms[matches(_DATE)] = TimeForm.DATE
    if not dates_only:
        forms[matches(_CLOCK + "$")] = TimeForm.LOCAL
        forms[matches(_CLOCK + _OFFSET)] = TimeForm.OFFSET
    candidates = pc.if_else(pa.array(forms != TimeForm.UNREAD), trimmed, None).to_pandas()
    moments = pd.to_datetime(candidates, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    unread = moments.isna().to_numpy()
    forms[unread] = TimeForm.UNREAD
    other = matches(_OTHER_DATE) & ~matches(r"^\d{4}-\d{2}-\d{2}") & unread
    values = pa.Array.from_pandas(moments.astype("datetime64[us]"), type=pa.timestamp("us"))
    return Cells(values, {OTHER_DATE: other, wanted: unread & filled & ~other}, forms)


def _none_of(array: pa.Array, message: str, wanted: pa.DataType | None = None) -> Cells:
    """Nothing can be read: the whole column has a type that does not fit."""
    nulls = pa.nulls(len(array), wanted or pa.string())
    return Cells(nulls, {f"stored as {array.type}: {message}": _filled(array)}, np.zeros(len(array), dtype=np.uint8))


def _filled(array: pa.Array) -> Mask:
    return _mask(pc.is_valid(array))


def _mask(array: pa.Array) -> Mask:
    mask: Mask = array.to_numpy(zero_copy_only=False).astype(bool)
    return mask
