import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.statistics.cells import groups, numbers, ranks, spelling, spellings

CELL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from(
        [2**70, -(2**70), 10**400, 10**5000, 2**53 + 1, 2**63, 1 + 2j, b"1", (1, 2), "18446744073709551615"]
    ),
    st.sampled_from([0.5, 1.0, -0.0, float("nan"), float("inf"), np.float32(1.5), np.int64(1), np.bool_(True)]),
    st.sampled_from(["1", " 1 ", "1.0", "x", "", "True", "1_0", "cafe\u0301", "café", "\ud800", "1e400", "nan"]),
    st.sampled_from([[1], {}, dt.date(2026, 1, 1), pd.Timestamp(2026, 1, 1), pd.NA, pd.NaT, decimal.Decimal("1.5")]),
)


def of(cells) -> pd.Series:
    column = pd.Series([None] * len(cells), dtype=object)
    for row, cell in enumerate(cells):
        column.iat[row] = cell
    return column


def spelled(column) -> list:
    codes, found = spellings(column)
    return [None if code < 0 else found[code] for code in codes]


@given(st.lists(CELL, max_size=12))
def test_no_cell_changes_how_another_is_read(cells):
    together, alone = of(cells), [of([cell]) for cell in cells]
    assert spelled(together) == [spelled(one)[0] for one in alone]
    np.testing.assert_array_equal(numbers(together), [numbers(one)[0] for one in alone])


@given(st.lists(CELL, max_size=12))
def test_groups_and_ranks_follow_spellings(cells):
    column = of(cells)
    names, group, rank = spelled(column), groups(column), ranks(column)
    for one in range(len(cells)):
        for other in range(len(cells)):
            assert (group[one] == group[other]) == (names[one] == names[other])
            if names[one] is not None and names[other] is not None:
                assert (rank[one] < rank[other]) == (names[one] < names[other])


@pytest.mark.parametrize(
    "values",
    [[3, 10, 9, 10], [0.5, -0.0, 1.0, 1e308], ["b", "a", " a", "10"], [True, False, True], [2**62, -5, 0]],
)
def test_a_column_is_read_the_same_whatever_one_more_row_makes_of_its_type(values):
    plain = pd.Series(values)
    for stray in ("x", 7.5, True, [1]):
        mixed = of([*values, stray])
        rest = slice(0, len(values))
        assert spelled(mixed)[rest] == spelled(plain)
        np.testing.assert_array_equal(numbers(mixed)[rest], numbers(plain))
        same, before = np.equal.outer, np.less.outer
        for read, compared in ((groups, same), (ranks, same), (ranks, before)):
            found, expected = read(mixed)[rest], read(plain)
            np.testing.assert_array_equal(compared(found, found), compared(expected, expected))


def test_true_1_and_the_text_1_are_told_apart_as_labels_tell_them():
    assert spelled(of([True, 1, 1.0, "1", "True"])) == ["True", "1", "1", "1", "True"]
    assert groups(of([True, 1, 1.0, "1"])).tolist() == [0, 1, 1, 1]


def test_what_cannot_be_spelt_is_spelt_as_nothing():
    class Odd:
        def __str__(self):
            raise RuntimeError

    assert spelling(Odd()) == spelling(10**5000) == ""


def test_nullable_and_categorical_columns_are_read_by_their_values():
    whole = pd.Series([1, None, 1, 2], dtype="Int64")
    assert spelled(whole) == ["1", None, "1", "2"]
    assert groups(whole).tolist() == [0, 2, 0, 1]
    assert numbers(whole)[[0, 3]].tolist() == [1.0, 2.0]
    assert np.isnan(numbers(whole)[1])
    assert numbers(pd.Series(["2.5", "x"], dtype="category")).tolist()[0] == 2.5
    backwards = pd.Series(["b", None, "a"], dtype=pd.CategoricalDtype(["b", "a"]))
    assert np.argsort(ranks(backwards)).tolist() == [2, 0, 1]
