import pytest

from experiments.baselines import BASELINES
from experiments.baselines.purchases import purchases
from retail.errors import ConfigError


def test_each_product_counts_once_a_trip_and_trips_are_numbered_from_the_last(history):
    # Person 1: day 3 basket 30 (a, a, b), day 5 basket 50 (a), day 5 basket 51 (b). Person 2: day 5 basket 52 (a).
    lines = [(1, 3, 30, 0), (1, 3, 30, 0), (1, 3, 30, 1), (1, 5, 50, 0), (1, 5, 51, 1), (2, 5, 52, 0)]
    seen = purchases(history(lines, products=3), now=6)
    rows = list(zip(seen.person, seen.product, seen.age_days, seen.trips_since, strict=True))
    assert rows == [(0, 0, 2, 2), (0, 1, 2, 2), (0, 0, 0, 1), (0, 1, 0, 0), (1, 0, 0, 0)]
    assert seen.trips.tolist() == [3, 1]


def test_persons_without_a_line_before_now_keep_their_place(history):
    everything = history([(1, 3, 30, 0), (2, 8, 80, 1), (3, 4, 40, 1)], products=2)
    seen = purchases(everything.between(None, 5), now=5)
    assert seen.person.tolist() == [0, 2]
    assert seen.trips.tolist() == [1, 0, 1]
    assert seen.trips_since.tolist() == [0, 0]


@pytest.mark.parametrize("method", list(BASELINES))
def test_no_baseline_accepts_lines_it_would_have_to_predict(history, method):
    with pytest.raises(ConfigError, match="1 lines of the history lie on or after day 5"):
        BASELINES[method](history([(1, 3, 30, 0), (1, 5, 50, 1)], products=2), now=5, seed=0)


@pytest.mark.parametrize("method", list(BASELINES))
def test_a_history_without_lines_gives_everybody_equal_finite_scores(history, method):
    nothing = history([(1, 9, 30, 0), (2, 9, 50, 1)], products=4).between(None, 5)
    scores = BASELINES[method](nothing, now=5, seed=0).scores(slice(None))
    assert scores.shape == (2, 4)
    assert (scores == scores[0, 0]).all()
