import numpy as np
import pytest

from federation.recommend.examples import EXPLORE_FEATURES, EXPLORE_START, explore_features, windows
from federation.recommend.habit import bought_before
from federation.recommend.settings import RecommendOptions
from federation.recommend.taste import LEVELS

WINDOW = 28
OPTIONS = RecommendOptions(candidates=40)


@pytest.fixture
def model(make_task):
    """Public start with a popularity that tells products apart."""
    start = make_task().initial()
    popularity = np.random.default_rng(0).normal(-2, 1, size=len(start["popularity"])).astype(np.float32)
    order = np.argsort(-popularity, kind="stable")[:40]
    neighbours = np.random.default_rng(1).normal(size=(rich_categories(make_task), 40)).astype(np.float32)
    return {**start, "popularity": popularity, "candidates": order, "neighbours": neighbours}


def rich_categories(make_task):
    return make_task().catalogue.levels["category"][1]


def test_there_is_a_start_for_every_feature():
    assert EXPLORE_START.shape == (len(EXPLORE_FEATURES),)


def test_windows_come_latest_first_and_as_many_as_asked_for(model, node):
    found = windows(model, node, RecommendOptions(windows=3), WINDOW)
    assert len(found) == 3
    later, earlier = found[0], found[1]
    assert len(later.habit) > len(earlier.habit)  # more was bought before the later window
    for window in found:
        assert window.explore.shape == (len(node.history.persons), 40, len(EXPLORE_FEATURES))
        assert window.habit_person.shape == window.again.shape == (len(window.habit),)


def test_candidates_are_open_when_somebody_with_history_never_bought_them(model, node):
    window = windows(model, node, OPTIONS, WINDOW)[0]
    before = bought_before(node.history.between(None, node.now - WINDOW)).toarray() > 0
    label = bought_before(node.history.between(node.now - WINDOW, None)).toarray() > 0
    expected = ~before[:, model["candidates"]] & before.any(axis=1)[:, None]
    np.testing.assert_array_equal(window.open, expected)
    np.testing.assert_array_equal(window.taken, expected & label[:, model["candidates"]])
    assert window.taken.any()


def test_buying_again_is_read_off_the_window_for_every_product_bought_before(model, node):
    window = windows(model, node, OPTIONS, WINDOW)[0]
    before = bought_before(node.history.between(None, node.now - WINDOW)).toarray() > 0
    label = bought_before(node.history.between(node.now - WINDOW, None)).toarray() > 0
    np.testing.assert_array_equal(
        np.bincount(window.habit_person, minlength=len(before)), np.count_nonzero(before, axis=1)
    )
    again = np.bincount(window.habit_person, weights=window.again, minlength=len(before))
    np.testing.assert_array_equal(again, np.count_nonzero(before & label, axis=1))
    assert 0 < window.again.mean() < 1


def test_features_do_not_look_into_the_window_they_predict(model, lines, make_node):
    whole = make_node(lines)
    without_label = make_node(lines[lines["day"] < whole.now - WINDOW])
    seen, blind = (windows(model, node, OPTIONS, WINDOW)[0] for node in (whole, without_label))
    known = np.isin(whole.history.persons, without_label.history.persons)
    np.testing.assert_array_equal(seen.explore[known], blind.explore)
    np.testing.assert_array_equal(seen.habit, blind.habit)
    assert not blind.again.any()
    assert not blind.taken.any()


def test_a_person_without_rows_before_the_window_has_no_examples(model, history):
    now = 20_000
    node = history((1, now - 3, 10, 5), (2, now - 60, 11, 5), (2, now - 3, 12, 6), now=now)
    window = windows(model, node, OPTIONS, WINDOW)[0]
    assert not window.open[0].any()
    assert not window.taken[0].any()
    assert (window.habit_person == 1).all()
    assert window.open[1].any()


def test_a_merchant_without_shoppers_has_empty_examples(model, history):
    for window in windows(model, history(), OPTIONS, WINDOW):
        assert window.explore.shape == (0, 40, len(EXPLORE_FEATURES))
        assert len(window.habit) == len(window.again) == 0


def test_plain_features_are_popularity_and_personal_affinity_only(model, node):
    bought = bought_before(node.history)
    found = explore_features(model, bought, node.catalogue, model["candidates"], OPTIONS)
    named = dict(zip(EXPLORE_FEATURES, np.moveaxis(found, 2, 0), strict=True))
    np.testing.assert_array_equal(
        named["popularity"], np.broadcast_to(model["popularity"][model["candidates"]], named["popularity"].shape)
    )
    assert not named["neighbours"].any()
    assert not any(named[f"expected_{level}"].any() for level in LEVELS)
    assert all(named[level].any() for level in LEVELS[:3])


def test_rich_features_add_what_buyers_of_a_profile_buy(model, node):
    bought = bought_before(node.history)
    options = RecommendOptions(candidates=40, rich=True)
    found = explore_features(model, bought, node.catalogue, model["candidates"], options)
    assert found[:, :, -1].any()
    doubled = {**model, "neighbours": 2 * model["neighbours"]}
    twice = explore_features(doubled, bought, node.catalogue, model["candidates"], options)
    np.testing.assert_allclose(twice[:, :, -1], 2 * found[:, :, -1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(twice[:, :, :-1], found[:, :, :-1])


def test_without_tastes_there_are_no_affinities(model, node):
    bought = bought_before(node.history)
    found = explore_features(model, bought, node.catalogue, model["candidates"], RecommendOptions(tastes=False))
    assert not found[:, :, : len(LEVELS)].any()
    assert found[:, :, -2].any()
