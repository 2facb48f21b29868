"""Recipients of real campaigns: what their home store knew of them on the day before, and whether they redeemed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.audience.trial import FEATURES, household_features
from experiments.scenario import DataSettings
from retail import columns as c
from retail.campaigns import FIRST_DAY, LAST_DAY, Campaigns, load_campaigns
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError
from retail.households import Households
from retail.responses import Responses

Floats = npt.NDArray[np.float64]
OWN: Final = ("sent", "redeemed", "bought")
"""Campaigns sent before, coupons redeemed before, and lines of the campaign's products bought before."""
NAMES: Final = (*FEATURES, *OWN)
_PUBLIC: Final = ((1.0, 0.7), (0.3, 0.7), (3.0, 1.5))  # centre and scale of log(1 + each of OWN), set by hand
_LEAST_DAYS: Final = 14  # of a campaign that are on record, so that it can be judged
_LEAST_BEFORE: Final = 28  # days of purchases on record before a campaign, so that something is known of its recipients


@dataclass(frozen=True, slots=True)
class Parts:
    """Which campaigns are for what. No campaign is in two parts, and none runs over the border of two.

    Attributes:
        past: ended before the day from which campaigns are judged, and began after purchases had been on record for a
            while; those of the large kinds first, then the latest, see `rows_of_past`.
        first: those of `past` that ended before an earlier day.
        chosen_on: those of `past` that began on that earlier day or later; settings are chosen on them.
        judged: began on the day or later, and long enough before the end of the records.
    """

    past: tuple[int, ...]
    first: tuple[int, ...]
    chosen_on: tuple[int, ...]
    judged: tuple[int, ...]


def parts(*, earlier: int, now: int, asked: Sequence[int] | None = None) -> Parts:
    """Divide campaigns by their public dates.

    Args:
        earlier: first day of the campaigns that settings are chosen on.
        now: first day of the campaigns that are judged.
        asked: the campaigns to judge; None for all that can be.

    Raises: ConfigError: an unknown campaign, or one that cannot be judged. DataError: a part is empty.
    """
    records = load_campaigns()
    listed = records.listed.sort_values([c.CAMPAIGN_KIND, FIRST_DAY], ascending=[True, False])
    ids = [int(one) for one in listed[c.CAMPAIGN]]
    begins = dict(zip(ids, listed[FIRST_DAY].tolist(), strict=True))
    ends = dict(zip(ids, listed[LAST_DAY].tolist(), strict=True))
    begun = records.first_day + _LEAST_BEFORE
    past = tuple(one for one in ids if begins[one] >= begun and ends[one] < now)
    usable = sorted(one for one in ids if now <= begins[one] <= records.last_day - _LEAST_DAYS)
    found = Parts(
        past,
        tuple(one for one in past if ends[one] < earlier),
        tuple(sorted(one for one in past if begins[one] >= earlier)),
        tuple(usable if asked is None else asked),
    )
    for one in found.judged:
        records.days(one)
        if one not in usable:
            raise ConfigError(
                f"campaign {one} cannot be judged: it began before options.now, or {_LEAST_DAYS} days before the end "
                f"of the records; choose from {', '.join(map(str, usable))}"
            )
    for what, campaigns in (("ended before options.now", past), ("began after options.now", found.judged),
                            ("ended before options.earlier", found.first),
                            ("ran between options.earlier and options.now", found.chosen_on)):  # fmt: skip
        if not campaigns:
            raise DataError(f"no campaign {what} (earlier = {earlier}, now = {now}); choose other days")
    return found


def rows_of(data: DataSettings, merchants: tuple[int | str, ...], campaign: int) -> Responses:
    """Return the recipients of a campaign with a home at some stores: `NAMES` as known before its first day.

    `responded` says who redeemed a coupon of it. Who bought nothing before that day has no home, and is left out.

    Raises: ConfigError: there is no such campaign.
    """
    return _rows(data, merchants, campaign)


def rows_of_past(data: DataSettings, merchants: tuple[int | str, ...], campaigns: Sequence[int]) -> Responses:
    """Return one row for each recipient of some campaigns: from the first of them, as listed, that reached it.

    Which one that is, and what stands in the row, depends on no other household.

    Raises: DataError: nobody redeemed, or everybody did.
    """
    tables, taken = [], np.zeros(0, dtype=np.int64)
    for campaign in campaigns:
        rows = rows_of(data, merchants, campaign)
        rows = rows.of(~np.isin(rows.persons, taken))
        tables.append(rows)
        taken = np.r_[taken, rows.persons]
    joined = Responses(
        np.concatenate([one.persons for one in tables]),
        np.concatenate([one.merchants for one in tables]),
        np.vstack([one.features for one in tables]),
        NAMES,
        np.concatenate([one.advertised for one in tables]),
        np.concatenate([one.responded for one in tables]),
    )
    joined.require_both(f"campaigns {', '.join(map(str, campaigns))}")
    return joined


@lru_cache(maxsize=64)
def _rows(data: DataSettings, merchants: tuple[int | str, ...], campaign: int) -> Responses:
    records = load_campaigns()
    first, _ = records.days(campaign)
    found, habits = household_features(data, merchants, first)
    reached = np.isin(found.persons, records.recipients(campaign))
    counts = (_sent(records, found, first), _redeemed(records, found, first), _bought(data, records, found, campaign))
    own = [(np.log1p(count) - centre) / scale for count, (centre, scale) in zip(counts, _PUBLIC, strict=True)]
    return Responses(
        found.persons[reached],
        found.merchants[reached],
        np.hstack([habits, np.stack(own, axis=1)])[reached],
        NAMES,
        np.ones(int(reached.sum()), dtype=bool),
        np.isin(found.persons[reached], records.redeemers(campaign)).astype(np.float64),
    )


def _sent(records: Campaigns, found: Households, day: int) -> Floats:
    """(n,) campaigns that were sent before a day."""
    before = records.listed.loc[records.listed[FIRST_DAY] < day, c.CAMPAIGN]
    return _counted(records.sent.loc[records.sent[c.CAMPAIGN].isin(before), c.PERSON], found)


def _redeemed(records: Campaigns, found: Households, day: int) -> Floats:
    """(n,) coupons that were redeemed before a day."""
    return _counted(records.redeemed.loc[records.redeemed[c.DAY] < day, c.PERSON], found)


def _bought(data: DataSettings, records: Campaigns, found: Households, campaign: int) -> Floats:
    """(n,) lines at the home store, before a campaign, of products that its coupons were for."""
    first, _ = records.days(campaign)
    lines = DataSource(**data.model_dump()).open().transactions
    lines = lines[(lines[c.DAY].to_numpy() < first) & lines[c.PRODUCT].isin(records.of_products(campaign)).to_numpy()]
    home = pd.Series(found.merchants, index=found.persons).reindex(lines[c.PERSON]).to_numpy()
    return _counted(lines.loc[lines[c.STORE].to_numpy() == home, c.PERSON], found)


def _counted(persons: pd.Series, found: Households) -> Floats:
    place = pd.Index(found.persons).get_indexer(pd.Index(persons))
    return np.bincount(place[place >= 0], minlength=len(found)).astype(np.float64)
