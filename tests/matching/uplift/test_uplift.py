"""What a ranking gains, and the area of its Qini curve, by hand and by properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matching.uplift import gained_per_1000, qini_area, qini_curve
from retail.errors import DataError

UPLIFT = np.array([0.4, 0.2, 0.0, -0.2])
people = st.integers(2, 30)
numbers = st.floats(-5, 5, width=16)


def test_the_best_half_by_hand():
    assert gained_per_1000(UPLIFT, UPLIFT, share=0.5) == pytest.approx(300)
    assert gained_per_1000(-UPLIFT, UPLIFT, share=0.5) == pytest.approx(-100)


def test_people_with_one_score_count_by_their_mean():
    assert gained_per_1000(np.zeros(4), UPLIFT, share=0.25) == pytest.approx(100)
    assert gained_per_1000(np.array([1.0, 1, 0, 0]), UPLIFT, share=0.25) == pytest.approx(300)


def test_the_curve_by_hand():
    bounds, totals = qini_curve(UPLIFT, UPLIFT)
    assert bounds.tolist() == [0, 1, 2, 3, 4]
    assert totals == pytest.approx([0, 0.4, 0.6, 0.6, 0.4])
    # Trapezes of .3, .4, .3 over a chord, each step a quarter wide.
    assert qini_area(UPLIFT, UPLIFT) == pytest.approx((0.3 + 0.4 + 0.3) / 4)


def test_chance_has_no_area_and_the_reverse_of_the_truth_has_it_below():
    assert qini_area(np.zeros(4), UPLIFT) == pytest.approx(0)
    assert qini_area(-UPLIFT, UPLIFT) == pytest.approx(-qini_area(UPLIFT, UPLIFT))
    assert qini_area(UPLIFT, np.full(4, 0.3)) == pytest.approx(0)


@given(st.data())
def test_the_order_of_people_and_the_scale_of_scores_do_not_matter(data):
    n = data.draw(people)
    scores = data.draw(arrays(np.float64, n, elements=st.integers(-3, 3)))
    uplift = data.draw(arrays(np.float64, n, elements=numbers))
    share = data.draw(st.floats(0.05, 1))
    order = np.random.default_rng(n).permutation(n)
    assert qini_area(scores[order], uplift[order]) == pytest.approx(qini_area(2 * scores + 1, uplift), abs=1e-9)
    mixed = gained_per_1000(scores[order], uplift[order], share=share)
    assert mixed == pytest.approx(gained_per_1000(scores, uplift, share=share), abs=1e-6)


@given(st.data())
def test_no_ranking_beats_the_truth(data):
    n = data.draw(people)
    scores = data.draw(arrays(np.float64, n, elements=numbers))
    uplift = data.draw(arrays(np.float64, n, elements=numbers))
    assert qini_area(scores, uplift) <= qini_area(uplift, uplift) + 1e-9
    for share in (0.1, 0.5, 1.0):
        best = gained_per_1000(uplift, uplift, share=share)
        assert gained_per_1000(scores, uplift, share=share) <= best + 1e-6


@pytest.mark.parametrize(
    ("scores", "uplift", "share", "why"),
    [
        ([], [], 0.2, "at least one person"),
        ([1.0], [1.0, 2.0], 0.2, "one value for each"),
        ([np.nan], [1.0], 0.2, "NaN"),
        ([1.0], [1.0], 0.0, "above 0"),
        ([1.0], [1.0], 1.5, "at most 1"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, uplift, share, why):
    with pytest.raises(DataError, match=why):
        gained_per_1000(np.array(scores), np.array(uplift), share=share)
