"""The readable market of agents and the fast one agree on average."""

import numpy as np
import pytest

from retail.errors import ConfigError
from simulation.market import DelayedAccess, MarketSettings, simulate
from simulation.market.agents import MarketModel
from simulation.market.rules import make_rules

SETTINGS = MarketSettings(merchants=16, consumers=900, products=64, categories=2)
MEASURES = ("consumer_surplus", "merchant_surplus", "platform_profit", "buying", "own_sales", "active_small")
SMALLEST = {"consumer_surplus": 0.05, "merchant_surplus": 0.02, "platform_profit": 0.02, "buying": 0.03,
            "own_sales": 0.05, "active_small": 0.1}  # fmt: skip
"""Differences that would matter: the test could see them."""


def paired(regime, seeds, periods=30, settings=SETTINGS):
    """(seeds, measures) differences of the means over the last half."""
    found = []
    for seed in range(seeds):
        model = MarketModel(settings, regime, seed=seed)
        for _ in range(periods):
            model.step()
        fast = simulate(settings, regime, seed=seed, periods=periods).kpis
        rows = model.rows[periods // 2 :]
        found.append([np.mean([row[name] for row in rows]) - fast[name] for name in MEASURES])
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("regime", "more"),
    [
        ("isolated", {}),
        ("pooled_self_preferencing", {}),
        ("federated_dp", {}),
        ("affiliated_stores", {}),
        ("pooled_self_preferencing", {"sponsored_share": 0.15}),
        ("pooled_self_preferencing", {"nest": 0.4, "own_label_share": 0.2}),
        ("firewall", {"nest": 0.4, "own_label_share": 0.2}),
    ],
)
def test_agents_and_arrays_agree_on_average(regime, more):
    seeds = 16
    difference = paired(regime, seeds, settings=SETTINGS.with_values(**more))
    error = difference.std(axis=0, ddof=1) / np.sqrt(seeds)
    for k, name in enumerate(MEASURES):
        assert abs(difference[:, k].mean()) <= max(4 * error[k], 1e-12), name
        assert error[k] * 4 < 2 * SMALLEST[name], name


def test_agents_and_arrays_agree_in_a_few_runs():
    difference = paired("pooled_self_preferencing", 4, periods=20)
    for k, name in enumerate(MEASURES):
        assert abs(difference[:, k].mean()) < 2 * SMALLEST[name], name


def test_a_delay_that_agents_would_not_keep_is_refused():
    rules = make_rules("pooled", (DelayedAccess(5),), SETTINGS)
    with pytest.raises(ConfigError, match="DelayedAccess"):
        MarketModel(SETTINGS, rules)


def test_agents_buy_at_most_once():
    model = MarketModel(SETTINGS, "isolated", seed=1)
    for _ in range(6):
        model.step()
        assert sum(good.units for good in model.goods) <= model.arrivals <= SETTINGS.consumers


def test_agents_never_sponsor_own_label_nor_more_than_may_be():
    model = MarketModel(SETTINGS.with_values(sponsored_share=0.1), "isolated", seed=1)
    for _ in range(16):
        model.step()
    third = [good for good in model.goods if not good.own]
    assert 0 < sum(good.sponsored for good in third) <= round(0.1 * len(third)) + 1
    assert not any(good.sponsored for good in model.goods if good.own)
