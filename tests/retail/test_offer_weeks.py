import datetime as dt

import pandas as pd
import pytest

from retail import columns as c
from retail.dataset import LazyTable, Period, RetailData
from retail.errors import DataError
from retail.offer_weeks import offer_weeks

MONDAY = dt.date(2024, 1, 1)
FIRST = (MONDAY - dt.date(1970, 1, 1)).days
PRODUCTS = pd.DataFrame(
    {c.PRODUCT: [1, 2, 3], c.TYPE: ["TEA", "TEA", "BREAD"], c.MANUFACTURER: [10, 20, 30],
     c.BRAND: ["National", "Private", "National"], c.PACKAGE: "1 CT", c.CATEGORY: "X", c.DEPARTMENT: "Y"}
)  # fmt: skip


def shop(promotions) -> RetailData:
    """Store 1 sells tea 1 twice in week 0, tea 2 in week 2; store 2 tea 1 in week 1; store 3 makes no offer."""
    rows = [(1, 1, 1, 0), (2, 2, 1, 0), (3, 3, 2, 1), (1, 4, 1, 2), (4, 5, 3, 1)]
    products = [1, 1, 1, 2, 1]
    lines = pd.DataFrame(rows, columns=[c.PERSON, c.BASKET, c.STORE, "week"]).assign(
        **{c.PRODUCT: products, c.QUANTITY: 1, c.SALES: 2.0, c.TIME: pd.Timestamp(MONDAY)}
    )
    lines[c.DAY] = FIRST + 7 * lines.pop("week") + 3
    period = Period(MONDAY, MONDAY + dt.timedelta(days=20), public=True)
    empty = pd.DataFrame()
    return RetailData("made-up", "UTC", "EUR", period, lines, PRODUCTS, empty, empty, empty, promotions, "x")


@pytest.fixture
def promotions(tmp_path):
    columns = [c.PRODUCT, c.STORE, c.WEEK, c.DISPLAY, c.MAILER]
    rows = [(1, 1, 1, "3", "0"), (1, 2, 2, "0", "A"), (2, 1, 3, "5", "D"), (2, 2, 1, "0", "0"), (1, 1, 9, "3", "A")]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "p.parquet")
    return LazyTable(tmp_path / "p.parquet")


def test_sales_and_offers_stand_at_their_store_and_week(promotions):
    panel = offer_weeks(shop(promotions), "TEA")
    assert panel.brands == ("10", "label-20")
    assert panel.sold.tolist() == [[[2, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]]
    assert panel.offers["display"].astype(int).tolist() == [[[1, 0, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, 0]]]
    assert panel.offers["mailer"].astype(int).tolist() == [[[0, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]]


def test_data_without_offers_or_the_type_are_refused(promotions):
    with pytest.raises(DataError, match="has no promotions"):
        offer_weeks(shop(None), "TEA")
    with pytest.raises(DataError, match="no store both sold and offered"):
        offer_weeks(shop(promotions), "WINE")
