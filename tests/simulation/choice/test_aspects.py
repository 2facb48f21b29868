import re

import numpy as np
import pytest

from retail.errors import ConfigError, DataError
from retail.reviews import ASPECTS, Review, made_up_reviews
from simulation.choice.aspects import by_keywords, counts_of, learn, rates


def reviews(count=400, wordings="known", seed=0):
    return made_up_reviews(count, wordings=wordings, rng=np.random.default_rng(seed))


def test_reviews_are_labelled_text_and_some_say_nothing():
    made = reviews(500)
    assert {aspect for one in made for aspect, _ in one.labels} == set(ASPECTS)
    assert 0.1 < np.mean([not one.labels for one in made]) < 0.5
    assert made == reviews(500)
    assert made != reviews(500, seed=1)


def test_new_wordings_share_no_way_to_say_something_with_known_ones():
    def pairs(wordings):
        words = [re.findall("[a-z]+", clause) for one in reviews(800, wordings) if one.labels
                 for clause in re.split(r"[.;,]| and | but ", one.text.lower())]  # fmt: skip
        return {" ".join(one) for one in words if len(one) > 1}

    shared = pairs("known") & pairs("new")
    silent = " ".join(one.text.lower() for one in reviews(3000) if not one.labels)
    assert all(clause in silent for clause in shared)  # what both have is said beside the product only


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Too expensive.", {("price", "bad")}),
        ("Soft on the skin, but leaks every night.", {("comfort", "good"), ("absorbency", "bad")}),
        ("Not soft.", {("comfort", "bad")}),
        ("No rash.", {("comfort", "good")}),
        ("Arrived on Tuesday.", set()),
    ],
)
def test_keywords_tell_plain_sentences_and_mind_a_not(text, says):
    assert by_keywords(text) == frozenset(says)


def test_what_was_taught_is_told_and_what_is_new_falls_back_on_keywords():
    miner = learn(reviews(1500))
    assert miner("Runs small. great value.") == {("fit", "bad"), ("price", "good")}
    assert miner.or_keywords("Overpriced, itchy and stiff.") == by_keywords("Overpriced, itchy and stiff.")
    held_out = reviews(300, seed=5)
    assert rates(counts_of([miner(one.text) for one in held_out], held_out)).f1 > 0.95


def test_rates_are_those_of_a_table_by_hand():
    said = [frozenset({("fit", "bad"), ("price", "bad")}), frozenset(), frozenset({("fit", "good")})]
    true = [Review("", frozenset({("fit", "bad")})), Review("", frozenset({("price", "bad")})), Review("", frozenset())]
    found = rates(counts_of(said, true))
    assert (found.precision, found.recall, found.f1) == (pytest.approx(1 / 3), 0.5, pytest.approx(0.4))


def test_reviews_that_teach_nothing_are_refused():
    with pytest.raises(DataError, match="without a label"):
        learn([Review("Nice.", frozenset())])
    with pytest.raises(DataError, match="every review says fit bad"):
        learn([Review("Runs small.", frozenset({("fit", "bad")}))] * 3)
    with pytest.raises(ConfigError, match="known or new"):
        reviews(0)
