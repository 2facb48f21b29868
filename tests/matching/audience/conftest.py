"""Small shops that hypothesis can draw, and one with a launch whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from matching.audience.launch import Launch
from retail import columns as c
from retail.interactions import catalogue, interactions

PRODUCTS = 12


@pytest.fixture(scope="session")
def public():
    """Twelve products of four types, three categories, three makers, two departments, two brands."""
    codes = np.arange(PRODUCTS)
    return catalogue(
        pd.DataFrame(
            {
                c.PRODUCT: codes + 100,
                c.TYPE: [f"type {one % 4}" for one in codes],
                c.CATEGORY: [f"category {one % 3}" for one in codes],
                c.MANUFACTURER: codes % 5,
                c.DEPARTMENT: [f"department {one % 2}" for one in codes],
                c.BRAND: ["National" if one % 3 else "Private" for one in codes],
            }
        )
    )


@pytest.fixture(scope="session")
def lines():
    """Turn (household, product, day, basket) tuples into a table of lines."""

    def of(rows):
        table = pd.DataFrame(rows, columns=[c.PERSON, c.PRODUCT, c.DAY, c.BASKET])
        return table.assign(**{c.QUANTITY: 1.0})

    return of


@pytest.fixture(scope="session")
def history(public, lines):
    """Turn such tuples into interactions."""
    return lambda rows: interactions(lines(rows), public)


@pytest.fixture(scope="session")
def launch():
    """Product 100 is sold from day 50 on; who buys within ten days is early."""
    return Launch(0, 50, 10)
