"""Every ledger that can be found from a run store and a folder of books, and whose data each is about."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from apps.compliance.data_set_ledger import Exact, Part, Unread
from apps.compliance.log_check import file_stamp
from apps.runs.run_record import RunRecord, read_run, title
from experiments.logbook import RUN_BOOKS
from experiments.runs import RunStore
from privacy.books import BOOKS
from privacy.ledger_record import read_ledger
from privacy.sqlite_file import reading_safely
from privacy.units import PrivacyUnit
from retail.errors import PrivacyError, TradefairError

_MADE_UP: Final = ("generated", "drawn-faces")
_SQLITE: Final = b"SQLite format 3\0"
_KIND_AT: Final = slice(68, 72)  # of a file: the application id, which begins with "TF" in all kinds of this project
_OURS: Final = b"TF"
_BOOKS_UNIT: Final = PrivacyUnit(
    unit="One person: one id, with all rows in the data set.",
    neighbours="Data sets that differ by adding or removing all rows of one person.",
    trust="Whoever works on these books sees the exact rows and publishes nothing but what the ledger paid for.",
    not_covered="People with several ids, how long a release takes, which questions were asked, and that one failed.",
)


@dataclass(frozen=True, slots=True)
class Found:
    """Budgets, what could not be read, and runs that no budget bounds."""

    parts: tuple[Part, ...]
    unread: tuple[Unread, ...]
    exact: tuple[Exact, ...] = ()


@dataclass(frozen=True, slots=True)
class Budgeted:
    """One data set in a ledger file: what it says, and which runs spent."""

    name: str
    adds_up: bool
    epsilon: float
    delta: float
    population: int
    cap: int
    costs: tuple[int, ...]
    lost: int
    spenders: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Run:
    """What the documents of a run say about its ledgers.

    Attributes:
        id: of the run.
        where: scenario and run, in words.
        folder: of the run.
        ledger: the file that it spends from.
        finished: it has its result.
        private: it has an epsilon.
        made_up: its people do not exist.
        people: what ledgers call them; empty where the settings do not tell.
        fingerprints: of the files that it read, where that is known.
        units: what its epsilon is about, where it has one.
    """

    id: str
    where: str
    folder: Path
    ledger: Path
    finished: bool = False
    private: bool = False
    made_up: bool = False
    people: str = ""
    fingerprints: tuple[str, ...] = ()
    units: tuple[PrivacyUnit, ...] = ()

    @property
    def promised(self) -> bool:
        """Whether it must have spent."""
        return self.finished and self.private


def find_budgets(store: RunStore, books: Path) -> Found:
    """Read the ledgers of all runs of a store, those that their settings name, and those in a folder of books.

    A file counts once, however many runs name it. Books that a run put aside when it started over count too: what they
    hold was spent. Nothing that cannot be read is left out silently.

    Args:
        store: the run store, which may not exist.
        books: a folder, which may not exist; its files `*.sqlite`, and those of folders in it.
    """
    unread: list[Unread] = []
    runs = list(_runs(store, unread))
    files: dict[Path, list[_Run]] = {}
    for run in runs:
        try:
            for file in _files_of(run):
                files.setdefault(file.resolve(), []).append(run)
            if run.promised and not run.ledger.is_file():
                unread.append(_unread([run], run.ledger, f"its ledger {run.ledger} is gone"))
        except OSError as error:
            unread.append(_unread([run], run.ledger, f"its folder cannot be read: {error.strerror}"))
    for file in _books(books, unread):
        files.setdefault(file.resolve(), [])
    parts: list[Part] = []
    for file, holders in files.items():
        try:
            held = read_file(file)
        except (TradefairError, OSError, ValueError) as error:
            unread.append(_unread(holders, file, str(error) if isinstance(error, PrivacyError) else f"{file}: {error}"))
            continue
        if held is not None:
            shown = _shown(file, store.root, books)
            parts += [_part(shown, budget, holders) for budget in held]
            continue
        unread += [
            _unread([run], file, f"its ledger {run.ledger} holds no budget")
            for run in holders
            if run.promised and run.ledger.resolve() == file
        ]
    bare = [run for run in runs if run.finished and not run.private and not run.made_up and run.people]
    return Found(tuple(parts), tuple(unread), tuple(Exact(one.where, one.people, one.fingerprints) for one in bare))


def read_file(file: Path) -> tuple[Budgeted, ...] | None:
    """Read the budgets of a file; None where it has no ledger: books with a log alone, or another file of this project.

    What was read is kept, by the file's size and time of change.

    Raises:
        PrivacyError: the file is damaged, or none of this project.
        OSError, ValueError: it cannot be opened, or holds what no ledger writes.
    """
    return _read(file, file_stamp(file))


@lru_cache(maxsize=4096)
def _read(file: Path, stamp: tuple[int, int]) -> tuple[Budgeted, ...] | None:
    with file.open("rb") as opened:
        head = opened.read(100)
    kind = head[_KIND_AT]
    if head.startswith(_SQLITE) and kind.startswith(_OURS) and kind != BOOKS.application_id.to_bytes(4, "big"):
        return None
    with reading_safely(file, BOOKS) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger'").fetchone() is None:
            return None
    record = read_ledger(file)
    entries = record.reservations
    found = []
    for row in record.budgets.to_dict("records"):
        mine = entries[entries["dataset"] == row["dataset"]]
        found.append(
            Budgeted(
                name=str(row["dataset"]),
                adds_up=record.scope == "persistent",
                epsilon=float(row["epsilon"]),
                delta=float(row["delta"]),
                population=int(row["population"]),
                cap=int(row["cap"]),
                costs=tuple(map(int, mine["cost"])),
                lost=int(mine["committed_at"].isna().sum()),
                spenders=frozenset(map(str, mine["run"])),
            )
        )
    return tuple(found)


def people_of(settings: Mapping[str, Any]) -> str:
    """Name the people whom a run's settings are about, as ledgers do; empty where they do not tell."""
    if settings.get("kind") == "store":
        return f"simulated visitors of {settings.get('scenario', 'a store')}"
    data = settings.get("data")
    if not isinstance(data, Mapping):
        return ""
    from federation.config import dataset_name
    from retail.datasource import DataSource
    from retail.faces.source import FaceSource

    try:
        made: DataSource | FaceSource = (FaceSource if settings.get("kind") == "faces" else DataSource)(**data)
        return dataset_name(made)
    except (TradefairError, TypeError, ValueError):
        return ""


