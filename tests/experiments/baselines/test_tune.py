import numpy as np
import pandas as pd
import pytest

from experiments.baselines import popularity, tune


def test_the_choice_weighs_total_and_exploration_relative_to_the_best():
    measured = pd.DataFrame({"total_ndcg10": [0.40, 0.39, 0.20], "explore_ndcg10": [0.010, 0.019, 0.020]})
    assert tune.choose([{}, {}, {}], measured) == 1


def test_ties_go_to_the_earlier_point():
    measured = pd.DataFrame({"total_ndcg10": [0.4, 0.4], "explore_ndcg10": [0.02, 0.02]})
    assert tune.choose([{}, {}], measured) == 0


def test_judging_averages_over_those_who_bought_in_the_window_and_hides_the_window_from_the_fit(history):
    # Before day 10 product 0 leads. In the window person 1 buys 1 (new), person 2 buys 0 (again), person 3 nothing;
    # after it product 2 is bought by all, which nobody may know.
    lines = [(1, 1, 1, 0), (2, 1, 2, 0), (3, 1, 3, 1), (1, 12, 4, 1), (2, 12, 5, 0)]
    lines += [(person, 30, 100 + person, 2) for person in (1, 2, 3)]
    means = tune.judge(popularity.fit, history(lines, products=12), (10, 20), seed=0)
    # Person 1 finds product 1 at place 2 of all and at place 1 of the new ones; person 2 finds 0 at place 1.
    assert means["total_ndcg10"] == pytest.approx((1 / np.log2(3) + 1) / 2)
    assert means["explore_ndcg10"] == pytest.approx(1.0)
    assert means["repeat_ndcg10"] == pytest.approx(1.0)


def test_every_grid_point_can_be_fitted(history, random_lines):
    known = history(random_lines(2), products=15)
    for method, grid in tune.GRIDS.items():
        assert 1 <= len(grid) <= 6
        for point in grid:
            assert np.isfinite(tune.judge(tune.BASELINES[method], known, (40, 60), seed=0, **point)["total_ndcg10"])
