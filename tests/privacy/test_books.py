import signal
import sqlite3
from pathlib import Path

import pytest

from privacy import Budget, Ledger, read_ledger
from privacy.books import Books
from retail.errors import PrivacyError

BUDGET = Budget(dataset="shop", epsilon=1.0, delta=1e-5, population=2500)

# What version 1 wrote, before the books held a log as well.
VERSION_1 = """
PRAGMA application_id = 0x54464C47;
PRAGMA user_version = 1;
CREATE TABLE ledger (scope TEXT NOT NULL);
INSERT INTO ledger VALUES ('persistent');
CREATE TABLE budgets (dataset TEXT PRIMARY KEY, epsilon REAL NOT NULL, delta REAL NOT NULL, population INTEGER NOT NULL,
    cap INTEGER NOT NULL);
INSERT INTO budgets VALUES ('shop', 1.0, 1e-5, 2500, 20000000);
CREATE TABLE reservations (entry INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT NOT NULL REFERENCES budgets (dataset),
    run TEXT NOT NULL, purpose TEXT NOT NULL, key TEXT NOT NULL, cost INTEGER NOT NULL, reserved_at TEXT NOT NULL,
    committed_at TEXT);
INSERT INTO reservations VALUES (1, 'shop', 'old', 'training', 'round-0', 777, '2026-01-01T00:00:00+00:00', NULL);
"""


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "books.sqlite"


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def fill_and_fail(books: Books, statement: str, error) -> None:
    with books.transaction() as connection:
        connection.execute(statement)
        raise error


def test_what_a_transaction_did_is_kept_on_return_and_undone_on_any_exception(path):
    books = Books.open(path)
    with books.transaction() as connection:
        connection.execute("CREATE TABLE answers (text TEXT)")
        connection.execute("INSERT INTO answers VALUES ('kept')")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            fill_and_fail(books, "INSERT INTO answers VALUES ('lost')", error)
    with Books.open(path).transaction("DEFERRED") as connection:
        assert connection.execute("SELECT text FROM answers").fetchall() == [("kept",)]


@pytest.mark.parametrize("where", ["file", ":memory:"])
def test_a_second_writing_transaction_inside_the_first_is_refused_at_once_and_reading_is_not_hindered(path, where):
    books = Books.open(path if where == "file" else where)
    with books.transaction() as connection:
        connection.execute("CREATE TABLE mine (x)")
        if where == "file":
            with books.transaction("DEFERRED") as reader:
                assert reader.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
        with pytest.raises(PrivacyError, match="already"), books.transaction():
            pass
    with books.transaction("DEFERRED") as connection:
        assert connection.execute("SELECT COUNT(*) FROM mine").fetchone() == (0,)


def test_a_refusal_of_sqlite_is_a_privacy_error_and_undoes_everything(path):
    books = Books.open(path)
    with pytest.raises(PrivacyError, match="cannot be used"):
        fill_and_fail(books, "CREATE TABLE mine (x)", sqlite3.OperationalError("disk full"))
    with books.transaction("DEFERRED") as connection:
        assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)


def test_books_that_vanish_are_not_made_anew(path):
    books = Books.open(path)
    path.unlink()
    with pytest.raises(PrivacyError, match="cannot be used"), books.transaction():
        pass
    assert not path.exists()


@pytest.mark.parametrize("name", ["a b?c#d%e.sqlite", "büçher'\".sqlite"])
def test_odd_file_names_are_taken_as_they_are(tmp_path, name):
    Books.open(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_ledger_of_version_1_goes_on_with_what_was_spent(path):
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.close()
    assert read_ledger(path).budgets.loc[0, "spent"] == 777
    assert version(path) == 1
    ledger = Ledger.open(path, scope="persistent", budget=BUDGET, run="new")
    assert (ledger.cap, ledger.spent) == (20_000_000, 777)
    ledger.commit(ledger.reserve("training", "round-0", 23))
    assert ledger.spent == 800
    assert version(path) == 2


def test_books_of_a_later_version_are_refused_and_left_alone(path):
    Books.open(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    before = path.read_bytes()
    for refused in (lambda: Books.open(path), lambda: read_ledger(path)):
        with pytest.raises(PrivacyError, match="version 3"):
            refused()
    assert path.read_bytes() == before


def test_books_without_a_ledger_are_not_read_as_one(path):
    Books.open(path)
    with pytest.raises(PrivacyError, match="no ledger"):
        read_ledger(path)


def test_a_report_can_be_read_after_a_crash_in_the_middle_of_a_transaction(path, start_code):
    ledger = Ledger.open(path, scope="persistent", budget=BUDGET, run="first")
    ledger.reserve("training", "round-0", 5)
    code = """
import os, signal, sys
from privacy.books import Books
with Books.open(sys.argv[1]).transaction() as connection:
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute("INSERT INTO reservations (dataset, run, purpose, key, cost, reserved_at) "
                       "SELECT dataset, run, purpose, hex(zeroblob(4000000)), cost, reserved_at FROM reservations")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    writer = start_code(code, path)
    _, err = writer.communicate()
    assert writer.returncode == -signal.SIGKILL, err
    assert path.with_name("books.sqlite-journal").stat().st_size > 0
    assert read_ledger(path).reservations["key"].tolist() == ["round-0"]


def test_what_is_done_within_a_commit_is_kept_with_it(path):
    ledger = Ledger.open(path, scope="persistent", budget=BUDGET, run="first")
    with ledger.books.transaction() as connection:
        connection.execute("CREATE TABLE answers (text TEXT)")
    ledger.commit(
        ledger.reserve("counts", "all", 5),
        within=lambda connection: connection.execute("INSERT INTO answers VALUES ('42')"),
    )
    assert ledger.is_committed("all")
    with Books.open(path).transaction("DEFERRED") as connection:
        assert connection.execute("SELECT text FROM answers").fetchall() == [("42",)]


@pytest.mark.parametrize("where", ["file", ":memory:"])
@pytest.mark.parametrize("error", [ValueError("no"), sqlite3.OperationalError("disk"), KeyboardInterrupt()])
def test_nothing_is_committed_when_what_is_done_within_fails_and_the_cost_stays_spent(path, where, error):
    ledger = Ledger.open(path if where == "file" else where, scope="run", budget=BUDGET)
    with ledger.books.transaction() as connection:
        connection.execute("CREATE TABLE answers (text TEXT)")
    reservation = ledger.reserve("counts", "all", 5)

    def fail(connection):
        connection.execute("INSERT INTO answers VALUES ('42')")
        raise error

    expected = PrivacyError if isinstance(error, sqlite3.Error) else type(error)
    with pytest.raises(expected):
        ledger.commit(reservation, within=fail)
    assert not ledger.is_committed("all")
    assert ledger.spent == 5
    with ledger.books.transaction("DEFERRED") as connection:
        assert connection.execute("SELECT COUNT(*) FROM answers").fetchone() == (0,)
    ledger.commit(reservation)
    assert ledger.is_committed("all")


def test_a_refused_commit_does_not_reach_what_should_be_done_within(path):
    ledger = Ledger.open(path, scope="persistent", budget=BUDGET, run="first")
    reservation = ledger.reserve("counts", "all", 5)
    ledger.commit(reservation)
    reached = []
    with pytest.raises(PrivacyError, match="committed before"):
        ledger.commit(reservation, within=reached.append)
    assert not reached