def made_up(run: RunRecord) -> bool:
    """Tell whether a run is about people who do not exist."""
    data = run.settings.get("data")
    source = data.get("source") if isinstance(data, Mapping) else None
    return run.simulated_people or run.settings.get("kind") == "store" or source in _MADE_UP


def _runs(store: RunStore, unread: list[Unread]) -> Iterator[_Run]:
    """Read what every run says; one whose documents are damaged comes with its folder alone, and is named."""
    for scenario in store.scenarios():
        try:
            records: Sequence[Mapping[str, Any]] = store.records(scenario)
        except (TradefairError, OSError) as error:
            unread.append(Unread(scenario, f"a document of a run is damaged: {error}"))
            folders = sorted(path for path in (store.root / scenario).glob("[!.]*") if path.is_dir())
            records = [{"run_id": one.name, "scenario": scenario, "path": str(one)} for one in folders]
        for record in records:
            try:
                yield _described(read_run(record))
            except (TradefairError, OSError) as error:
                folder, where = Path(record["path"]), f"{scenario}, {title(record)}"
                yield _Run(str(record["run_id"]), where, folder, folder / RUN_BOOKS)
                unread.append(
                    Unread(where, f"whose data it is about, or what its settings name, is not known: {error}")
                )


def _described(run: RunRecord) -> _Run:
    fingerprint = run.provenance.get("data_sha256")
    unit = run.covers()
    return _Run(
        id=str(run.record["run_id"]),
        where=f"{run.record.get('scenario', '')}, {title(run.record)}",
        folder=run.folder,
        ledger=run.folder / RUN_BOOKS if run.simulated_people else run.ledger_path,
        finished=run.record.get("status") == "finished",
        private=run.epsilon is not None,
        made_up=made_up(run),
        people=people_of(run.settings),
        fingerprints=(str(fingerprint),) if fingerprint else (),
        units=() if unit is None else (unit,),
    )


def _files_of(run: _Run) -> Iterator[Path]:
    """Yield the ledgers of a run that are there, each once."""
    own = run.folder / RUN_BOOKS
    for file in dict.fromkeys((own, run.ledger, *sorted(own.parent.glob("earlier-*.sqlite")))):
        if file.is_file():
            yield file


def _books(folder: Path, unread: list[Unread]) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
        inside = [folder / name for name in names if (folder / name).is_dir()]
        return [one for each in (folder, *inside) for one in sorted(each.glob("*.sqlite")) if one.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        unread.append(Unread(f"books {folder}", f"the folder cannot be read: {error.strerror}"))
        return []


def _part(shown: str, budget: Budgeted, holders: Sequence[_Run]) -> Part:
    about = [run for run in holders if not budget.adds_up or run.id in budget.spenders]
    return Part(
        ledger=shown,
        where=_named(about) if about else "books",
        name=budget.name,
        people=next((run.people for run in about if run.people), ""),
        fingerprints=tuple(dict.fromkeys(one for run in about for one in run.fingerprints)),
        adds_up=budget.adds_up,
        made_up=bool(about) and all(run.made_up for run in about),
        epsilon=budget.epsilon,
        delta=budget.delta,
        population=budget.population,
        cap=budget.cap,
        costs=budget.costs,
        lost=budget.lost,
        units=tuple(dict.fromkeys(unit for run in about for unit in run.units)) or (_BOOKS_UNIT,),
    )


def _unread(holders: Sequence[_Run], file: Path, why: str) -> Unread:
    """Tell of a file that does not say what it holds: of a run's own alone it is known whose data it is about."""
    where = _named(holders) if holders else str(file)
    if len(holders) != 1 or not file.resolve().is_relative_to(holders[0].folder.resolve()):
        return Unread(where, why)
    return Unread(where, why, holders[0].people, holders[0].fingerprints)


def _named(runs: Sequence[_Run]) -> str:
    return runs[0].where + (f" and {len(runs) - 1} more" if len(runs) > 1 else "")


def _shown(file: Path, root: Path, books: Path) -> str:
    """Name a file by its place in the store or the books; others by their path."""
    for folder in (root, books.parent):
        if file.is_relative_to(folder.resolve()):
            return file.relative_to(folder.resolve()).as_posix()
    return str(file)
