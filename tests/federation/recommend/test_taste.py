import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from federation.recommend.taste import (
    LEVEL_WEIGHTS,
    LEVELS,
    affinities,
    expectations,
    level_counts,
    level_sizes,
    profiles,
    taste_rows,
)
from retail import columns as c
from retail.interactions import Catalogue

CODES = {
    c.TYPE: [0, 0, 1, 2, 3, 3],
    c.CATEGORY: [0, 0, 0, 1, 1, 1],
    c.MANUFACTURER: [0, 1, 1, 1, 2, 2],
    c.BRAND: [0, 1, 0, 1, 0, 1],
    c.DEPARTMENT: [0, 0, 0, 0, 0, 0],
}
SHELF = Catalogue(
    np.arange(6), {name: (np.array(codes, dtype=np.int32), max(codes) + 1) for name, codes in CODES.items()}
)
STARTS = np.cumsum([0, *level_sizes(SHELF)])
BOUGHT = hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(6)), elements=st.sampled_from([0.0, 1.0]))
SHARES = np.concatenate([np.full(size, 1 / size) for size in level_sizes(SHELF)])


def test_the_weights_of_the_levels_divide_one_unit():
    assert np.linalg.norm(LEVEL_WEIGHTS) == pytest.approx(1)


@given(BOUGHT)
def test_taste_rows_have_length_one_or_are_zero(bought):
    rows = taste_rows(csr_array(bought), SHELF)
    length = np.linalg.norm(rows.astype(np.float64), axis=1)
    np.testing.assert_allclose(length, bought.any(axis=1), atol=1e-6)
    assert (length <= 1 + 1e-6).all()
    assert rows.shape == (len(bought), sum(level_sizes(SHELF)))


@given(BOUGHT)
def test_each_level_holds_its_part_of_the_unit(bought):
    rows = taste_rows(csr_array(bought), SHELF)
    for start, stop, weight in zip(STARTS, STARTS[1:], LEVEL_WEIGHTS, strict=False):
        length = np.linalg.norm(rows[:, start:stop], axis=1)
        np.testing.assert_allclose(length, weight * bought.any(axis=1), atol=1e-6)


@given(BOUGHT)
def test_nobodys_taste_profile_or_affinity_depends_on_the_others(bought):
    every = csr_array(bought)
    items = np.arange(6)
    for one in range(len(bought)):
        alone = csr_array(bought[[one]])
        np.testing.assert_array_equal(taste_rows(alone, SHELF)[0], taste_rows(every, SHELF)[one])
        np.testing.assert_array_equal(profiles(alone, SHELF)[0], profiles(every, SHELF)[one])
        mine = affinities(alone, SHELF, SHARES, items, 2.0)[0]
        np.testing.assert_array_equal(mine, affinities(every, SHELF, SHARES, items, 2.0)[one])


def test_taste_rows_are_scaled_counts_of_distinct_products():
    rows = taste_rows(csr_array(np.array([[1, 1, 1, 0, 0, 0]], dtype=np.float32)), SHELF)
    types = LEVEL_WEIGHTS[0] * np.array([2, 1, 0, 0]) / np.sqrt(5)
    np.testing.assert_allclose(rows[0, : STARTS[1]], types, rtol=1e-6)
    np.testing.assert_allclose(rows[0, STARTS[1] : STARTS[2]], [LEVEL_WEIGHTS[1], 0], rtol=1e-6)


def test_counts_by_level_add_up_to_the_products_bought():
    bought = csr_array(np.array([[1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]], dtype=np.float32))
    for level in LEVELS:
        np.testing.assert_array_equal(level_counts(bought, SHELF, level).sum(axis=1), [4, 0])
    np.testing.assert_array_equal(level_counts(bought, SHELF, c.CATEGORY).toarray(), [[2, 2], [0, 0]])


def test_affinities_are_the_smoothed_log_ratios_of_the_definition():
    bought = csr_array(np.array([[1, 1, 1, 0, 0, 0]], dtype=np.float32))
    found = affinities(bought, SHELF, SHARES, np.array([0, 5]), 2.0)
    assert found.shape == (1, 2, len(LEVELS))
    of_type = [np.log((2 + 2 / 4) / (5 / 4)), np.log((0 + 2 / 4) / (5 / 4))]
    np.testing.assert_allclose(found[0, :, 0], of_type, rtol=1e-6)
    of_category = [np.log((3 + 2 / 2) / (5 / 2)), np.log((0 + 2 / 2) / (5 / 2))]
    np.testing.assert_allclose(found[0, :, 1], of_category, rtol=1e-6)
    np.testing.assert_allclose(found[0, :, -1], 0, atol=1e-6)  # one department: everybody's share is all of it


@given(st.floats(0.1, 100))
def test_a_person_without_purchases_is_average_at_everything(k):
    found = affinities(csr_array((1, 6), dtype=np.float32), SHELF, SHARES, np.arange(6), k)
    np.testing.assert_allclose(found, 0, atol=1e-6)


@given(BOUGHT, st.integers(0, 5))
def test_buying_a_product_raises_the_affinity_to_its_type_and_no_other_type(bought, product):
    before = bought.copy()
    before[:, product] = 0
    after = before.copy()
    after[:, product] = 1
    kinds = np.array(CODES[c.TYPE])
    change = np.subtract(
        *(affinities(csr_array(rows), SHELF, SHARES, np.arange(6), 2.0)[:, :, 0] for rows in (after, before))
    )
    assert (change[:, kinds == kinds[product]] > -1e-6).all()
    assert (change[:, kinds != kinds[product]] < 1e-6).all()


def test_expectations_are_zero_when_codes_sell_as_they_are_stocked():
    shares = np.concatenate([np.bincount(codes, minlength=size) / 6 for codes, size in SHELF.levels.values()])
    np.testing.assert_allclose(expectations(SHELF, shares, np.arange(6)), 0, atol=1e-6)


def test_expectations_are_log_ratios_of_sold_to_stocked():
    found = expectations(SHELF, SHARES, np.array([0, 2]))
    np.testing.assert_allclose(found[:, 0], np.log([0.25 / (2 / 6), 0.25 / (1 / 6)]), rtol=1e-6)


def test_profiles_have_length_one_or_are_zero():
    found = profiles(csr_array(np.array([[1, 1, 0, 1, 0, 0], [0] * 6], dtype=np.float32)), SHELF)
    expected = np.log([3, 2]) / np.linalg.norm(np.log([3, 2]))
    np.testing.assert_allclose(found, [expected, [0, 0]], rtol=1e-6)
