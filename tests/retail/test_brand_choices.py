import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail import complete_journey
from retail.brand_choices import CHOSEN, PRICE, SITUATION, brand_choices
from retail.dataset import LazyTable, Period, RetailData
from retail.errors import ConfigError, DataError

MONDAY = dt.date(2024, 1, 1)
FIRST = (MONDAY - dt.date(1970, 1, 1)).days
PRODUCTS = pd.DataFrame(
    {
        c.PRODUCT: [1, 2, 3, 4, 5],
        c.TYPE: ["DIAPERS"] * 4 + ["BREAD"],
        c.CATEGORY: "X",
        c.MANUFACTURER: [10, 10, 20, 30, 40],
        c.BRAND: ["National", "National", "Private", "National", "National"],
        c.DEPARTMENT: "GROCERY",
        c.PACKAGE: ["20 CT", "40 CT", "20 CT", "20 CT", "1 LB"],
    }
)


def shop(rows, promotions=None) -> RetailData:
    """Lines as (person, basket, product, week, quantity, sales), all in store 1."""
    columns = [c.PERSON, c.BASKET, c.PRODUCT, "week", c.QUANTITY, c.SALES]
    lines = pd.DataFrame(rows, columns=columns).assign(**{c.STORE: 1, c.TIME: pd.Timestamp(MONDAY)})
    lines[c.DAY] = FIRST + 7 * lines.pop("week") + 2
    period = Period(MONDAY, MONDAY + dt.timedelta(days=69), public=True)
    empty = pd.DataFrame()
    return RetailData("made-up", "UTC", "EUR", period, lines, PRODUCTS, empty, empty, empty, promotions, "x")


def rows_of(week, *, seed=0):
    """Twelve households buy two brands: four euros for 20 of brand 10, two for 20 of the label."""
    lines = []
    for person in range(12):
        product, paid = ((1, 4.0), (3, 2.0))[person % 2]
        lines.append((person, 100 * week + person, product, week, 1, paid))
    return lines


def test_prices_are_what_others_paid_for_ten_pieces_in_that_week():
    bargain = [(0, 900, 2, 0, 1, 1.0)]  # forty pieces for one euro, bought by household 0 alone
    found = brand_choices(shop(rows_of(0) + bargain), "DIAPERS")
    rows = found.rows.set_index([SITUATION, c.BRAND])
    baskets = found.rows.drop_duplicates(SITUATION)
    assert found.unit == "10 CT"
    assert set(found.rows[c.BRAND]) == {"10", "label-20"}
    mine = baskets[baskets[c.PERSON] == 0][SITUATION]
    assert rows.loc[(mine.iloc[-1], "10"), PRICE] == 2.0  # its own bargain does not count for it
    assert (found.rows.loc[found.rows[c.BRAND] == "label-20", PRICE] == 1.0).all()
    assert found.rows.groupby(SITUATION)[CHOSEN].sum().eq(1).all()


def test_a_brand_that_others_bought_too_seldom_is_no_alternative():
    few = [(person, 500 + person, 4, 9, 1, 3.0) for person in range(3)]
    found = brand_choices(shop(rows_of(0) + rows_of(9) + few), "DIAPERS")
    assert set(found.rows[c.BRAND]) == {"10", "label-20"}
    assert found.left_out["no price of others"] == 3


def test_baskets_with_several_brands_and_of_small_brands_are_counted_apart():
    extra = [(0, 700, 1, 0, 1, 4.0), (0, 700, 3, 0, 1, 2.0), (1, 701, 4, 0, 1, 3.0)]
    found = brand_choices(shop(rows_of(0) + extra), "DIAPERS", least_share=0.1)
    assert (found.left_out["several brands"], found.left_out["a small brand"]) == (1, 1)
    assert found.rows[SITUATION].nunique() == 12


def test_removing_a_household_changes_no_price_of_its_own_choices_but_its_rows():
    """A household's own lines never decide the prices that it met."""
    lines = [*rows_of(0), (0, 800, 1, 0, 3, 30.0)]
    one = brand_choices(shop(lines), "DIAPERS").rows
    dear = brand_choices(shop([(*line[:5], line[5] * 9) if line[0] == 0 else line for line in lines]), "DIAPERS").rows
    mine = [frame[frame[c.PERSON] == 0].drop(columns=SITUATION).reset_index(drop=True) for frame in (one, dear)]
    pd.testing.assert_frame_equal(*mine)


def test_offers_are_those_of_the_store_and_week(tmp_path):
    told = pd.DataFrame(
        {
            c.PRODUCT: [1, 3, 3],
            c.STORE: [1, 1, 2],
            c.WEEK: [1, 2, 1],
            c.DISPLAY: ["3", "0", "5"],
            c.MAILER: ["0", "A", "A"],
        }
    )
    told.to_parquet(tmp_path / "p.parquet")
    found = brand_choices(shop(rows_of(0) + rows_of(1), LazyTable(tmp_path / "p.parquet")), "DIAPERS").rows
    week = found[SITUATION] // 12
    on = {(w, b, n) for w, b, d, m in zip(week, found[c.BRAND], found["display"], found["mailer"], strict=True)
          for n, there in (("display", d), ("mailer", m)) if there}  # fmt: skip
    assert on == {(0, "10", "display"), (1, "label-20", "mailer")}


@pytest.mark.parametrize(
    ("data", "kind", "share", "error", "says"),
    [
        (shop(rows_of(0)), "WINE", 0.03, DataError, "nothing of the type"),
        (shop(rows_of(0)), "DIAPERS", 0.7, ConfigError, "between 0 and .5"),
        (shop([row for row in rows_of(0) if row[2] == 1]), "DIAPERS", 0.03, DataError, "has 1 brands"),
        (replace(shop(rows_of(0)), products=PRODUCTS.drop(columns=c.PACKAGE)), "DIAPERS", 0.03, DataError, "lack"),
    ],
)
def test_what_is_no_choice_is_refused(data, kind, share, error, says):
    with pytest.raises(error, match=says):
        brand_choices(data, kind, least_share=share)


@pytest.mark.slow
def test_the_diapers_of_the_complete_journey():
    found = brand_choices(complete_journey.load(), "BABY DIAPERS")
    assert set(found.rows[c.BRAND]) == {"751", "764", "label-69", "label-903"}
    assert found.rows[SITUATION].nunique() == 2483
    prices = found.rows.groupby(c.BRAND)[PRICE].mean()
    assert prices["751"] > prices["764"] > prices["label-69"] > prices["label-903"]
    assert np.isfinite(found.rows[PRICE]).all()
