import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.intervals import bootstrap


def table(values, keys=None):
    values = np.asarray(values, dtype=float)
    return (np.arange(len(values)) if keys is None else np.asarray(keys)), values


def test_the_interval_of_a_mean_is_the_normal_one_when_there_are_many_shoppers():
    values = np.random.default_rng(0).normal(3, 2, 4000)
    interval = bootstrap({("a", 0, 0): table(values)}, arms=["a"], replicates=4000).value("a")
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean())
    assert interval.lo == pytest.approx(values.mean() - error, abs=0.1 * error)
    assert interval.hi == pytest.approx(values.mean() + error, abs=0.1 * error)
    assert interval.n == 4000


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        interval = bootstrap({("a", 0, 0): table(rng.exponential(1.0, 200))}, arms=["a"], replicates=300).value("a")
        hits += interval.lo <= 1.0 <= interval.hi
    assert 175 <= hits <= 199


def test_a_difference_is_paired_over_shoppers():
    base = np.random.default_rng(0).normal(0, 10, 500)
    cells = {("a", 0, 0): table(base), ("b", 0, 0): table(base + 0.5)}
    difference = bootstrap(cells, arms=["a", "b"]).difference("b", "a")
    assert difference.lo == pytest.approx(0.5)
    assert difference.hi == pytest.approx(0.5)


def test_a_ratio_is_paired_too():
    base = np.random.default_rng(0).uniform(1, 20, 500)
    cells = {("a", 0, 0): table(base), ("b", 0, 0): table(base * 1.2)}
    ratio = bootstrap(cells, arms=["a", "b"]).ratio("b", "a")
    assert (ratio.value, ratio.lo, ratio.hi) == pytest.approx((1.2, 1.2, 1.2))


def test_a_shopper_is_one_cluster_over_origins_not_several_shoppers():
    values = np.random.default_rng(0).normal(0, 1, 300)
    once = bootstrap({("a", 0, 0): table(values)}, arms=["a"]).value("a")
    four = bootstrap({("a", origin, 0): table(values) for origin in range(4)}, arms=["a"]).value("a")
    assert four.hi - four.lo == pytest.approx(once.hi - once.lo, rel=0.15)


def test_seeds_that_disagree_widen_the_interval():
    same = np.ones(400)
    cells = {("a", 0, seed): table(same + shift) for seed, shift in enumerate((-1.0, 0.0, 1.0))}
    interval = bootstrap(cells, arms=["a"]).value("a")
    assert interval.value == pytest.approx(1.0)
    assert interval.lo < 0.5
    assert interval.hi > 1.5


def test_origins_count_alike_whatever_their_number_of_shoppers():
    cells = {("a", 0, 0): table(np.zeros(1000)), ("a", 1, 0): table(np.ones(10), keys=np.arange(10))}
    assert bootstrap(cells, arms=["a"]).value("a").value == pytest.approx(0.5)


def test_a_shopper_without_relevant_items_does_not_count():
    values = [1.0, np.nan, 0.0, np.nan]
    interval = bootstrap({("a", 0, 0): table(values)}, arms=["a"]).value("a")
    assert interval.value == pytest.approx(0.5)
    assert interval.n == 2


def test_arms_are_compared_over_the_runs_that_both_have():
    cells = {("a", 0, 0): table(np.zeros(50)), ("a", 1, 0): table(np.full(50, 9.0)), ("b", 0, 0): table(np.ones(50))}
    assert bootstrap(cells, arms=["a", "b"]).difference("b", "a").value == pytest.approx(1.0)


def test_an_arm_without_runs_has_no_figure():
    resampled = bootstrap({("a", 0, 0): table(np.zeros(5))}, arms=["a", "b"])
    assert np.isnan(resampled.value("b").value)
    assert np.isnan(resampled.difference("b", "a").value)


def test_a_ratio_to_nothing_is_no_figure():
    cells = {("a", 0, 0): table(np.zeros(5)), ("b", 0, 0): table(np.ones(5))}
    assert np.isnan(bootstrap(cells, arms=["a", "b"]).ratio("b", "a").value)


@given(values=st.lists(st.floats(-1, 1), min_size=1, max_size=30), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(values, order):
    positions = list(range(len(values)))
    order.shuffle(positions)
    first = bootstrap({("a", 0, 0): table(values)}, arms=["a"], replicates=50).value("a")
    second = bootstrap({("a", 0, 0): table([values[i] for i in positions], positions)}, arms=["a"], replicates=50)
    assert second.value("a") == first


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_intervals_lie_within_the_data_and_hold_the_order(values):
    interval = bootstrap({("a", 0, 0): table(values)}, arms=["a"], replicates=100).value("a")
    assert min(values) - 1e-12 <= interval.lo <= interval.hi <= max(values) + 1e-12
