"""MovieLens-100K: 100,000 ratings of 943 people, read from a folder or a wheel that the user has.

The data may not be handed on, so nothing of it is in this repository and nothing is fetched. Two forms are read: the
one that GroupLens publishes (`u.data`, `u.item`) and the one inside the package `recbole` (`ml-100k.inter`,
`ml-100k.item`), installed or as a wheel. Stars count for nothing here: a rating says that somebody chose a film.

Source: Harper and Konstan 2015, "The MovieLens Datasets: History and Context".
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from retail import columns as c
from retail.errors import DataError
from retail.files import atomic_write

PEOPLE: Final = 943
START: Final = dt.date(1997, 9, 19)
END: Final = dt.date(1998, 4, 23)
"""Days of the ratings and the number of people, as the data's own description has them; a day later, by UTC."""

HOW_TO_GET: Final = (
    "name a folder with u.data and u.item (ml-100k.zip of GroupLens), or a wheel of recbole (pip download --no-deps "
    "recbole)"
)
_GENRES: Final = (
    "unknown,Action,Adventure,Animation,Children's,Comedy,Crime,Documentary,Drama,Fantasy,Film-Noir,Horror,Musical,"
    "Mystery,Romance,Sci-Fi,Thriller,War,Western"
).split(",")
_IN_PACKAGE: Final = "dataset_example/ml-100k"
_FORMS: Final = (("ml-100k.inter", "ml-100k.item"), ("u.data", "u.item"))
_LEAST: Final = 4  # ratings of a person: one to test, one to validate, two to learn which film follows which
_ERAS: Final = (1950, 1965, 1975, 1985, 1991, 1994, 1995, 1996, 1997, 1998)


@dataclass(frozen=True, eq=False)
class MovieLens:
    """Who chose which film, in the order of time.

    Attributes:
        person: (n,) int64 ids.
        film: (n,) int64 ids.
        seconds: (n,) int64, since 1970-01-01 UTC.
        films: (f,) int64 ids of all films, ascending; public.
        tags: (f,) words about each film: its genres, and "from YEAR" for the era it came out in; public.
        people: how many people there are, numbered from 1; public.

    Rows are sorted by person and time. Equal times stand in the reverse order of the file, whose rows are shuffled: as
    in the programs behind published figures, the last row is then the first of the latest in the file.
    """

    person: np.ndarray
    film: np.ndarray
    seconds: np.ndarray
    films: np.ndarray
    tags: tuple[tuple[str, ...], ...]
    people: int

    @property
    def behind(self) -> np.ndarray:
        """(n,) how many later rows the same person has: 0 is that person's last film, 1 the one before."""
        last = np.searchsorted(self.person, self.person, side="right")
        behind: np.ndarray = last - 1 - np.arange(len(self.person))
        return behind

    def held_out(self, back: int) -> np.ndarray:
        """(people,) each person's film with so many behind it, as a position in `films`; -1 where there is none."""
        found = np.full(self.people, -1, dtype=np.int64)
        rows = self.behind == back
        found[self.person[rows] - 1] = np.searchsorted(self.films, self.film[rows])
        return found

    def rated(self) -> np.ndarray:
        """(people, films) True where a person has rated a film, the held-out ones too."""
        known = np.zeros((self.people, len(self.films)), dtype=bool)
        known[self.person - 1, np.searchsorted(self.films, self.film)] = True
        return known

    def write_folder(self, path: Path, *, hold_out: int) -> None:
        """Write the rows as a folder of tables (docs/data.md) in which every person is a store of one shopper.

        A line is a basket of its own, numbered by time, so that sorting by day and basket sorts by time. Held-out
        rows are not in the folder at all.

        Args:
            path: the folder.
            hold_out: how many of each person's last films are left out.

        Raises: DataError: the folder cannot be written.
        """
        kept = self.behind >= hold_out
        person = self.person[kept]
        order = np.arange(len(person)) - np.searchsorted(person, person, side="left")
        lines = pd.DataFrame(
            {
                c.PERSON: person,
                c.BASKET: person * 10_000 + order,
                c.PRODUCT: self.film[kept],
                c.STORE: person,
                c.TIME: pd.to_datetime(self.seconds[kept], unit="s"),
                c.QUANTITY: 1.0,
                c.SALES: 0.0,
            }
        )
        tables = {
            "transactions": lines,
            "products": pd.DataFrame({c.PRODUCT: self.films}),
            "stores": pd.DataFrame({c.STORE: np.arange(1, self.people + 1)}),
        }
        for name, table in tables.items():
            atomic_write(Path(path) / f"{name}.parquet", partial(table.to_parquet, index=False))


