"""A conversion is a recipient's, of the campaign's products, within the campaign's days: nothing else is one."""

import pandas as pd
import pytest

from retail import columns as c
from retail.attribution import CHAIN, bought_rows, redeemed_rows
from retail.campaigns import FIRST_DAY, LAST_DAY, Campaigns
from retail.errors import ConfigError

RECORDS = Campaigns(
    listed=pd.DataFrame({c.CAMPAIGN: [1, 2], c.CAMPAIGN_KIND: ["A", "B"], FIRST_DAY: [10, 12], LAST_DAY: [12, 14]}),
    products=pd.DataFrame({c.CAMPAIGN: [1, 2, 2], c.PRODUCT: [5, 5, 6]}),
    sent=pd.DataFrame({c.CAMPAIGN: [1, 2, 2], c.PERSON: [7, 7, 8]}),
    redeemed=pd.DataFrame({c.CAMPAIGN: [1, 2], c.PERSON: [7, 8], c.DAY: [11, 13]}),
    first_day=0,
    last_day=20,
)


def lines(*rows):
    return pd.DataFrame(rows, columns=[c.PERSON, c.PRODUCT, c.DAY]).assign(**{c.STORE: 3, c.BASKET: range(len(rows))})


def test_purchases_count_for_every_campaign_that_they_belong_to():
    found = bought_rows(RECORDS, lines((7, 5, 12)), [1, 2])
    assert found[c.CAMPAIGN].tolist() == [1, 2]
    assert found[c.PERSON].tolist() == [7, 7]
    assert found[c.MERCHANT].tolist() == [3, 3]


@pytest.mark.parametrize("line", [(8, 5, 11), (7, 6, 11), (7, 5, 9), (7, 5, 13), (9, 5, 11)])
def test_others_other_products_and_other_days_do_not_count(line):
    assert bought_rows(RECORDS, lines(line), [1]).empty


def test_redemptions_name_the_chain_since_no_store_is_on_record():
    found = redeemed_rows(RECORDS, [2])
    assert found.to_dict("records") == [{c.CAMPAIGN: 2, c.PERSON: 8, c.MERCHANT: CHAIN, c.BASKET: 13}]


def test_an_unknown_campaign_is_refused():
    for attributed in (lambda: redeemed_rows(RECORDS, [3]), lambda: bought_rows(RECORDS, lines(), [3])):
        with pytest.raises(ConfigError, match="campaign 3 is unknown; choose from 1, 2"):
            attributed()
