from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from privacy import clip_rows, clipped_sum
from retail.errors import PrivacyError

BOUNDS = st.floats(min_value=2.3e-308, max_value=1.7e308)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)
ANY_FLOATS = st.one_of(
    hnp.arrays(np.float64, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False)),
    hnp.arrays(np.float32, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False, width=32)),
)


def exact_square(row) -> Fraction:
    return sum((Fraction(float(value)) ** 2 for value in row), Fraction(0))


def assert_bounded(rows, bound):
    for row in rows:
        assert exact_square(row) <= Fraction(bound) ** 2


@given(ANY_FLOATS, BOUNDS)
def test_no_row_passes_the_bound_whatever_floats_arrive(updates, bound):
    clipped = clip_rows(updates, norm_bound=bound)
    assert clipped.dtype == updates.dtype
    assert clipped.shape == updates.shape
    assert_bounded(clipped, bound)


@given(ANY_FLOATS, BOUNDS)
def test_sparse_and_dense_rows_are_bounded_alike(updates, bound):
    clipped = clip_rows(sparse.csr_array(updates), norm_bound=bound)
    assert isinstance(clipped, sparse.csr_array)
    assert clipped.dtype == updates.dtype
    assert_bounded(clipped.toarray(), bound)
    dense = clip_rows(updates, norm_bound=bound)
    scale = np.abs(dense).max()
    np.testing.assert_allclose(clipped.toarray(), dense, rtol=1e-6, atol=float(scale) * 1e-6)


@given(ANY_FLOATS, BOUNDS)
def test_clipping_twice_equals_clipping_once(updates, bound):
    once = clip_rows(updates, norm_bound=bound)
    np.testing.assert_array_equal(clip_rows(once, norm_bound=bound), once)


