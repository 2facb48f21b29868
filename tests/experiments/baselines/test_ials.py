import numpy as np
import pytest

from experiments.baselines import ials
from retail.errors import ConfigError


@pytest.fixture
def two_tastes(history):
    """Persons 0 to 19 buy of products 0 to 9, persons 20 to 39 of 10 to 19; each has bought six of the ten."""
    rng = np.random.default_rng(3)
    lines = [
        (person, day, 1000 * person + day, int(product))
        for person in range(40)
        for day, product in enumerate(rng.choice(10, size=6, replace=False) + 10 * (person // 20))
    ]
    return history(lines, products=25)


def test_planted_tastes_are_found(two_tastes):
    scores = ials.fit(two_tastes, now=10, seed=0, factors=2, regularization=0.1).scores(slice(None))
    unseen = np.where(two_tastes.counts().toarray() > 0, -np.inf, scores)
    best = np.argsort(-unseen, axis=1)[:, :4]
    assert (best // 10 == np.repeat([0, 1], 20)[:, None]).all()


def test_factors_solve_the_least_squares_problem_of_the_paper(two_tastes):
    alpha, regularization = 2.0, 0.5
    settings = {"factors": 3, "alpha": alpha, "regularization": regularization, "iterations": 200}
    model = ials.fit(two_tastes, now=10, seed=0, **settings)
    counts = two_tastes.counts().toarray().astype(float)
    confidence = np.where(counts > 0, alpha * counts, 1.0)
    for product in (0, 7, 15):
        weighted = model.person_factors.T * confidence[:, product]
        left = weighted @ model.person_factors + regularization * np.eye(3)
        solved = np.linalg.solve(left, weighted @ (counts[:, product] > 0))
        np.testing.assert_allclose(model.product_factors[product], solved, atol=1e-3)


def test_products_that_nobody_bought_score_zero(two_tastes):
    assert (ials.fit(two_tastes, now=10, seed=0, factors=4).scores(slice(None))[:, 20:] == 0).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_factors(two_tastes):
    first, second, other = (ials.fit(two_tastes, now=10, seed=seed, factors=4) for seed in (0, 0, 1))
    assert first.product_factors.tobytes() == second.product_factors.tobytes()
    assert first.product_factors.tobytes() != other.product_factors.tobytes()


def test_persons_without_a_purchase_get_the_popular_products(history):
    lines = [(1, 1, 1, 0), (2, 1, 2, 1), (3, 1, 3, 1), (4, 9, 4, 0)]
    model = ials.fit(history(lines, products=3).between(None, 5), now=5, seed=0, factors=2)
    assert np.argsort(-model.scores(np.array([3]))[0]).tolist() == [1, 0, 2]


@pytest.mark.parametrize("name", ["factors", "regularization", "alpha", "iterations"])
def test_settings_out_of_range_are_refused(two_tastes, name):
    with pytest.raises(ConfigError, match=f"iALS: {name} is 0"):
        ials.fit(two_tastes, now=10, seed=0, **{name: 0})
