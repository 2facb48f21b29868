"""What is known grows with the orders one may learn from, less and less; noise takes from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.market import MarketSettings, simulate
from simulation.market.knowledge import effective_pool, noise_variance, reliability

SETTINGS = MarketSettings()


@given(st.floats(0, 1e6), st.floats(1, 1e4))
def test_reliability_grows_less_and_less(orders, step):
    k = reliability(np.array([orders, orders + step, orders + 2 * step]), SETTINGS)
    assert 0 <= k[0] <= k[1] <= k[2] < 1
    assert k[2] - k[1] <= k[1] - k[0] + 1e-12


@given(st.floats(1, 1e6), st.floats(0.2, 5), st.integers(1, 500))
def test_noise_never_adds_orders_and_nodes_never_help(orders, epsilon, nodes):
    private = SETTINGS.with_values(epsilon=epsilon)
    each = private.with_values(noise_placement="node")
    at_aggregator = effective_pool(orders, "noisy", nodes, private)
    assert (
        effective_pool(orders, "noisy", nodes, each) <= at_aggregator <= effective_pool(orders, "exact", nodes, private)
    )


def test_a_larger_epsilon_means_less_noise():
    variances = [noise_variance(epsilon, 1e-6, 52, 0.95) for epsilon in (0.5, 1, 2, 4, 8)]
    assert variances == sorted(variances, reverse=True)


def test_the_effective_pool_is_the_precision_of_a_noisy_mean():
    rng = np.random.default_rng(0)
    orders, variance = 400, noise_variance(4.0, 1e-6, 52, 0.95)
    sums = rng.normal(0, np.sqrt(orders), 200_000) + rng.normal(0, np.sqrt(variance), 200_000)
    settings = SETTINGS.with_values(epsilon=4.0)
    assert 1 / (sums / orders).var() == pytest.approx(effective_pool(orders, "noisy", 1, settings), rel=0.02)


def test_merchants_know_more_the_more_they_may_learn_from():
    known = {
        regime: simulate(SETTINGS, regime, seed=3, periods=40).kpis["knowledge"]
        for regime in ("isolated", "federated_dp", "federated", "firewall")
    }
    assert known["isolated"] < known["federated_dp"] < known["federated"]
    assert known["federated"] == known["firewall"]


def test_noise_of_every_node_leaves_less_than_noise_added_once():
    once = simulate(SETTINGS, "federated_dp", seed=3, periods=40).kpis["knowledge"]
    each = simulate(SETTINGS.with_values(noise_placement="node"), "federated_dp", seed=3, periods=40).kpis["knowledge"]
    assert each < once


def test_without_worth_in_others_orders_a_shared_model_brings_no_more_than_own_data():
    alone = SETTINGS.with_values(transfer=0.0)
    runs = [simulate(alone, regime, seed=3, periods=30) for regime in ("federated", "federated_dp")]
    assert runs[0].kpis["knowledge"] == runs[1].kpis["knowledge"]
