import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from federation.recommend.denoise import posterior_mean

SCALES = st.floats(1e-3, 1e3)
UNITS = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-200, 2_000))
"""Noisy entries in standard deviations; far more extreme than Gaussian noise ever is."""


@given(UNITS, SCALES)
def test_estimates_are_finite_never_negative_and_as_many_as_entries(units, scale):
    clean = posterior_mean(units * scale, noise_scale=scale)
    assert clean.shape == units.shape
    assert np.isfinite(clean).all()
    assert (clean >= 0).all()


@given(UNITS, SCALES)
def test_a_larger_entry_never_gets_a_smaller_estimate(units, scale):
    noisy = np.sort(units * scale)
    assert (np.diff(posterior_mean(noisy, noise_scale=scale)) >= -1e-9 * scale).all()


@pytest.mark.parametrize("lump", [9.0, 11.0, 12.0])
def test_estimates_rise_with_entries_where_the_prior_hands_over_to_the_entries_themselves(lump):
    noisy = np.sort(np.repeat([0.0, lump], 1_000) + np.random.default_rng(0).normal(size=2_000))
    clean = posterior_mean(noisy, noise_scale=1.0)
    assert (np.diff(clean) >= -1e-9).all()
    np.testing.assert_array_equal(clean[noisy > 10], noisy[noisy > 10])


@given(hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e9, 1e9)))
def test_without_noise_the_entries_are_kept_down_to_zero(values):
    np.testing.assert_array_equal(posterior_mean(values, noise_scale=0.0), np.maximum(values, 0))


def test_an_empty_vector_stays_empty():
    assert posterior_mean(np.zeros(0), noise_scale=1.0).shape == (0,)


@given(UNITS, st.randoms(use_true_random=False))
def test_the_order_of_the_entries_does_not_matter(units, random):
    order = np.array(random.sample(range(len(units)), len(units)))
    np.testing.assert_array_equal(
        posterior_mean(units[order], noise_scale=1.0), posterior_mean(units, noise_scale=1.0)[order]
    )


def test_the_unit_of_the_entries_does_not_matter():
    noisy = np.random.default_rng(1).normal(size=500) + np.repeat([0.0, 6.0], 250)
    clean = posterior_mean(noisy, noise_scale=1.0)
    np.testing.assert_allclose(posterior_mean(1_000 * noisy, noise_scale=1_000.0), 1_000 * clean, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("height", [3.0, 6.0, 40.0])
def test_a_few_planted_counts_are_recovered_far_better_than_they_arrive(seed, height):
    rng = np.random.default_rng(seed)
    truth = np.zeros(5_000)
    truth[rng.choice(5_000, 100, replace=False)] = height
    noisy = truth + rng.normal(size=5_000)
    error = np.mean((posterior_mean(noisy, noise_scale=1.0) - truth) ** 2)
    floored = np.mean((np.maximum(noisy, 0) - truth) ** 2)
    assert error < 0.25 * np.mean((noisy - truth) ** 2)
    assert error < 0.5 * floored


def test_pure_noise_leaves_next_to_nothing():
    noisy = np.random.default_rng(2).normal(size=5_000)
    clean = posterior_mean(noisy, noise_scale=1.0)
    assert clean.mean() < 0.5 * np.maximum(noisy, 0).mean()
    assert clean.max() < 0.5 < 3 < noisy.max()


def test_with_normal_values_the_estimate_is_the_known_weighted_mean():
    """Values N(20, 2^2) and noise N(0, 2^2): the best estimate is half way between an entry and the mean."""
    rng = np.random.default_rng(3)
    noisy = rng.normal(20, 2, size=20_000) + rng.normal(0, 2, size=20_000)
    inside = np.abs(noisy - 19) < 0.9  # below 10 standard deviations of the noise, where the prior decides
    clean = posterior_mean(noisy, noise_scale=2.0)
    assert inside.sum() > 1_000
    np.testing.assert_allclose(clean[inside], (noisy[inside] + 20) / 2, atol=0.6)
