"""Small histories for the tests of the baselines."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail.interactions import Interactions, catalogue, interactions

Lines = list[tuple[int, int, int, int]]


@pytest.fixture(scope="session")
def history() -> Callable[..., Interactions]:
    """Lines (person, day, basket, product) to interactions; products 0, 1, ... make up the catalogue."""

    def make(lines: Lines, *, products: int) -> Interactions:
        frame = pd.DataFrame(lines, columns=[c.PERSON, c.DAY, c.BASKET, c.PRODUCT])
        table = pd.DataFrame({c.PRODUCT: range(products)}).assign(**dict.fromkeys(c.TAXONOMY, "x"))
        return interactions(frame.assign(**{c.QUANTITY: 1, c.SALES: 1.0}), catalogue(table))

    return make


@pytest.fixture(scope="session")
def random_lines() -> Callable[..., Lines]:
    """Uniform purchases over days 0 to 59, some of them the same product twice in a basket."""

    def draw(seed: int, *, persons: int = 12, products: int = 15, lines: int = 400) -> Lines:
        rng = np.random.default_rng(seed)
        columns = [rng.integers(size, size=lines).tolist() for size in (persons, 60, 2, products)]
        return [
            (person, day, 1000 * person + 10 * day + basket, product)
            for person, day, basket, product in zip(*columns, strict=True)
        ]

    return draw
