"""Purchases as arrays, compared with counting in plain Python."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail import columns as c
from retail.errors import DataError
from retail.interactions import catalogue, interactions

PRODUCTS = pd.DataFrame(
    {
        c.PRODUCT: [13, 10, 12, 11],
        c.TYPE: ["soap", "milk", None, "milk"],
        c.CATEGORY: ["care", "dairy", None, "dairy"],
        c.MANUFACTURER: [8, 69, 7, 7],
        c.BRAND: ["National", "Private", "National", "National"],
        c.DEPARTMENT: ["DRUG GM", "GROCERY", "GROCERY", "GROCERY"],
    }
)
NAMES = (c.PERSON, c.BASKET, c.PRODUCT, c.DAY, c.QUANTITY)

lines = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.integers(1, 6),
        st.sampled_from([10, 11, 12, 13, 99]),
        st.integers(0, 9),
        st.integers(1, 3),
    ),
    max_size=40,
)


def table(rows) -> pd.DataFrame:
    listed = list(rows)
    return pd.DataFrame(listed, columns=list(NAMES), dtype=None if listed else np.int64)


def arrays(rows):
    return interactions(table(rows), catalogue(PRODUCTS))


def same(one, other) -> bool:
    names = ("persons", "indptr", "product", "day", "basket", "quantity")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_products_are_numbered_in_order_of_their_ids():
    shelf = catalogue(PRODUCTS)
    assert list(shelf.product_ids) == [10, 11, 12, 13]
    assert list(shelf.codes([13, 10, 99, 10])) == [3, 0, -1, 0]
    assert shelf.codes([]).dtype == np.int32


def test_the_taxonomy_is_numbered_in_order_and_missing_values_share_the_last_code():
    codes, count = catalogue(PRODUCTS).levels[c.TYPE]
    assert (list(codes), count) == ([0, 0, 2, 1], 3)
    codes, count = catalogue(PRODUCTS).levels[c.MANUFACTURER]
    assert (list(codes), count) == ([2, 0, 0, 1], 3)
    assert set(catalogue(PRODUCTS).levels) == set(c.TAXONOMY)
    assert all(codes.dtype == np.int32 for codes, _ in catalogue(PRODUCTS).levels.values())


def test_the_order_of_the_catalogue_changes_nothing():
    one, other = catalogue(PRODUCTS), catalogue(PRODUCTS.iloc[::-1])
    assert list(one.product_ids) == list(other.product_ids)
    for name in c.TAXONOMY:
        assert list(one.levels[name][0]) == list(other.levels[name][0])


def test_a_product_that_stands_twice_is_named():
    with pytest.raises(DataError, match=r"product_id 10 stands twice"):
        catalogue(pd.concat([PRODUCTS, PRODUCTS.iloc[[1]]]))


def test_product_ids_may_be_text():
    shelf = catalogue(PRODUCTS.assign(**{c.PRODUCT: ["d", "a", "c", "b"]}))
    assert list(shelf.codes(["a", "d", "zebra"])) == [0, 3, -1]


def test_a_person_with_nothing_from_the_catalogue_keeps_an_empty_row():
    found = arrays([(1, 1, 99, 0, 1), (2, 2, 10, 0, 1)])
    assert list(found.persons) == [1, 2]
    assert list(found.indptr) == [0, 0, 1]
    assert found.counts().toarray().tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]


def test_two_lines_of_a_product_in_one_basket_are_one_purchase_and_two_baskets_are_two():
    found = arrays([(1, 1, 10, 0, 1), (1, 1, 10, 0, 2), (1, 2, 10, 0, 1), (1, 2, 11, 0, 1)])
    assert found.counts().toarray().tolist() == [[2, 1, 0, 0]]
    assert found.counts().dtype == np.float32


@given(lines)
def test_counts_agree_with_counting_by_hand(rows):
    occasions = defaultdict(set)
    for person, basket, product, day, _ in rows:
        occasions[person, product].add((day, basket))
    found = arrays(rows)
    expected = [[len(occasions[person, product]) for product in (10, 11, 12, 13)] for person in found.persons]
    assert found.counts().toarray().tolist() == expected


@given(lines)
def test_lines_lie_person_by_person_in_order_of_day_basket_and_product(rows):
    found = arrays(rows)
    known = sorted((p, d, b, product, q) for p, b, product, d, q in rows if product != 99)
    listed = list(
        zip(
            found.persons[found.rows()],
            found.day,
            np.unique([row[1] for row in rows])[found.basket] if rows else [],
            catalogue(PRODUCTS).product_ids[found.product],
            found.quantity,
            strict=True,
        )
    )
    assert listed == known


@given(lines, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert same(arrays(rows), arrays(shuffled))


@given(lines, st.integers(-1, 11))
def test_counts_before_and_from_a_day_add_up_and_keep_the_persons(rows, day):
    found = arrays(rows)
    before, after = found.between(None, day), found.between(day, None)
    assert list(before.persons) == list(after.persons) == list(found.persons)
    assert (before.day < day).all()
    assert (after.day >= day).all()
    total = before.counts().toarray() + after.counts().toarray()
    assert np.array_equal(total, found.counts().toarray())


@given(lines, st.integers(1, 5))
def test_removing_a_person_changes_no_other_row_of_counts(rows, gone):
    found, rest = arrays(rows), arrays(row for row in rows if row[0] != gone)
    others = found.persons != gone
    assert np.array_equal(found.persons[others], rest.persons)
    assert np.array_equal(found.counts().toarray()[others], rest.counts().toarray())


def test_a_window_is_half_open():
    found = arrays([(1, 1, 10, 4, 1), (1, 2, 10, 5, 1), (1, 3, 10, 6, 1)])
    assert list(found.between(4, 6).day) == [4, 5]
    assert same(found.between(None, None), found)
