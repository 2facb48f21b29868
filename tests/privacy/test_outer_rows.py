from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from privacy.clipping import OuterRows, clip_rows, clipped_sum
from retail.errors import PrivacyError

BOUNDS = st.floats(min_value=2.3e-308, max_value=1.7e308)
SIDE = st.integers(1, 5)
DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def factors(draw, *, largest=None, persons=None):
    """Left and right factors of some persons; any finite floats unless a largest value is given."""
    rows = draw(st.integers(1, 4)) if persons is None else persons

    def factor():
        dtype = draw(DTYPES)
        limits = {} if largest is None else {"min_value": -largest, "max_value": largest}
        width = 32 if dtype is np.float32 else 64
        elements = st.floats(allow_nan=False, allow_infinity=False, width=width, **limits)
        return draw(hnp.arrays(dtype, (rows, draw(SIDE)), elements=elements))

    return factor(), factor()


def exact_square(row) -> Fraction:
    return sum((Fraction(float(value)) ** 2 for value in row), Fraction(0))


def written_out(left, right):
    product = left.astype(np.float64)[:, :, None] * right.astype(np.float64)[:, None, :]
    return product.reshape(len(left), -1)


@given(factors(persons=1), BOUNDS)
def test_one_persons_row_never_passes_the_bound_whatever_floats_arrive(pair, bound):
    row = clipped_sum(OuterRows(*pair), norm_bound=bound)
    assert exact_square(row) <= Fraction(bound) ** 2
    sparse_row = clipped_sum(OuterRows(pair[0], sparse.csr_array(pair[1])), norm_bound=bound)
    assert exact_square(sparse_row) <= Fraction(bound) ** 2


@given(factors(), BOUNDS)
def test_the_product_of_the_exact_norms_of_the_clipped_factors_is_within_the_bound(pair, bound):
    left, right = clip_rows(pair[0], norm_bound=1.0), clip_rows(pair[1], norm_bound=bound)
    for one, other in zip(left, right, strict=True):
        assert exact_square(one) * exact_square(other) <= Fraction(bound) ** 2


@given(factors(largest=1e3), st.floats(1e-3, 1e3), st.floats(0.01, 1.0))
def test_rows_within_the_bounds_add_up_as_if_they_were_written_out(pair, bound, weight):
    left = clip_rows(pair[0], norm_bound=1.0)
    right = clip_rows(pair[1], norm_bound=bound)
    whole = clipped_sum(written_out(left, right), norm_bound=bound, weight=weight)
    kept = clipped_sum(OuterRows(left, right), norm_bound=bound, weight=weight)
    np.testing.assert_allclose(kept, whole, rtol=1e-12, atol=1e-12 * bound)


@given(factors(largest=1e3), st.floats(1e-3, 1e3))
def test_rows_with_a_left_factor_of_length_one_are_clipped_as_if_they_were_written_out(pair, bound):
    length = np.linalg.norm(pair[0].astype(np.float64), axis=1, keepdims=True)
    assume((length > 1e-3).all())
    left = pair[0] / length
    whole = clipped_sum(written_out(left, pair[1]), norm_bound=bound)
    np.testing.assert_allclose(clipped_sum(OuterRows(left, pair[1]), norm_bound=bound), whole, atol=1e-6 * bound)


@given(factors(), BOUNDS)
def test_sparse_and_dense_right_factors_agree(pair, bound):
    assume(bound < 1e307)  # so that no sum overflows
    left, right = pair
    dense = clipped_sum(OuterRows(left, right), norm_bound=bound)
    stored = clipped_sum(OuterRows(left, sparse.csr_array(right)), norm_bound=bound)
    np.testing.assert_allclose(stored, dense, rtol=1e-6, atol=bound * 1e-6)


@given(factors(largest=1e6), st.floats(1e-3, 1e3), st.floats(0.01, 1.0), st.data())
def test_removing_one_person_moves_the_sum_by_at_most_weight_times_the_bound(pair, bound, weight, data):
    left, right = pair
    gone = data.draw(st.integers(0, len(left) - 1))
    fewer = OuterRows(np.delete(left, gone, axis=0), np.delete(right, gone, axis=0))
    everyone = clipped_sum(OuterRows(left, right), norm_bound=bound, weight=weight)
    without = clipped_sum(fewer, norm_bound=bound, weight=weight)
    assert np.linalg.norm(everyone - without) <= weight * bound * (1 + 1e-9)


