import os
import random

import numpy as np
import pytest
from scipy import stats

from privacy.mechanisms.gaussian import gaussian
from retail.errors import PrivacyError

DRAWS = 200_000


@pytest.fixture(params=["secure", "simulation"])
def draws(request):
    rng = None if request.param == "secure" else np.random.default_rng(7)
    return gaussian(DRAWS, scale=2.5, rng=rng)


def test_draws_follow_the_normal_law_of_the_scale_asked_for(draws):
    # The secure source cannot be seeded: each limit fails by chance less than once in 1e8 runs.
    assert draws.dtype == np.float64
    assert abs(draws.mean()) < 6 * 2.5 / DRAWS**0.5
    assert draws.var() == pytest.approx(2.5**2, rel=6 * (2 / DRAWS) ** 0.5)
    assert stats.kstest(draws / 2.5, "norm").pvalue > 1e-9
    assert np.abs(draws).max() > 3 * 2.5


def test_two_releases_share_no_noise():
    first, second = gaussian(DRAWS, scale=1.0), gaussian(DRAWS, scale=1.0)
    assert abs(np.corrcoef(first, second)[0, 1]) < 6 / DRAWS**0.5
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 6 / DRAWS**0.5


def test_no_seed_reaches_the_secure_source():
    results = []
    for _ in range(2):
        np.random.seed(0)
        random.seed(0)
        results.append(gaussian(8, scale=1.0))
    assert not np.array_equal(*results)


def test_a_simulation_repeats_its_noise():
    first = gaussian(8, scale=1.0, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(first, gaussian(8, scale=1.0, rng=np.random.default_rng(3)))


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0, -9.155), (1, 9.155), (2**64 - 1, 0.0), (2**64 - 2, 0.0), (2**63, -0.6745), (2**63 + 1, 0.6745)],
)
def test_extreme_random_bits_give_finite_symmetric_noise(monkeypatch, bits, expected):
    monkeypatch.setattr(os, "urandom", lambda count: np.full(count // 8, bits, dtype=np.uint64).tobytes())
    assert gaussian(1, scale=1.0)[0] == pytest.approx(expected, abs=0.01)


def test_scale_zero_gives_zeros_and_size_zero_gives_nothing():
    np.testing.assert_array_equal(gaussian(3, scale=0.0), np.zeros(3))
    assert gaussian(0, scale=1.0).shape == (0,)


@pytest.mark.parametrize("scale", [-1.0, -1e-300, float("nan"), float("inf"), True])
def test_a_scale_that_is_no_standard_deviation_is_refused(scale):
    with pytest.raises(PrivacyError, match="noise scale"):
        gaussian(1, scale=scale)


def test_noise_beyond_float64_is_refused():
    with pytest.raises(PrivacyError, match="overflows"):
        gaussian(1000, scale=1.7e308)


@pytest.mark.parametrize("size", [-1, 1.5, True, None])
def test_a_size_that_is_no_count_is_refused(size):
    with pytest.raises(PrivacyError, match="number of draws"):
        gaussian(size, scale=1.0)


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0), "seed"])
def test_a_seed_or_an_old_generator_is_refused(rng):
    with pytest.raises(PrivacyError, match="Generator"):
        gaussian(1, scale=1.0, rng=rng)
