"""Campaigns of the Complete Journey as they were: who was sent coupons, for which products, and who redeemed them.

The chain chose who was sent what, and nobody was left out by a coin. So these tables tell who redeems, and not whom a
coupon moves. A redemption names a household, a coupon and a day, and no store.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail import columns as c
from retail.complete_journey import PERIOD, installed_folder, read_columns
from retail.errors import ConfigError
from retail.files import sha256_file

FIRST_DAY: Final = "first_day"
LAST_DAY: Final = "last_day"
_FILES: Final = ("campaign_descriptions", "campaigns", "coupons", "coupon_redemptions")


@dataclass(frozen=True, eq=False)
class Campaigns:
    """What is on record of campaigns.

    Attributes:
        listed: CAMPAIGN, CAMPAIGN_KIND, FIRST_DAY, LAST_DAY (days since 1970-01-01, both count), by first day; public.
        products: CAMPAIGN, PRODUCT, each pair once: what the campaign's coupons were for; public.
        sent: CAMPAIGN, PERSON, each pair once.
        redeemed: CAMPAIGN, PERSON, DAY, one row for each coupon that was redeemed, within the campaign's days.
        first_day: first day of which purchases are on record.
        last_day: last day of which anything is.
    """

    listed: pd.DataFrame
    products: pd.DataFrame
    sent: pd.DataFrame
    redeemed: pd.DataFrame
    first_day: int
    last_day: int

    def days(self, campaign: int) -> tuple[int, int]:
        """Return the first and the last day of a campaign, the last one on record at most.

        Raises: ConfigError: there is no such campaign.
        """
        found = self.listed[self.listed[c.CAMPAIGN].to_numpy() == campaign]
        if found.empty:
            known = ", ".join(map(str, sorted(self.listed[c.CAMPAIGN].tolist())))
            raise ConfigError(f"campaign {campaign!r} is unknown; choose from {known}")
        return int(found[FIRST_DAY].iloc[0]), min(int(found[LAST_DAY].iloc[0]), self.last_day)

    def recipients(self, campaign: int) -> npt.NDArray[Any]:
        """Return the ids of who was sent a campaign, ascending."""
        return np.sort(self.sent.loc[self.sent[c.CAMPAIGN] == campaign, c.PERSON].to_numpy())

    def redeemers(self, campaign: int) -> npt.NDArray[Any]:
        """Return the ids of who redeemed a coupon of a campaign, ascending."""
        return np.unique(self.redeemed.loc[self.redeemed[c.CAMPAIGN] == campaign, c.PERSON].to_numpy())

    def of_products(self, campaign: int) -> npt.NDArray[Any]:
        """Return the ids of the products that a campaign's coupons were for."""
        return self.products.loc[self.products[c.CAMPAIGN] == campaign, c.PRODUCT].to_numpy()


def load_campaigns(*, source: Path | None = None) -> Campaigns:
    """Read the campaigns that come with the Complete Journey.

    Args:
        source: folder with the Parquet files; by default the one in the installed package.

    Raises: DataError: the package is not installed, or a file is missing, corrupt or lacks a column.
    """
    return _load(installed_folder() if source is None else Path(source))


def campaigns_fingerprint(*, source: Path | None = None) -> str:
    """Identity of the campaigns' files: sha256 in hexadecimal.

    Raises: DataError: the package is not installed, or a file is missing.
    """
    folder = installed_folder() if source is None else Path(source)
    digest = hashlib.sha256(b"campaigns")
    for name in _FILES:
        digest.update(f"\n{name} {sha256_file(folder / f'{name}.parquet')}".encode())
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _load(folder: Path) -> Campaigns:
    def table(name: str, names: dict[str, str]) -> pd.DataFrame:
        return read_columns(folder / f"{name}.parquet", names)

    dates = {"start_date": c.CAMPAIGN_START, "end_date": c.CAMPAIGN_END}
    listed = table("campaign_descriptions", {"campaign_id": c.CAMPAIGN, "campaign_type": c.CAMPAIGN_KIND, **dates})
    listed = pd.DataFrame(
        {
            c.CAMPAIGN: listed[c.CAMPAIGN],
            c.CAMPAIGN_KIND: listed[c.CAMPAIGN_KIND].astype(str),
            FIRST_DAY: _day(listed[c.CAMPAIGN_START]),
            LAST_DAY: _day(listed[c.CAMPAIGN_END]),
        }
    ).sort_values([FIRST_DAY, c.CAMPAIGN], ignore_index=True)
    sent = table("campaigns", {"campaign_id": c.CAMPAIGN, "household_id": c.PERSON}).drop_duplicates(ignore_index=True)
    products = table("coupons", {"campaign_id": c.CAMPAIGN, "product_id": c.PRODUCT})
    found = table(
        "coupon_redemptions", {"campaign_id": c.CAMPAIGN, "household_id": c.PERSON, "redemption_date": c.TIME}
    )
    redeemed = pd.DataFrame({c.CAMPAIGN: found[c.CAMPAIGN], c.PERSON: found[c.PERSON], c.DAY: _day(found[c.TIME])})
    return Campaigns(
        listed,
        products.drop_duplicates(ignore_index=True),
        sent,
        _within(redeemed, sent, listed),
        PERIOD.start_day,
        PERIOD.end_day - 1,
    )


def _within(redeemed: pd.DataFrame, sent: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Keep what a recipient of the campaign redeemed within its days."""
    known = redeemed.merge(sent, on=[c.CAMPAIGN, c.PERSON]).merge(listed, on=c.CAMPAIGN)
    inside = (known[c.DAY] >= known[FIRST_DAY]) & (known[c.DAY] <= known[LAST_DAY])
    kept: pd.DataFrame = known.loc[inside, [c.CAMPAIGN, c.PERSON, c.DAY]].reset_index(drop=True)
    return kept


def _day(dates: pd.Series) -> pd.Series:
    return pd.Series(dates.to_numpy().astype("datetime64[D]").astype(np.int64), index=dates.index)
