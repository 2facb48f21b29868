import math

import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_distribution as pld
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from privacy.attacks.intervals import (
    gaussian_delta,
    gaussian_epsilon,
    most_advantage,
    most_auc,
    proportion_interval,
)
from retail.errors import PrivacyError


@pytest.mark.parametrize("mu", [0.25, 1.0, 2.5])
def test_the_epsilon_of_two_gaussians_agrees_with_dp_accounting(mu):
    reference = pld.from_gaussian_mechanism(1 / mu, value_discretization_interval=1e-4).get_epsilon_for_delta(1e-5)
    assert gaussian_epsilon(mu, delta=1e-5) == pytest.approx(reference, rel=1e-2)


@given(mu=st.floats(0.01, 20), delta=st.sampled_from([1e-9, 1e-5, 0.01]))
def test_the_epsilon_of_two_gaussians_gives_back_its_delta_and_grows_with_their_distance(mu, delta):
    epsilon = gaussian_epsilon(mu, delta=delta)
    assert gaussian_delta(epsilon, mu) <= delta * (1 + 1e-6)
    assert epsilon == 0 or gaussian_delta(epsilon * 0.999, mu) >= delta * 0.99
    assert epsilon <= gaussian_epsilon(mu * 1.1, delta=delta) + 1e-9


def test_the_same_gaussian_twice_leaks_nothing():
    assert gaussian_epsilon(0.0, delta=1e-5) == 0.0
    with pytest.raises(PrivacyError, match="finite"):
        gaussian_epsilon(math.nan, delta=1e-5)


@given(epsilon=st.floats(0.01, 12), delta=st.sampled_from([1e-9, 1e-5, 0.01]))
def test_the_bound_on_the_area_is_the_area_under_the_two_lines(epsilon, delta):
    wrong = np.linspace(0, 1, 200_001)
    lines = np.minimum.reduce(
        [np.ones_like(wrong), np.exp(epsilon) * wrong + delta, 1 - np.exp(-epsilon) * (1 - delta - wrong)]
    )
    assert most_auc(epsilon, delta) == pytest.approx(np.trapezoid(lines, wrong), abs=1e-4)
    assert most_advantage(epsilon, delta) == pytest.approx((lines - wrong).max(), abs=1e-3)


def test_the_interval_of_a_proportion_is_clopper_and_pearsons():
    reference = stats.binomtest(7, 50).proportion_ci(0.95, method="exact")
    assert proportion_interval(7, 50, confidence=0.95) == pytest.approx((reference.low, reference.high))
    assert proportion_interval(0, 10, confidence=0.95)[0] == 0
    assert proportion_interval(10, 10, confidence=0.95)[1] == 1
    with pytest.raises(PrivacyError, match="trials"):
        proportion_interval(3, 2, confidence=0.95)
