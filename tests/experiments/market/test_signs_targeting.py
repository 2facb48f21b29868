"""Targeting with known effects: what learning together, sizes and noise do."""

import numpy as np
import pytest

from experiments.market.signs import SIGNS, judge, targeting, turned
from experiments.market.signs.targeting import BASE, CLIP, FEATURES, MEAN_UPLIFT, Trial, _draw, _trial, gains
from retail.errors import ConfigError
from simulation.market import MarketSettings

SEEDS = range(8)
MARKET = MarketSettings()


def mean(trial, arm):
    return np.mean([gains(trial, arm, seed).mean for seed in SEEDS])


def test_arms_stand_in_the_order_of_what_they_know():
    trial = Trial(epsilon=0.5)
    found = [mean(trial, arm) for arm in ("random", "isolated", "node", "aggregator", "federated", "oracle")]
    assert found == sorted(found)


def test_choosing_at_random_gains_the_mean_uplift():
    assert mean(Trial(), "random") == pytest.approx(1000 * MEAN_UPLIFT, abs=1.5)


def test_the_oracle_gains_what_the_best_fifth_of_a_normal_uplift_has():
    # the mean of the top fifth of a standard normal is 1.3998 standard deviations up; few new people cost a little
    assert mean(Trial(), "oracle") == pytest.approx(1000 * (MEAN_UPLIFT + 1.3998 * 0.038), abs=1.5)


def test_sums_of_a_trial_have_the_effects_as_their_mean():
    rng = np.random.default_rng(0)
    _, truth = _draw(Trial(merchants=1), rng)
    found = _trial(truth[0], 400_000, rng)
    standard_error = found.std(axis=0) / np.sqrt(len(found))
    assert found.shape == (400_000, FEATURES)
    assert np.all(np.abs(found.mean(axis=0) - truth[0]) < 4 * standard_error)


def test_few_people_are_clipped():
    rng = np.random.default_rng(1)
    _, truth = _draw(Trial(merchants=1), rng)
    lengths = np.linalg.norm(_trial(truth[0], 50_000, rng), axis=1)
    assert (lengths > CLIP).mean() < 0.15 * (BASE + MEAN_UPLIFT)


def test_one_person_moves_the_sum_of_all_by_at_most_the_clip(monkeypatch):
    sums, plain = [], targeting._trial
    monkeypatch.setattr(targeting, "_learn", lambda arm, truth, own, spread, common: sums.append(common) or truth)
    trial = Trial(merchants=1, people=300)

    def added(size):
        """Sum of all, times the number of people, when the first of them adds `size` to each feature."""

        def one_changed(effect, n, rng):
            w = plain(effect, n, rng)
            w[0] = size
            return w

        monkeypatch.setattr(targeting, "_trial", one_changed)
        gains.cache_clear()
        people = gains(trial, "federated", 0).people.sum()
        return sums[-1] * people

    nothing = added(0.0)
    for size in (0.1, 2.0, 50.0, -1e6):
        moved = np.linalg.norm(added(size) - nothing)
        assert moved == pytest.approx(min(abs(size) * np.sqrt(FEATURES), CLIP))
    gains.cache_clear()


def test_noise_falls_with_epsilon_and_grows_with_nodes():
    strict, loose = (mean(Trial(epsilon=epsilon), "aggregator") for epsilon in (0.05, 8.0))
    assert strict < loose <= mean(Trial(), "federated") + 0.5
    one = Trial(merchants=1)
    assert gains(one, "node", 3).mean == gains(one, "aggregator", 3).mean


def test_one_merchant_has_no_gap_of_sizes():
    assert gains(Trial(merchants=1), "isolated", 0).size_gap == 0


@pytest.mark.parametrize("changes", [{"merchants": 0}, {"own_part": 1.5}, {"people": 0}, {"scale_sigma": -1}])
def test_numbers_without_meaning_are_refused(changes):
    with pytest.raises(ConfigError):
        Trial(**changes)


@pytest.mark.parametrize("name", ["targeting-isolated-gap", "targeting-federated-gain", "targeting-aggregator-noise"])
def test_a_sign_of_targeting_shows_and_goes_with_its_assumption(name):
    one = SIGNS[name]
    effects = np.array([one.effect(MARKET, seed, 1) for seed in SEEDS])
    without = np.array([one.flipped(MARKET, seed, 1) for seed in SEEDS])
    assert judge(effects, without, one) == "shown"
    assert turned(effects, without, one) in ("turns", "vanishes")
