"""Files that are either whole or absent: writing by rename, and the hash that names a file's content."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from retail.errors import DataError

_WHAT_TO_DO: Final = {
    errno.ENOSPC: "free some space or choose a folder on another disk",
    errno.EDQUOT: "free some space or ask for a larger quota",
    errno.EACCES: "choose a folder you may write to, or change its permissions",
    errno.EPERM: "choose a folder you may write to, or change its permissions",
    errno.EROFS: "choose a folder on a disk that is not read-only",
    errno.ENOTDIR: "name a path whose parents are all folders",
    errno.EISDIR: "name a file, not an existing folder",
}


def atomic_write(path: Path, write: Callable[[Path], object], *, private: bool = False) -> None:
    """Write a file so that readers see the old content or the new one, never a part.

    Missing parent folders are made. `write` gets a temporary path in the folder of `path` (same suffix) and
    fills it; the file is then flushed to disk and renamed over `path`. Whatever goes wrong, a keyboard
    interrupt included, the temporary file is removed and `path` stays as it was.

    Args:
        path: the file to create or replace.
        write: fills the temporary file (what it returns is ignored); its exceptions pass through, except for `OSError`.
        private: only the owner may read and write the file.

    Raises:
        DataError: the file system refused (no permission, disk full, a folder in the way).
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        temporary.chmod(0o600 if private else 0o666 & ~_umask())
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        hint = _WHAT_TO_DO.get(error.errno or 0, "check the folder and try again")
        raise DataError(f"cannot write {path}: {error.strerror or error}; {hint}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits, reading a block at a time.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}; check that the file exists and that you may read it"
        ) from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Return the process's file-mode mask, read without changing it where the system shows it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0o022
    return next((int(line.split()[1], 8) for line in status.splitlines() if line.startswith("Umask:")), 0o022)
