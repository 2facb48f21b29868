"""Measures by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.market import MEASURES, MarketSettings, kpis, simulate


def test_concentration_by_hand():
    sales = np.array([50.0, 30.0, 20.0, 0.0, 0.0])
    assert kpis.herfindahl(sales) == pytest.approx(2500 + 900 + 400)
    assert kpis.largest_four(sales) == 1
    assert kpis.herfindahl(np.zeros(3)) == kpis.largest_four(np.zeros(3)) == 0


def test_gini_by_hand_keeps_zeros_apart():
    value, none = kpis.gini(np.array([0.0, 0.0, 1.0, 3.0]))
    assert (value, none) == (pytest.approx(0.25), 0.5)
    assert kpis.gini(np.array([2.0, 2.0, 2.0])) == (0.0, 0.0)
    assert kpis.gini(np.zeros(2)) == (0.0, 1.0)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30), st.floats(0.1, 10))
def test_gini_is_half_the_mean_difference_over_the_mean_whatever_the_unit(values, unit):
    x = np.array(values)
    direct = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert kpis.gini(x)[0] == pytest.approx(direct, abs=1e-9)
    assert kpis.gini(x * unit)[0] == pytest.approx(direct, abs=1e-9)


def test_exposure_by_hand():
    assert kpis.exposure(np.array([1, 3, 4]), places=3) == pytest.approx([1, 0.5, 0])
    seen = kpis.exposure(np.array([[[1, 2, 3]]]), places=3)
    mine, listed = np.array([[True, False, False]]), np.ones((1, 3), dtype=bool)
    ratio = kpis.exposure_ratio(seen, np.ones((1, 1)), mine, listed)
    assert ratio == pytest.approx(1 / ((1 / math.log2(3) + 0.5) / 2))
    assert math.isnan(kpis.exposure_ratio(seen, np.ones((1, 1)), ~listed, listed))


def test_envy_is_what_those_lack_who_were_passed():
    neutral = np.array([[[1, 2, 3]]])
    ranked = np.array([[[2, 3, 1]]])  # the third was put first
    seen = kpis.exposure(ranked, places=3)
    lacking = (1 - 1 / math.log2(3)) + (1 - 0.5)
    listed = np.ones((1, 3), dtype=bool)
    assert kpis.envy(seen, neutral, np.ones((1, 1)), listed) == pytest.approx(lacking / 3)
    assert kpis.envy(kpis.exposure(neutral, places=3), neutral, np.ones((1, 1)), listed) == 0


def test_log_odds_stay_finite():
    assert kpis.log_odds(0, 10) == -kpis.log_odds(10, 10)
    assert kpis.log_odds(5, 10) == 0


def test_means_by_class_skip_who_is_not_among():
    size = np.array([0, 0, 1, 2], dtype=np.int8)
    values = np.array([1.0, 3.0, 5.0, 7.0])
    assert kpis.by_class(values, size) == [2, 5, 7]
    assert kpis.by_class(values, size, np.array([True, False, False, True])) == [1, 0, 7]


def test_every_measure_is_there_with_unit_and_meaning():
    run = simulate(MarketSettings(merchants=20, consumers=300, products=80), "affiliated_stores", periods=12)
    segments = [f"consumer_surplus_segment_{s}" for s in range(4)]
    assert list(run.kpis) == [*(one.name for one in MEASURES), *segments]
    assert all(one.unit and one.meaning for one in MEASURES)
    assert all(math.isfinite(value) for value in run.kpis.values())
