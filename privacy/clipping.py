"""Bounding what one person adds to a sum, for any float that may arrive.

A norm that overflows, a NaN that compares false, a cast that rounds up, a sparse row with the same column twice:
each has let a row pass a clip unclipped somewhere. Here a row is refused or ends within the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from retail.errors import PrivacyError

Rows = TypeVar("Rows", NDArray[Any], sparse.csr_array)

_EPS: Final = {np.dtype(np.float32): float(np.finfo(np.float32).eps), np.dtype(np.float64): float(np.finfo(float).eps)}
_TINY: Final = {
    np.dtype(np.float32): float(np.finfo(np.float32).tiny),
    np.dtype(np.float64): float(np.finfo(float).tiny),
}
_BLOCK_VALUES: Final = 2**22  # values turned to float64 at a time: 32 MiB


@dataclass(frozen=True, eq=False)
class OuterRows:
    """Rows that are flattened outer products, kept as their two factors: row p is `left[p] x right[p]`, d = K * I.

    Contributions such as "profile times purchases" have 10^5 to 10^7 entries a person; their L2 norm is the product
    of the factors' norms, so they can be bounded and added without ever being written out.

    Attributes:
        left: (persons, K) float32 or float64.
        right: (persons, I), a plain ndarray or CSR array of the same kinds.
    """

    left: NDArray[Any]
    right: NDArray[Any] | sparse.csr_array


Updates: TypeAlias = NDArray[Any] | sparse.csr_array | OuterRows
"""What a clipped sum takes: one row per person."""


def clip_rows(updates: Rows, *, norm_bound: float) -> Rows:
    """Scale each person's update to at most `norm_bound` in L2.

    Args:
        updates: (persons, d), one row per person, float32 or float64: a plain ndarray or a `scipy.sparse.csr_array`.
        norm_bound: C > 0, in the unit of `updates`; not subnormal.

    Returns: a new array of the same kind, shape and dtype. Rows whose norm is at most C (1 - (d + 16) 2^-52) keep their
        values; longer rows keep their direction and end just below C. Clipping twice equals clipping once.

    Raises: PrivacyError: NaN or infinity, another dtype or kind, or a bound that is not a normal number above 0.

    Guarantee: the exact L2 norm of every returned row, as stored in the returned dtype, is at most C. So one row more
        or less changes the exact sum of rows by at most C. Assumes one row per person per message.

    Source: Abadi et al. 2016, Algorithm 1; the margin bounds the rounding of norm and scaling (Higham 2002, chapter 3).
    """
    bound = _check_bound(norm_bound)
    if sparse.issparse(updates):
        return cast(Rows, _clip_sparse(updates, bound))
    dense = _check_dense(updates)
    clipped = np.empty_like(dense, order="C")
    for rows in _blocks(dense):
        clipped[rows] = _clip_block(dense[rows], bound)
    return clipped


def clipped_sum(updates: Updates, *, norm_bound: float, weight: float = 1.0) -> NDArray[np.float64]:
    """Clip every person's update, add them up, and multiply by a public weight.

    Args:
        updates: (persons, d), as for `clip_rows`, or `OuterRows` with K * I = d.
        norm_bound: C > 0.
        weight: public factor, 1 / k_max where a person may appear at k_max merchants.

    Returns: (d,) float64; zeros for no persons.

    Raises: PrivacyError: as `clip_rows`; a weight that is not a finite number above 0; or a sum that overflows.

    Guarantee: one person more or less changes the result by at most weight * C in L2, up to the rounding of float64
        addition. Assumes one row per person.
    """
    if not (math.isfinite(weight) and weight > 0):
        raise PrivacyError(f"the weight must be a finite number above 0, got {weight!r}; it is 1 / k_max")
    bound = _check_bound(norm_bound)
    if isinstance(updates, OuterRows):
        total = _outer_sum(updates, bound)
    elif sparse.issparse(updates):
        clipped = _clip_sparse(updates, bound)
        total = np.bincount(clipped.indices, weights=clipped.data, minlength=clipped.shape[1]).astype(np.float64)
    else:
        dense = _check_dense(updates)
        total = np.zeros(dense.shape[1])
        with np.errstate(over="ignore"):  # refused below
            for rows in _blocks(dense):
                total += _clip_block(dense[rows], bound).sum(axis=0, dtype=np.float64)
    with np.errstate(over="ignore"):
        total *= weight
    if not np.isfinite(total).all():
        raise PrivacyError(f"the clipped sum overflows float64; norm_bound {norm_bound!r} is far too large")
    return total


def _outer_sum(updates: OuterRows, bound: float) -> NDArray[np.float64]:
    """Clip each factor so that the product of the two bounds is C: left to at most 1, right to at most C.

    Bounding the factors apart bounds their product, whatever the split: |left| |right| <= 1 * C. A row whose factors
    are within those bounds is unchanged, so tasks normalise `left` to length 1.
    """
    if not isinstance(updates.left, np.ndarray):
        raise PrivacyError(
            f"left factors must be a plain numpy array, got {type(updates.left).__name__}; convert with toarray()"
        )
    left = clip_rows(updates.left, norm_bound=1.0).astype(np.float64)
    right = clip_rows(updates.right, norm_bound=bound)
    if left.shape[0] != right.shape[0]:
        raise PrivacyError(
            f"outer rows have {left.shape[0]} left and {right.shape[0]} right factors; each person needs both"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # the caller refuses what is not finite
        product = (right.T.astype(np.float64) @ left).T
    return np.asarray(product, dtype=np.float64).ravel()


def _check_bound(norm_bound: float) -> float:
    bound = float(norm_bound)
    if not (math.isfinite(bound) and bound >= np.finfo(float).tiny):
        raise PrivacyError(f"norm_bound must be a normal, finite number above 0, got {norm_bound!r}")
    return bound


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype not in _EPS:
        raise PrivacyError(
            f"updates must be float32 or float64 in native byte order, got {dtype}; "
            "convert them before clipping (float16 overflows above 65504)"
        )


def _check_dense(updates: Any) -> NDArray[Any]:
    # Subclasses (masked arrays, matrices) compute sums of their own and could hide values from the norm.
    if type(updates) is not np.ndarray:
        raise PrivacyError(f"updates must be a plain numpy array or a csr_array, got {type(updates).__name__}")
    _check_dtype(updates.dtype)
    if updates.ndim != 2:
        raise PrivacyError(f"updates must be (persons, d), one row per person, got shape {updates.shape}")
    return updates


def _check_finite(values: NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise PrivacyError("an update holds NaN or infinity; find the task's numerical fault, no clip can bound it")


def _blocks(dense: NDArray[Any]) -> list[slice]:
    step = max(1, _BLOCK_VALUES // max(1, dense.shape[1]))
    return [slice(start, start + step) for start in range(0, dense.shape[0], step)]


def _clip_block(dense: NDArray[Any], bound: float) -> NDArray[Any]:
    _check_finite(dense)
    if dense.size == 0:
        return dense.copy()
    values = dense.astype(np.float64)
    largest = np.abs(values).max(axis=1)
    unit = values / np.where(largest > 0, largest, 1.0)[:, None]
    length = np.sqrt(np.einsum("ij,ij->i", unit, unit))
    factor, within = _factors(largest, length, bound, dense.shape[1], dense.dtype)
    scaled = unit * factor[:, None]
    scaled[np.abs(scaled) < _TINY[dense.dtype]] = 0.0
    return np.where(within[:, None], dense, _cast(scaled, dense.dtype))


def _clip_sparse(updates: Any, bound: float) -> sparse.csr_array:
    if not isinstance(updates, sparse.csr_array):
        raise PrivacyError(
            f"sparse updates must be a csr_array, got {type(updates).__name__}; convert with csr_array(...)"
        )
    _check_dtype(updates.dtype)
    if updates.ndim != 2:
        raise PrivacyError(f"updates must be (persons, d), one row per person, got shape {updates.shape}")
    # A fresh object forgets the "canonical" flag, which a caller may have set wrongly; duplicates are then added up.
    clipped = sparse.csr_array(
        (updates.data.copy(), updates.indices.copy(), updates.indptr.copy()), shape=updates.shape
    )
    try:
        clipped.check_format(full_check=True)
    except ValueError as error:
        raise PrivacyError(f"the sparse updates are malformed ({error}); rebuild the csr_array") from error
    _check_finite(clipped.data)
    clipped.sum_duplicates()
    _check_finite(clipped.data)
    counts = np.diff(clipped.indptr)
    filled = counts > 0
    if not filled.any():
        return clipped
    values = clipped.data.astype(np.float64)
    starts = clipped.indptr[:-1][filled]
    rows = np.repeat(np.arange(int(filled.sum())), counts[filled])
    largest = np.maximum.reduceat(np.abs(values), starts)
    unit = values / np.where(largest > 0, largest, 1.0)[rows]
    length = np.sqrt(np.add.reduceat(unit * unit, starts))
    factor, within = _factors(largest, length, bound, updates.shape[1], clipped.dtype)
    scaled = unit * factor[rows]
    scaled[np.abs(scaled) < _TINY[clipped.dtype]] = 0.0
    clipped.data = np.where(within[rows], clipped.data, _cast(scaled, clipped.dtype))
    return clipped


def _factors(
    largest: NDArray[np.float64], length: NDArray[np.float64], bound: float, width: int, dtype: np.dtype[Any]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what to multiply each row, divided by its largest entry, by; and which rows need no clip.

    The norm is `largest * length`. It is never formed, so that it cannot overflow or lose bits to underflow. `margin`
    exceeds the relative error of `length` (a sum of `width` squares), and three of them leave room for the scaling and
    for a second clip to find the row within the bound; the cast to `dtype` adds half its epsilon at most.
    """
    margin = (width + 16) * _EPS[np.dtype(np.float64)]
    with np.errstate(over="ignore"):
        within = (largest == 0) | (length <= bound / np.where(largest > 0, largest, 1.0) * (1 - margin))
    cast_error = 0.0 if dtype == np.float64 else _EPS[dtype]
    factor = bound * (1 - 3 * margin) * (1 - cast_error) / np.maximum(length, 1.0)
    return factor, within


def _cast(scaled: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    # Rows within the bound are kept as they came; their factor may be far above what float32 holds.
    with np.errstate(over="ignore"):
        return scaled.astype(dtype)
