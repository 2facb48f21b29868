"""A tiny MovieLens in both forms, made up: 12 people, 30 films in three genres, whose last films are known."""

import zipfile

import numpy as np

PEOPLE, FILMS = 12, 30
GENRES = {0: ("Action", 1), 1: ("Comedy", 5), 2: ("Drama", 8)}
"""By the remainder of a film's id: a genre, and its place among the flags of `u.item`."""


def ratings(seed=0):
    """(n, 4) person, film, stars, seconds, shuffled; people stay within a genre for most of their list."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(1, PEOPLE + 1):
        liked = [one for one in range(1, FILMS + 1) if one % 3 == person % 3]
        films = rng.permutation(liked)[: 4 + person % 5]
        rows += [(person, film, 1 + film % 5, 880_000_000 + 86_400 * place) for place, film in enumerate(films)]
    return np.array(rows)[rng.permutation(len(rows))]


def write_folder(folder, rows):
    """The form of GroupLens."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    flags = ["|".join(str(int(place == GENRES[film % 3][1])) for place in range(19)) for film in range(1, FILMS + 1)]
    lines = [f"{film}|Film {film} (1995)|01-Jan-1995||http://|{flag}\n" for film, flag in enumerate(flags, start=1)]
    (folder / "u.item").write_text("".join(lines))
    return folder


def write_wheel(file, rows):
    """The form inside the package recbole."""
    films = "".join(f"{one}\tFilm {one}\t1995\t{GENRES[one % 3][0]}\n" for one in range(1, FILMS + 1))
    with zipfile.ZipFile(file, "w") as archive:
        inside = "recbole/dataset_example/ml-100k/ml-100k"
        text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        archive.writestr(f"{inside}.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + text)
        head = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        archive.writestr(f"{inside}.item", head + films)
    return file
