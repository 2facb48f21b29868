"""Ranking metrics against `ranx`, against worked examples, and as laws that hold for any ranking."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from retail import metrics
from retail.errors import DataError

ALL = (metrics.ndcg, metrics.recall, metrics.hit, metrics.average_precision)
ITEMS = 12


def random_lists(users: int, items: int, places: int, seed: int) -> tuple[np.ndarray, list[list[int]]]:
    rng = np.random.default_rng(seed)
    ranked = np.array([rng.permutation(items)[:places] for _ in range(users)])
    wanted = [sorted(rng.choice(items, size=rng.integers(1, 25), replace=False).tolist()) for _ in range(users)]
    return ranked, wanted


@pytest.fixture(scope="module")
def oracle():
    return pytest.importorskip("ranx", reason="install the extra 'oracles' to compare with ranx")


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 10, 40])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.ndcg, "ndcg"),
        (metrics.recall, "recall"),
        (metrics.hit, "hit_rate"),
        (metrics.average_precision, "map"),
    ],
)
def test_scores_equal_those_of_ranx_for_every_user(oracle, ours, theirs, k):
    ranked, wanted = random_lists(users=300, items=60, places=40, seed=k)
    names = [f"user{user:03d}" for user in range(len(ranked))]
    qrels = oracle.Qrels({name: {str(item): 1 for item in one} for name, one in zip(names, wanted, strict=True)})
    places = ranked.shape[1]
    run = oracle.Run(
        {
            name: {str(item): float(places - place) for place, item in enumerate(one)}
            for name, one in zip(names, ranked, strict=True)
        }
    )
    oracle.evaluate(qrels, run, f"{theirs}@{k}")
    expected = [run.scores[f"{theirs}@{k}"][name] for name in names]
    assert len(set(expected)) > 1
    np.testing.assert_allclose(ours(ranked, wanted, k=k), expected, rtol=0, atol=1e-9)


def test_a_worked_example_has_the_values_of_the_formulas():
    ranked, wanted = np.array([[7, 3, 5, 9]]), [[3, 9, 1]]
    ideal = 1 + 1 / math.log2(3) + 0.5
    assert metrics.ndcg(ranked, wanted, k=4)[0] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert metrics.recall(ranked, wanted, k=4)[0] == pytest.approx(2 / 3)
    assert metrics.average_precision(ranked, wanted, k=4)[0] == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert metrics.hit(ranked, wanted, k=1)[0] == 0
    assert metrics.hit(ranked, wanted, k=2)[0] == 1


def test_a_user_with_nothing_to_find_has_no_score():
    for metric in ALL:
        assert np.isnan(metric(np.array([[1, 2]]), [[]], k=2)[0])
        assert np.isnan(metric(np.array([[1, 2]]), csr_array((1, 4)), k=2)[0])


def test_entries_that_are_zero_or_negative_are_not_relevant():
    marks = csr_array((np.array([0.0, -1.0, 2.0]), np.array([0, 1, 2]), np.array([0, 3])), shape=(1, 3))
    assert metrics.recall(np.array([[0, 1, 2]]), marks, k=2)[0] == 0
    assert metrics.recall(np.array([[0, 1, 2]]), marks, k=3)[0] == 1


def test_empty_places_count_as_misses():
    assert metrics.ndcg(np.array([[4, -1, -1]]), [[4]], k=3)[0] == 1
    assert metrics.recall(np.array([[-1, -1, -1]]), [[4]], k=3)[0] == 0


def test_no_user_gives_no_score():
    for metric in ALL:
        assert metric(np.zeros((0, 10), dtype=int), csr_array((0, 5)), k=10).shape == (0,)


rankings = st.integers(1, 6).flatmap(
    lambda users: st.tuples(
        st.lists(st.permutations(range(ITEMS)), min_size=users, max_size=users),
        hnp.arrays(bool, (users, ITEMS)),
        st.integers(1, ITEMS + 3),
    )
)


@given(rankings)
def test_every_metric_lies_between_zero_and_one_or_is_missing_where_nothing_is_relevant(case):
    orders, marks, k = case
    for metric in ALL:
        scores = metric(np.array(orders), csr_array(marks), k=k)
        assert np.array_equal(np.isnan(scores), ~marks.any(axis=1))
        assert ((scores >= 0) & (scores <= 1 + 1e-12))[marks.any(axis=1)].all()


@given(rankings)
def test_a_matrix_and_a_list_of_codes_say_the_same(case):
    orders, marks, k = case
    for metric in ALL:
        matrix = metric(np.array(orders), csr_array(marks), k=k)
        listed = metric(np.array(orders), [np.flatnonzero(row).tolist() for row in marks], k=k)
        np.testing.assert_array_equal(matrix, listed)


@given(rankings)
def test_relevant_items_first_is_the_best_list(case):
    _, marks, k = case
    best = np.argsort(~marks, axis=1, kind="stable")
    some = marks.any(axis=1)
    np.testing.assert_allclose(metrics.ndcg(best, csr_array(marks), k=k)[some], 1)
    np.testing.assert_allclose(metrics.hit(best, csr_array(marks), k=k)[some], 1)


@given(rankings, st.integers(0, ITEMS - 2))
def test_moving_a_relevant_item_up_one_place_never_lowers_a_score(case, place):
    orders, marks, k = case
    before = np.array(orders)
    after = before.copy()
    for user, order in enumerate(before):
        if marks[user, order[place + 1]]:
            after[user, [place, place + 1]] = order[[place + 1, place]]
    for metric in ALL:
        low, high = (metric(ranked, csr_array(marks), k=k) for ranked in (before, after))
        assert (high[marks.any(axis=1)] >= low[marks.any(axis=1)] - 1e-12).all()


@given(rankings)
def test_recall_and_hits_grow_with_the_length_of_the_list(case):
    orders, marks, _ = case
    some = marks.any(axis=1)
    for metric in (metrics.recall, metrics.hit, metrics.average_precision):
        scores = np.array([metric(np.array(orders), csr_array(marks), k=k)[some] for k in range(1, ITEMS + 1)])
        assert (np.diff(scores, axis=0) >= -1e-12).all()


@given(rankings, st.permutations(range(ITEMS)))
def test_renaming_the_items_changes_nothing(case, names):
    orders, marks, k = case
    new = np.array(names)
    renamed = np.zeros_like(marks)
    renamed[:, new] = marks
    for metric in ALL:
        one = metric(np.array(orders), csr_array(marks), k=k)
        np.testing.assert_array_equal(one, metric(new[np.array(orders)], csr_array(renamed), k=k))


def test_an_item_ranked_twice_is_refused():
    with pytest.raises(DataError, match="ranked list 1 holds an item twice"):
        metrics.ndcg(np.array([[1, 2], [3, 3]]), [[1], [3]], k=2)


def test_different_numbers_of_users_are_refused():
    with pytest.raises(DataError, match="2 ranked lists, but relevant items of 1 users"):
        metrics.ndcg(np.array([[1, 2], [3, 4]]), [[1]], k=2)


@pytest.mark.parametrize("k", [0, -3])
def test_a_list_without_a_place_is_refused(k):
    for metric in ALL:
        with pytest.raises(ValueError, match=f"k = {k}"):
            metric(np.array([[1]]), [[1]], k=k)
    with pytest.raises(ValueError, match=f"k = {k}"):
        metrics.top_k(np.zeros((1, 3)), k)


def sorted_by_hand(scores: np.ndarray, k: int) -> np.ndarray:
    """Codes by falling score then rising code, without those at minus infinity, filled up with -1."""
    lists = [sorted(np.flatnonzero(line > -np.inf), key=lambda item: (-line[item], item))[:k] for line in scores]
    return np.array([[*one, *[-1] * (k - len(one))] for one in lists], dtype=np.int64).reshape(len(scores), k)


score_tables = hnp.arrays(
    st.sampled_from([np.float32, np.float64]),
    st.tuples(st.integers(1, 4), st.integers(0, 400)),
    elements=st.sampled_from([-np.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, np.inf]),
)


@given(score_tables, st.integers(1, 12))
def test_the_best_items_are_those_of_a_full_sort_with_ties_to_the_smaller_code(scores, k):
    np.testing.assert_array_equal(metrics.top_k(scores, k), sorted_by_hand(scores, k))


@given(score_tables, st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_excluded_items_are_never_shown_and_the_others_keep_their_order(scores, k, seed):
    marks = np.random.default_rng(seed).random(scores.shape) < 0.3
    before = scores.copy()
    np.testing.assert_array_equal(
        metrics.top_k(scores, k, exclude=csr_array(marks)), sorted_by_hand(np.where(marks, -np.inf, scores), k)
    )
    np.testing.assert_array_equal(
        metrics.top_k_among(scores, k, among=csr_array(marks)), sorted_by_hand(np.where(marks, scores, -np.inf), k)
    )
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_long_rows_with_many_ties_are_ranked_as_by_a_full_sort(decimals):
    scores = np.round(np.random.default_rng(1).standard_normal((5, 30_011)), decimals).astype(np.float32)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    np.testing.assert_array_equal(metrics.top_k(scores, 10), expected)
    np.testing.assert_array_equal(metrics.top_k(np.zeros((2, 30_011)), 10), np.tile(np.arange(10), (2, 1)))


@pytest.mark.parametrize("items", [3, 5000])
def test_a_score_that_is_not_a_number_is_refused_with_its_row(items):
    scores = np.zeros((3, items))
    scores[2, items - 1] = np.nan
    with pytest.raises(DataError, match="row 2 of the scores holds NaN"):
        metrics.top_k(scores, 10)


def test_a_matrix_of_another_shape_is_refused():
    with pytest.raises(DataError, match=r"shape \(2, 4\) does not go with scores of shape \(2, 5\)"):
        metrics.top_k(np.zeros((2, 5)), 3, exclude=csr_array((2, 4)))
