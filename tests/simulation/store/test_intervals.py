import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulation.store.intervals import Interval, combined, discoveries, paired

DAYS = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 4.5])


def test_the_interval_of_days_is_students():
    interval = paired(DAYS)
    lo, hi = stats.t.interval(0.95, len(DAYS) - 1, loc=DAYS.mean(), scale=stats.sem(DAYS))
    assert interval.lo == pytest.approx(lo)
    assert interval.hi == pytest.approx(hi)


def test_equal_days_leave_no_doubt_and_one_day_tells_nothing():
    assert paired(np.full(8, 0.1)) == Interval(0.1, 0.1)
    assert paired(np.zeros(8)) == Interval(0.0, 0.0)
    assert paired(np.array([1.0])) is None
    assert paired(np.array([1.0, np.nan, np.nan])) is None


def test_a_day_without_a_figure_is_left_out():
    assert paired(np.append(DAYS, np.nan)) == paired(DAYS)


def test_a_null_edit_leaves_no_doubt_about_parameters_either():
    assert combined(np.zeros(8), np.zeros((16, 2))) == Interval(0.0, 0.0)


def test_parameters_that_change_nothing_add_nothing_to_the_noise():
    both = combined(DAYS, np.tile(DAYS[:2], (16, 1)))
    noise = paired(DAYS)
    assert (both.lo, both.hi) == (pytest.approx(noise.lo), pytest.approx(noise.hi))


def test_without_draws_there_is_no_combined_interval():
    assert combined(DAYS, np.zeros((0,))) is None
    assert combined(DAYS, np.zeros((1, 2))) is None


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 10.0), st.floats(0.1, 10.0))
def test_doubt_about_parameters_widens_the_interval(seed, doubt, noise):
    rng = np.random.default_rng(seed)
    days = rng.normal(1.0, noise, 8)
    shifts = rng.normal(0.0, 1.0, (16, 1))
    narrow, wide = (combined(days, days[:2] + scale * shifts) for scale in (doubt, 2 * doubt + 1))
    assert wide.half >= narrow.half - 1e-9
    assert (wide.lo + wide.hi) / 2 == pytest.approx(days.mean())


def test_the_combined_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        truth, tau, sigma = 2.0, 1.0, 1.5
        central = truth - rng.normal(0, tau)  # what the central parameters lead to
        days = central + rng.normal(0, sigma, 8)
        drawn = days[:2] + rng.normal(0, tau, (16, 1))
        held += not combined(days, drawn).excludes(truth)
    assert 0.92 <= held / 400 <= 0.99


def test_discoveries_agree_with_an_independent_correction():
    rng = np.random.default_rng(3)
    changes = rng.normal(0, 1, (12, 300))
    changes[:, :40] += 2.5
    chance = stats.ttest_1samp(changes, 0.0).pvalue
    expected = stats.false_discovery_control(chance, method="by") <= 0.05
    assert (discoveries(changes) == expected).all()
    assert expected[:40].sum() > 20


def test_noise_alone_is_hardly_ever_marked():
    rng = np.random.default_rng(4)
    marked = [discoveries(rng.normal(0, 1, (8, 500))).any() for _ in range(200)]
    assert np.mean(marked) <= 0.05


def test_places_without_a_difference_are_never_marked_and_sure_ones_always():
    changes = np.zeros((8, 3))
    changes[:, 1] = 2.0
    assert discoveries(changes).tolist() == [False, True, False]
    assert not discoveries(changes[:4]).any()  # a tie of few days may be chance
    assert not discoveries(changes[:1]).any()


@pytest.mark.parametrize("days", [2, 3, 4, 8])
def test_ties_of_whole_numbers_are_not_taken_for_certainty(days):
    coins = np.random.default_rng(1).choice([-1.0, 1.0], (200, days, 40))  # no place differs
    assert np.mean([discoveries(each).any() for each in coins]) <= 0.08
    alone = [paired(each[:, 0]) for each in coins]
    assert np.mean([one.excludes(0.0) for one in alone]) <= 0.08


def test_equal_differences_are_certain_once_there_are_enough_of_them():
    assert paired(np.full(8, 3.0)) == Interval(3.0, 3.0)
    assert not paired(np.full(4, 3.0)).excludes(0.0)
