import math
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.embeddings import Embeddings
from matching.exact_search import exact
from matching.index import VectorIndex
from retail.errors import ConfigError, DataError


@st.composite
def galleries(draw):
    """Few directions, so that many people are equally near, and ids in no order."""
    d = draw(st.integers(1, 5))
    direction = st.lists(st.integers(-2, 2), min_size=d, max_size=d).filter(any)
    rows = draw(st.lists(direction, min_size=1, max_size=40))
    ids = draw(st.lists(st.integers(0, 2**63 - 1), min_size=len(rows), max_size=len(rows), unique=True))
    queries = draw(st.lists(direction, min_size=1, max_size=4))
    allowed = draw(st.none() | st.lists(st.sampled_from(ids), unique=True) | st.just([*ids, 5, 6]))
    return (
        np.array(ids, dtype=np.int64),
        Embeddings.scaled(np.array(rows, dtype=np.float64), "taste-1"),
        Embeddings.scaled(np.array(queries, dtype=np.float64), "taste-1"),
        None if allowed is None else np.array(allowed, dtype=np.int64),
    )


@given(galleries(), st.integers(1, 50))
def test_an_exact_search_is_brute_force_with_ties_by_id(by_hand, gallery, k):
    ids, rows, queries, allowed = gallery
    index = VectorIndex("taste-1", rows.dimension)
    index.add(ids, rows)
    found = index.search(queries, k, allowed=allowed)
    assert np.array_equal(found.ids, by_hand(ids, rows, queries, k, allowed))
    assert (found.ids >= 0).all()
    assert (np.diff(found.similarity, axis=1) <= 0).all()


@given(galleries(), st.randoms(use_true_random=False), st.integers(1, 45))
def test_the_order_in_which_people_are_added_does_not_matter(gallery, random, k):
    ids, rows, queries, allowed = gallery
    order = list(range(len(ids)))
    random.shuffle(order)
    cut = random.randrange(len(ids) + 1)
    one, other = VectorIndex("taste-1", rows.dimension), VectorIndex("taste-1", rows.dimension)
    one.add(ids, rows)
    for part in (order[:cut], order[cut:]):
        other.add(ids[part], Embeddings(rows.vectors[part], "taste-1"))
    same(one.search(queries, k, allowed=allowed), other.search(queries, k, allowed=allowed))
    same(one.search(queries, k), other.search(queries, k))


@given(galleries(), st.data())
def test_somebody_who_was_erased_is_never_found_and_the_others_are_found_as_if_that_person_had_never_come(
    gallery, data
):
    ids, rows, queries, _ = gallery
    gone = data.draw(st.lists(st.sampled_from(ids.tolist()), unique=True, min_size=1))
    index, never = VectorIndex("taste-1", rows.dimension), VectorIndex("taste-1", rows.dimension)
    index.add(ids, rows)
    kept = ~np.isin(ids, gone)
    never.add(ids[kept], Embeddings(rows.vectors[kept], "taste-1"))
    assert index.erase(gone) == len(gone)
    assert index.erase(gone) == 0
    found = index.search(queries, len(ids))
    assert not np.isin(found.ids, gone).any()
    same(found, never.search(queries, len(ids)))
    assert index.ids.tolist() == sorted(ids[kept].tolist())


@given(galleries(), st.integers(1, 45), st.integers(0, 2**32))
def test_adding_somebody_who_is_not_allowed_changes_no_result(gallery, k, seed):
    ids, rows, queries, allowed = gallery
    before = VectorIndex("taste-1", rows.dimension)
    before.add(ids, rows)
    allowed = ids if allowed is None else allowed
    found = before.search(queries, k, allowed=allowed)
    newcomers = np.setdiff1d(np.random.default_rng(seed).integers(0, 2**62, 5), [*ids, *allowed])
    before.add(newcomers, Embeddings(np.resize(queries.vectors, (len(newcomers), rows.dimension)), "taste-1"))
    same(found, before.search(queries, k, allowed=allowed))


