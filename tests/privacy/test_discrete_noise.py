"""Noise that many nodes draw in shares: its size, its shape, and what it costs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from privacy.mechanisms.discrete import discrete_gaussian
from privacy.noise_shares import LEAST_SCALE, share_scale
from retail.errors import PrivacyError


@given(st.floats(1e5, 1e9), st.integers(1, 1000))
def test_shares_of_the_fewest_honest_nodes_add_up_to_the_noise_that_is_needed(total, senders):
    share = share_scale(total, senders=senders)
    assert share * math.sqrt(senders) >= total
    assert share * math.sqrt(senders) <= total * (1 + 1e-11)


def test_what_a_sum_of_shares_lacks_of_one_gaussian_is_paid_by_the_raise():
    nodes, size, sensitivity = 1000, 10**6, 2.0**24
    for total in (LEAST_SCALE * math.sqrt(nodes), 2.0**24, 2.0**30):
        share = share_scale(total, senders=nodes)
        # tau of Kairouz, Liu and Steinke 2021, as a logarithm: floats end far above it.
        log_tau = math.log(10 * (nodes - 1)) - math.pi**2 * share**2
        spare = sensitivity**2 / total**2 - sensitivity**2 / (nodes * share**2)
        assert spare > 0
        assert log_tau + math.log(size / 2) < math.log(spare) - 1e6


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)], ids=["secure", "simulated"])
def test_draws_are_whole_numbers_with_the_law_of_a_discrete_gaussian(rng):
    scale = 3.0
    drawn = discrete_gaussian(20_000, scale=scale, rng=rng)
    assert drawn.dtype == np.int64
    values = np.arange(-9, 10)
    wanted = np.exp(-(values**2) / (2 * scale**2))
    seen = np.array([(drawn == one).sum() for one in values])
    inside = np.abs(drawn) <= 9
    p = stats.chisquare(seen, wanted / wanted.sum() * inside.sum()).pvalue
    assert p > 1e-7


def test_secure_draws_ignore_the_global_seed():
    found = []
    for _ in range(2):
        np.random.seed(0)
        found.append(discrete_gaussian(20, scale=1e6))
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: share_scale(1e6, senders=0), "at least one honest node"),
        (lambda: share_scale(10.0, senders=2), "must lie from 1000"),
        (lambda: share_scale(math.nan, senders=2), "must lie from 1000"),
        (lambda: discrete_gaussian(3, scale=0.0), "scale of discrete noise"),
        (lambda: discrete_gaussian(-1, scale=2.0), "number of draws"),
        (lambda: discrete_gaussian(3, scale=2.0, rng=np.random), "numpy Generator"),
    ],
)
def test_noise_that_would_hide_nobody_is_refused(call, message):
    with pytest.raises(PrivacyError, match=message):
        call()
