"""What is said of a household before a launch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.audience.embedding import DEPARTMENTS, embedding, width
from matching.audience.features import FEATURES, Purchases, features
from matching.audience.launch import Launch, early_buyers, known_before, later_buyers
from matching.audience.profile import profile_rows, similarity
from retail.errors import ConfigError, DataError

ROW = st.tuples(st.integers(0, 4), st.integers(100, 111), st.integers(0, 99), st.integers(0, 9))
BEFORE = [(0, 101, 1, 0), (1, 102, 30, 1), (2, 103, 49, 2), (3, 104, 5, 3), (4, 104, 6, 4)]
"""Every household was there before the launch, so that the list of households is the same in all that is compared."""


def said(history, public, launch):
    purchases = Purchases.of(history)
    return [
        features(purchases, public, launch),
        embedding(purchases, public, launch, dimension=8),
        embedding(purchases, public, launch, dimension=DEPARTMENTS),
    ]


@given(rows=st.lists(ROW, max_size=30), later=st.lists(ROW, max_size=30))
def test_lines_from_the_launch_on_change_nothing_that_is_said_of_anybody(history, public, launch, rows, later):
    rows = [one for one in rows if one[2] < launch.day]
    later = [(who, what, 50 + day % 50, basket) for who, what, day, basket in later]
    before = said(history(BEFORE + rows), public, launch)
    after = said(history(BEFORE + rows + later), public, launch)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@given(rows=st.lists(ROW, max_size=30), gone=st.integers(0, 4))
def test_without_one_household_every_other_row_stays_as_it_is(history, public, launch, rows, gone):
    everybody, others = BEFORE + rows, [one for one in BEFORE + rows if one[0] != gone]
    kept = np.arange(5) != gone
    for one, other in zip(said(history(everybody), public, launch), said(history(others), public, launch), strict=True):
        np.testing.assert_array_equal(one[kept], other)


@given(rows=st.lists(ROW, max_size=40), seed=st.integers(0, 99))
def test_one_household_moves_the_sum_of_a_profile_by_at_most_one(history, public, launch, rows, seed):
    purchases = Purchases.of(history(BEFORE + rows))
    places = embedding(purchases, public, launch, dimension=8)
    rng = np.random.default_rng(seed)
    rows_of = profile_rows(places, rng.normal(size=8), rng.random(5) < 0.5)
    assert np.linalg.norm(rows_of, axis=1).max() <= 1 + 1e-12


def test_counts_are_of_the_product_s_own_groups(history, public, launch):
    # Product 100 is of type 0 (as 104, 108), category 0 (103, 106, 109), maker 0 (105, 110), department 0 (even).
    table = features(Purchases.of(history([(0, 104, 1, 0), (1, 103, 1, 1), (2, 105, 1, 2)])), public, launch)
    of = {name: table[:, FEATURES.index(name)] for name in FEATURES}
    assert (of["type"] > 0).tolist() == [True, False, False]
    assert (of["category"] > 0).tolist() == [False, True, False]
    assert (of["manufacturer"] > 0).tolist() == [False, False, True]
    assert (of["department"] > 0).tolist() == [True, False, False]
    assert (of["lines"] > 0).all()


def test_what_was_bought_lately_counts_as_recent(history, public, launch):
    late = Launch(0, 200, 10)
    table = features(Purchases.of(history([(0, 103, 1, 0), (1, 103, 199, 1)])), public, late)
    for name in ("recent_lines", "baskets", "recent_category", "new_products"):
        old, new = table[:, FEATURES.index(name)]
        assert old == 0
        assert new > 0
    assert table[1, FEATURES.index("recency")] > table[0, FEATURES.index("recency")] > 0


def test_a_household_that_came_later_is_a_row_of_zeros_and_is_not_known(history, public, launch):
    found = history([(0, 101, 60, 0), (1, 101, 1, 1)])
    for table in said(found, public, launch):
        assert not table[0].any()
        assert table[1].any()
    assert known_before(found, launch).tolist() == [False, True]


def test_early_buyers_are_those_of_the_first_days_and_later_buyers_the_others(history, launch):
    rows = [(0, 100, 50, 0), (1, 100, 59, 1), (2, 100, 60, 2), (3, 101, 55, 3), (0, 100, 70, 4)]
    found = history(rows)
    assert early_buyers(found, launch).tolist() == [True, True, False, False]
    assert later_buyers(found, launch).tolist() == [False, False, True, False]


def test_places_that_buy_alike_are_near_and_all_are_of_length_one(history, public, launch):
    rows = [(0, 101, 1, 0), (1, 101, 2, 1), (2, 102, 3, 2)]
    places = embedding(Purchases.of(history(rows)), public, launch, dimension=64)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1)
    assert places[0] @ places[1] == pytest.approx(1)
    assert places[0] @ places[2] < 0.9


def test_similarity_is_highest_along_the_profile(history, public, launch):
    rows = [(0, 101, 1, 0), (1, 101, 2, 1), (2, 102, 3, 2), (3, 104, 3, 3)]
    places = embedding(Purchases.of(history(rows)), public, launch, dimension=64)
    centre = places.mean(axis=0)
    profile = profile_rows(places, centre, np.array([True, False, False, False])).sum(axis=0)
    found = similarity(places, centre, profile)
    assert found[1] == pytest.approx(found[0])
    assert found[1] > max(found[2], found[3])
    np.testing.assert_allclose(similarity(places, centre, 7 * profile), found)


def test_an_unknown_product_a_senseless_period_and_a_senseless_space_are_refused(public, history, launch):
    with pytest.raises(DataError, match=r"product 99 is not in the catalogue"):
        Launch.of(public, 99, 50)
    with pytest.raises(DataError, match="early_days = 0"):
        Launch.of(public, 100, 50, 0)
    for wrong in (1, 5000, True, 2.5):
        with pytest.raises(ConfigError, match="dimension"):
            width(public, wrong)
    places = np.eye(3)
    with pytest.raises(DataError, match="the profile is of nobody"):
        similarity(places, np.zeros(3), np.zeros(3))
    with pytest.raises(DataError, match="3 finite numbers"):
        similarity(places, np.zeros(3), np.array([np.nan, 0, 0]))
