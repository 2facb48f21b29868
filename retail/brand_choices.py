"""Which brand of one type of product people took, at which prices, with which displays: rows for a choice model.

A situation is a basket with the type in it, of one brand. Its alternatives are the brands that sell enough of it. For
each, prices and offers are those that anybody could have met there, chosen or not:

- the price is the median that *other* households paid for the brand in that week, for ten pieces (or ounces, as
  packages are measured), so that nobody's own bargain makes its brand look cheap;
- display and mailer say whether the store of the basket had a product of the brand there in that week.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import ConfigError, DataError
from retail.problems import shown

SITUATION: Final = "situation"
CHOSEN: Final = "chosen"
PRICE: Final = "price"
OFFERS: Final = {"display": c.DISPLAY, "mailer": c.MAILER}
_PIECES: Final = 10.0
MONDAY: Final = 3
"""1970-01-01 was a Thursday: this many days after a Monday."""
_LEAST_LINES: Final = 5


@dataclass(frozen=True, eq=False)
class BrandChoices:
    """Choices among brands.

    Attributes:
        rows: one for each alternative of each situation: SITUATION, BRAND (text), CHOSEN (0 or 1), PRICE, display,
            mailer (0 or 1), PERSON. A brand that others bought too seldom is no alternative.
        unit: what a price is for, such as "10 CT".
        currency: of prices.
        left_out: baskets that were left out, with reasons as keys.
    """

    rows: pd.DataFrame
    unit: str
    currency: str
    left_out: dict[str, int]


def brand_choices(data: RetailData, kind: str, *, least_share: float = 0.03, first_week: int = 1) -> BrandChoices:
    """Take the choices among brands of one type.

    Args:
        data: lines, products with type, manufacturer and package size, and promotions where there are any.
        kind: value of TYPE, such as "BABY DIAPERS".
        least_share: brands with a smaller share of the lines are left out, with the baskets that chose them.
        first_week: number, in `promotions`, of the week that holds the first day of the period; right for the Complete
            Journey.

    Raises:
        ConfigError: least_share is no share.
        DataError: nothing of the type was sold, its packages have no common measure, or fewer than two brands are left.
    """
    if not 0 < least_share < 0.5:
        raise ConfigError(f"least_share = {least_share!r}: write a share between 0 and .5")
    lines, unit = _lines(data, kind)
    share = lines[c.BRAND].value_counts(normalize=True)
    brands = sorted(share.index[share >= least_share])
    if len(brands) < 2:
        raise DataError(
            f"{data.name}: {shown(kind)} has {len(brands)} brands with a share of {least_share:g}; that is no choice, "
            "so take a larger type"
        )
    baskets = lines.groupby(c.BASKET)[c.BRAND].agg(["nunique", "first"])
    several, small = baskets["nunique"] > 1, ~baskets["first"].isin(brands)
    kept = baskets.index[~several & ~small]
    left_out = {"several brands": int(several.sum()), "a small brand": int((small & ~several).sum())}
    visits = lines[lines[c.BASKET].isin(kept)].drop_duplicates(c.BASKET).reset_index(drop=True)
    prices = _prices(lines, visits, brands)
    frames = []
    offers = _offers(data, kind, visits, brands, first_week)
    for place, brand in enumerate(brands):
        frames.append(
            pd.DataFrame(
                {
                    SITUATION: visits.index,
                    c.BRAND: brand,
                    CHOSEN: (visits[c.BRAND] == brand).astype(int),
                    PRICE: prices[:, place],
                    **{name: there[:, place].astype(float) for name, there in offers.items()},
                    c.PERSON: visits[c.PERSON],
                }
            )
        )
    rows = pd.concat(frames, ignore_index=True)
    known = rows[PRICE].notna()
    lost = rows.loc[~known & (rows[CHOSEN] == 1), SITUATION]
    rows = rows[known & ~rows[SITUATION].isin(lost)]
    alone = rows.groupby(SITUATION)[c.BRAND].transform("size") < 2
    left_out["no price of others"] = len(lost) + int(rows.loc[alone, SITUATION].nunique())
    return BrandChoices(rows[~alone].reset_index(drop=True), f"{_PIECES:g} {unit}", data.currency, left_out)


def brand_names(products: pd.DataFrame) -> pd.Series:
    """Name the brand of each product, by product id: its manufacturer; the retailer's own labels as `label-NAME`."""
    own = products[c.BRAND].astype("str") == "Private"
    maker = products[c.MANUFACTURER].astype("str")
    return pd.Series(maker.where(~own, "label-" + maker).to_numpy(), index=products[c.PRODUCT])