def test_a_cosine_is_the_exact_one_rounded_to_float32(vectors, filled):
    rows, query = vectors(400, 48), vectors(1, 48, seed=1)
    found = filled(range(400), rows).search(query, 400)
    exact = [math.fsum(row.astype(float) * query.vectors[0].astype(float)) for row in rows.vectors[found.ids[0]]]
    assert np.array_equal(found.similarity[0], np.array(exact, dtype=np.float32))


def test_what_is_asked_beside_a_query_does_not_change_its_answer(vectors, filled):
    index, queries = filled(range(3000), vectors(3000, 48)), vectors(64, 48, seed=1)
    together = index.search(queries, 12)
    for row in range(64):
        alone = index.search(Embeddings(queries.vectors[row : row + 1], queries.model), 12)
        assert np.array_equal(alone.ids[0], together.ids[row])
        assert np.array_equal(alone.similarity[0], together.similarity[row])


def test_hundreds_who_look_exactly_alike_come_in_the_order_of_their_ids(vectors, filled):
    twins = Embeddings(np.repeat(vectors(2, 8).vectors, 400, axis=0), "taste-1")
    ids = np.random.default_rng(3).permutation(800)
    found = filled(ids, twins).search(vectors(2, 8), 30).ids
    assert found[0].tolist() == sorted(ids[:400].tolist())[:30]
    assert found[1].tolist() == sorted(ids[400:].tolist())[:30]


def test_an_empty_index_and_an_empty_list_of_allowed_people_give_nobody(vectors, filled):
    query = vectors(2, 8)
    assert VectorIndex("taste-1", 8).search(query, 3).ids.shape == (2, 0)
    index = filled([4, 5], vectors(2, 8))
    assert index.search(query, 3, allowed=[]).ids.shape == (2, 0)
    assert index.search(query, 3, allowed=[999]).ids.shape == (2, 0)
    assert index.search(Embeddings(query.vectors[:0], "taste-1"), 3).ids.shape == (0, 2)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.array([1.0, 2.0]), "int64 .* got float64"),
        (np.array([1, 2], dtype=np.int32), "got int32"),
        (np.array([1, 2], dtype=np.uint64), "got uint64"),
        (np.array([True, False]), "got bool"),
        ([True, False], "got bool"),
        ([1.5, 2], "got float64"),
        (["1", "2"], "got <U1"),
        ({1, 2}, "got set"),
        ([1, 2**63], r"below 2\^63"),
        ([[1], [2]], "one axis"),
        ([[1], [2, 3]], "whole numbers"),
        ([3, -1], r"not be negative \(first: position 1\)"),
        ([3, 3], "1 of 2 ids are there twice"),
        ([3, 7], "1 of 2 ids are in the index already"),
        ([3], "1 ids and 2 embeddings"),
    ],
)
def test_ids_that_are_no_new_int64_numbers_are_refused_and_nothing_is_added(vectors, filled, ids, message):
    index = filled([7], vectors(1, 8))
    with pytest.raises(DataError, match=message):
        index.add(ids, vectors(2, 8, seed=1))
    assert index.ids.tolist() == [7]


