import numpy as np
import pytest

from privacy.attacks import independence_check, variance_check
from retail.errors import PrivacyError

NAMES = ("first", "second", "third")
SCALE = np.array([1.0, 4.0, 10.0])


def drawn(seed=0, n=500):
    return np.random.default_rng(seed).standard_normal((3, n)) * SCALE[:, None]


def test_honest_noise_passes_both_checks():
    assert variance_check(drawn(), SCALE, names=NAMES).outcome == "passed"
    assert independence_check(drawn(), names=NAMES).outcome == "passed"


def test_honest_noise_is_seldom_accused():
    checks = [
        (variance_check(drawn(seed), SCALE, names=NAMES), independence_check(drawn(seed), names=NAMES))
        for seed in range(300)
    ]
    assert sum(one.breach or other.breach for one, other in checks) <= 3


@pytest.mark.parametrize("factor", [0.5, 0.9, 0.0])
def test_noise_that_is_too_weak_in_all_rounds_is_found(factor):
    found = variance_check(drawn(n=1000) * factor, SCALE, names=NAMES)
    assert found.outcome == "breach"
    assert found.estimate == pytest.approx(factor, abs=0.05)
    assert factor < found.ceiling < 1


def test_noise_that_is_too_weak_in_one_round_is_found_and_named():
    noise = drawn()
    noise[1] /= 2
    found = variance_check(noise, SCALE, names=NAMES)
    assert found.breach
    assert "second" in found.statement


def test_the_figure_is_the_clearest_shortfall_which_need_not_be_the_least_ratio():
    noise = drawn() * 0.9 / (drawn() / SCALE[:, None]).std(axis=1, keepdims=True)
    noise[1] *= 0.89 / 0.9  # the least ratio; all together are nearly as weak, and known far better
    ratios = np.sqrt(((noise / SCALE[:, None]) ** 2).mean(axis=1))
    found = variance_check(noise, SCALE, names=NAMES)
    assert found.breach
    assert ratios.min() < found.estimate < ratios.max()
    assert f"the least upper limit, {found.hi:.3f} of the declared strength, is that of all together" in found.statement


def test_more_noise_than_declared_is_no_breach():
    assert variance_check(drawn() * 3, SCALE, names=NAMES).outcome == "passed"


def test_too_few_draws_to_see_half_noise_are_inconclusive():
    assert variance_check(drawn(n=2), SCALE, names=NAMES).outcome == "inconclusive"


@pytest.mark.parametrize("sign", [1.0, -3.0])
def test_noise_used_in_two_rounds_is_found_at_any_scale_and_sign(sign):
    noise = drawn()
    noise[2] = sign * noise[0]
    found = independence_check(noise, names=NAMES)
    assert found.outcome == "breach"
    assert found.estimate == pytest.approx(1.0)
    assert "first" in found.statement
    assert "third" in found.statement


def test_noise_used_in_part_is_found():
    noise = drawn()
    noise[2] = noise[2] / 10 + noise[0] / 2
    assert independence_check(noise, names=NAMES).breach


def test_one_number_added_to_every_coordinate_is_found():
    noise = drawn()
    noise[1] = noise[1, 0]
    found = independence_check(noise, names=NAMES)
    assert found.breach
    assert "one coordinate on" in found.statement


def test_one_release_alone_can_be_checked():
    assert independence_check(drawn()[:1], names=NAMES[:1]).outcome == "passed"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_broken_noise_is_refused(bad):
    noise = drawn()
    noise[0, 0] = bad
    with pytest.raises(PrivacyError, match="NaN"):
        variance_check(noise, SCALE, names=NAMES)
    with pytest.raises(PrivacyError, match="NaN"):
        independence_check(noise, names=NAMES)


def test_a_scale_of_zero_or_of_another_length_is_refused():
    with pytest.raises(PrivacyError, match="above 0"):
        variance_check(drawn(), SCALE * 0, names=NAMES)
    with pytest.raises(PrivacyError, match="each of 3"):
        variance_check(drawn(), SCALE[:2], names=NAMES)