def test_the_sum_is_laid_out_left_factor_first():
    rows = OuterRows(np.array([[0.6, 0.8], [1.0, 0.0]]), np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 4.0]]))
    total = clipped_sum(rows, norm_bound=10.0, weight=0.5)
    np.testing.assert_allclose(total, [0.3, 0.6, 2.0, 0.4, 0.8, 0.0], rtol=1e-12)


def test_long_factors_keep_their_direction():
    total = clipped_sum(OuterRows(np.array([[30.0, 40.0]]), np.array([[0.0, 500.0]])), norm_bound=2.0)
    np.testing.assert_allclose(total, [0.0, 1.2, 0.0, 1.6], rtol=1e-12)


def test_the_input_is_left_alone():
    left, right = np.full((2, 3), 9.0), sparse.csr_array(np.full((2, 2), 9.0))
    clipped_sum(OuterRows(left, right), norm_bound=1.0)
    assert (left == 9.0).all()
    assert (right.data == 9.0).all()


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_nobody_adds_up_to_zeros(kind):
    none = OuterRows(np.empty((0, 2)), kind(np.empty((0, 3))))
    np.testing.assert_array_equal(clipped_sum(none, norm_bound=1.0), np.zeros(6))


def test_a_person_without_purchases_adds_nothing():
    rows = OuterRows(np.zeros((1, 2)), sparse.csr_array((1, 3)))
    np.testing.assert_array_equal(clipped_sum(rows, norm_bound=1.0), np.zeros(6))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_one_bad_value_in_either_factor_refuses_the_whole_message(bad, kind):
    good, broken = np.ones((2, 2)), np.array([[1.0, 0.0], [bad, 1.0]])
    for rows in (OuterRows(broken, kind(good)), OuterRows(good, kind(broken))):
        with pytest.raises(PrivacyError, match="NaN or infinity"):
            clipped_sum(rows, norm_bound=1.0)


def test_a_bad_value_is_not_hidden_by_a_zero_in_the_other_factor():
    with pytest.raises(PrivacyError, match="NaN or infinity"):
        clipped_sum(OuterRows(np.zeros((1, 1)), np.array([[np.inf]])), norm_bound=1.0)


@pytest.mark.parametrize(("left", "right"), [(2, 3), (3, 2), (0, 1), (1, 0)])
def test_factors_of_different_numbers_of_persons_are_refused(left, right):
    with pytest.raises(PrivacyError, match=f"{left} left and {right} right"):
        clipped_sum(OuterRows(np.ones((left, 2)), np.ones((right, 2))), norm_bound=1.0)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sparse.csr_array(np.eye(2)), np.eye(2)),
        (np.ones(2), np.ones((2, 1))),
        (np.ones((2, 1)), np.ones(2)),
        (np.ones((2, 1)), np.ones((2, 1, 1))),
        (np.ones((2, 1), dtype=np.int64), np.ones((2, 1))),
        (np.ones((2, 1)), np.ones((2, 1), dtype=np.float16)),
        (np.ma.masked_array(np.ones((2, 1))), np.ones((2, 1))),
        (np.ones((2, 1)), sparse.csc_array(np.ones((2, 1)))),
        ([[1.0], [1.0]], np.ones((2, 1))),
    ],
)
def test_other_kinds_of_factors_are_refused(left, right):
    with pytest.raises(PrivacyError):
        clipped_sum(OuterRows(left, right), norm_bound=1.0)


def test_a_sparse_factor_that_names_a_column_twice_is_clipped_by_its_real_norm():
    twice = sparse.csr_array((np.array([5.0, 5.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 3))
    twice.has_canonical_format = True  # a claim that is not true
    total = clipped_sum(OuterRows(np.ones((1, 1)), twice), norm_bound=7.5)
    np.testing.assert_allclose(total, [7.5, 0.0, 0.0], rtol=1e-12)
    assert total[0] <= 7.5


def test_an_overflowing_sum_is_refused():
    rows = OuterRows(np.ones((3, 1)), np.full((3, 1), 1.6e308))
    with pytest.raises(PrivacyError, match="overflows"):
        clipped_sum(rows, norm_bound=1.7e308)
