import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy import ContributionBounds, cap_merchants, clipped_sum, shopper_unit
from retail import columns as c
from retail.errors import PrivacyError

ROWS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(10, 15), st.integers(100, 106)),
    min_size=0,
    max_size=60,
)


def visits(rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[c.PERSON, c.MERCHANT, c.BASKET]).astype("int64")
    return frame.assign(line=np.arange(len(frame)))


def chosen(frame: pd.DataFrame, person: int) -> set:
    return set(frame.loc[frame[c.PERSON] == person, c.MERCHANT])


@given(ROWS, st.integers(1, 4))
def test_nobody_is_left_at_more_than_k_merchants(rows, k_max):
    capped = cap_merchants(visits(rows), k_max=k_max)
    assert (capped.groupby(c.PERSON)[c.MERCHANT].nunique() <= k_max).all()


@given(ROWS, st.integers(1, 4))
def test_a_kept_merchant_keeps_all_rows_of_the_person_in_order(rows, k_max):
    frame = visits(rows)
    capped = cap_merchants(frame, k_max=k_max)
    pairs = set(zip(capped[c.PERSON], capped[c.MERCHANT], strict=True))
    expected = [pair in pairs for pair in zip(frame[c.PERSON], frame[c.MERCHANT], strict=True)]
    pd.testing.assert_frame_equal(capped, frame[np.array(expected, dtype=bool)].reset_index(drop=True))


@given(ROWS, st.integers(1, 4))
def test_removing_a_person_changes_nobody_elses_rows(rows, k_max):
    frame = visits(rows)
    with_everyone = cap_merchants(frame, k_max=k_max)
    without = cap_merchants(frame[frame[c.PERSON] != 3], k_max=k_max)
    expected = with_everyone[with_everyone[c.PERSON] != 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(without, expected)


@given(ROWS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, k_max, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = cap_merchants(visits(rows), k_max=k_max), cap_merchants(visits(shuffled), k_max=k_max)
    for person in range(1, 6):
        assert chosen(first, person) == chosen(second, person)


@given(ROWS, st.integers(1, 4))
def test_the_choice_equals_a_plain_count(rows, k_max):
    frame = visits(rows)
    capped = cap_merchants(frame, k_max=k_max)
    for person in range(1, 6):
        own = [(merchant, basket) for who, merchant, basket in rows if who == person]
        ranked = sorted(
            {merchant for merchant, _ in own},
            key=lambda m: (-len({b for n, b in own if n == m}), -sum(n == m for n, _ in own), m),
        )
        assert chosen(capped, person) == set(ranked[:k_max])


def test_most_baskets_win_then_most_lines_then_the_smallest_id():
    rows = [
        (1, 10, 1),
        (1, 10, 1),
        (1, 10, 1),
        (1, 11, 2),
        (1, 11, 3),
        (2, 12, 4),
        (2, 11, 5),
        (2, 11, 5),
        (3, 9, 6),
        (3, 8, 7),
    ]
    capped = cap_merchants(visits(rows), k_max=1)
    assert (chosen(capped, 1), chosen(capped, 2), chosen(capped, 3)) == ({11}, {11}, {8})


def test_names_work_as_ids_and_categories_do_not_smuggle_in_the_order_of_other_peoples_rows():
    frame = pd.DataFrame({c.PERSON: ["p", "p"], c.MERCHANT: ["a", "b"], c.BASKET: ["1", "2"]})
    assert list(cap_merchants(frame, k_max=1)[c.MERCHANT]) == ["a"]
    frame[c.MERCHANT] = pd.Categorical(frame[c.MERCHANT], categories=["b", "a"])
    assert list(cap_merchants(frame, k_max=1)[c.MERCHANT]) == ["a"]


@pytest.mark.parametrize("k_max", [0, -1, 1.5, True, None])
def test_a_limit_that_limits_nothing_is_refused(k_max):
    with pytest.raises(PrivacyError, match="whole number"):
        cap_merchants(visits([(1, 10, 1)]), k_max=k_max)
    with pytest.raises(PrivacyError, match="whole number"):
        ContributionBounds(max_merchants=k_max, clip_norm=1.0)


@pytest.mark.parametrize("clip_norm", [0.0, -1.0, float("nan"), float("inf"), True])
def test_a_clip_norm_that_bounds_nothing_is_refused(clip_norm):
    with pytest.raises(PrivacyError, match="clip_norm"):
        ContributionBounds(max_merchants=1, clip_norm=clip_norm)


def test_rows_that_no_cap_can_bind_are_refused():
    frame = visits([(1, 10, 1), (2, 10, 2)]).astype({c.PERSON: "Int64"})
    frame.loc[0, c.PERSON] = pd.NA
    with pytest.raises(PrivacyError, match="1 rows name no person"):
        cap_merchants(frame, k_max=1)
    with pytest.raises(PrivacyError, match="lack merchant_id"):
        cap_merchants(visits([(1, 10, 1)]).drop(columns=c.MERCHANT), k_max=1)
    mixed = pd.DataFrame({c.PERSON: [1, 1], c.MERCHANT: [1j, frozenset()], c.BASKET: [1, 2]})
    with pytest.raises(PrivacyError, match="no order"):
        cap_merchants(mixed, k_max=1)


@given(st.integers(1, 6), st.floats(0.01, 100), st.integers(0, 2**32 - 1), st.floats(0.001, 1000))
def test_one_shopper_moves_the_sum_by_c_and_the_vector_of_messages_by_c_over_root_k(k_max, clip, seed, size):
    bounds = ContributionBounds(max_merchants=k_max, clip_norm=clip)
    updates = np.random.default_rng(seed).standard_normal((k_max, 4)) * size
    change = np.stack([clipped_sum(row[None], norm_bound=clip, weight=bounds.weight) for row in updates])
    assert np.linalg.norm(change.sum(axis=0)) <= bounds.joint * (1 + 1e-12)
    assert np.linalg.norm(change) <= bounds.per_message * (1 + 1e-12)


@pytest.mark.parametrize("k_max", [1, 2, 5])
def test_both_sensitivities_are_reached_so_that_less_noise_would_be_wrong(k_max):
    bounds = ContributionBounds(max_merchants=k_max, clip_norm=3.0)
    same_way = clipped_sum(np.array([[90.0, 0.0]]), norm_bound=3.0, weight=bounds.weight)
    change = np.tile(same_way, (k_max, 1))
    assert np.linalg.norm(change.sum(axis=0)) == pytest.approx(bounds.joint, rel=1e-9)
    assert np.linalg.norm(change) == pytest.approx(bounds.per_message, rel=1e-9)
    assert bounds.per_message == pytest.approx(3.0 / k_max**0.5)


def test_the_statement_says_whom_the_aggregator_placement_trusts():
    assert "is trusted" in shopper_unit("aggregator").trust
    assert "noised before it leaves" in shopper_unit("every_node").trust
    assert "trusted not to start extra runs" in shopper_unit("every_node").trust
    assert "all merchants" in shopper_unit("aggregator").unit
    with pytest.raises(PrivacyError, match="noise placement"):
        shopper_unit("nowhere")