def test_a_message_about_ids_names_nobody(vectors, filled):
    with pytest.raises(DataError) as raised:
        filled([123_456], vectors(1, 8)).add([123_456], vectors(1, 8))
    assert "123" not in str(raised.value).replace(",", "")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda index, v: index.add([1], v(1, 9)), DataError, "9 dimensions where 'taste-1' has 8"),
        (lambda index, v: index.search(v(1, 9), 1), DataError, "9 dimensions"),
        (
            lambda index, v: index.add([1], Embeddings(v(1, 8).vectors, "other")),
            DataError,
            "'other' cannot be compared",
        ),
        (
            lambda index, v: index.search(Embeddings(v(1, 8).vectors, "other"), 1),
            DataError,
            "'other' cannot be compared",
        ),
        (lambda index, v: index.add([1], v(1, 8).vectors), DataError, "as Embeddings"),
        (lambda index, v: index.search(v(1, 8).vectors, 1), DataError, "as Embeddings"),
        (lambda index, v: index.search(v(1, 8), 0), ConfigError, "k must be"),
        (lambda index, v: index.search(v(1, 8), 2.0), ConfigError, "k must be"),
        (lambda index, v: index.search(v(1, 8), True), ConfigError, "k must be"),
        (lambda index, v: index.search(v(1, 8), 1, cells=0), ConfigError, "cells must be"),
        (lambda index, v: index.search(v(1, 8), 1, cells=0.5), ConfigError, "cells must be"),
        (lambda index, v: index.search(v(1, 8), 1, allowed=[1.5]), DataError, "allowed ids must be"),
        (lambda index, v: index.erase(["1"]), DataError, "ids must be"),
        (lambda index, v: VectorIndex("m", 0), ConfigError, "dimension must be"),
        (lambda index, v: VectorIndex("", 8), DataError, "model id"),
        (lambda index, v: VectorIndex("m", 8, exact_below=3), ConfigError, "exact_below must be"),
    ],
)
def test_what_cannot_be_searched_or_added_is_refused_with_one_message(vectors, filled, change, error, message):
    index = filled([7], vectors(1, 8))
    with pytest.raises(error, match=message):
        change(index, vectors)
    assert index.ids.tolist() == [7]


def test_membership_answers_for_anything(vectors, filled):
    index = filled([7], vectors(1, 8))
    assert 7 in index
    assert np.int64(7) in index
    assert not any(one in index for one in (8, -1, 2**70, "7", 7.0, None, True))


def test_printing_an_index_or_a_result_shows_no_score_and_no_id(vectors, filled):
    index = filled([731], vectors(1, 8))
    assert repr(index) == "VectorIndex(1 x 8, model='taste-1')"
    assert repr(index.search(vectors(1, 8), 1)) == "Neighbours(1, 1)"


def test_nothing_is_added_or_erased_in_the_middle_of_a_search(vectors, filled, monkeypatch):
    index, searching, go_on, changed = filled(range(9), vectors(9, 8)), threading.Event(), threading.Event(), []

    def slow(*arguments):
        searching.set()
        assert go_on.wait(10)
        assert not changed
        return exact(*arguments)

    def change() -> None:
        index.add([9], vectors(1, 8, seed=1))
        index.erase([0])
        changed.append(True)

    monkeypatch.setattr("matching.index.exact", slow)
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(index.search(vectors(1, 8), 9)))
    asking.start()
    assert searching.wait(10)
    changing = threading.Thread(target=change)
    changing.start()
    changing.join(0.1)
    go_on.set()
    for one in (asking, changing):
        one.join(10)
    assert sorted(found[0].ids[0].tolist()) == list(range(9))
    assert index.ids.tolist() == list(range(1, 10))


def test_searches_run_while_people_come_and_go(vectors):
    """Every answer is one that some moment allowed: known ids, each once, nobody erased before the search began."""
    everyone = vectors(4000, 16, people=40)
    index = VectorIndex("taste-1", 16, exact_below=800)
    index.add(np.arange(400), Embeddings(everyone.vectors[:400], "taste-1"))
    gone: set[int] = set()
    wrong: list[str] = []
    done = threading.Event()

    def ask() -> None:
        queries, asked = vectors(5, 16, seed=7, people=40), 0
        while not done.is_set() or not asked:
            before = set(gone)
            found = index.search(queries, 20).ids
            asked += 1
            if found.shape != (5, 20) or any(len(set(row)) != 20 for row in found.tolist()) or (found < 0).any():
                wrong.append("padded or twice")
            if before & set(found.ravel().tolist()):
                wrong.append("erased")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for one in threads:
        one.start()
    try:
        for start in range(400, 4000, 400):
            index.add(np.arange(start, start + 400), Embeddings(everyone.vectors[start : start + 400], "taste-1"))
            index.erase([start, start - 1])
            gone.update((start, start - 1))
    finally:
        done.set()
        for one in threads:
            one.join()
    assert wrong == []
    assert index.approximate
    assert set(index.ids.tolist()) == set(range(4000)) - gone


def same(one, other):
    assert np.array_equal(one.ids, other.ids)
    assert np.array_equal(one.similarity, other.similarity)
