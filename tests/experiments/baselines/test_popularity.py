import numpy as np
import pytest

from experiments.baselines import popularity
from retail.errors import ConfigError

LINES = [(1, 0, 1, 0), (2, 0, 2, 0), (3, 0, 3, 0), (1, 9, 4, 1), (2, 9, 5, 1), (1, 9, 4, 1), (3, 5, 6, 2)]


def test_a_window_counts_trips_inside_it_only(history):
    model = popularity.fit(history(LINES, products=4), now=10, seed=0, shape="window", window_days=5)
    assert model.scores(slice(None)).tolist() == [[0, 2, 1, 0]] * 3


def test_a_window_over_everything_counts_each_trip_once(history):
    model = popularity.fit(history(LINES, products=4), now=10, seed=0, shape="window", window_days=100)
    assert model.scores(np.array([1])).tolist() == [[3, 2, 1, 0]]


def test_exponential_recency_lets_a_trip_count_one_over_e_when_it_is_window_days_old(history):
    model = popularity.fit(history(LINES, products=4), now=10, seed=0, shape="exponential", window_days=9)
    np.testing.assert_allclose(model.scores(slice(0, 1))[0], [3 / np.e, 2, np.exp(-4 / 9), 0], rtol=1e-6)


@pytest.mark.parametrize("hyper", [{"window_days": 0}, {"window_days": float("nan")}, {"shape": "box"}])
def test_settings_out_of_range_are_refused(history, hyper):
    with pytest.raises(ConfigError, match="popularity: "):
        popularity.fit(history(LINES, products=4), now=10, seed=0, **hyper)


def test_backfill_ranks_silent_products_by_popularity_below_the_others():
    filled = popularity.backfill(np.array([[0.0, 1e-9, 0.0, 0.0]], np.float32), np.array([1.0, 0.0, 5.0, 0.0]))
    assert np.argsort(-filled[0], kind="stable").tolist() == [1, 2, 0, 3]
    assert filled[0, 1] == np.float32(1e-9)