@given(
    hnp.arrays(np.float64, SHAPES, elements=st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e3),
    st.floats(0.01, 1.0),
    st.data(),
)
def test_removing_one_person_moves_the_sum_by_at_most_weight_times_the_bound(updates, bound, weight, data):
    gone = data.draw(st.integers(0, len(updates) - 1))
    everyone = clipped_sum(updates, norm_bound=bound, weight=weight)
    without = clipped_sum(np.delete(updates, gone, axis=0), norm_bound=bound, weight=weight)
    assert np.linalg.norm(everyone - without) <= weight * bound * (1 + 1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_rows_keep_their_direction_and_end_just_below_the_bound(dtype):
    updates = np.array([[3.0, 4.0], [-30.0, 40.0], [0.0, 0.0], [0.3, 0.4]], dtype=dtype)
    clipped = clip_rows(updates, norm_bound=1.0)
    np.testing.assert_allclose(clipped, [[0.6, 0.8], [-0.6, 0.8], [0.0, 0.0], [0.3, 0.4]], rtol=1e-6)
    np.testing.assert_array_equal(clipped[2:], updates[2:])


def test_the_input_is_left_alone():
    updates = np.full((2, 3), 9.0)
    clip_rows(updates, norm_bound=1.0)
    assert (updates == 9.0).all()
    stored = sparse.csr_array(updates)
    clip_rows(stored, norm_bound=1.0)
    assert (stored.data == 9.0).all()


@pytest.mark.parametrize(
    ("dtype", "row"),
    [
        (np.float64, [1.7e308, 1.7e308, -1.7e308]),
        (np.float32, [3.4e38, 3.4e38, 3.4e38]),
        (np.float64, [5e-324, 5e-324]),
        (np.float32, [1e-45, 1e-45]),
        (np.float64, [1e308, 5e-324]),
    ],
)
@pytest.mark.parametrize("bound", [1.0, 3e-308, 1e-40, 1e38, 1e300])
def test_extreme_rows_are_bounded(dtype, row, bound):
    clipped = clip_rows(np.array([row], dtype=dtype), norm_bound=bound)
    assert_bounded(clipped, bound)


def test_a_wide_float32_row_is_bounded_after_rounding():
    updates = np.random.default_rng(0).standard_normal((5, 20_000)).astype(np.float32)
    clipped = clip_rows(updates, norm_bound=0.1)
    assert_bounded(clipped, 0.1)
    np.testing.assert_allclose(np.linalg.norm(clipped.astype(float), axis=1), 0.1, rtol=1e-6)


def test_a_sparse_row_that_names_a_column_twice_is_clipped_by_its_real_norm():
    twice = sparse.csr_array((np.array([5.0, 5.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 3))
    twice.has_canonical_format = True  # a claim that is not true
    clipped = clip_rows(twice, norm_bound=7.5)  # the stored values alone have norm 7.07
    assert np.linalg.norm(clipped.toarray()) <= 7.5


def test_sparse_rows_without_entries_are_fine():
    updates = sparse.csr_array(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(clip_rows(updates, norm_bound=1.0).toarray(), [[0, 0], [0.6, 0.8], [0, 0]])
    assert clip_rows(sparse.csr_array((3, 2)), norm_bound=1.0).nnz == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_one_bad_value_refuses_the_whole_message(bad, kind):
    updates = kind(np.array([[1e6, bad], [1.0, 1.0]]))
    with pytest.raises(PrivacyError, match="NaN or infinity"):
        clip_rows(updates, norm_bound=1.0)
    with pytest.raises(PrivacyError, match="NaN or infinity"):
        clipped_sum(updates, norm_bound=1.0)


def test_sparse_duplicates_that_add_up_to_infinity_are_refused():
    twice = sparse.csr_array((np.array([1.7e308, 1.7e308]), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    with pytest.raises(PrivacyError, match="NaN or infinity"):
        clip_rows(twice, norm_bound=1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.bool_, np.complex128, np.longdouble, ">f4", object])
def test_other_number_types_are_refused(dtype):
    with pytest.raises(PrivacyError, match="float32 or float64"):
        clip_rows(np.ones((2, 2)).astype(dtype), norm_bound=1.0)


@pytest.mark.parametrize(
    "updates",
    [[[1.0]], np.ones(3), np.ones((1, 2, 3)), np.ma.array(np.ones((1, 1))), sparse.coo_array(np.ones((1, 1)))],
)
def test_other_containers_and_shapes_are_refused(updates):
    with pytest.raises(PrivacyError):
        clip_rows(updates, norm_bound=1.0)


def test_a_malformed_sparse_array_is_refused():
    updates = sparse.csr_array(np.ones((2, 2)))
    updates.indices[0] = 7
    with pytest.raises(PrivacyError, match="malformed"):
        clip_rows(updates, norm_bound=1.0)


@pytest.mark.parametrize("bound", [0.0, -1.0, np.nan, np.inf, 5e-324])
def test_a_bound_that_bounds_nothing_is_refused(bound):
    with pytest.raises(PrivacyError, match="norm_bound"):
        clip_rows(np.ones((1, 1)), norm_bound=bound)


@pytest.mark.parametrize("weight", [0.0, -0.5, np.nan, np.inf])
def test_a_weight_that_is_no_positive_number_is_refused(weight):
    with pytest.raises(PrivacyError, match="weight"):
        clipped_sum(np.ones((1, 1)), norm_bound=1.0, weight=weight)


def test_the_clipped_sum_adds_clipped_rows_in_float64():
    updates = np.array([[3.0, 4.0], [0.1, 0.0]], dtype=np.float32)
    total = clipped_sum(updates, norm_bound=1.0, weight=0.5)
    assert total.dtype == np.float64
    np.testing.assert_allclose(total, [0.35, 0.4], rtol=1e-6)
    np.testing.assert_allclose(clipped_sum(sparse.csr_array(updates), norm_bound=1.0, weight=0.5), total, rtol=1e-6)


def test_nobody_adds_up_to_zeros():
    np.testing.assert_array_equal(clipped_sum(np.empty((0, 4)), norm_bound=1.0), np.zeros(4))
    np.testing.assert_array_equal(clipped_sum(sparse.csr_array((0, 4)), norm_bound=1.0), np.zeros(4))
    assert clip_rows(np.empty((3, 0)), norm_bound=1.0).shape == (3, 0)


def test_many_blocks_of_rows_add_up_to_the_same_sum():
    updates = np.random.default_rng(1).standard_normal((30, 300_000)).astype(np.float32)
    total = clipped_sum(updates, norm_bound=1.0)
    np.testing.assert_allclose(total, clip_rows(updates, norm_bound=1.0).sum(axis=0, dtype=float), atol=1e-12)


def test_an_overflowing_sum_is_refused():
    with pytest.raises(PrivacyError, match="overflows"):
        clipped_sum(np.full((3, 1), 1.6e308), norm_bound=1.7e308)
