"""MovieLens: read in two forms, last films held out, and no rating of them left in the tables."""

import numpy as np
import pytest
from movie_files import FILMS, PEOPLE, ratings, write_folder, write_wheel

from retail import columns as c
from retail.errors import DataError
from retail.folder import load_folder
from retail.interactions import catalogue, interactions
from retail.movielens import load


def test_a_folder_and_a_wheel_hold_the_same(tmp_path):
    rows = ratings()
    folder = load(write_folder(tmp_path / "ml", rows), people=PEOPLE)
    wheel = load(write_wheel(tmp_path / "r.whl", rows), people=PEOPLE)
    for name in ("person", "film", "seconds", "films"):
        np.testing.assert_array_equal(getattr(folder, name), getattr(wheel, name))
    assert folder.tags == wheel.tags
    assert folder.tags[:3] == (("Comedy", "from 1995"), ("Drama", "from 1995"), ("Action", "from 1995"))


def test_held_out_films_are_the_latest_and_the_first_in_the_file_among_equals(tmp_path):
    rows = np.array([(1, 3, 5, 9), (1, 7, 5, 20), (1, 9, 5, 20), (1, 1, 5, 10), (1, 4, 5, 20)])
    data = load(write_folder(tmp_path, rows), people=1)
    assert [data.films[data.held_out(back)[0]] for back in range(5)] == [7, 9, 4, 1, 3]
    assert data.held_out(5).tolist() == [-1]


def test_no_held_out_film_is_in_the_tables_and_lines_stand_in_the_order_of_time(tmp_path):
    data = load(write_folder(tmp_path / "ml", ratings()), people=PEOPLE)
    data.write_folder(tmp_path / "tables", hold_out=2)
    tables = load_folder(tmp_path / "tables", population=PEOPLE)
    pairs = set(zip(tables.transactions[c.PERSON], tables.transactions[c.PRODUCT], strict=True))
    for back in (0, 1):
        held = data.films[data.held_out(back)]
        assert not pairs & set(zip(range(1, PEOPLE + 1), held.tolist(), strict=True))
    assert len(pairs) == len(data.person) - 2 * PEOPLE
    history = interactions(tables.transactions, catalogue(tables.products))
    kept = data.behind >= 2
    np.testing.assert_array_equal(data.films[history.product], data.film[kept])
    assert len(tables.stores) == PEOPLE


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows[:0], "four columns of numbers"),
        (lambda rows: np.vstack([rows, rows[:1]]), "twice"),
        (lambda rows: np.vstack([rows, [[PEOPLE + 1, 1, 3, 5]]]), "not listed"),
        (lambda rows: np.vstack([rows, [[1, FILMS + 1, 3, 5]]]), "not listed"),
        (lambda rows: np.vstack([rows, [[1, 0, 3, 5]]]), "whole numbers above 0"),
        (lambda rows: rows[(rows[:, 0] != 5) | (np.cumsum(rows[:, 0] == 5) < 3)], "person 5 has 2"),
        (lambda rows: [*rows.astype(str).tolist(), ["x", "y", "z", "w"]], "four columns of numbers"),
    ],
)
def test_what_is_wrong_with_ratings_is_named(tmp_path, spoil, message):
    with pytest.raises(DataError, match=message):
        load(write_folder(tmp_path, spoil(ratings())), people=PEOPLE)


def test_a_place_without_the_files_is_told_how_to_get_them(tmp_path):
    (tmp_path / "no.whl").write_text("no archive")
    for place in (tmp_path, tmp_path / "no.whl", tmp_path / "missing"):
        with pytest.raises(DataError, match="pip download --no-deps recbole"):
            load(place)
