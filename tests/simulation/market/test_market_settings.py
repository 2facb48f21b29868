"""Bad sizes and numbers meet one sentence that says which, and what to write."""

import math

import pytest

from retail.errors import ConfigError, PolicyError
from simulation.market import (
    DelayedAccess,
    FeeCap,
    MarketSettings,
    NonDiscrimination,
    Rules,
    affiliated_stores,
    self_preferencing,
    simulate,
)
from simulation.market.parameters import PARAMETERS


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"merchants": 0}, "merchants = 0"),
        ({"merchants": 2.5}, "merchants = 2.5"),
        ({"consumers": 1}, "consumers = 1"),
        ({"products": 50}, "without one"),
        ({"fee": 1.0}, "fee = 1.0 must be below 1"),
        ({"fee": 0.999}, "must stay below 1 together"),
        ({"fee": -0.1}, "fee = -0.1 must be 0 or more"),
        ({"bonus": math.inf}, "bonus = inf is no finite number"),
        ({"bonus": math.nan}, "bonus = nan is no finite number"),
        ({"bonus": -1.0}, "bonus = -1.0 must be 0 or more"),
        ({"own_label_share": 1.0}, "owns all products"),
        ({"price_sensitivity": 0.0}, "price_sensitivity = 0.0 must be above 0"),
        ({"price_sensitivity": -2.0}, "price_sensitivity = -2.0 must be above 0"),
        ({"launch_cost": True}, "launch_cost = True is no finite number"),
        ({"memory": 1.5}, "between 0 and 1"),
        ({"window": 1.5}, "whole number"),
        ({"base_utility": -100.0}, "base_utility = -100.0 is too small to mean anything; write at least -50"),
        ({"base_utility": 100.0}, "base_utility = 100.0 is too large to mean anything; write at most 50"),
        ({"quality_sd": 1e9}, "too large to mean anything"),
        ({"quality_sd": 1e6}, "quality_sd = 1000000.0 is too large to mean anything; write at most 10"),
        ({"taste_sd": 1e4}, "taste_sd = 10000.0 is too large to mean anything; write at most 10"),
        ({"scale_sigma": 1000.0}, "scale_sigma = 1000.0 is too large to mean anything; write at most 5"),
        ({"price_error": 1000.0}, "price_error = 1000.0 is too large to mean anything; write at most 3"),
        ({"cost_sigma": 30.0}, "write at most 2"),
        ({"cost_of_quality": 30.0}, "write at most 2"),
        ({"price_sensitivity": 1e5}, "write at most 100"),
        ({"own_quality": -1e5}, "write at least -50"),
        ({"own_label_share": 0.999999}, "own_label_share = 0.999999 is too large to mean anything; write at most 0.9"),
        ({"categories": 100_000}, "categories = 100000 leaves some without any of 400 products; give at most 400"),
        ({"own_label": 1}, "own_label = 1 must be true or false"),
        ({"nest": 0.0}, "nest = 0.0 must be above 0"),
        ({"nest": 1.1}, "nest = 1.1 must be between 0 and 1"),
        ({"sponsored_share": 1.5}, "sponsored_share = 1.5 must be between 0 and 1"),
        ({"sponsored_price": 1.0}, "sponsored_price = 1.0 must be below 1"),
        ({"sponsored_bonus": 60.0}, "write at most 50"),
        ({"sponsored_share": 0.1, "sponsored_price": 0.9}, "sponsored_price = 0.9 must stay below 1 together"),
        ({"noise_placement": "cloud"}, "aggregator or node"),
    ],
)
def test_a_setting_without_a_meaning_is_refused_in_one_sentence(wrong, says):
    with pytest.raises(ConfigError) as caught:
        MarketSettings(**wrong)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_is_named_with_the_nearest_or_else_all_that_there_are():
    with pytest.raises(ConfigError, match=r"setting: marchants \(did you mean merchants\?\)$"):
        MarketSettings().with_values(marchants=3)
    with pytest.raises(ConfigError, match=r"setting: marchants \(did you mean merchants\?\), zzz; known are .*, fee, "):
        MarketSettings().with_values(zzz=1, marchants=3)


@pytest.mark.parametrize("periods", [0, 10**9, 1.5, True])
def test_a_run_of_no_or_a_billion_periods_is_refused(periods):
    with pytest.raises(ConfigError, match="periods = "):
        simulate(MarketSettings(), periods=periods)


def test_an_unknown_regime_is_refused():
    with pytest.raises(PolicyError, match="there is no regime"):
        simulate(MarketSettings(), "anarchy", periods=1)


@pytest.mark.parametrize("w", [math.inf, math.nan, -0.1, "much"])
def test_a_bonus_that_is_no_number_is_refused(w):
    with pytest.raises(ConfigError, match="w = "):
        self_preferencing(w)


def test_remedies_without_a_meaning_are_refused():
    with pytest.raises(ConfigError, match="stake = "):
        affiliated_stores(1.5, 0.5)
    with pytest.raises(ConfigError, match="cap of the fee"):
        FeeCap(1.0)
    with pytest.raises(ConfigError, match="delayed access"):
        DelayedAccess(0)
    with pytest.raises(ConfigError, match="given twice"):
        simulate(MarketSettings(), remedies=(NonDiscrimination(), NonDiscrimination()), periods=1)
    with pytest.raises(ConfigError, match="no remedy"):
        simulate(MarketSettings(), remedies=("fee_cap",), periods=1)
    with pytest.raises(ConfigError, match="no regime"):
        Rules("pure")


def test_every_parameter_is_a_setting_with_its_value_and_a_note():
    settings = MarketSettings()
    assert settings.outside() == ()
    for name, one in PARAMETERS.items():
        assert getattr(settings, name) == one.value
        assert len(one.note) > 10


@pytest.mark.parametrize(
    "wide",
    [
        {"quality_sd": 10.0, "cost_of_quality": 2.0, "cost_sigma": 2.0},
        {"taste_sd": 10.0, "scale_sigma": 5.0, "price_error": 3.0},
        {"own_label_share": 0.9, "own_quality": 50.0},
        {"own_label_share": 0.9, "nest": 1e-9},
        {"price_sensitivity": 100.0, "attention": 10.0, "base_utility": -50.0},
        {"categories": 60},
    ],
)
def test_markets_at_the_bounds_run(wide):
    run = simulate(MarketSettings(merchants=12, products=60, consumers=300, **wide), "pooled", periods=12)
    assert math.isfinite(run.kpis["consumer_surplus"])


@pytest.mark.parametrize("small", [{"merchants": 1, "products": 2, "consumers": 2}, {"segments": 1}, {"places": 1}])
def test_the_smallest_markets_run(small):
    run = simulate(MarketSettings(**small), "pooled_self_preferencing", periods=12)
    assert all(math.isfinite(run.kpis[name]) for name in ("consumer_surplus", "merchant_surplus", "hhi"))
