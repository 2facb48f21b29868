"""Print the largest categories as markets with an own label.

python -m retail.private_label                       # the Complete Journey, 10 categories; about 15 seconds
python -m retail.private_label FOLDER --currency EUR # your own tables (docs/data.md)
python -m retail.private_label --products CHEESE     # the products of one category
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from retail import complete_journey
from retail.dataset import RetailData
from retail.errors import DataError, TradefairError
from retail.folder import load_folder
from retail.private_label.offers import weekly_offers
from retail.private_label.price_coefficient import estimate_price_coefficient
from retail.private_label.purchases import category_purchases, largest_categories
from retail.private_label.setting import setting_of
from retail.private_label.table import product_table


def main() -> int:
    """Read the data, print the table; 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m retail.private_label", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="folder of tables; the Complete Journey when left out")
    parser.add_argument("--currency", default="EUR", help="of the folder's prices")
    parser.add_argument("--timezone", default="UTC", help="of the folder's times")
    parser.add_argument("--categories", type=int, default=10, help="how many")
    parser.add_argument("--products", metavar="CATEGORY", help="print this category's products instead")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    try:
        data = (
            complete_journey.load()
            if asked.folder is None
            else load_folder(asked.folder, timezone=asked.timezone, currency=asked.currency)
        )
        if asked.products is not None:
            table = product_table(category_purchases(data, asked.products))
            print(table.to_json(orient="records", indent=2) if asked.json else table.to_string(index=False))
            return 0
        rows = [_measured(data, name) for name in largest_categories(data, asked.categories)]
    except TradefairError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows)
    return 0


def _measured(data: RetailData, category: str) -> dict[str, Any]:
    """One category's figures; a figure that the data cannot give is None, with the reason."""
    purchases = category_purchases(data, category)
    single = ~purchases.pooled
    row: dict[str, Any] = {
        "category": category,
        "products": int(single.sum()),
        "own_products": int((single & purchases.own).sum()),
        "own_share": float(purchases.choices[purchases.own].sum() / purchases.choices.sum()),
        "pooled_share": float(purchases.choices[purchases.pooled].sum() / purchases.choices.sum()),
        "outside_share": 1 - purchases.buying_visits / purchases.visits,
        "currency": data.currency,
    }
    for name, hold in (("price_coefficient", False), ("with_offers_held", True)):
        try:
            offers = weekly_offers(data, purchases) if hold else None
            estimate = estimate_price_coefficient(purchases, offers=offers)
        except DataError as error:
            row[name], row[f"{name}_missing"] = None, str(error)
            continue
        row[name] = estimate.value
        row[f"{name}_interval"] = list(estimate.interval)
        if not hold and estimate.value < 0:
            market = setting_of(purchases, estimate)
            row["elasticity"] = float(np.average(market.own_elasticity, weights=market.share))
            row["negative_costs"] = float(market.share[market.implied_costs() < 0].sum() / market.share.sum())
    return row


def _print(rows: list[dict[str, Any]]) -> None:
    print(
        "category                   products  own   own share  pooled  outside   price coefficient     offers held"
        "           elasticity  costs < 0"
    )
    for row in rows:
        print(
            f"{row['category'][:26]:26} {row['products']:8} {row['own_products']:4} {row['own_share']:11.3f} "
            f"{row['pooled_share']:7.2f} {row['outside_share']:8.3f}   {_interval(row, 'price_coefficient'):21} "
            f"{_interval(row, 'with_offers_held'):21} {_figure(row.get('elasticity')):>10} "
            f"{_figure(row.get('negative_costs')):>10}"
        )


def _interval(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return "-"
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.2f} [{low:.2f}, {high:.2f}]"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
