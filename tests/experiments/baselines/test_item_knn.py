import numpy as np
import pytest

from experiments.baselines import item_knn
from retail.errors import ConfigError


def brute_force(counts: np.ndarray, *, neighbours: int, weighting: str, min_persons: int) -> np.ndarray:
    """Loops over pairs of products: cosine, best `neighbours` of each row, own counts times similarity."""
    vectors = counts.astype(float)
    listed = [p for p in range(counts.shape[1]) if np.count_nonzero(counts[:, p]) >= min_persons]
    if weighting == "tfidf":
        for person in range(len(counts)):
            different = np.count_nonzero(counts[person, listed])
            vectors[person] = np.sqrt(vectors[person]) * (np.log(len(listed)) - np.log1p(different))
    similarity = np.zeros((counts.shape[1],) * 2)
    for a in listed:
        cosines = {
            b: vectors[:, a] @ vectors[:, b] / np.sqrt((vectors[:, a] ** 2).sum() * (vectors[:, b] ** 2).sum())
            for b in listed
        }
        for b in sorted(cosines, key=lambda b: -cosines[b])[:neighbours]:
            similarity[a, b] = cosines[b]
    return counts @ similarity


@pytest.mark.parametrize("weighting", ["cosine", "tfidf"])
@pytest.mark.parametrize(("neighbours", "min_persons"), [(4, 1), (7, 1), (100, 1), (7, 9)])
def test_scores_equal_a_loop_over_pairs_of_products(history, random_lines, weighting, neighbours, min_persons):
    settings = {"neighbours": neighbours, "weighting": weighting, "min_persons": min_persons}
    known = history(random_lines(7), products=15)
    expected = brute_force(known.counts().toarray(), **settings)
    scores = item_knn.fit(known, now=60, seed=0, **settings).scores(slice(None))
    spoken = expected > 0
    assert spoken.any()
    np.testing.assert_allclose(scores[spoken], expected[spoken], rtol=1e-5)
    assert (scores[~spoken] <= 0).all()


def test_a_product_bought_by_the_same_persons_is_recommended_before_a_popular_one(history):
    # Persons 1 and 2 buy {0, 1}, persons 3 to 6 buy {2, 3}; person 7 has bought 0 only.
    lines = [(p, p, p, i) for p, bought in [(1, (0, 1)), (2, (0, 1)), (7, (0,))] for i in bought]
    lines += [(p, p, p, i) for p in (3, 4, 5, 6) for i in (2, 3)]
    scores = item_knn.fit(history(lines, products=4), now=10, seed=0, min_persons=1).scores(slice(6, 7))[0]
    assert scores[0] == pytest.approx(1.0)
    assert scores[1] == pytest.approx(2 / np.sqrt(3 * 2))
    assert scores[2] <= 0


def test_products_of_too_few_persons_come_last(history):
    lines = [(1, 1, 1, 0), (1, 1, 1, 1), (2, 2, 2, 0), (3, 3, 3, 0)]
    scores = item_knn.fit(history(lines, products=2), now=10, seed=0, min_persons=2).scores(slice(0, 1))[0]
    assert scores[0] > 0 >= scores[1]


@pytest.mark.parametrize("hyper", [{"neighbours": 0}, {"min_persons": 0}, {"weighting": "bm25"}])
def test_settings_out_of_range_are_refused(history, hyper):
    with pytest.raises(ConfigError, match="item-kNN: "):
        item_knn.fit(history([(1, 1, 1, 0)], products=1), now=10, seed=0, **hyper)
