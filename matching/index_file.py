"""The file of an index: one line of JSON that says what follows, then plain arrays. Nothing in it is executed.

The arrays are the ids, the vectors and, for an index with cells, their centres, ranges and each row's cell. Codes of
one byte a number are not written: they are computed again. Rows stand in the order of their ids.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import filelock
import numpy as np
import numpy.typing as npt

from matching.embeddings import Vectors
from matching.ids import Ints
from matching.list_parts import ListParts
from retail.errors import DataError
from retail.files import atomic_write

FORMAT: Final = "tradefair vector index"
VERSION: Final = 1
_LONGEST_LINE: Final = 4096
_WAIT_S: Final = 60
_COUNTS: Final = {
    "dimension": (1, 65_536),
    "count": (0, 2**40),
    "exact_below": (100, 2**40),
    "cells": (0, 2**31 - 1),
    "trained_on": (0, 2**40),
}
_STATED: Final = ("format", "version", "model", *_COUNTS, "sha256")


class ReplacedError(DataError):
    """A file is not the one that its writer knows."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    Attributes:
        model: id.
        exact_below: see `VectorIndex`.
        ids: (n,) int64, ascending.
        vectors: (n, d) float32.
        parts: of the cells, None without.
    """

    model: str
    exact_below: int
    ids: Ints
    vectors: Vectors
    parts: ListParts | None


def write(path: Path, contents: Contents, *, known: str | None, replace: bool) -> str:
    """Write a file whole, in place of the one that the caller knows.

    Args:
        path: the file.
        contents: what to write.
        known: SHA-256 that the caller last read or wrote there; None for no file.
        replace: whatever is there.

    Returns: the SHA-256 of what was written.

    Raises: ReplacedError: another file is there, or none where one should be. DataError: it cannot be written.
    """
    manifest, arrays = _manifest(contents), _arrays(contents)
    digest = _digest(manifest, arrays)
    line = json.dumps({**manifest, "sha256": digest}, ensure_ascii=True).encode() + b"\n"

    def fill(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(line)
            for array in arrays:
                file.write(array.data)

    with _alone(path):
        if not replace and _sha256_at(path) != known:
            raise ReplacedError(
                f"{path} is not the index that this one was loaded from or saved to: saving could bring back people "
                "who were erased from it; load it and repeat your change, or replace it on purpose with replace=True"
            )
        _delete(leftovers(path))
        atomic_write(path, fill, private=True)
    return digest


def read(path: Path) -> tuple[Contents, str]:
    """Read a file and check it against its manifest before anything of it is used.

    Returns: what it holds, and its SHA-256.

    Raises: DataError: no such file, no index, a newer format, cut off, or changed since it was written.
    """
    try:
        with path.open("rb") as file:
            manifest = _read_manifest(path, file)
            shapes = _shapes(manifest)
            wanted = file.tell() + sum(dtype.itemsize * int(np.prod(shape)) for shape, dtype in shapes)
            size = os.fstat(file.fileno()).st_size
            if size != wanted:
                raise DataError(f"{path} has {size:,} bytes, its first line says {wanted:,}; restore it or rebuild it")
            arrays = [np.fromfile(file, dtype, int(np.prod(shape))).reshape(shape) for shape, dtype in shapes]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check that it is there") from error
    stated = manifest.pop("sha256")
    if _digest(manifest, arrays) != stated:
        raise DataError(f"{path} does not fit the checksum in its first line: it was changed; restore it or rebuild it")
    ids, vectors = arrays[:2]
    parts = ListParts(arrays[2], arrays[3], arrays[4], manifest["trained_on"]) if manifest["cells"] else None
    in_order = bool((np.diff(ids) > 0).all()) and bool((ids[:1] >= 0).all())
    if not in_order or (parts is not None and not _fits(parts)):
        raise DataError(f"{path} holds ids or cells that no index writes; rebuild it from its source")
    return Contents(manifest["model"], manifest["exact_below"], ids, vectors, parts), stated


def leftovers(path: Path) -> list[Path]:
    """Return half-written copies that a killed writer left beside a file: they hold vectors of people."""
    found = path.parent.glob(f".{glob.escape(path.name)}.*{glob.escape(path.suffix)}")
    return sorted(one for one in found if one.is_file())


def remove_leftovers(path: Path) -> None:
    """Delete them, when nobody is writing. Raises: DataError: one cannot be deleted."""
    if leftovers(path):
        with _alone(path):
            _delete(leftovers(path))


def _delete(files: list[Path]) -> None:
    for one in files:
        try:
            one.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"cannot delete {one}: {error.strerror}; it holds vectors of people") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = filelock.FileLock(f"{path}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_WAIT_S)
    except filelock.Timeout as error:
        raise DataError(f"another program is writing {path}; try again when it is done") from error
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}; choose a folder you may write to") from error
    try:
        yield
    finally:
        lock.release()


def _sha256_at(path: Path) -> str | None:
    """Return what the first line of a file states; None where no file is."""
    try:
        with path.open("rb") as file:
            return str(_read_manifest(path, file)["sha256"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; name a file that you may read") from error


def _manifest(contents: Contents) -> dict[str, Any]:
    parts = contents.parts
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": contents.model,
        "dimension": int(contents.vectors.shape[1]),
        "count": len(contents.ids),
        "exact_below": contents.exact_below,
        "cells": 0 if parts is None else len(parts.centres),
        "trained_on": 0 if parts is None else parts.trained_on,
    }


def _arrays(contents: Contents) -> list[npt.NDArray[Any]]:
    parts = contents.parts
    arrays: list[npt.NDArray[Any]] = [contents.ids.astype("<i8"), contents.vectors.astype("<f4", copy=False)]
    if parts is not None:
        arrays += [parts.centres.astype("<f4"), parts.ranges.astype("<f4"), parts.cell.astype("<i4")]
    return [np.ascontiguousarray(array).reshape(-1) for array in arrays]


def _shapes(manifest: dict[str, Any]) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
    count, dimension, cells = manifest["count"], manifest["dimension"], manifest["cells"]
    ids, floats, numbers = np.dtype("<i8"), np.dtype("<f4"), np.dtype("<i4")
    shapes: list[tuple[tuple[int, ...], np.dtype[Any]]] = [((count,), ids), ((count, dimension), floats)]
    if cells:
        shapes += [((cells, dimension), floats), ((2 * dimension,), floats), ((count,), numbers)]
    return shapes


def _fits(parts: ListParts) -> bool:
    finite = bool(np.isfinite(parts.centres).all() and np.isfinite(parts.ranges).all())
    return finite and bool((parts.cell >= 0).all() and (parts.cell < len(parts.centres)).all())


def _digest(manifest: dict[str, Any], arrays: list[npt.NDArray[Any]]) -> str:
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode() + b"\n")
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _read_manifest(path: Path, file: BinaryIO) -> dict[str, Any]:
    line = file.readline(_LONGEST_LINE)
    try:
        manifest = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{path} is no vector index; name a file that VectorIndex.save wrote")
    if manifest.get("version") != VERSION:
        raise DataError(
            f"{path} has format version {manifest.get('version')!r}, this program reads {VERSION}; rebuild the index"
        )
    sound = set(manifest) == set(_STATED) and all(isinstance(manifest[name], str) for name in ("model", "sha256"))
    if not sound or not all(
        type(manifest[name]) is int and least <= manifest[name] <= most for name, (least, most) in _COUNTS.items()
    ):
        raise DataError(f"the first line of {path} does not describe an index; restore it or rebuild it")
    return manifest
