import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.statistics.bounds import Bounds, bounded_counts, bounded_rows, bounded_values, needed_columns
from privacy.statistics.cells import spelling
from privacy.statistics.query_file import parse_query
from retail.errors import PrivacyError

VALUES = list("abcdef")
LINE = st.tuples(
    st.integers(0, 3),  # person
    st.integers(0, 5),  # merchant
    st.integers(0, 6),  # basket
    st.integers(0, 4),  # day
    st.sampled_from([*VALUES, "unheard of", None]),
    st.sampled_from([-1.0, 0.0, 0.5, 2.0, 7.5, np.nan, np.inf, -np.inf, 1e308]),
)


def table(lines) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=["person_id", "merchant_id", "basket_id", "day", "department", "price"])
    return frame.astype({"person_id": "int64", "merchant_id": "int64", "basket_id": "int64", "day": "int64"})


def histogram(counting="persons", **others):
    return parse_query(
        {"kind": "histogram", "column": "department", "values": VALUES, "epsilon": 1, "counting": counting} | others
    )


def counts(frame, query, bounds):
    return bounded_counts(bounded_rows(frame, query, bounds), query, bounds)


@given(
    st.lists(LINE, max_size=60),
    st.sampled_from(["persons", "days", "baskets", "rows"]),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_one_person_moves_counts_by_the_declared_bounds_and_in_one_direction(lines, counting, merchants, cells, rows):
    bounds = Bounds(merchants, cells, rows)
    frame, query = table(lines), histogram(counting)
    everybody = counts(frame, query, bounds)
    for person in range(4):
        change = everybody - counts(frame[frame["person_id"] != person], query, bounds)
        assert (change >= 0).all()
        assert (change > 0).sum() <= cells
        assert change.max(initial=0) <= bounds.per_key(counting)


ODD = st.sampled_from([1, True, 1.0, "1", 2, "2", 10, "x", None, np.nan, False, 2.5, [1], 10**5000, "\ud800"])
ODD_LINE = st.tuples(*[ODD] * 5)  # person, merchant, basket, day, department


def odd_table(lines) -> pd.DataFrame:
    """Columns as pandas makes them of these cells: whole numbers, floats, text, flags or a mixture."""
    names = ["person_id", "merchant_id", "basket_id", "day", "department"]
    return pd.DataFrame({name: odd_column([line[at] for line in lines]) for at, name in enumerate(names)})


def odd_column(cells) -> pd.Series:
    try:
        return pd.Series(cells)
    except UnicodeEncodeError:  # half a character, which only a column of objects can hold
        return pd.Series(cells, dtype=object)


@given(
    st.lists(st.tuples(*[st.integers(1, 12)] * 5), max_size=25),
    st.lists(ODD_LINE, max_size=6),
    st.sampled_from(["persons", "days", "baskets", "rows"]),
    st.integers(1, 2),
    st.integers(1, 3),
)
def test_one_person_moves_counts_by_the_bounds_whatever_that_person_makes_of_the_types_of_columns(
    plain, odd, counting, merchants, cells
):
    bounds = Bounds(merchants, cells, 2)
    query = histogram(counting, values=["1", "2", "10", "True", "x", "2.5"])
    lines = [*plain, *odd]
    everybody = counts(odd_table(lines), query, bounds)
    persons = [spelling(line[0]) for line in lines]
    for person in set(persons):
        rest = [line for line, named in zip(lines, persons, strict=True) if named != person]
        change = everybody - counts(odd_table(rest), query, bounds)
        assert (change >= 0).all()
        assert (change > 0).sum() <= cells
        assert change.max(initial=0) <= bounds.per_key(counting)


def test_one_person_at_a_merchant_with_a_text_for_an_id_moves_nobody_to_another_merchant():
    lines = [(p, m, 10 * p + m, 0, "a" if m == 9 else "b") for p in range(50) for m in (9, 10)]
    query, bounds = histogram(), Bounds(1, 1, 1)
    stranger = (999, "x", 99999, 0, "unheard of")
    assert counts(odd_table(lines), query, bounds).tolist() == [0, 50, 0, 0, 0, 0]  # "10" is spelt before "9"
    assert counts(odd_table([*lines, stranger]), query, bounds).tolist() == [0, 50, 0, 0, 0, 0]


def test_one_person_with_a_flag_for_a_value_changes_nobody_elses_ones():
    lines = [(p, 1, p, 0, 1) for p in range(50)]
    query = histogram(values=["1"])
    for strangers in ([], [(999, 1, 5000, 0, True)]):
        frame = odd_table([*strangers, *lines]).astype({"department": object})
        assert counts(frame, query, Bounds(1, 1, 1)).tolist() == [50]


@given(st.lists(LINE, max_size=40), st.integers(1, 5), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_rows_changes_nothing(lines, most, rng):
    bounds = Bounds(2, 2, most)
    mixed = list(lines)
    rng.shuffle(mixed)
    for query in (histogram("days"), quantile()):
        bounded = bounded_values if query.kind == "quantile" else bounded_counts
        found = [bounded(bounded_rows(table(each), query, bounds), query, bounds) for each in (lines, mixed)]
        np.testing.assert_array_equal(*(np.sort(each) if query.kind == "quantile" else each for each in found))


def quantile():
    return parse_query({"kind": "quantile", "column": "price", "alpha": 0.5, "candidates": [0, 1, 2], "epsilon": 1})


@given(st.lists(LINE, max_size=60), st.integers(1, 5))
@settings(max_examples=20)
def test_one_person_adds_at_most_max_rows_values_and_changes_nobody_elses(lines, most):
    bounds, query, frame = Bounds(6, 1, most), quantile(), table(lines)

    def values(rows):
        return sorted(bounded_values(bounded_rows(rows, query, bounds), query, bounds).tolist())

    everybody = values(frame)
    alone = [value for person in range(4) for value in values(frame[frame["person_id"] == person])]
    assert sorted(alone) == everybody
    for person in range(4):
        own = frame.loc[frame["person_id"] == person, "price"].dropna()
        assert len(values(frame[frame["person_id"] == person])) == min(most, len(own))


def test_the_values_kept_of_a_person_are_spread_over_that_persons_own():
    frame = table([(0, 0, 0, 0, "a", float(price)) for price in range(100)])
    bounds = Bounds(1, 1, 4)
    kept = bounded_values(bounded_rows(frame, quantile(), bounds), quantile(), bounds)
    assert sorted(kept.tolist()) == [12.0, 37.0, 62.0, 87.0]


def test_a_person_at_ten_merchants_counts_at_no_more_than_allowed():
    frame = table([(0, merchant, 10 * merchant, 0, "a", 1.0) for merchant in range(10)])
    query = parse_query({"kind": "histogram", "column": "merchant_id", "values": list(range(10)), "epsilon": 1})
    assert counts(frame, query, Bounds(3, 10, 1)).sum() == 3


def test_a_person_with_5000_rows_a_week_counts_no_more_than_the_bound():
    frame = table([(0, 0, row, row % 7, VALUES[row % 6], 1.0) for row in range(5000)])
    assert counts(frame, histogram("rows"), Bounds(1, 3, 20)).tolist() == [20, 20, 20, 0, 0, 0]
    assert counts(frame, histogram("persons"), Bounds(1, 6, 20)).tolist() == [1] * 6
    assert len(bounded_values(frame, quantile(), Bounds(1, 1, 8))) == 8


def test_the_cells_kept_of_a_person_are_those_with_most_of_the_persons_own_units():
    lines = [(0, 0, 1, day, name, 1.0) for name, days in (("c", 3), ("a", 1), ("f", 2)) for day in range(days)]
    assert counts(table(lines), histogram("days"), Bounds(1, 2, 5)).tolist() == [0, 0, 3, 0, 0, 2]
    assert counts(table(lines), histogram("persons"), Bounds(1, 2, 5)).tolist() == [0, 0, 1, 0, 0, 1]


def test_empty_data_and_one_row_are_counted_like_any_other():
    for lines, expected in (([], 0), ([(0, 0, 0, 0, "a", 1.0)], 1)):
        for counting in ("persons", "days", "baskets", "rows"):
            assert counts(table(lines), histogram(counting), Bounds(1, 1, 1)).tolist() == [expected, 0, 0, 0, 0, 0]


def test_rows_of_nobody_or_of_no_merchant_do_not_count_and_stop_nothing():
    frame = table([(0, 0, 0, 0, "a", 1.0)] * 3).astype({"person_id": object, "merchant_id": object})
    frame.loc[0, "person_id"] = None
    frame.loc[1, "merchant_id"] = np.nan
    assert counts(frame, histogram("rows"), Bounds(1, 1, 9)).tolist() == [1, 0, 0, 0, 0, 0]


def test_merchants_of_mixed_types_and_numbers_written_as_text_stop_nothing():
    frame = table([(0, 0, 0, 0, "a", 1.0)] * 2).astype({"merchant_id": object, "price": object})
    frame["merchant_id"] = pd.Series([1, "x"], dtype=object)
    frame["price"] = pd.Series(["2.5", "cheap"], dtype=object)
    assert counts(frame, histogram("rows"), Bounds(2, 1, 9)).sum() == 2
    bounds = Bounds(2, 1, 9)
    assert bounded_values(bounded_rows(frame, quantile(), bounds), quantile(), bounds).tolist() == [2.5]


def test_labels_in_rows_are_spelt_as_in_queries():
    frame = table([(0, 0, 0, 0, "a", 1.0)] * 5)
    frame["department"] = pd.Series([5, 5.0, "5", " cafe\u0301 ", True], dtype=object)
    query = histogram("rows", values=["5", "café"])
    assert query.keys[0].names == ("5", "café")
    assert counts(frame, query, Bounds(1, 2, 9)).tolist() == [3, 1]


def test_grid_cells_are_closed_below_and_open_above_and_strays_do_not_count():
    frame = table([(0, 0, 0, 0, "a", price) for price in (-0.1, 0.0, 0.999, 1.0, 1.5, 2.0, np.nan, np.inf)])
    key = {"column": "price", "start": 0, "stop": 2, "step": 1}
    query = parse_query({"kind": "histogram", "column": key, "epsilon": 1, "counting": "rows"})
    assert counts(frame, query, Bounds(1, 2, 99)).tolist() == [2, 2]


def test_filters_keep_matching_rows_only():
    frame = table([(person, 0, 0, 0, name, 1.0) for person, name in enumerate("aabc")])
    assert counts(frame, histogram(where={"department": ["a", "c"]}), Bounds(1, 6, 1)).tolist() == [2, 0, 1, 0, 0, 0]


def test_counts_of_two_keys_agree_with_a_plain_crosstab():
    rng = np.random.default_rng(0)
    frame = table([(row, 0, 0, int(rng.integers(5)), VALUES[rng.integers(6)], 1.0) for row in range(300)])
    keys = [{"column": "department", "values": VALUES}, {"column": "day", "values": list(range(5))}]
    query = parse_query({"kind": "group_by", "columns": keys, "epsilon": 1})
    found = counts(frame, query, Bounds(1, 30, 1)).reshape(5, 6)  # keys are sorted by name: day, then department
    np.testing.assert_array_equal(found, pd.crosstab(frame["day"], frame["department"]).to_numpy())


def test_rows_without_what_the_bounds_need_are_refused():
    with pytest.raises(PrivacyError, match="lack merchant_id"):
        bounded_rows(table([]).drop(columns="merchant_id"), histogram(), Bounds())
    assert needed_columns(histogram("days")) == ("person_id", "merchant_id", "basket_id", "day", "department")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, None, 10**7])
def test_bounds_that_bound_nothing_are_refused(wrong):
    for name in ("max_merchants", "max_cells", "max_rows"):
        with pytest.raises(PrivacyError, match=name):
            Bounds(**{name: wrong})
