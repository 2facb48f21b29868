"""A folder of tables in the format of `retail`: rows of a person are taken out, files are replaced whole."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from privacy.consent.tombstones import Tombstones
from privacy.erasure.places import Guarded
from privacy.erasure.table_file import SUFFIXES, erase_rows, header, ids, rows_of
from retail import columns as c
from retail.errors import DataError
from retail.files import atomic_write

_TABLE_LIKE: Final = frozenset(
    ".csv .parquet .parq .pq .tsv .tab .feather .arrow .ipc .orc .avro .xls .xlsx .ods .db .sqlite .sqlite3 .duckdb "
    ".jsonl .ndjson .pkl .pickle .npy .npz .h5 .hdf5 .dta .sav .bak .gz .bz2 .xz .zst .zip .7z .tar .tgz".split()
)
_PEEK: Final = 65_536
_LINE: Final = 20


class TableFolder(Guarded):
    """The CSV and Parquet files of a folder, and of the folders in it, that have a column of person ids.

    Other files are not searched; `statement` names them. Where one may hold a table of people (its ending says so, or
    its beginning names a column of ids; hidden files and linked folders too), `unsearched` names it, and an erasure of
    this place stays open. Rows of other people keep their bytes (CSV) or values, order and types (Parquet).

    Guarantee: after `erase`, no row of a searched file has the id, as `privacy.consent.identifiers.spellings` spells
        it. Assumes that the id stands in the named columns; an id inside free text or in a column of another name is
        not found. The file system may keep old blocks, and backups and snapshots are places of their own.

    Args:
        name: of the place.
        path: the folder.
        tombstones: who may not come back.
        columns: names of columns that hold ids of people.
        skip: files and folders inside, relative to it, that hold nobody by the operator's word.
    """

    kind = "store"
    action = "erase"

    def __init__(
        self,
        name: str,
        path: Path | str,
        *,
        tombstones: Tombstones,
        columns: Sequence[str] = (c.PERSON,),
        skip: Sequence[str] = (),
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self.path = Path(path)
        self._columns = tuple(columns)
        self._skip = tuple(Path(one) for one in skip)

    @property
    def statement(self) -> str:  # type: ignore[override]
        """Which files in the folder were not searched."""
        try:
            searched, unsearched = set(self._files()), self.unsearched
            others = [self._short(one) for one in self._entries() if one not in searched and one.name[0] != "."]
        except DataError:
            return ""
        plain = [name for name in others if name not in unsearched]
        parts = (
            (f"not searched, no column {' or '.join(self._columns)}", plain),
            ("not searched, may hold people", list(unsearched)),
            ("hold nobody, by the operator's word", [one.as_posix() for one in self._skip]),
        )
        return "; ".join(f"{what}: {_listed(names)}" for what, names in parts if names)

    @property
    def unsearched(self) -> tuple[str, ...]:
        """Files that may hold a table of people and cannot be searched. Raises: DataError: one cannot be read."""
        searched = set(self._files())
        return tuple(
            self._short(one)
            for one in self._entries()
            if one not in searched and not self._skipped(one) and self._may_hold_people(one)
        )

    def holds(self, person: str) -> int:
        """Count the person's rows over all files.

        Raises: DataError: the folder or a file cannot be read.
        """
        return sum(len(rows) for file in self._files() for rows in [rows_of(file, self._columns, person)])

    def erase(self, person: str) -> int:
        """Take the person's rows out of every file that has some; see `Store.erase`.

        Raises: DataError: a file cannot be read or written, or changes faster than it can be rewritten.
        """
        self._remove_leftovers()
        return sum(erase_rows(file, self._columns, person) for file in self._files())

    def persons(self) -> Iterator[tuple[str, list[object]]]:
        """Yield each file's name and its ids, row by row; values as the file has them, None where empty."""
        for file in self._files():
            for column in self._columns:
                if column in header(file):
                    yield self._short(file), list(ids(file, column))

    def check(self) -> None:
        """Make sure that nobody who was erased is in the folder: an old backup, a partner's new delivery.

        Raises: ConsentError: which file holds rows of erased people, and in which rows; never an id.
        """
        for file, people in self.persons():
            self._tombstones.refuse(people, where=f"{self.name}, {file}")

    def take_in(self, file: Path) -> None:
        """Copy a table file into the folder, unless somebody in it was erased.

        Raises: ConsentError: rows of erased people. DataError: no CSV or Parquet file, or it cannot be read or written.
        """
        if file.suffix.lower() not in SUFFIXES:
            raise DataError(f"{file} is no .csv or .parquet file; save it as one of them")
        for column in self._columns:
            if column in header(file):
                self.admit(ids(file, column))
        atomic_write(self.path / file.name, lambda temporary: shutil.copyfile(file, temporary))

    def _entries(self) -> list[Path]:
        """List all files, those of folders inside too, and links to folders."""
        found = []
        try:
            for folder, folders, files in os.walk(self.path, onerror=_raise):
                linked = [name for name in folders if (Path(folder) / name).is_symlink()]
                found += [Path(folder) / name for name in (*files, *linked)]
        except FileNotFoundError:
            return []  # a folder that was deleted holds nobody
        except OSError as error:
            raise DataError(f"cannot open {self.path}: {error.strerror}; nobody can say who is in it") from error
        return sorted(found)

    def _files(self) -> list[Path]:
        visible = [
            one for one in self._entries() if one.suffix.lower() in SUFFIXES and one.is_file() and not self._hidden(one)
        ]
        return [one for one in visible if set(self._columns).intersection(header(one))]

    def _may_hold_people(self, path: Path) -> bool:
        if path.is_dir():
            return True  # a link to a folder
        if not path.is_file():
            return False
        names = [column.casefold() for column in self._columns]
        if path.suffix.lower() in SUFFIXES and not self._hidden(path):  # read already, but no column of that very name
            return any(name in cell.casefold() for cell in header(path) for name in names)
        if _TABLE_LIKE.intersection(suffix.lower().rstrip("~") for suffix in path.suffixes):
            return True
        try:
            with path.open("rb") as file:
                start = file.read(_PEEK)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}; nobody can say who is in it") from error
        text = start.replace(b"\0", b"").decode("latin-1").casefold()  # without zeros, UTF-16 reads like ASCII
        return start[:4] == b"PAR1" or any(name in text for name in names)

    def _hidden(self, path: Path) -> bool:
        return any(part.startswith(".") for part in path.relative_to(self.path).parts)

    def _skipped(self, path: Path) -> bool:
        return any(path.relative_to(self.path).is_relative_to(one) for one in self._skip)

    def _short(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def _remove_leftovers(self) -> None:
        """Delete half-written copies that a killed writer left behind: they may hold rows of anybody."""
        for file in self._files():
            for leftover in file.parent.glob(f".{glob.escape(file.name)}.*{file.suffix}"):
                leftover.unlink(missing_ok=True)


def _raise(error: OSError) -> None:
    raise error


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LINE:,} more" if len(names) > _LINE else ""
    return ", ".join(names[:_LINE]) + more
