"""Contributions cut to whole steps: exact sums, and nobody passes a bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from privacy.clipping import OuterRows, clipped_sum
from privacy.steps import STEPS, step_of, stepped_sum
from retail.errors import PrivacyError

ROWS = hnp.arrays(np.float64, (4, 6), elements=st.floats(-1e4, 1e4))


@given(ROWS, st.floats(1e-3, 1e3), st.integers(1, 3))
def test_one_person_changes_the_sum_by_no_more_steps_than_the_bound_has(rows, bound, k_max):
    weight = 1 / k_max
    step = step_of(bound * weight)
    everybody = stepped_sum(rows, norm_bound=bound, weight=weight, step=step)
    without = stepped_sum(rows[1:], norm_bound=bound, weight=weight, step=step)
    change = [int(one) for one in everybody - without]
    assert sum(one * one for one in change) <= (bound * weight / step) ** 2 * (1 + 1e-12)
    assert (np.trunc(everybody) == everybody).all()


@given(ROWS, st.floats(1e-3, 1e3))
def test_little_is_lost_by_cutting(rows, bound):
    step = step_of(bound)
    assert step <= bound / STEPS
    exact = clipped_sum(rows, norm_bound=bound)
    assert np.abs(stepped_sum(rows, norm_bound=bound, weight=1.0, step=step) * step - exact).max() <= len(rows) * step


@given(ROWS, hnp.arrays(np.float64, (4, 3), elements=st.floats(-2, 2)))
def test_sparse_rows_and_outer_products_give_what_their_written_out_rows_give(right, left):
    settings = {"norm_bound": 3.0, "weight": 0.5, "step": step_of(1.5)}
    dense = stepped_sum(right, **settings)
    assert (stepped_sum(sparse.csr_array(right), **settings) == dense).all()
    outer = stepped_sum(OuterRows(left, right), **settings)
    assert (stepped_sum(OuterRows(left, sparse.csr_array(right)), **settings) == outer).all()
    from privacy.clipping import clip_rows

    rows = clip_rows(left, norm_bound=1.0)[:, :, None] * clip_rows(right, norm_bound=3.0)[:, None, :]
    assert (stepped_sum(rows.reshape(4, -1), **{**settings, "norm_bound": None}) == outer).all()


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        (np.ones((1, 2)), {"step": 0.3}, "power of two"),
        (np.ones((1, 2)), {"step": np.inf}, "power of two"),
        (np.full((1, 2), 1e300), {"norm_bound": None}, r"more than 2\^53 steps"),
        (np.full((1, 2), np.nan), {"norm_bound": None}, r"more than 2\^53 steps"),
        (np.full((1, 2), np.nan), {}, "NaN or infinity"),
    ],
)
def test_what_cannot_be_cut_is_refused(rows, changes, message):
    with pytest.raises(PrivacyError, match=message):
        stepped_sum(rows, **{"norm_bound": 1.0, "weight": 1.0, "step": 2.0**-24, **changes})
