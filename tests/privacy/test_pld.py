import math

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import log_ndtr

from privacy import cap, cost, epsilon_pld, epsilon_rdp, noise_multiplier
from retail.errors import PrivacyError


def exact_epsilon(noise: float, delta: float) -> float:
    """Epsilon of one Gaussian release by the closed form of Balle and Wang 2018, Theorem 8."""

    def excess(epsilon: float) -> float:
        above = log_ndtr(1 / (2 * noise) - epsilon * noise)
        below = epsilon + log_ndtr(-1 / (2 * noise) - epsilon * noise)
        return (math.exp(above) * -math.expm1(below - above) if below < above else 0.0) - delta

    return 0.0 if excess(0.0) <= 0 else brentq(excess, 0.0, 1 / noise**2 + 50 / noise, xtol=1e-12)


@pytest.mark.slow
@settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # a shrink takes minutes
@given(st.floats(0.05, 1e3), st.sampled_from([1e-9, 1e-5, 1e-3]))
def test_the_report_lies_between_the_exact_value_and_the_bound_that_admits(noise, delta):
    report = epsilon_pld([noise], delta=delta)
    bound = epsilon_rdp(cost(noise), delta=delta)
    exact = exact_epsilon(noise, delta)
    assert exact * (1 - 1e-9) - 1e-9 <= report.epsilon <= bound * (1 + 1e-6)
    assert report.epsilon <= exact + 1e-3 * bound


@pytest.mark.parametrize(
    "epsilon", [pytest.param(1.0, marks=pytest.mark.slow), 4.0, pytest.param(8.0, marks=pytest.mark.slow)]
)
def test_a_whole_budget_is_reported_tighter_than_it_was_admitted(epsilon):
    report = epsilon_pld([noise_multiplier(cap(epsilon=epsilon, delta=1e-5))], delta=1e-5)
    assert report.accountant == "pld"
    assert 0.9 * epsilon < report.epsilon < epsilon


@pytest.mark.slow
def test_releases_compose_to_one_with_the_added_precision():
    many = epsilon_pld([10.0] * 25, delta=1e-5)
    assert many.epsilon == pytest.approx(exact_epsilon(2.0, 1e-5), rel=1e-3)
    assert epsilon_pld([3.0, 4.0], delta=1e-5).epsilon == pytest.approx(exact_epsilon(2.4, 1e-5), rel=1e-3)


@pytest.mark.parametrize("noise", [1e-3, 1e9])
def test_extreme_noise_neither_fills_the_memory_nor_goes_negative(noise):
    report = epsilon_pld([noise], delta=1e-5)
    assert 0 <= report.epsilon <= epsilon_rdp(cost(noise), delta=1e-5)
    assert report.epsilon == pytest.approx(exact_epsilon(noise, 1e-5), rel=1e-3, abs=1e-9)


def test_no_release_is_reported_as_zero():
    assert epsilon_pld([], delta=1e-5).epsilon == 0


def test_a_report_that_takes_too_long_falls_back_to_the_admitting_bound_and_says_so():
    report = epsilon_pld([1.2345], delta=1e-5, timeout_s=0.01)
    assert report.accountant == "rdp"
    assert report.epsilon == epsilon_rdp(cost(1.2345), delta=1e-5)
    assert "0.01 s" in report.reason


def test_a_report_that_wants_too_much_memory_falls_back_too():
    report = epsilon_pld([1.3579], delta=1e-5, memory_mib=64)
    assert report.accountant == "rdp"
    assert "64 MiB" in report.reason


def test_bad_input_is_refused_before_any_process_starts():
    with pytest.raises(PrivacyError, match="noise multiplier"):
        epsilon_pld([1.0, 0.0], delta=1e-5)
    with pytest.raises(PrivacyError, match="delta"):
        epsilon_pld([1.0], delta=1.0)
