import numpy as np
import pytest

from federation.recommend import habit
from federation.recommend.habit import HABIT_FEATURES, HABIT_START, bought_before, habits

NOW = 20_000
FLAT = np.full(150, -2.0, dtype=np.float32)


def raw(found):
    """Features before they are centred and scaled, by name."""
    values = found.features.astype(float) * habit._SCALE + habit._CENTRE
    return dict(zip(HABIT_FEATURES, values.T, strict=True))


@pytest.fixture
def of(history):
    """Habits of (person, days ago, basket, product) rows."""

    def make(*rows, popularity=FLAT, window_days=28):
        node = history(*((person, NOW - ago, basket, product) for person, ago, basket, product in rows), now=NOW)
        return habits(node.history, popularity, now=NOW, window_days=window_days)

    return make


def test_there_is_a_start_for_every_feature():
    assert HABIT_START.shape == (len(HABIT_FEATURES),)


def test_two_trips_give_the_features_of_the_definition(of):
    named = raw(of((1, 50, 10, 3), (1, 10, 11, 3)))
    assert named["trips"] == pytest.approx(np.log(3))
    assert named["recency"] == pytest.approx(np.log(11 / 28))
    assert named["last_window"] == pytest.approx(np.log(2), abs=1e-6)
    assert named["last_quarter"] == pytest.approx(np.log(3))
    assert named["rate"] == pytest.approx(np.log(2.5 / 78 * 28))
    assert named["lateness"] == pytest.approx(10 / 40 - 1, abs=1e-6)  # usually after 40 days, now 10 days ago
    assert named["activity"] == pytest.approx(np.log(3) - 2, abs=1e-6)
    assert named["popularity"] == pytest.approx(-2)
    assert named["one"] == pytest.approx(1)


def test_a_product_bought_once_is_given_two_windows_of_patience(of):
    assert raw(of((1, 28, 10, 3)))["lateness"] == pytest.approx(28 / 56 - 1, abs=1e-6)


@pytest.mark.parametrize(("ago", "window", "quarter"), [(28, 1, 1), (29, 0, 1), (112, 0, 1), (113, 0, 0)])
def test_a_window_reaches_back_its_whole_length_and_no_further(of, ago, window, quarter):
    named = raw(of((1, ago, 10, 3)))
    assert named["last_window"] == pytest.approx(np.log1p(window), abs=1e-6)
    assert named["last_quarter"] == pytest.approx(np.log1p(quarter), abs=1e-6)


def test_lines_of_one_basket_are_one_trip(of):
    once, twice = of((1, 5, 10, 3)), of((1, 5, 10, 3), (1, 5, 10, 3))
    np.testing.assert_array_equal(once.features, twice.features)


def test_every_product_of_every_person_has_one_row(of):
    found = of((1, 9, 10, 3), (1, 9, 10, 7), (1, 2, 11, 3), (4, 5, 12, 7))
    assert sorted(zip(found.person.tolist(), found.product.tolist(), strict=True)) == [(0, 3), (0, 7), (1, 7)]
    assert found.features.dtype == np.float32


def test_more_trips_and_a_fresher_last_one_score_higher_at_the_public_start(of):
    found = of((1, 90, 10, 3), (1, 60, 11, 3), (1, 3, 12, 3), (1, 90, 10, 7))
    odds = dict(zip(found.product.tolist(), found.features @ HABIT_START, strict=True))
    assert odds[3] > odds[7]


def test_nobodys_habits_depend_on_the_others(node, make_node, lines):
    popularity = np.random.default_rng(0).normal(size=150).astype(np.float32)
    everybody = habits(node.history, popularity, now=node.now, window_days=28)
    for row, person in enumerate(node.history.persons[:5]):
        alone = make_node(lines[lines["person_id"] == person])
        mine = habits(alone.history, popularity, now=node.now, window_days=28)
        np.testing.assert_array_equal(mine.product, everybody.product[everybody.person == row])
        np.testing.assert_array_equal(mine.features, everybody.features[everybody.person == row])


def test_the_order_of_rows_does_not_matter(lines, make_node):
    shuffled = lines.sample(frac=1, random_state=1)
    popularity = np.zeros(150, dtype=np.float32)
    one, other = (
        habits(make_node(rows).history, popularity, now=make_node(rows).now, window_days=28)
        for rows in (lines, shuffled)
    )
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.product, other.product)


def test_features_of_real_looking_shoppers_are_finite_and_on_one_scale(node):
    found = habits(node.history, FLAT, now=node.now, window_days=28)
    assert np.isfinite(found.features).all()
    assert (found.features.std(axis=0)[:-2] < 5).all()


def test_no_purchases_make_no_rows(of):
    found = of()
    assert found.features.shape == (0, len(HABIT_FEATURES))
    assert len(found.person) == len(found.product) == 0


def test_what_was_bought_is_one_however_often(history):
    node = history((1, NOW - 5, 10, 3), (1, NOW - 4, 11, 3), (2, NOW - 3, 12, 0), now=NOW)
    bought = bought_before(node.history).toarray()
    assert bought.shape == (2, 150)
    assert set(np.unique(bought)) == {0.0, 1.0}
    np.testing.assert_array_equal(np.argwhere(bought), [[0, 3], [1, 0]])
