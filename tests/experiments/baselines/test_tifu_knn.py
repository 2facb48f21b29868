import numpy as np
import pytest

from experiments.baselines import tifu_knn
from retail.errors import ConfigError

SETTINGS = {"trip_decay": 0.8, "group_decay": 0.6, "group_trips": 3, "neighbours": 4, "alpha": 0.7}


def brute_force(lines, *, persons, products, trip_decay, group_decay, group_trips, neighbours, alpha):
    """The paper's formulas, one trip, group and person at a time."""
    vectors = np.zeros((persons, products))
    for person in range(persons):
        trips = sorted({(day, basket) for p, day, basket, _ in lines if p == person})
        if not trips:
            continue
        first = len(trips) % group_trips
        groups = [trips[:first]] if first else []
        groups += [trips[at : at + group_trips] for at in range(first, len(trips), group_trips)]
        for g, group in enumerate(groups):
            group_vector = np.zeros(products)
            for t, trip in enumerate(group):
                for product in {i for p, day, basket, i in lines if (p, day, basket) == (person, *trip)}:
                    group_vector[product] += trip_decay ** (len(group) - 1 - t) / len(group)
            vectors[person] += group_decay ** (len(groups) - 1 - g) * group_vector / len(groups)
    mixed = np.zeros_like(vectors)
    for person in range(persons):
        others = [p for p in range(persons) if p != person and vectors[p].any()]
        others.sort(key=lambda p: np.linalg.norm(vectors[p] - vectors[person]))
        mixed[person] = alpha * vectors[person] + (1 - alpha) * np.mean(vectors[others[:neighbours]], axis=0)
    return mixed


@pytest.mark.parametrize("change", [{}, {"group_trips": 1}, {"group_trips": 100}, {"neighbours": 99}, {"alpha": 0.0}])
def test_scores_equal_the_formulas_of_the_paper_one_by_one(history, random_lines, change):
    settings = SETTINGS | change
    lines = random_lines(5, lines=150)
    expected = brute_force(lines, persons=12, products=15, **settings)
    scores = tifu_knn.fit(history(lines, products=15), now=60, seed=0, **settings).scores(slice(None))
    spoken = expected > 0
    assert spoken.any()
    np.testing.assert_allclose(scores[spoken], expected[spoken], rtol=1e-5)
    assert (scores[~spoken] <= 0).all()


def test_own_frequencies_of_a_shopper_can_be_computed_by_hand(history):
    # Four trips in groups of three: {0} alone in the oldest, then {0}, {1}, {0, 1}.
    lines = [(1, 1, 1, 0), (1, 2, 2, 0), (1, 3, 3, 1), (1, 4, 4, 0), (1, 4, 4, 1)]
    frequency = tifu_knn.fit(history(lines, products=2), now=9, seed=0, **SETTINGS).frequency.toarray()[0]
    older, newer = np.array([1.0, 0.0]), np.array([0.8**2 + 1, 0.8 + 1]) / 3
    np.testing.assert_allclose(frequency, (0.6 * older + newer) / 2)


def test_any_choice_of_persons_gives_the_same_rows(history, random_lines):
    model = tifu_knn.fit(history(random_lines(5), products=15), now=60, seed=0, **SETTINGS)
    everybody = model.scores(slice(None))
    np.testing.assert_allclose(model.scores(np.array([7, 2])), everybody[[7, 2]], rtol=1e-6)
    np.testing.assert_allclose(model.scores(slice(3, 5)), everybody[3:5], rtol=1e-6)


def test_equally_near_persons_are_taken_in_order_and_no_more_than_asked(history):
    lines = [(person, 1, person, 0) for person in range(6)]
    nearest = tifu_knn.fit(history(lines, products=1), now=9, seed=0, neighbours=2).nearest(np.array([1, 5]))
    assert nearest.toarray().tolist() == [[1, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]]


def test_persons_without_a_purchase_are_nobodys_neighbours_and_get_the_popular_products(history):
    lines = [(1, 1, 1, 0), (2, 1, 2, 1), (3, 1, 3, 1), (4, 9, 4, 0)]
    model = tifu_knn.fit(history(lines, products=3).between(None, 5), now=5, seed=0, neighbours=9)
    assert model.nearest(slice(None)).sum(axis=1).tolist() == [2, 2, 2, 0]
    assert model.nearest(slice(None)).toarray()[:, 3].sum() == 0
    assert np.argsort(-model.scores(np.array([3]))[0]).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    "hyper", [{"trip_decay": 0.0}, {"group_decay": 1.5}, {"alpha": -0.1}, {"group_trips": 0}, {"neighbours": 0}]
)
def test_settings_out_of_range_are_refused(history, hyper):
    with pytest.raises(ConfigError, match="TIFU-KNN: "):
        tifu_knn.fit(history([(1, 1, 1, 0)], products=1), now=9, seed=0, **hyper)
