"""The campaigns on record: whole, within their days, and refused where they are not there."""

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail.campaigns import FIRST_DAY, LAST_DAY, campaigns_fingerprint, load_campaigns
from retail.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def records():
    return load_campaigns()


def test_all_that_is_published_is_there(records):
    assert (len(records.listed), len(records.sent), len(records.redeemed)) == (27, 6589, 2102)
    assert len(records.products) == 116_204 - 12_193
    assert records.listed[FIRST_DAY].is_monotonic_increasing
    assert (records.listed[LAST_DAY] >= records.listed[FIRST_DAY]).all()


def test_only_recipients_redeem_and_only_within_the_days(records):
    for campaign in records.listed[c.CAMPAIGN]:
        first, last = records.days(campaign)
        redeemed = records.redeemed[records.redeemed[c.CAMPAIGN] == campaign]
        assert redeemed[c.DAY].between(first, last).all()
        assert set(redeemed[c.PERSON]) <= set(records.recipients(campaign))
        assert set(records.redeemers(campaign)) == set(redeemed[c.PERSON])


def write(folder, *, redeemed):
    dates = {"start_date": pd.to_datetime(["2017-03-01"]), "end_date": pd.to_datetime(["2017-03-31"])}
    tables = {
        "campaign_descriptions": {"campaign_id": [7], "campaign_type": ["Type A"], **dates},
        "campaigns": {"campaign_id": [7, 7], "household_id": [1, 2]},
        "coupons": {"campaign_id": [7, 7], "product_id": [5, 5]},
        "coupon_redemptions": redeemed,
    }
    for name, table in tables.items():
        pd.DataFrame(table).to_parquet(folder / f"{name}.parquet")


def test_what_nobody_was_sent_or_came_too_late_is_not_counted(tmp_path):
    days = pd.to_datetime(["2017-03-31", "2017-04-01", "2017-03-05"])
    write(tmp_path, redeemed={"campaign_id": [7, 7, 7], "household_id": [1, 2, 3], "redemption_date": days})
    found = load_campaigns(source=tmp_path)
    assert found.redeemers(7).tolist() == [1]
    assert found.of_products(7).tolist() == [5]
    assert np.array_equal(found.recipients(7), [1, 2])


def test_an_unknown_campaign_and_missing_files_are_named(records, tmp_path):
    with pytest.raises(ConfigError, match=r"campaign 99 is unknown; choose from 1, 2, 3"):
        records.days(99)
    with pytest.raises(DataError, match=r"campaign_descriptions\.parquet"):
        load_campaigns(source=tmp_path)


def test_the_fingerprint_follows_the_files(tmp_path):
    write(
        tmp_path, redeemed={"campaign_id": [7], "household_id": [1], "redemption_date": pd.to_datetime(["2017-03-02"])}
    )
    before = campaigns_fingerprint(source=tmp_path)
    write(
        tmp_path, redeemed={"campaign_id": [7], "household_id": [2], "redemption_date": pd.to_datetime(["2017-03-02"])}
    )
    assert campaigns_fingerprint(source=tmp_path) != before
