"""A real category as a market in which the shop's private label is the platform's own label.

Enters: a data set with prices paid and brands (the Complete Journey, or a user's folder). Leaves: a table of a
category's products, the price coefficient with its standard error, and a `LabelSetting` with the mean utilities that
give exactly the observed shares.

    from retail import complete_journey
    from retail.private_label import label_setting
    market = label_setting(complete_journey.load(), "CHEESE")
    print(market.own_share, market.price_coefficient.value, market.shares(present=~market.own).sum())

`python -m retail.private_label` prints the largest categories.
"""

from retail.private_label.offers import weekly_offers
from retail.private_label.price_coefficient import (
    PriceCoefficient,
    estimate_price_coefficient,
    given_price_coefficient,
    weekly_prices,
)
from retail.private_label.purchases import Purchases, category_purchases, largest_categories
from retail.private_label.setting import LabelSetting, label_setting, setting_of
from retail.private_label.table import outside_share, product_table

__all__ = [
    "LabelSetting",
    "PriceCoefficient",
    "Purchases",
    "category_purchases",
    "estimate_price_coefficient",
    "given_price_coefficient",
    "label_setting",
    "largest_categories",
    "outside_share",
    "product_table",
    "setting_of",
    "weekly_offers",
    "weekly_prices",
]
