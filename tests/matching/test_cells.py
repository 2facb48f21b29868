import numpy as np
import pytest

from matching.embeddings import Embeddings, similarities
from matching.index import VectorIndex
from matching.inverted_lists import InvertedLists, cells_for

N, D = 6000, 24


@pytest.fixture(scope="module")
def people(vectors):
    return vectors(N, D, people=150, spread=1.2)


@pytest.fixture(scope="module")
def queries(vectors):
    return vectors(60, D, seed=1, people=150, spread=1.2)


@pytest.fixture(scope="module")
def with_cells(people):
    index = VectorIndex("taste-1", D, exact_below=1000)
    index.add(np.arange(N), people)
    assert index.approximate
    return index


@pytest.fixture(scope="module")
def without_cells(people):
    index = VectorIndex("taste-1", D)
    index.add(np.arange(N), people)
    assert not index.approximate
    return index


def recall(found, truth):
    return np.mean([len(set(one) & set(other)) for one, other in zip(found, truth, strict=True)]) / truth.shape[1]


def test_cells_find_nearly_everybody_and_tell_true_cosines(with_cells, without_cells, people, queries):
    found, truth = with_cells.search(queries, 10, cells=32), without_cells.search(queries, 10)
    assert recall(found.ids, truth.ids) > 0.9
    cosine = np.take_along_axis(similarities(queries, people), found.ids, axis=1)
    assert found.similarity == pytest.approx(cosine, abs=1e-7)
    assert (np.diff(found.similarity, axis=1) <= 0).all()


def test_reading_more_cells_misses_fewer_people(with_cells, without_cells, queries):
    truth = without_cells.search(queries, 10).ids
    few, more = (recall(with_cells.search(queries, 10, cells=cells).ids, truth) for cells in (1, 64))
    assert few < more


def test_a_search_of_all_cells_is_exact(with_cells, without_cells, queries):
    found, truth = with_cells.search(queries, 10, cells=128), without_cells.search(queries, 10)
    assert np.array_equal(found.ids, truth.ids)
    assert np.array_equal(found.similarity, truth.similarity)


def test_codes_of_one_byte_cost_nobody_the_right_place(with_cells, without_cells, queries):
    found, truth = with_cells.search(queries, 10, cells=127), without_cells.search(queries, 10)
    assert recall(found.ids, truth.ids) > 0.999


def test_where_the_cells_have_enough_people_but_few_to_choose_from_nobody_is_found_twice(with_cells, people):
    last = Embeddings(people.vectors[-1:], "taste-1")
    for k in (10, 15, 20, 25, 30, 40):
        found = with_cells.search(last, k, cells=1).ids[0].tolist()
        assert found[0] == N - 1
        assert len(set(found)) == k


def test_where_the_cells_that_were_read_have_too_few_people_all_are_searched_and_nothing_is_padded(
    with_cells, without_cells, queries
):
    found, truth = with_cells.search(queries, 500, cells=1), without_cells.search(queries, 500)
    assert found.ids.min() >= 0
    assert np.array_equal(found.ids, truth.ids)


def test_few_allowed_people_are_searched_exactly_however_large_the_index(with_cells, without_cells, queries):
    allowed = np.arange(0, N, 7)
    found, truth = (index.search(queries, 10, allowed=allowed) for index in (with_cells, without_cells))
    assert np.array_equal(found.ids, truth.ids)
    assert (found.ids % 7 == 0).all()


def test_many_allowed_people_are_searched_through_cells_and_nobody_else_is_found(with_cells, without_cells, queries):
    allowed = np.flatnonzero(np.arange(N) % 3 > 0)
    found, truth = (index.search(queries, 10, allowed=allowed, cells=32) for index in (with_cells, without_cells))
    assert (found.ids % 3 > 0).all()
    assert recall(found.ids, truth.ids) > 0.9
    assert not np.array_equal(found.ids, truth.ids), "somebody is missed, so the filter inside the cells was tried"


def test_people_who_come_later_are_found_and_twice_as_many_train_the_cells_anew(people):
    index = VectorIndex("taste-1", D, exact_below=1000)
    for start in range(0, N, 500):
        new = Embeddings(people.vectors[start : start + 500], "taste-1")
        index.add(np.arange(start, start + 500), new)
        assert index.approximate == (start + 500 > 1000)
        assert index.search(new, 1).ids[:, 0].tolist() == list(range(start, start + 500))
    assert index._lists.trained_on == 3500  # 1500 first, 3500 is the first size above 3000


def test_cells_depend_on_who_is_in_and_not_on_who_came_when(tmp_path, people):
    order = np.random.default_rng(5).permutation(2000)
    files = []
    for turn, parts in enumerate(([np.arange(2000)], np.array_split(order, 5))):
        index = VectorIndex("taste-1", D, exact_below=1000)
        for part in parts:
            index.add(part, Embeddings(people.vectors[part], "taste-1"))
        index.rebuild()
        index.save(tmp_path / str(turn))
        files.append((tmp_path / str(turn)).read_bytes())
    assert files[0] == files[1]


def test_an_index_that_shrinks_is_exact_again(people):
    index = VectorIndex("taste-1", D, exact_below=1000)
    index.add(np.arange(1200), Embeddings(people.vectors[:1200], "taste-1"))
    assert index.approximate
    index.erase(np.arange(300))
    assert not index.approximate
    assert len(index) == 900


def test_training_that_fails_leaves_an_index_that_searches_exactly_and_without_the_erased(
    monkeypatch, people, queries, without_cells
):
    index = VectorIndex("taste-1", D, exact_below=1000)
    index.add(np.arange(N), people)

    def no_memory(vectors):
        raise MemoryError

    monkeypatch.setattr(InvertedLists, "train", no_memory)
    with pytest.raises(MemoryError):
        index.erase([17])
    others = np.delete(np.arange(N), 17)
    assert 17 not in index
    assert np.array_equal(index.search(queries, 10).ids, without_cells.search(queries, 10, allowed=others).ids)


@pytest.mark.parametrize(("count", "cells"), [(1, 1), (100, 2), (200_000, 1024), (1_000_000, 2048), (10**7, 8192)])
def test_cells_grow_with_the_root_of_the_rows(count, cells):
    assert cells_for(count) == cells
