"""Ids of vectors: whole numbers of 64 bits, from 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Ints = npt.NDArray[np.int64]


def checked_ids(ids: Any, *, what: str = "ids") -> Ints:
    """Return ids as an array; nothing is cast, since a cast that wraps or rounds names somebody else.

    Args:
        ids: an array of int64, or a list, tuple or range of whole numbers.
        what: their name, for messages.

    Raises: DataError: another type, more than one axis, a negative id (faiss pads with -1). The message shows no id.
    """
    if isinstance(ids, list | tuple | range):
        whole = all(isinstance(one, int | np.int64) and not isinstance(one, bool) for one in ids)
        try:
            ids = np.array(ids, dtype=np.int64) if whole else np.asarray(ids)
        except (OverflowError, ValueError) as error:
            raise DataError(f"{what} must be whole numbers below 2^63; number the people anew") from error
    if not isinstance(ids, np.ndarray) or ids.dtype != np.int64:
        got = f"{ids.dtype}" if isinstance(ids, np.ndarray) else type(ids).__name__
        raise DataError(f"{what} must be an int64 array or a list of whole numbers, got {got}; convert them yourself")
    if ids.ndim != 1:
        raise DataError(f"{what} must have one axis, got shape {ids.shape}; flatten them")
    if len(ids) and int(ids.min()) < 0:
        raise DataError(f"{what} must not be negative (first: position {int((ids < 0).argmax())}); number from 0")
    return ids