def _lines(data: RetailData, kind: str) -> tuple[pd.DataFrame, str]:
    """Return the type's lines with BRAND as text and the price of ten pieces, and how packages are measured."""
    needed = (c.TYPE, c.MANUFACTURER, c.BRAND, c.PACKAGE)
    missing = [name for name in needed if name not in data.products.columns]
    if missing:
        raise DataError(f"{data.name}: products lack {', '.join(missing)}, which choices among brands need")
    listed = data.products[data.products[c.TYPE] == kind]
    size = listed[c.PACKAGE].astype("str").str.extract(r"^\s*(\d+(?:\.\d+)?)\s*([A-Z]+)")
    measured = listed.assign(pieces=pd.to_numeric(size[0], errors="coerce"), unit=size[1])
    measured = measured[measured["pieces"] > 0]
    bought = data.transactions
    bought = bought[(bought[c.SALES] > 0) & (bought[c.QUANTITY] > 0)]
    lines = bought.merge(measured[[c.PRODUCT, "pieces", "unit"]], on=c.PRODUCT)
    if lines.empty:
        raise DataError(f"{data.name}: nothing of the type {shown(kind)} with a measured package was sold; check how "
                        f"products.{c.TYPE} spells it")  # fmt: skip
    unit = str(lines["unit"].value_counts().index[0])
    lines = lines[lines["unit"] == unit]
    lines = lines.assign(**{c.BRAND: lines[c.PRODUCT].map(brand_names(listed))})
    lines[PRICE] = lines[c.SALES] / lines[c.QUANTITY] / lines["pieces"] * _PIECES
    first = (data.period.start_day + MONDAY) // 7
    lines[c.WEEK] = (lines[c.DAY] + MONDAY) // 7 - first
    return lines, unit


def _prices(lines: pd.DataFrame, visits: pd.DataFrame, brands: list[str]) -> NDArray[np.float64]:
    """Median price that other households paid for each brand in a visit's week; of weeks around where it was seldom."""
    last = int(lines[c.WEEK].max())
    found = np.full((len(visits), len(brands)), np.nan)
    by_brand = {brand: rows for brand, rows in lines.groupby(c.BRAND)}
    person, week = visits[c.PERSON].to_numpy(), visits[c.WEEK].to_numpy()
    for place, brand in enumerate(brands):
        rows = by_brand[brand]
        weeks, payer, paid = rows[c.WEEK].to_numpy(), rows[c.PERSON].to_numpy(), rows[PRICE].to_numpy()
        near = {(at, wide): np.flatnonzero(np.abs(weeks - at) <= wide) for at in range(last + 1) for wide in (0, 1, 3)}
        for visit in range(len(visits)):
            for wide in (0, 1, 3):
                at = near[week[visit], wide]
                others = at[payer[at] != person[visit]]
                if len(others) >= _LEAST_LINES:
                    found[visit, place] = np.median(paid[others])
                    break
    return found


def _offers(
    data: RetailData, kind: str, visits: pd.DataFrame, brands: list[str], first_week: int
) -> dict[str, NDArray[np.bool_]]:
    """Whether each brand was on display and in the mailer at a visit's store in its week."""
    nothing = {name: np.zeros((len(visits), len(brands)), dtype=bool) for name in OFFERS}
    if data.promotions is None:
        return nothing
    listed = data.products[data.products[c.TYPE] == kind]
    columns = [c.PRODUCT, c.STORE, c.WEEK, *OFFERS.values()]
    told = data.promotions.read(columns=columns, where=pc.field(c.PRODUCT).isin(listed[c.PRODUCT].tolist()))
    told = told.assign(**{c.BRAND: told[c.PRODUCT].map(brand_names(listed))})
    keys = pd.MultiIndex.from_arrays([visits[c.STORE], visits[c.WEEK] + first_week])
    for name, column in OFFERS.items():
        on = told[told[column].astype("str") != "0"]
        for place, brand in enumerate(brands):
            there = on[on[c.BRAND] == brand]
            places = pd.MultiIndex.from_arrays([there[c.STORE], there[c.WEEK]])
            nothing[name][:, place] = keys.isin(places)
    return nothing
