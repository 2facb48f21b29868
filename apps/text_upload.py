"""A text file that somebody uploads: its size, its bytes and its encoding checked before anything reads it."""

from __future__ import annotations

from retail.errors import DataError
from retail.problems import shown

_LOOKED_AT = 64 * 1024


def uploaded_text(name: str, content: bytes, *, most: int, kind: str) -> str:
    """Return the text of an uploaded file.

    Args:
        name: as the browser says; it becomes no path.
        content: the bytes.
        most: bytes that are read at most.
        kind: what it should be, such as "TOML file".

    Raises:
        DataError: it is empty, too large, packed, binary or not UTF-8; one line says which, and what to do.
    """
    called = shown(name)
    if not content:
        raise DataError(f"{called} is empty; choose a {kind}")
    if len(content) > most:
        raise DataError(
            f"{called} has {len(content):,} bytes, more than {most:,}; use the command for so large a {kind}"
        )
    if content.startswith(b"PK\x03\x04") or b"\x00" in content[:_LOOKED_AT]:
        raise DataError(f"{called} is no {kind} but something packed or binary; unpack it, or save it as text in UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{called} is not UTF-8 (byte {error.start:,}); save the {kind} in UTF-8") from None
