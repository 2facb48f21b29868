import numpy as np
import pytest

from experiments.baselines import BASELINES

SMALL = {
    "popularity": {},
    "item_knn": {"neighbours": 99, "min_persons": 1},
    "ials": {"factors": 4},
    "tifu_knn": {"neighbours": 4},
}


@pytest.mark.parametrize("method", list(BASELINES))
def test_renaming_the_persons_permutes_the_scores_and_changes_nothing_else(history, random_lines, method):
    lines = random_lines(11)
    names = np.random.default_rng(0).permutation(12)
    renamed = [(int(names[person]), day, basket, product) for person, day, basket, product in lines]
    first, second = (
        BASELINES[method](history(rows, products=15), now=60, seed=0, **SMALL[method]).scores(slice(None))
        for rows in (lines, renamed)
    )
    np.testing.assert_allclose(second[names], first, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", list(BASELINES))
def test_scores_are_float32_rows_over_the_whole_catalogue_for_slices_and_positions(history, random_lines, method):
    model = BASELINES[method](history(random_lines(11), products=20), now=60, seed=0, **SMALL[method])
    sliced, picked = model.scores(slice(2, 5)), model.scores(np.array([2, 3, 4]))
    assert sliced.shape == (3, 20)
    assert sliced.dtype == picked.dtype == np.float32
    assert np.isfinite(sliced).all()
    np.testing.assert_allclose(sliced, picked, rtol=1e-6)


@pytest.mark.parametrize("method", list(BASELINES))
def test_an_unknown_setting_is_refused(history, random_lines, method):
    with pytest.raises(TypeError, match="depth"):
        BASELINES[method](history(random_lines(11), products=15), now=60, seed=0, depth=3)
