"""A CSV file that somebody uploads: checked before it is read, and on the disk only while it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from apps.text_upload import uploaded_text
from retail.errors import DataError
from retail.problems import shown

MOST_BYTES: Final = 25 * 1024**2
"""Also the server's limit."""
MOST_COLUMNS: Final = 200
_LONGEST_HEADER: Final = 64 * 1024


@contextmanager
def csv_place(name: str, content: bytes) -> Iterator[Path]:
    """Lay an uploaded CSV file into a folder of its own, which is removed whatever happens.

    Args:
        name: as the browser says; it becomes no path, and stands in messages instead of the path.
        content: the bytes.

    Raises:
        DataError: it is empty, too large, no text, or has too many columns; or what reading it raises, with the name
            in place of the path.
    """
    called = shown(name)
    _check(name, content)
    with tempfile.TemporaryDirectory(prefix="tradefair-upload-") as folder:
        path = Path(folder) / "upload.csv"
        path.write_bytes(content)
        try:
            yield path
        except DataError as error:
            raise DataError(str(error).replace(str(path), called)) from None


def _check(name: str, content: bytes) -> None:
    uploaded_text(name, content, most=MOST_BYTES, kind="CSV file")
    header = content[:_LONGEST_HEADER].split(b"\n", 1)[0]
    if len(header) == _LONGEST_HEADER or header.count(b",") >= MOST_COLUMNS:
        raise DataError(f"{shown(name)} has more than {MOST_COLUMNS} columns in its first line; leave the others out")
