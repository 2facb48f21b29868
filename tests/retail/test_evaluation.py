"""Total, repeat and explore, compared with a slow reading of their definitions."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from retail.errors import DataError
from retail.evaluation import COLUMNS, measure


def by_hand(line: np.ndarray, items: set[int], wanted: set[int]) -> tuple[float, float, float]:
    """NDCG, recall and hit at ten for one user, ranking only `items` against the `wanted` ones among them."""
    wanted = wanted & items
    if not wanted:
        return (math.nan,) * 3
    shown = sorted(items, key=lambda item: (-line[item], item))[:10]
    gain = sum(1 / math.log2(place + 2) for place, item in enumerate(shown) if item in wanted)
    best = sum(1 / math.log2(place + 2) for place in range(min(10, len(wanted))))
    hits = len(wanted & set(shown))
    return gain / best, hits / len(wanted), float(hits > 0)


cases = st.tuples(st.integers(1, 5), st.integers(1, 60)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.float32, shape, elements=st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0])),
        hnp.arrays(np.int8, shape, elements=st.integers(0, 2)),
        hnp.arrays(np.int8, shape, elements=st.integers(0, 1)),
    )
)


@given(cases)
def test_each_column_is_what_its_definition_says(case):
    scores, bought, relevant = case
    found = measure(scores, csr_array(bought), csr_array(relevant))
    assert tuple(found.columns) == COLUMNS
    expected = []
    for line, history, test in zip(scores, bought, relevant, strict=True):
        everything, wanted = set(range(len(line))), set(np.flatnonzero(test).tolist())
        known = set(np.flatnonzero(history).tolist())
        total, repeat, explore = (by_hand(line, items, wanted) for items in (everything, known, everything - known))
        expected.append([total[0], repeat[0], explore[0], total[1], explore[2], total[2]])
    np.testing.assert_allclose(found.to_numpy(), np.array(expected), rtol=0, atol=1e-12)


@given(cases)
def test_users_are_judged_one_by_one_so_blocks_do_not_matter(case):
    scores, bought, relevant = case
    whole = measure(scores, csr_array(bought), csr_array(relevant))
    parts = [measure(scores[[u]], csr_array(bought[[u]]), csr_array(relevant[[u]])) for u in range(len(scores))]
    pd.testing.assert_frame_equal(whole, pd.concat(parts, ignore_index=True))


@given(cases)
def test_only_the_order_of_the_scores_counts(case):
    scores, bought, relevant = case
    one = measure(scores, csr_array(bought), csr_array(relevant))
    other = measure(np.exp(scores.astype(np.float64)) * 7 - 3, csr_array(bought), csr_array(relevant))
    pd.testing.assert_frame_equal(one, other)


@given(cases)
def test_scores_of_known_items_do_not_move_exploration(case):
    scores, bought, relevant = case
    one = measure(scores, csr_array(bought), csr_array(relevant))
    other = measure(np.where(bought > 0, 9.0, scores), csr_array(bought), csr_array(relevant))
    pd.testing.assert_series_equal(one["explore_ndcg10"], other["explore_ndcg10"])


def test_a_model_that_knows_the_future_is_perfect():
    rng = np.random.default_rng(0)
    bought, relevant = rng.random((20, 500)) < 0.1, rng.random((20, 500)) < 0.02
    found = measure(relevant.astype(np.float32), csr_array(bought), csr_array(relevant))
    for name in ("total_ndcg10", "repeat_ndcg10", "explore_ndcg10", "explore_hit10", "hit10"):
        assert np.nanmin(found[name]) == pytest.approx(1)


def test_repeating_everything_wins_the_total_and_finds_nothing_new():
    scores = np.array([[3.0, 2.0, 1.0, 0.5, *[0.0] * 20]])
    bought = csr_array(np.array([[1, 1, 0, 0, *[0] * 20]]))
    relevant = csr_array(np.array([[1, 1, *[0] * 21, 1]]))
    found = measure(scores, bought, relevant).iloc[0]
    assert found["repeat_ndcg10"] == 1
    assert found["explore_ndcg10"] == 0
    assert 0 < found["total_ndcg10"] < 1


def test_a_user_without_history_has_no_repeat_score_and_one_without_news_no_explore_score():
    bought = csr_array(np.array([[0, 0, 0], [1, 1, 1]]))
    relevant = csr_array(np.array([[1, 0, 0], [1, 0, 0]]))
    found = measure(np.zeros((2, 3)), bought, relevant)
    assert found["repeat_ndcg10"].isna().tolist() == [True, False]
    assert found["explore_ndcg10"].isna().tolist() == [False, True]
    assert found["explore_hit10"].isna().tolist() == [False, True]
    assert not found["total_ndcg10"].isna().any()


def test_history_and_test_window_must_have_the_shape_of_the_scores():
    with pytest.raises(DataError, match=r"\(2, 4\) does not go with scores of shape \(2, 3\)"):
        measure(np.zeros((2, 3)), csr_array((2, 4)), csr_array((2, 3)))
    with pytest.raises(DataError, match=r"\(1, 3\) does not go with scores of shape \(2, 3\)"):
        measure(np.zeros((2, 3)), csr_array((2, 3)), csr_array((1, 3)))
    with pytest.raises(DataError, match=r"scores have shape \(3,\)"):
        measure(np.zeros(3), csr_array((1, 3)), csr_array((1, 3)))


@pytest.mark.parametrize("item", [0, 1])
def test_a_score_that_is_not_a_number_is_refused(item):
    scores = np.zeros((1, 2))
    scores[0, item] = np.nan
    with pytest.raises(DataError, match="NaN"):
        measure(scores, csr_array(np.array([[1, 0]])), csr_array((1, 2)))
