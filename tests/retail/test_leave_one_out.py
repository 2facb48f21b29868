import numpy as np
import pytest

from retail.errors import DataError
from retail.leave_one_out import gain, hit, places, sampled


def test_sampled_items_are_never_known_and_the_same_for_one_seed():
    known = np.random.default_rng(1).random((40, 60)) < 0.5
    drawn = sampled(known, many=10, seed=3)
    assert (drawn.sum(axis=1) == 10).all()
    assert not (drawn & known).any()
    assert (drawn == sampled(known, many=10, seed=3)).all()
    assert (drawn != sampled(known, many=10, seed=4)).any()
    with pytest.raises(DataError, match="draw fewer"):
        sampled(known, many=50, seed=3)


def test_places_count_what_scores_at_least_as_high():
    scores = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 5.0, 0.0, 0.0]])
    among = np.array([[True, False, True, True], [True, True, True, False], [True, True, True, True]])
    found = places(scores, np.array([2, 0, -1]), among)
    assert found.tolist() == [2, 3, 0]
    np.testing.assert_array_equal(hit(found, k=2), [1, 0, np.nan])
    np.testing.assert_allclose(gain(found, k=2), [1 / np.log2(3), 0, np.nan])
    with pytest.raises(DataError, match="NaN"):
        places(np.full((1, 4), np.nan), np.array([2]), among[:1])
