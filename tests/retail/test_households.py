"""Sums over each household's lines before a day."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail.dataset import Period, RetailData
from retail.errors import DataError
from retail.households import households

LINES = [
    # person, basket, product, store, day, sales
    (1, 10, 1, 7, 0, 2.0),
    (1, 10, 2, 7, 0, 3.0),
    (1, 11, 1, 7, 3, 2.0),
    (1, 12, 3, 8, 4, 9.0),
    (2, 20, 3, 8, 1, 9.0),
    (3, 30, 3, 9, 1, 9.0),
    (1, 13, 2, 7, 9, 3.0),
]


@pytest.fixture
def data():
    names = [c.PERSON, c.BASKET, c.PRODUCT, c.STORE, c.DAY, c.SALES]
    lines = pd.DataFrame(LINES, columns=names).assign(**{c.QUANTITY: 1})
    products = pd.DataFrame(
        {
            c.PRODUCT: [1, 2, 3],
            c.TYPE: "any",
            c.MANUFACTURER: 1,
            c.CATEGORY: ["MILK", "TOYS", None],
            c.DEPARTMENT: ["GROCERY", "DRUG", "GROCERY"],
            c.BRAND: ["Private", "National", "National"],
        }
    )
    nothing = pd.DataFrame()
    return RetailData(
        name="small", timezone="UTC", currency="EUR", period=Period(None, None, public=False), transactions=lines,
        products=products, customers=nothing, stores=nothing, campaigns=nothing, promotions=None, fingerprint="x",
        population=None,
    )  # fmt: skip


def test_a_store_knows_what_was_bought_there_before_the_day(data):
    found = households(data, now=9, merchants=(7, 8), at_home=True)
    assert found.persons.tolist() == [1, 2]
    assert found.merchants.tolist() == [7, 8]
    assert found.baskets.tolist() == [2, 1]
    assert found.lines.tolist() == [3, 1]
    assert found.spend.tolist() == [7.0, 9.0]
    assert found.idle_days.tolist() == [6, 8]
    assert found.own_label.tolist() == [2, 0]
    assert found.share_of(("TOYS",)).tolist() == pytest.approx([1 / 3, 0])
    assert found.share_of(departments=("GROCERY",)).tolist() == pytest.approx([2 / 3, 1])


def test_pooled_rows_are_those_of_all_stores(data):
    found = households(data, now=9, merchants=(7, 8), at_home=False)
    assert found.lines.tolist() == [4, 1]
    assert found.spend.tolist() == [16.0, 9.0]


def test_later_lines_change_nothing(data):
    before = households(data, now=4, merchants=(7, 8), at_home=False)
    assert before.lines.tolist() == [3, 1]
    later = data.transactions[data.transactions[c.DAY] < 4]
    again = households(replace(data, transactions=later), now=4, merchants=(7, 8), at_home=False)
    assert np.array_equal(before.by_category.toarray(), again.by_category.toarray())


def test_nobody_at_the_merchants_is_said(data):
    with pytest.raises(DataError, match="nobody has a home at the 1 merchants before day 9"):
        households(data, now=9, merchants=(5,), at_home=True)
