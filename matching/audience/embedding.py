"""A place for each household in a space that nobody's data have shaped: the public catalogue, projected at random.

Households near each other buy alike. The space is data-free: its axes are the departments of the public catalogue, or
its types and products hashed into as many dimensions as asked for, by a fixed public rule. A decomposition of the
purchases themselves would need fewer dimensions, and would be made from everybody's rows: it is not public, whatever it
is called.

Source: Weinberger et al. 2009 (feature hashing: inner products are kept on average).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array

from matching.audience.features import Purchases
from matching.audience.launch import Launch
from retail import columns as c
from retail.errors import ConfigError
from retail.interactions import Catalogue

Floats = npt.NDArray[np.float64]
DEPARTMENTS: Final = 0
"""As a dimension: one axis for each department of the catalogue, none hashed."""
BLOCKS: Final = {c.TYPE: 0.6, c.PRODUCT: 0.8}
"""Length of each block of a household's vector before it is hashed; their squares add up to 1."""
_SALT: Final = 0xA0D1E


def embedding(purchases: Purchases, catalogue: Catalogue, launch: Launch, *, dimension: int) -> Floats:
    """Place every household by what it bought before a launch.

    Args:
        purchases: lines of any days; those from the launch on are not looked at.
        catalogue: the public catalogue.
        launch: its day is the end of what is looked at.
        dimension: of the space, from 2 to 4,096, or `DEPARTMENTS`; the same for all whose vectors are to meet.

    Returns: (persons, width(catalogue, dimension)) float64, each row of length 1; zeros for a household without an
        earlier line.

    Raises: ConfigError: the dimension is out of range.

    Guarantee: as `matching.audience.features.features`.
    """
    columns = width(catalogue, dimension)
    history = purchases.history
    before = history.day < launch.day
    person, product = purchases.person[before], history.product[before]
    if dimension == DEPARTMENTS:
        codes = catalogue.levels[c.DEPARTMENT][0]
        places: Floats = _counts(person, codes[product], (len(history.persons), columns)).toarray()
        return places
    total = np.zeros((len(history.persons), columns))
    for level, length in BLOCKS.items():
        codes, size = (np.arange(len(catalogue)), len(catalogue)) if level == c.PRODUCT else catalogue.levels[level]
        counts = _counts(person, codes[product], (len(history.persons), size))
        total += length * np.asarray((counts @ _axes(level, size, dimension)).todense())
    unit: Floats = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return unit


def width(catalogue: Catalogue, dimension: int) -> int:
    """Return how many numbers a place has.

    Raises: ConfigError: the dimension is out of range.
    """
    if dimension == DEPARTMENTS:
        return catalogue.levels[c.DEPARTMENT][1]
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 2 <= dimension <= 4096:
        raise ConfigError(
            f"dimension = {dimension!r} cannot be used; give a whole number from 2 to 4096, or 0 for departments"
        )
    return dimension


def _counts(person: npt.NDArray[np.int64], code: npt.NDArray[np.int32], shape: tuple[int, int]) -> csr_array:
    """Count lines by code on a log scale, each household's row scaled to length 1."""
    counts = csr_array((np.ones(len(person)), (person, code)), shape=shape, dtype=np.float64)
    counts.sum_duplicates()
    counts.data = np.log1p(counts.data)
    norm = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    return csr_array(diags_array(1.0 / np.maximum(norm, 1e-12)) @ counts)


@lru_cache(maxsize=16)
def _axes(level: str, size: int, dimension: int) -> csr_array:
    """(size, dimension): each code goes to one dimension, with a sign; the same for everybody, for ever."""
    rng = np.random.default_rng([_SALT, list(BLOCKS).index(level), dimension])
    place, sign = rng.integers(dimension, size=size), rng.choice([-1.0, 1.0], size=size)
    return csr_array((sign, (np.arange(size), place)), shape=(size, dimension))