def load(path: Path | None = None, *, people: int = PEOPLE) -> MovieLens:
    """Read the ratings and the films.

    Args:
        path: a folder or a wheel; None for the installed package `recbole`, which is looked up and not imported.
        people: how many people the ratings may be of, numbered from 1; public.

    Raises: DataError: nothing is there, or it is not what it should be.
    """
    place, read = _opened(path)
    names = next((names for names in _FORMS if all(read(name) is not None for name in names)), None)
    if names is None:
        raise DataError(f"{place} holds neither u.data and u.item nor ml-100k.inter and ml-100k.item; {HOW_TO_GET}")
    ratings, films = (read(name) or b"" for name in names)
    rows = _table(ratings, names[0], header=names[0].endswith(".inter"))
    ids, tags = _films(films, names[1])
    return _checked(rows, ids, tags, people, f"{place}, {names[0]}")


def _opened(path: Path | None) -> tuple[str, Callable[[str], bytes | None]]:
    """Return the place to speak of, and what reads a file there by name (None where there is none)."""
    if path is None:
        found = importlib.util.find_spec("recbole")
        if found is None or not found.submodule_search_locations:
            raise DataError(f"MovieLens-100K is not here: the package recbole is not installed; {HOW_TO_GET}")
        path = Path(next(iter(found.submodule_search_locations))) / _IN_PACKAGE
    path = Path(path)
    if path.is_dir():
        return str(path), lambda name: (path / name).read_bytes() if (path / name).is_file() else None
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {Path(name).name: archive.read(name) for name in archive.namelist() if _wanted(name)}
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no folder and cannot be opened as a wheel ({error}); {HOW_TO_GET}") from error
    return str(path), inside.get


def _wanted(name: str) -> bool:
    return Path(name).name in {one for names in _FORMS for one in names}


def _table(text: bytes, name: str, *, header: bool) -> pd.DataFrame:
    """Read ratings: person, film, stars, seconds, separated by tabs."""
    try:
        table = pd.read_csv(io.BytesIO(text), sep="\t", header=0 if header else None, usecols=[0, 1, 3])
        table.columns = pd.Index(["person", "film", "seconds"])
        numbers = table.astype(np.float64)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{name} is not four columns of numbers separated by tabs ({error}); {HOW_TO_GET}") from error
    values = numbers.to_numpy()
    whole = (np.isfinite(values) & (values >= 1) & (values % 1 == 0)).all(axis=1)
    if not whole.all():
        row = int(np.flatnonzero(~whole)[0])
        raise DataError(f"{name}, row {row + 1}: {table.iloc[row].tolist()}: ids and times are whole numbers above 0")
    return numbers.astype(np.int64)


def _films(text: bytes, name: str) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Read the films: ids, ascending, and the tags of each."""
    ids, tags = [], []
    lines = text.decode("latin-1" if name.startswith("u.") else "utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines if name.startswith("u.") else lines[1:], start=1):
        cells = line.split("|" if name.startswith("u.") else "\t")
        try:
            if name.startswith("u."):
                year, genres = cells[2][-4:], [one for one, flag in zip(_GENRES, cells[5:], strict=True) if flag == "1"]
            else:
                year, genres = cells[2], cells[3].split()
            ids.append(int(cells[0]))
        except (IndexError, ValueError) as error:
            raise DataError(f"{name}, film {number}: {line[:60]!r} cannot be read ({error}); {HOW_TO_GET}") from error
        tags.append((*sorted(genres), f"from {_era(year)}"))
    order = np.argsort(ids)
    if not len(ids) or len(set(ids)) != len(ids):
        raise DataError(f"{name} lists no film, or one twice; {HOW_TO_GET}")
    return np.array(ids, dtype=np.int64)[order], [tags[one] for one in order]


def _era(year: str) -> int:
    """First year of the era of a film; films without a year count to an era of their own, 0."""
    if not year.strip().isdigit():
        return 0
    return max((one for one in _ERAS if one <= int(year)), default=1900)


def _checked(rows: pd.DataFrame, films: np.ndarray, tags: list[tuple[str, ...]], people: int, where: str) -> MovieLens:
    strange = ~rows["film"].isin(films) | (rows["person"] > people)
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        raise DataError(f"{where}, row {row + 1}: {rows.iloc[row].tolist()} is of a film or person that is not listed")
    if rows.duplicated(["person", "film"]).any():
        row = int(np.flatnonzero(rows.duplicated(["person", "film"]))[0])
        raise DataError(f"{where}, row {row + 1}: person {rows['person'][row]} rates film {rows['film'][row]} twice")
    counts = rows["person"].value_counts()
    if counts.empty or counts.min() < _LEAST:
        who = "nobody is there" if counts.empty else f"person {counts.idxmin()} has {counts.min()}"
        raise DataError(f"{where}: everybody needs {_LEAST} ratings or more, {who}")
    order = np.lexsort((-np.arange(len(rows)), rows["seconds"], rows["person"]))
    person, film, seconds = (rows[name].to_numpy()[order] for name in ("person", "film", "seconds"))
    return MovieLens(person, film, seconds, films, tuple(tags), people)
