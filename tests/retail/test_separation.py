"""The area under the curve and the lift, against definitions by hand."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.errors import DataError
from retail.separation import auc, lift

SCORES = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=2, max_size=25)


@given(drawn=SCORES)
def test_area_and_lift_with_weights_are_those_of_households_written_out_as_often(drawn):
    score, positive, weight = (np.array(one) for one in zip(*drawn, strict=True))
    score, positive = score.astype(float), positive.astype(bool)
    again = np.repeat(np.arange(len(score)), weight)
    for statistic in (auc, partial(lift, share=0.2)):
        found = statistic(score, positive, weight[None].astype(float))[0]
        if positive[again].any() and not positive[again].all():
            assert found == pytest.approx(statistic(score[again], positive[again])[0])


@given(drawn=SCORES)
def test_the_area_is_the_share_of_pairs_in_order(drawn):
    score, positive, _ = (np.array(one) for one in zip(*drawn, strict=True))
    if 0 < positive.sum() < len(positive):
        apart = score[positive][:, None] - score[~positive]
        assert auc(score.astype(float), positive)[0] == pytest.approx((apart > 0).mean() + (apart == 0).mean() / 2)


def test_a_perfect_a_reversed_and_a_constant_order():
    positive = np.arange(100) < 5
    best = -np.arange(100.0)
    assert (auc(best, positive)[0], lift(best, positive, share=0.05)[0]) == (1.0, pytest.approx(20.0))
    assert (auc(-best, positive)[0], lift(-best, positive, share=0.05)[0]) == (0.0, 0.0)
    assert auc(np.zeros(100), positive)[0] == 0.5
    assert lift(np.zeros(100), positive, share=0.05)[0] == pytest.approx(1.0)


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(DataError, match="1 of 2 scores are NaN"):
        auc(np.array([0.0, np.nan]), np.array([True, False]))
