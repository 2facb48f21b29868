"""Models as Flower records, and back.

Arrays travel in numpy's own format. Its header is a line of Python that numpy parses and writes anew each time, which
costs more than the array behind it when a simulation sends thousands of small ones; headers are therefore kept.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from math import prod
from typing import Any, Final

import numpy as np
from flwr.app import Array, ArrayRecord
from numpy.lib import format as npy
from numpy.typing import NDArray

from federation.task import Model

_NUMPY: Final = "numpy.ndarray"
_BEFORE: Final = npy.magic(1, 0)  # then two bytes for the length of the header, and the header


def to_record(model: Model) -> ArrayRecord:
    """Serialise a model; names, shapes and dtypes are kept."""
    return ArrayRecord({name: to_array(np.asarray(value)) for name, value in model.items()})


def from_record(record: ArrayRecord) -> Model:
    """Read a model; the arrays are fresh copies."""
    return {name: from_array(array) for name, array in record.items()}


def to_array(values: NDArray[Any]) -> Array:
    """Serialise an array as `flwr.app.Array` does, byte for byte."""
    if values.dtype.hasobject or not values.flags.c_contiguous:
        return Array(values)
    head = _written(values.dtype, values.shape)
    return Array(str(values.dtype), values.shape, _NUMPY, head + values.tobytes())


def from_array(array: Array) -> NDArray[Any]:
    """Read an array as `Array.numpy` does; the result is a fresh copy.

    Raises: ValueError, TypeError, EOFError, OSError: the bytes are no array.
    """
    data, start = array.data, len(_BEFORE) + 2
    if array.stype == _NUMPY and data[: len(_BEFORE)] == _BEFORE:
        start += int.from_bytes(data[len(_BEFORE) : start], "little")
        known = _read(data[:start])
        if known is not None and len(data) - start >= prod(known[1]) * known[0].itemsize:
            dtype, shape = known
            return np.frombuffer(data, dtype, count=prod(shape), offset=start).reshape(shape).copy()
    return array.numpy()


@lru_cache(maxsize=256)
def _written(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return what numpy writes before the values."""
    buffer = BytesIO()
    npy.write_array(buffer, np.empty(shape, dtype), version=None, allow_pickle=False)
    return buffer.getvalue()[: len(buffer.getvalue()) - prod(shape) * dtype.itemsize]


@lru_cache(maxsize=256)
def _read(head: bytes) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Parse a header; None for what is left to numpy: objects, other orders, and what is no header."""
    try:
        shape, fortran, dtype = npy.read_array_header_1_0(BytesIO(head[len(_BEFORE) :]))
    except (ValueError, TypeError, EOFError, OSError):
        return None
    return None if fortran or dtype.hasobject or not dtype.itemsize else (dtype, shape)
