"""Run one arm on real categories with an own label: what it may do, at prices held or answered.

Categories are strata: a visit chooses once in each, money adds up over them, and the market of a seller is all of them
together. A "market" of the run is one draw of every category's price coefficient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.documents import write_frame
from experiments.market.figures import FIGURES
from experiments.market.label_market import Floats, RankedCategory, drawn_coefficients, logsums, ranked_category
from experiments.market.label_market import choice_chances as chances
from experiments.market.label_prices import answered_prices, implied_markups
from experiments.market.label_settings import LabelData, OwnLabel
from experiments.market.scenario import MarketScenario
from experiments.market.spec import SEEDS_FILE, MarketSpec
from experiments.market.summary import of_draws
from experiments.runs import ArmResult
from retail.datasource import DataSource
from retail.errors import ConfigError
from retail.private_label import LabelSetting, label_setting
from simulation.market import MarketSettings
from simulation.market.kpis import herfindahl

CATEGORIES_FILE: Final = "by_category.parquet"
"""Among the artifacts: one row for each draw and category, with the category's own figures."""
INTERVAL: Final = (
    "Medians over draws of the price coefficients, with the range of 95% of the draws: doubt from estimating the "
    "coefficients, independent by category. Shares, attention and rankings are held as they are."
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """One category under one arm; D draws, 1 where all draws agree, J products.

    Attributes:
        share: (D, J) of visits; price: (D, J); held: (D, J) bool, sold at a price that answers nothing.
        surplus: (D,) money a visit, little attention counted as a nuisance; taste: (D,) the same without.
        own_first: chance that own label stands first.
    """

    category: RankedCategory
    share: Floats
    price: Floats
    held: np.typing.NDArray[np.bool_]
    surplus: Floats
    taste: Floats
    own_first: float


def label_fingerprint(scenario: MarketScenario) -> str:
    """Identity of the purchases that a scenario reads.

    Raises:
        ConfigError: there is no such folder.
        DataError: the data set cannot be found.
    """
    data = scenario.data or LabelData()
    if data.path is not None and not Path(data.path).is_dir():
        raise ConfigError(f"data.path = {data.path!r} is no folder; give an existing folder of tables")
    return _source(data).fingerprint()


def run_label(
    spec: MarketSpec, settings: MarketSettings, directory: Path, progress: Callable[[str], None]
) -> ArmResult:
    """Execute one arm.

    Args:
        spec: the run.
        settings: attention, sharpness and bonus are read.
        directory: its folder; figures by draw, and by draw and category, go to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        DataError: a category cannot be used: not sold, no own label, or no price coefficient below 0.
    """
    assert spec.settings.label is not None
    assert spec.arm.own_label is not None
    table, answered = spec.settings.label, spec.arm.prices == "answered"
    source = _source(spec.settings.data or LabelData())
    found = []
    for number, name in enumerate(table.categories):
        progress(f"category {number + 1} of {len(table.categories)}: {name}")
        setting = _setting(source, name, table.price_coefficient, table.hold_offers)
        category = _ranked(setting, settings.attention, settings.sharpness, spec.settings.seed)
        found.append(
            outcome(
                category,
                drawn_coefficients(setting.price_coefficient, name, spec.seeds),
                spec.arm.own_label,
                bonus=settings.bonus,
                answered=answered,
            )
        )
    by_seed = pd.DataFrame({"seed": list(spec.seeds), **figures(found, len(spec.seeds), answered=answered)})
    write_frame(directory / "artifacts" / SEEDS_FILE, by_seed)
    write_frame(directory / "artifacts" / CATEGORIES_FILE, _by_category(found, spec, answered=answered))
    currency = found[0].category.setting.currency
    units = {name: FIGURES[name].unit for name in by_seed.columns.drop("seed")}
    units = {name: unit.replace("money an arrival", f"{currency} a visit") for name, unit in units.items()}
    units = {name: currency if unit == "money" else unit for name, unit in units.items()}
    metrics = []
    for name, unit in units.items():
        one = of_draws(name, by_seed[name].to_numpy(np.float64), unit=unit, provenance={})
        metrics.append({"name": name, "value": one.value, "lo": one.lo, "hi": one.hi, "unit": unit, "n": one.n})
    info = {
        "currency": currency,
        "units": units,
        "interval": INTERVAL,
        "left_out": _left_out(found) if answered else "",
        "consumers": max(one.category.setting.visits for one in found),
        "categories": [_described(one.category.setting) for one in found],
    }
    return ArmResult(pd.DataFrame(metrics), info=info)


def outcome(
    category: RankedCategory, coefficients: Floats, own_label: OwnLabel, *, bonus: float = 0.0, answered: bool = False
) -> Outcome:
    """Show a category's list under one rule, for every draw of its price coefficient.

    At held prices shares do not depend on the coefficient, as values are those that give the observed shares; only
    what they are worth in money does.

    Args:
        category: with its list.
        coefficients: (draws,) below 0.
        own_label: what it may do.
        bonus: log-odds added to own label's scores, where it is ranked up.
        answered: whether sellers' prices answer.

    Raises: DataError: prices do not come to rest.
    """
    attention, present = category.log_attention(own_label, bonus), category.present(own_label)
    observed = category.setting.price
    first = category.own_first(own_label, bonus)
    if not answered:
        share = chances(category.value, attention).mean(axis=0)
        nuisance, taste = logsums(category.value, attention)
        return Outcome(
            category, share[None], observed[None], np.zeros((1, len(share)), dtype=bool),
            nuisance / -coefficients, taste / -coefficients, first,
        )  # fmt: skip
    markup = implied_markups(category)
    rows, start = [], None
    for coefficient in coefficients:
        start, held = answered_prices(category, coefficient, markup, attention, present, start)
        utility = category.value + coefficient * (start - observed)
        nuisance, taste = logsums(utility, attention)
        rows.append((chances(utility, attention).mean(axis=0), start, held, nuisance, taste))
    share, price, held, surplus, distorted = (np.array(part) for part in zip(*rows, strict=True))
    return Outcome(category, share, price, held, surplus / -coefficients, distorted / -coefficients, first)


def figures(found: list[Outcome], draws: int, *, answered: bool) -> dict[str, Floats]:
    """Put categories together: name of a figure -> (draws,).

    Money adds up over categories; first places count every category's list once. Sellers' sales are added up over
    categories before concentration is taken, and a pooled rest of others counts as many small sellers.
    """
    paid = [one.share * one.price for one in found]
    own = _sum(found, [(money * one.category.setting.own).sum(axis=1) for one, money in zip(found, paid, strict=True)])
    everything = _sum(found, [money.sum(axis=1) for money in paid])
    units = _sum(found, [one.share.sum(axis=1) for one in found])
    held = _sum(found, [(money * one.held).sum(axis=1) for one, money in zip(found, paid, strict=True)])
    every = {
        "consumer_surplus": _sum(found, [one.surplus for one in found]),
        "consumer_surplus_attention_free": _sum(found, [one.taste for one in found]),
        "merchant_revenue": everything - own,
        "own_revenue": own,
        "own_sales": own / everything,
        "own_first": np.array(math.fsum(one.own_first for one in found) / len(found)),
        "hhi": _concentration(found, paid),
        "price_paid": everything / units,
        **({"prices_held": held / everything} if answered else {}),
    }
    return {name: np.array(np.broadcast_to(values, (draws,))) for name, values in every.items()}


def _sum(found: list[Outcome], parts: list[Floats]) -> Floats:
    draws = max(len(one) for one in parts)
    return np.asarray(np.sum([np.broadcast_to(one, (draws,)) for one in parts], axis=0))


def _concentration(found: list[Outcome], paid: list[Floats]) -> Floats:
    draws = max(len(money) for money in paid)
    total = np.zeros(draws)
    sellers: dict[str, Floats] = {}
    for one, money in zip(found, paid, strict=True):
        category = one.category
        total = total + money.sum(axis=1)
        many = category.setting.pooled & ~category.setting.own
        for number, name in enumerate(category.names):
            mine = (category.seller == number) & ~many
            sellers[name] = sellers.get(name, np.zeros(1)) + (money * mine).sum(axis=1)
    known = np.array([np.broadcast_to(sales, (draws,)) for sales in sellers.values()])
    share = known.sum(axis=0) / total
    return np.array([herfindahl(known[:, one]) * share[one] ** 2 for one in range(draws)])


def _by_category(found: list[Outcome], spec: MarketSpec, *, answered: bool) -> pd.DataFrame:
    parts = []
    for one in found:
        own = figures([one], len(spec.seeds), answered=answered)
        parts.append(pd.DataFrame({"seed": list(spec.seeds), "category": one.category.setting.category, **own}))
    return pd.concat(parts, ignore_index=True)


def _left_out(found: list[Outcome]) -> str:
    """Say what has no price answer."""
    several = []
    for one in found:
        paid = one.share * one.price
        part = float(np.median((paid * one.held).sum(axis=1) / paid.sum(axis=1)))
        if part > 0:
            several.append(f"{one.category.setting.category} {100 * part:.0f}%")
    return ", ".join(several)


def _described(setting: LabelSetting) -> dict[str, Any]:
    one = setting.price_coefficient
    return {
        "category": setting.category,
        "visits": setting.visits,
        "price_coefficient": one.value,
        "standard_error": one.standard_error,
        "source": one.source,
        "own_products": int((setting.own & ~setting.pooled).sum()),
        "own_share": setting.own_share,
    }


def _source(data: LabelData) -> DataSource:
    if data.path is None:
        return DataSource()
    return DataSource("folder", data.path, timezone=data.timezone, currency=data.currency)


@lru_cache(maxsize=64)
def _setting(source: DataSource, category: str, price_coefficient: float | None, hold_offers: bool) -> LabelSetting:
    return label_setting(source.open(), category, price_coefficient=price_coefficient, hold_offers=hold_offers)


@lru_cache(maxsize=64)
def _ranked(setting: LabelSetting, attention: float, sharpness: float, seed: int) -> RankedCategory:
    return ranked_category(setting, attention=attention, sharpness=sharpness, seed=seed)
