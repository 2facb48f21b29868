"""Quality of an order, against definitions by hand."""

import numpy as np
import pytest

from matching.audience.attack import half_of, seed_membership
from matching.audience.evaluate import measure
from matching.audience.launch import Launch
from matching.audience.profile import nearest_seed
from retail.errors import DataError


def launches(seed, strength):
    rng = np.random.default_rng(seed)
    truth = [rng.random(600) < 0.1 for _ in range(8)]
    noise = [rng.normal(size=600) for _ in truth]
    return [strength * one + other for one, other in zip(truth, noise, strict=True)], truth


def test_intervals_hold_the_mean_and_draws_are_paired_between_methods():
    (weak, truth), (strong, _) = launches(0, 0.5), launches(0, 1.5)
    everybody = [np.ones(600, dtype=bool)] * 8
    found = [measure(one, truth, everybody, draws=300, seed=1) for one in (weak, strong)]
    for one in found:
        lo, hi = np.quantile(one.auc_redrawn, (0.025, 0.975))
        assert lo < one.auc.mean() < hi
        for value, drawn in zip(one.auc, one.auc_of_each, strict=True):  # and of each launch by itself
            lo, hi = np.quantile(drawn, (0.025, 0.975))
            assert lo < value < hi
    assert (found[1].auc_redrawn > found[0].auc_redrawn).all()
    same = measure(weak, truth, everybody, draws=300, seed=1)
    np.testing.assert_array_equal(same.auc_redrawn, found[0].auc_redrawn)


def test_who_is_not_counted_cannot_help_or_hurt():
    scores, truth = launches(2, 1.0)
    use = [np.random.default_rng(3).random(600) < 0.5 for _ in truth]
    other = [np.where(counts, one, 1e6) for one, counts in zip(scores, use, strict=True)]
    np.testing.assert_array_equal(
        measure(scores, truth, use, draws=20, seed=0).auc, measure(other, truth, use, draws=20, seed=0).auc
    )


def test_what_cannot_be_measured_is_refused():
    everybody = [np.ones(4, dtype=bool)]
    with pytest.raises(DataError, match="no launch to measure on"):
        measure([], [], [], draws=20, seed=0)
    with pytest.raises(DataError, match="launch 0 has no later buyer"):
        measure([np.zeros(4)], [np.zeros(4, dtype=bool)], everybody, draws=20, seed=0)
    with pytest.raises(DataError, match="1 of 4 scores are NaN"):
        measure([np.array([0, 1, np.nan, 2])], [np.array([True, False, False, False])], everybody, draws=20, seed=0)


def test_the_public_coin_depends_on_the_id_and_the_launch_alone():
    persons, one, other = np.arange(1000), Launch(3, 50), Launch(4, 50)
    heads = half_of(persons, one)
    assert 400 < heads.sum() < 600
    np.testing.assert_array_equal(half_of(persons[::-1], one)[::-1], heads)
    assert (half_of(persons, other) != heads).any()


def test_the_attack_names_seeds_of_the_nearest_seed_and_nobody_from_chance():
    rng = np.random.default_rng(5)
    named, nothing = [], []
    for number in range(12):
        places = rng.normal(size=(300, 16))
        places /= np.linalg.norm(places, axis=1, keepdims=True)
        seeds, heads = np.arange(300) < 40, half_of(np.arange(300), Launch(number, 1))
        used, out = seeds & heads, seeds & ~heads
        named.append([[(nearest_seed(places, used), used, out)]])
        nothing.append([[(rng.random(300), used, out)] for _ in range(3)])
    assert seed_membership(named, draws=100, seed=0).mean == 1.0
    found = seed_membership(nothing, draws=100, seed=0)
    assert found.auc.shape == (12, 3)
    lo, hi = np.quantile(found.redrawn, (0.005, 0.995))
    assert lo < 0.5 < hi
    with pytest.raises(DataError, match="both sides of the coin"):
        seed_membership([[[(np.zeros(3), np.ones(3, dtype=bool), np.zeros(3, dtype=bool))]]], draws=10, seed=0)


def test_the_interval_of_the_attack_is_of_one_release_and_grows_with_the_luck_of_its_noise():
    used, out = np.arange(4) < 2, np.arange(4) >= 2
    hit, miss = (np.array([1.0, 1, 0, 0]), used, out), (np.array([0.0, 0, 1, 1]), used, out)
    steady = seed_membership([[[hit, miss]] * 2] * 8, draws=200, seed=0)
    lucky = seed_membership([[[hit], [miss]]] * 8, draws=200, seed=0)
    assert steady.mean == lucky.mean == 0.5
    assert np.ptp(steady.redrawn) == 0
    assert np.ptp(lucky.redrawn) > 0.5
