import numpy as np
import pytest

from federation.recommend import serve
from federation.recommend.examples import explore_features
from federation.recommend.habit import bought_before, habits
from federation.recommend.objective import EXPLORE, HABIT, SCALE
from federation.recommend.serve import local_lift, popularity_scores, scores
from federation.recommend.settings import RecommendOptions

OPTIONS = RecommendOptions(candidates=40, local_lift=False)


@pytest.fixture
def model(make_task, node, trained):
    return trained(make_task(), node)[1]


def every(model, node, options=OPTIONS):
    return np.concatenate(list(scores(model, node, options, 28)))


def test_everybody_gets_a_finite_score_for_every_product(model, node):
    found = every(model, node)
    assert found.shape == (len(node.history.persons), len(node.catalogue))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_products_bought_before_are_scored_by_habit(model, node):
    found = every(model, node)
    habit = habits(node.history, model["popularity"], now=node.now, window_days=28)
    np.testing.assert_allclose(
        found[habit.person, habit.product], habit.features @ model["average"][HABIT], rtol=1e-5, atol=1e-5
    )
    assert len(habit.person) == bought_before(node.history).nnz


def test_candidates_never_bought_are_scored_by_the_exploration_model(model, node):
    found, items = every(model, node), model["candidates"]
    bought = bought_before(node.history)
    features = explore_features(model, bought, node.catalogue, items, OPTIONS)
    slope, offset = model["average"][SCALE]
    expected = slope * (features @ model["average"][EXPLORE]) + offset
    never = bought.toarray()[:, items] == 0
    np.testing.assert_allclose(found[:, items][never], expected[never], rtol=1e-5, atol=1e-4)


def test_other_products_come_after_all_candidates_in_the_order_of_popularity(model, node):
    found = every(model, node)
    never = bought_before(node.history).toarray() == 0
    rest = np.ones(len(node.catalogue), dtype=bool)
    rest[model["candidates"]] = False
    for mine, unknown in zip(found, never, strict=True):
        assert mine[unknown & rest].max() < mine[unknown & ~rest].min()
        left = np.flatnonzero(unknown & rest)
        np.testing.assert_array_equal(np.argsort(-mine[left]), np.argsort(-model["popularity"][left]))


def test_the_served_weights_are_the_averaged_ones(model, node):
    other = {**model, "weights": model["weights"] + 1.0}
    np.testing.assert_array_equal(every(other, node), every(model, node))


def test_without_the_local_lift_nobodys_scores_depend_on_the_others(model, node, lines, make_node):
    found = every(model, node)
    gone = node.history.persons[3]
    kept = node.history.persons != gone
    rest = make_node(lines[lines["person_id"] != gone])
    np.testing.assert_allclose(every(model, rest), found[kept], atol=1e-6)


def test_blocks_of_any_size_give_the_same_scores(model, node, monkeypatch):
    found = every(model, node)
    monkeypatch.setattr(serve, "_BLOCK", 7)
    blocks = list(scores(model, node, OPTIONS, 28))
    assert len(blocks) > 1
    np.testing.assert_allclose(np.concatenate(blocks), found, atol=1e-5)


def test_a_merchant_with_one_shopper_or_none_is_served(model, lines, make_node):
    one = make_node(lines[lines["person_id"] == lines["person_id"].iloc[0]])
    for options in (OPTIONS, RecommendOptions(candidates=40)):
        assert every(model, one, options).shape == (1, len(one.catalogue))
        assert np.isfinite(every(model, one, options)).all()
        assert list(scores(model, make_node(lines.head(0)), options, 28)) == []


def test_the_local_lift_is_added_to_candidates_never_bought_and_to_nothing_else(model, node):
    elsewhere = np.random.default_rng(0).normal(size=len(node.catalogue)).astype(np.float32)
    model = {**model, "popularity": model["popularity"] + elsewhere}
    plain, lifted = every(model, node), every(model, node, RecommendOptions(candidates=40))
    items = model["candidates"]
    recent = bought_before(node.history.between(node.now - OPTIONS.popularity_days, None))
    expected = np.zeros(len(node.catalogue))
    expected[items] = model["average"][SCALE][0] * local_lift(model, recent)[items]
    never = bought_before(node.history).toarray() == 0
    np.testing.assert_allclose(lifted - plain, np.where(never, expected, 0), atol=1e-4)
    assert np.abs(expected[items]).max() > 0.05


def test_a_product_that_sells_better_here_than_elsewhere_is_lifted(model, node):
    recent = bought_before(node.history)
    lift = local_lift(model, recent)
    product = int(model["candidates"][0])
    more = recent.tolil()
    more[:, product] = 1
    assert local_lift(model, more.tocsr())[product] > lift[product]


def test_a_merchant_that_sells_like_the_rest_lifts_nothing(model, node):
    share = np.exp(model["popularity"].astype(float))
    recent = bought_before(node.history).toarray()
    like_the_rest = np.tile(share / share.sum() * 5, (len(recent), 1))
    np.testing.assert_allclose(local_lift(model, like_the_rest), 0, atol=1e-5)


def test_a_merchant_without_recent_purchases_lifts_nothing(model, node):
    recent = bought_before(node.history.between(node.now, None))
    np.testing.assert_array_equal(local_lift(model, recent), 0)


def test_popularity_alone_ranks_alike_for_everybody(model):
    found = popularity_scores(model, 3)
    np.testing.assert_array_equal(found, np.stack([model["popularity"]] * 3))
