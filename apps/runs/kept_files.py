"""What was read of a run store's files, kept for everybody who uses the app while the files do not change."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

MOST_BYTES: Final = 32 * 1024**2
"""Of the files whose content is kept; what is made of them takes some times more memory."""
OVERHEAD: Final = 1024
"""Bytes that a kept file counts at least, so that many small ones are bounded as well."""
SETTLED_NS: Final = 1_000_000_000
"""A file that changed less than this ago is not kept: a second change within a tick of the clock would not show."""

Content = TypeVar("Content")
_Key = tuple[Callable[[Path], Any], str]
_Stamp = tuple[int, int, int, int]

_kept: OrderedDict[_Key, tuple[_Stamp, Any]] = OrderedDict()
_bytes = 0
_lock = threading.Lock()


def kept(path: Path, read: Callable[[Path], Content]) -> Content:
    """Return what a function reads of a file; it reads again only when the file has changed.

    What it returns is shared by all sessions: look at it, and change nothing in it.

    Args:
        path: of the file.
        read: a function of a module that depends on the content of the file alone; it is asked each time while there
            is no such file. What it raises is raised, and nothing is kept.
    """
    key = (read, str(path))
    try:
        found = os.stat(path)
    except OSError:
        _forget(key)
        return read(path)
    # Asked for before reading: a change in between leaves an old stamp with new content, and the next one reads again.
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    with _lock:
        known = _kept.get(key)
        if known is not None and known[0] == stamp:
            _kept.move_to_end(key)
            return known[1]  # type: ignore[no-any-return]
    content = read(path)
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > SETTLED_NS:
        _keep(key, stamp, content)
    else:
        _forget(key)
    return content


def _keep(key: _Key, stamp: _Stamp, content: object) -> None:
    global _bytes
    with _lock:
        _drop(key)
        if _cost(stamp) > MOST_BYTES:
            return
        _kept[key] = (stamp, content)
        _bytes += _cost(stamp)
        while _bytes > MOST_BYTES:
            _drop(next(iter(_kept)))


def _forget(key: _Key) -> None:
    with _lock:
        _drop(key)


def _drop(key: _Key) -> None:
    global _bytes
    known = _kept.pop(key, None)
    if known is not None:
        _bytes -= _cost(known[0])


def _cost(stamp: _Stamp) -> int:
    return max(stamp[1], OVERHEAD)
