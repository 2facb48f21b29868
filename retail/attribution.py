"""Which conversions are put down to a campaign: those of its recipients, within its days.

Attributed is not caused. Whoever would have bought the product anyway is counted as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from retail import columns as c
from retail.campaigns import Campaigns

CHAIN: Final = "chain"
"""Where a redemption took place: the records name no store."""
_COLUMNS: Final = [c.CAMPAIGN, c.PERSON, c.MERCHANT, c.BASKET]


def redeemed_rows(records: Campaigns, campaigns: Sequence[int]) -> pd.DataFrame:
    """Return one row for each coupon that a recipient redeemed: CAMPAIGN, PERSON, MERCHANT (`CHAIN`), BASKET (the day).

    Raises: ConfigError: there is no such campaign.
    """
    for campaign in campaigns:
        records.days(campaign)
    found = records.redeemed[records.redeemed[c.CAMPAIGN].isin(list(campaigns))]
    rows = {c.CAMPAIGN: found[c.CAMPAIGN], c.PERSON: found[c.PERSON], c.MERCHANT: CHAIN, c.BASKET: found[c.DAY]}
    return pd.DataFrame(rows).reset_index(drop=True)


def bought_rows(records: Campaigns, lines: pd.DataFrame, campaigns: Sequence[int]) -> pd.DataFrame:
    """Return one row for each line that a recipient bought within the days of a campaign, of what its coupons were for.

    Args:
        records: the campaigns.
        lines: PERSON, PRODUCT, STORE, BASKET, DAY.
        campaigns: which ones; a line may count for several.

    Returns: CAMPAIGN, PERSON, MERCHANT (the store), BASKET.

    Raises: ConfigError: there is no such campaign.
    """
    tables = [pd.DataFrame({name: lines[name].iloc[:0] for name in (c.PERSON, c.STORE, c.BASKET)})]
    for campaign in campaigns:
        first, last = records.days(campaign)
        day = lines[c.DAY].to_numpy()
        within = lines[(day >= first) & (day <= last)]
        reached = within[c.PERSON].isin(records.recipients(campaign)).to_numpy()
        meant = within[c.PRODUCT].isin(records.of_products(campaign)).to_numpy()
        tables.append(within.loc[reached & meant, [c.PERSON, c.STORE, c.BASKET]])
    counts = [len(one) for one in tables[1:]]
    joined = pd.concat(tables, ignore_index=True).rename(columns={c.STORE: c.MERCHANT})
    joined[c.CAMPAIGN] = np.repeat(np.array(campaigns, dtype=np.int64), counts)
    return joined[_COLUMNS]
