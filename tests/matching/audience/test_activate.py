"""Audiences that give nobody away."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.audience.activate import activate, activate_nearest
from matching.audience.nearness import places_index
from matching.audience.profile import profile_rows, similarity
from matching.audience.size import Minimums, Payment
from matching.embeddings import Embeddings
from matching.index import VectorIndex
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from retail.errors import DataError, PrivacyError

PEOPLE = 1000
IDS = np.arange(PEOPLE, dtype=np.int64) + 5000


def everybody(persons):
    return np.ones(len(persons), dtype=bool)


def seeds_of(number):
    return np.arange(PEOPLE) < number


@given(seed=st.integers(0, 1000), number=st.integers(20, 300), share=st.floats(0.1, 0.5))
def test_an_audience_holds_the_best_of_those_who_agreed_and_never_a_seed_or_somebody_withdrawn(seed, number, share):
    rng = np.random.default_rng(seed)
    scores, seeds, agreed = rng.random(PEOPLE), seeds_of(number), rng.random(PEOPLE) < 0.8
    found = activate(scores, IDS, seeds, share=share, allows=lambda persons: agreed[persons - 5000])
    reached = np.array([found.reaches(int(one)) for one in IDS])
    assert not (reached & seeds).any()
    assert not (reached & ~agreed).any()
    may = ~seeds & agreed
    assert reached.sum() == min(int(np.ceil(share * PEOPLE)), may.sum())
    assert scores[reached].min() >= scores[may & ~reached].max(initial=0)


def test_whoever_withdraws_later_is_not_reached_any_more_and_too_few_left_stop_it():
    withdrawn = set()

    def allows(persons):
        return np.array([one not in withdrawn for one in persons.tolist()], dtype=bool)

    found = activate(np.arange(PEOPLE)[::-1].astype(float), IDS, seeds_of(20), share=0.06, allows=allows)
    first = next(int(one) for one in IDS if found.reaches(int(one)))
    withdrawn.add(first)
    assert not found.reaches(first)
    assert found.reaches(first + 1)
    withdrawn.update(range(first, first + 12))
    with pytest.raises(PrivacyError, match="fewer than 50 people are left"):
        found.reaches(int(IDS[-1]))


@pytest.fixture
def pay(tmp_path):
    """Payments of epsilon .5 each, from a budget of epsilon 3."""
    budget = Budget("people", 3.0, 1e-6, PEOPLE)
    ledger = Ledger.open(tmp_path / "books.sqlite", scope="run", budget=budget, run="test")
    register = Register([Party("platform", "aggregator")])
    register.add(Dataset("audiences", "platform", "transactions", "dp", about_persons=True))
    engine = PolicyEngine.load(("base",), register=register, regime="federated_dp")
    log = Log.open(ledger.books, origin="test", key=None)
    return lambda epsilon=0.5: Payment(ledger, engine, log, "platform", epsilon)


def bought(payment, *, seeds=200, share=0.2, allows=everybody):
    scores = np.random.default_rng(0).random(PEOPLE)
    return activate(scores, IDS, seeds_of(seeds), share=share, allows=allows, payment=payment)


def test_neither_print_nor_pickle_nor_copy_gives_out_an_id_or_an_exact_number(pay):
    silent = activate(np.arange(PEOPLE) + 0.5, IDS, seeds_of(20), share=0.1, allows=everybody)
    told = bought(pay())
    assert repr(silent) == "Audience()"
    assert repr(told) == f"Audience({told.size.people} +- {told.size.error} people)"
    with pytest.raises(PrivacyError, match="no size was paid for"):
        _ = silent.size
    for take in (pickle.dumps, copy.deepcopy):
        with pytest.raises(PrivacyError, match="does not leave the platform"):
            take(told)
    assert not [name for name in dir(told) if not name.startswith("_") and name not in ("size", "reaches")]


def test_a_size_is_paid_for_each_time_is_noisy_and_does_not_tell_who_withdrew(pay):
    withdrawn = set()

    def allows(persons):
        return np.array([one not in withdrawn for one in persons.tolist()], dtype=bool)

    ledger = pay().ledger
    left = [ledger.remaining]
    found = []
    for _ in range(6):
        found.append(bought(pay(), allows=allows))
        left.append(ledger.remaining)
    assert (np.diff(left) < 0).all()
    sizes = [one.size.people for one in found]
    assert len(set(sizes)) > 1  # the exact number is 200 each time
    assert max(abs(one - 200) for one in sizes) < 4 * found[0].size.error
    withdrawn.update(one for one in IDS.tolist() if found[0].reaches(one) and one % 2)
    assert found[0].size.people == sizes[0]
    with pytest.raises(PrivacyError, match="budget"):
        bought(pay(3.0))
    assert ledger.remaining == left[-1]


def test_with_payment_noise_decides_and_a_group_below_a_minimum_does_not_pass_by_luck(pay):
    for _ in range(5):
        with pytest.raises(PrivacyError, match="too few early buyers for a minimum of 20"):
            bought(pay(), seeds=19)
        with pytest.raises(PrivacyError, match="too few people reached for a minimum of 50"):
            bought(pay(), share=0.049)
    with pytest.raises(PrivacyError, match="too few early buyers"):  # and not "the seed is empty", which is exact
        bought(pay(), seeds=0)


@pytest.mark.parametrize(
    ("seeds", "share", "error", "said"),
    [
        (seeds_of(0), 0.1, DataError, "the seed is empty"),
        (seeds_of(PEOPLE), 0.1, DataError, "the seed has 1000 people and the base 1000"),
        (seeds_of(19), 0.1, PrivacyError, "fewer than 20 people, so no audience is made"),
        (seeds_of(20), 0.04, PrivacyError, "fewer than 50 people would be reached"),
        (seeds_of(20), 0.0, DataError, "share = 0.0"),
        (seeds_of(20), 1.0, DataError, "share = 1.0"),
    ],
)
def test_what_makes_no_audience_is_refused_in_one_line(seeds, share, error, said):
    with pytest.raises(error, match=said) as refused:
        activate(np.zeros(PEOPLE), IDS, seeds, share=share, allows=everybody)
    assert "\n" not in str(refused.value)


def test_arrays_that_do_not_fit_twins_and_unknown_scores_are_refused():
    with pytest.raises(DataError, match="999 scores, 1000 ids"):
        activate(np.zeros(PEOPLE - 1), IDS, seeds_of(20), share=0.1, allows=everybody)
    with pytest.raises(DataError, match="are there twice"):
        activate(np.zeros(PEOPLE), np.zeros(PEOPLE, dtype=np.int64), seeds_of(20), share=0.1, allows=everybody)
    with pytest.raises(DataError, match="1000 of 1000 scores are NaN"):
        activate(np.full(PEOPLE, np.nan), IDS, seeds_of(20), share=0.1, allows=everybody)
    for lower in ({"seeds": 19}, {"audience": 49}, {"seeds": True}):
        with pytest.raises(PrivacyError, match="below the floor"):
            Minimums(**lower)
    with pytest.raises(PrivacyError, match="fewer than 21 people"):
        activate(np.zeros(PEOPLE), IDS, seeds_of(20), share=0.1, allows=everybody, minimums=Minimums(seeds=21))


def test_the_nearest_to_a_profile_are_the_most_similar_of_those_who_agreed_without_a_seed():
    rng = np.random.default_rng(1)
    places = rng.normal(size=(PEOPLE, 16))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    places[-1] = 0  # nothing is known of this one
    seeds, agreed = seeds_of(30), rng.random(PEOPLE) < 0.7
    centre = places.mean(axis=0)
    profile = profile_rows(places, centre, seeds).sum(axis=0)
    index, query = places_index(IDS, places, profile, model="test")
    found = activate_nearest(index, query, IDS[seeds], share=0.1, allows=lambda persons: agreed[persons - 5000])
    reached = np.array([found.reaches(int(one)) for one in IDS])
    like = similarity(places, centre, profile)
    may = agreed & ~seeds
    may[-1] = False
    assert not (reached & ~may).any()
    assert like[reached].min() >= like[may & ~reached].max() - 1e-5
    with pytest.raises(DataError, match="the seed is empty"):
        activate_nearest(index, query, IDS[:0], share=0.1, allows=everybody)


def test_the_nearest_are_found_exactly_in_an_index_that_reads_few_cells():
    rng = np.random.default_rng(2)
    places, profile = rng.normal(size=(12_000, 16)), rng.normal(size=16)
    index = VectorIndex("test", 16, exact_below=100)
    index.add(np.arange(12_000), Embeddings.scaled(places, "test"))
    like = places @ profile / np.linalg.norm(places, axis=1)
    best = np.argsort(-like)[:70]
    query = Embeddings.scaled(profile[None], "test")
    found = activate_nearest(index, query, best[:20], share=50 / 12_000, allows=everybody)
    assert [found.reaches(int(one)) for one in best] == [False] * 20 + [True] * 50
