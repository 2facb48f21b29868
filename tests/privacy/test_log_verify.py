"""Tampering of every kind is found, also by somebody who drops the file's rules and mends its stored hashes."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.books import Books
from privacy.log import Log, SigningKey, verify_log
from privacy.log.entry import leaf_bytes
from privacy.log.export import export_log
from privacy.log.folder import verify_folder
from privacy.log.merkle import RightEdge, leaf_hash
from retail.errors import PrivacyError

KEY = SigningKey.generate()
SIZE = 9


def filled(path: Path, size: int = SIZE, origin: str = "demo/1", key: SigningKey = KEY) -> Log:
    log = Log.open(path, origin=origin, key=key)
    log.append_many([("access" if n % 2 else "release", {"n": n, "actor": "m'1\u202e"}) for n in range(size)])
    return log


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A log with heads over 0, 5 and all of its entries; and the head over 5 that somebody kept."""
    path = tmp_path_factory.mktemp("log") / "books.sqlite"
    log = filled(path, 5)
    old = log.sign_head()
    log.append_many([("access", {"n": n}) for n in range(5, SIZE)])
    log.sign_head()
    return path, old


@pytest.fixture
def logged(template, tmp_path):
    path = tmp_path / "books.sqlite"
    shutil.copy(template[0], path)
    return path, template[1]


class Forger:
    """Edits a log as its owner could: without rules, with hashes mended, and signed anew when the key is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with sqlite3.connect(path) as connection:
            self.rules = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            self.rows = connection.execute("SELECT kind, time, body FROM log_entries ORDER BY entry").fetchall()
        connection.close()

    def write(self, *, heads: str = "kept") -> None:
        """Write the rows back as a log without a flaw; `heads`: "kept", "dropped" or "re-signed"."""
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA synchronous = OFF")
        for name, _ in self.rules:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM log_entries")
        if heads != "kept":
            connection.execute("DELETE FROM log_heads")
        edge = RightEdge()
        for entry, (kind, time, body) in enumerate(self.rows):
            done = edge.push(leaf_hash(leaf_bytes(entry, kind, time, body)))
            connection.execute(
                "INSERT INTO log_entries VALUES (?, ?, ?, ?, ?)", (entry, kind, time, body, b"".join(done))
            )
        for _, sql in self.rules:
            connection.execute(sql)
        connection.commit()
        connection.close()
        if heads == "re-signed":
            Log.open(self.path, origin="demo/1", key=KEY).sign_head()


def edit(rows, at):
    rows[at] = (*rows[at][:2], json.dumps({"n": -1}, separators=(",", ":")))


def retime(rows, at):
    rows[at] = (rows[at][0], "2020-01-01T00:00:00.000000+00:00", rows[at][2])


def rename(rows, at):
    rows[at] = ("figure", *rows[at][1:])


def reorder(rows, at):
    other = at + 1 if at + 1 < len(rows) else at - 1
    rows[at], rows[other] = rows[other], rows[at]


def insert(rows, at):
    rows.insert(at, ("access", rows[at][1], '{"actor":"nobody"}'))


def delete(rows, at):
    del rows[at]


def truncate(rows, at):
    del rows[at:]


CHANGES = [edit, retime, rename, reorder, insert, delete, truncate]


@pytest.mark.parametrize("heads", ["kept", "dropped", "re-signed"])
@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("change", CHANGES)
def test_any_change_below_a_kept_head_is_found_even_when_everything_is_mended_and_signed_anew(
    logged, change, at, heads
):
    path, old = logged
    assert verify_log(path, head=old).ok
    forger = Forger(path)
    change(forger.rows, at)
    forger.write(heads=heads)
    found = verify_log(path, head=old)
    assert not found.ok
    assert any("kept head" in problem for problem in found.problems)
    # Without the kept head, a log that its key's owner wrote anew looks whole: this is what a witness is for.
    assert verify_log(path).ok == (heads == "re-signed")


@pytest.mark.parametrize("at", range(5, SIZE))
@pytest.mark.parametrize("change", CHANGES)
def test_any_change_below_the_newest_stored_head_is_found_without_a_kept_one(logged, change, at):
    path, old = logged
    forger = Forger(path)
    change(forger.rows, at)
    forger.write()
    found = verify_log(path)
    assert not found.ok
    assert any("stored head 2" in problem for problem in found.problems)
    # The old head covers five entries, and these are still what they were; a newer one finds the change too.
    assert not any("kept head" in problem for problem in verify_log(path, head=old).problems)


@given(st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_other_history_fits_a_kept_head(template, tmp_path, data):
    path = tmp_path / "books.sqlite"
    shutil.copy(template[0], path)
    forger = Forger(path)
    first = list(forger.rows[:5])
    forger.rows = data.draw(st.lists(st.sampled_from(forger.rows), max_size=SIZE))
    forger.write(heads="dropped")
    kept = [problem for problem in verify_log(path, head=template[1]).problems if "kept head" in problem]
    assert bool(kept) == (forger.rows[:5] != first)


def test_a_whole_log_has_no_problem_and_the_result_says_what_it_could_not_show(logged):
    path, old = logged
    found = verify_log(path, head=old, key_hex=KEY.public_hex)
    assert (found.ok, found.problems, found.notes) == (True, (), ())
    assert (found.size, found.key_hex, found.origin) == (SIZE, KEY.public_hex, "demo/1")
    alone = verify_log(path)
    assert alone.ok
    assert any("--witness" in note for note in alone.notes)
    assert any("--key" in note and KEY.public_hex in note for note in alone.notes)


def test_the_root_and_the_size_are_those_that_were_signed(logged):
    path, _ = logged
    head = Log.open(path, origin="demo/1", key=KEY).sign_head()
    found = verify_log(path)
    assert (found.size, found.root_hex) == (head.size, head.root_hex)


def test_another_key_than_expected_is_a_problem(logged):
    path, old = logged
    other = SigningKey.generate().public_hex
    for found in (verify_log(path, key_hex=other), verify_log(path, head=old, key_hex=other)):
        assert not found.ok
        assert any("another key" in problem for problem in found.problems)


def test_a_log_rewritten_under_a_new_key_fails_against_the_kept_head_and_the_known_key(logged, tmp_path):
    _, old = logged
    forged = tmp_path / "forged.sqlite"
    log = filled(forged, key=SigningKey.generate())
    log.sign_head()
    assert verify_log(forged).ok
    assert not verify_log(forged, head=old).ok
    assert not verify_log(forged, key_hex=KEY.public_hex).ok


def test_a_kept_head_that_was_changed_or_is_of_another_log_is_a_problem(logged, tmp_path):
    path, old = logged
    assert any("bad signature" in p for p in verify_log(path, head=replace(old, size=4)).problems)
    other = filled(tmp_path / "other.sqlite", origin="demo/2").sign_head()
    assert any("of the log 'demo/2'" in p for p in verify_log(path, head=other).problems)


def test_a_fork_is_found_by_whoever_holds_a_head_of_the_other_branch(logged, tmp_path):
    path, old = logged
    branch = tmp_path / "branch.sqlite"
    shutil.copy(path, branch)
    shown = []
    for file, actor in ((path, "a"), (branch, "b")):
        log = Log.open(file, origin="demo/1", key=KEY)
        log.append("access", {"actor": actor})
        shown.append(log.sign_head())
    for file, mine, others in ((path, *shown), (branch, *reversed(shown))):
        assert verify_log(file, head=[old, mine]).ok
        assert not verify_log(file, head=[old, others]).ok


def test_entries_after_the_newest_head_are_named_as_not_vouched_for(logged):
    path, old = logged
    Log.open(path, origin="demo/1", key=KEY).append_many([("access", {})] * 3)
    found = verify_log(path, head=old)
    assert found.ok
    assert any("last 3 entries" in note for note in found.notes)


def test_a_log_that_nobody_signed_is_not_ok(tmp_path):
    Log.open(tmp_path / "books.sqlite", origin="demo/1", key=None).append("access", {})
    found = verify_log(tmp_path / "books.sqlite")
    assert not found.ok
    assert any("no signed head" in problem for problem in found.problems)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_entries SET subtrees = x'00' WHERE entry = 3",
        "UPDATE log_entries SET subtrees = subtrees || x'00' WHERE entry = 3",
        "UPDATE log_entries SET body = '{\"n\": 3}' WHERE entry = 3",
        "UPDATE log_entries SET body = 'no json' WHERE entry = 3",
        "UPDATE log_entries SET body = x'7b7d' WHERE entry = 3",
        "UPDATE log_entries SET body = '{\"n\":1e999}' WHERE entry = 3",
        "UPDATE log_entries SET time = time || 'x' WHERE entry = 3",
        "UPDATE log_entries SET kind = 'A \"' WHERE entry = 3",
        "UPDATE log_entries SET entry = 77 WHERE entry = 8",
        "UPDATE log_origin SET origin = 'demo/2'",
        "DELETE FROM log_origin",
        "UPDATE log_heads SET size = 6 WHERE size = 5",
        "UPDATE log_heads SET size = 'six' WHERE size = 5",
        "UPDATE log_heads SET signature = upper(signature) WHERE size = 5",
        "UPDATE log_heads SET head = 9 WHERE size = 0",
        "UPDATE log_heads SET origin = CAST(x'80' AS TEXT) WHERE size = 5",
    ],
)
def test_what_a_hand_edits_in_the_file_is_a_problem_and_no_error(logged, statement):
    path, old = logged
    connection = sqlite3.connect(path)
    rules = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in rules:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    for _, sql in rules:
        connection.execute(sql)
    connection.commit()
    connection.close()
    assert not verify_log(path, head=old).ok
    assert not verify_log(path).ok


def test_missing_or_added_rules_are_a_problem(logged, tmp_path):
    path, old = logged
    for number, statement in enumerate(
        (
            "DROP TRIGGER log_entries_update",
            "CREATE TRIGGER mine AFTER INSERT ON log_entries BEGIN DELETE FROM log_heads; END",
            "CREATE INDEX mine ON log_entries (kind)",
        )
    ):
        copy = tmp_path / f"{number}.sqlite"
        shutil.copy(path, copy)
        connection = sqlite3.connect(copy)
        connection.execute(statement)
        connection.commit()
        connection.close()
        assert any("rules were changed" in problem for problem in verify_log(copy, head=old).problems)


def test_many_problems_are_counted_and_not_all_told(logged):
    path, _ = logged
    Log.open(path, origin="demo/1", key=KEY).append_many([("access", {})] * 60)
    forger = Forger(path)
    forger.rows = [("Bad", *row[1:]) for row in forger.rows]
    forger.write()
    problems = verify_log(path).problems
    assert len(problems) == 21
    assert "problems more" in problems[-1]


def test_what_is_no_log_is_an_error_and_no_verdict(tmp_path):
    text, books, other = tmp_path / "notes.txt", tmp_path / "books.sqlite", tmp_path / "other.sqlite"
    text.write_text("some notes")
    Books.open(books)
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for path in (text, books, other, tmp_path, tmp_path / "missing.sqlite"):
        with pytest.raises(PrivacyError):
            verify_log(path)


@pytest.fixture(scope="module")
def exported(template, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "log.jsonl"
    export_log(template[0], out)
    return out, template[1]


def test_an_export_is_checked_like_the_books(exported, template):
    out, old = exported
    assert verify_log(out, head=old, key_hex=KEY.public_hex) == verify_log(
        template[0], head=old, key_hex=KEY.public_hex
    )
    lines = out.read_bytes().splitlines()
    assert len(lines) == SIZE + 2
    with_leaves = Log.open(template[0], origin="demo/1", key=None).entries()
    assert lines[1:-1] == [entry.leaf for entry in with_leaves]


def test_every_flipped_byte_of_an_export_is_found_even_without_the_known_key(exported, tmp_path):
    content, path = exported[0].read_bytes(), tmp_path / "log.jsonl"
    passed = []
    for place in range(len(content)):
        for mask in (0x01, 0x20):  # another character; another case
            path.write_bytes(content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :])
            if verify_log(path).ok:
                passed.append((place, mask))
    assert not passed


def lines_of(path):
    return path.read_bytes().split(b"\n")[:-1]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-2] + lines[-1:],
        lambda lines: lines[:-1],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines[:3], lines[2], *lines[3:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines, b""],
        lambda lines: [*lines[:3], b"", *lines[3:]],
        lambda lines: [*lines[:3], b'{"body":{},"index":"2","kind":"access","time":""}', *lines[3:]],
        lambda lines: [*lines[:3], rb'{"body":{},"index":2,"kind":"\ud800","time":""}', *lines[3:]],
        lambda lines: [*lines[:3], b"[]", *lines[3:]],
        lambda lines: [lines[1], *lines[1:]],
        lambda lines: [rb'{"format":"tradefair-log","origin":"\ud800","version":1}', *lines[1:]],
        lambda lines: lines[:1],
        lambda lines: [b"{" * 100_000],
        lambda lines: [],
    ],
    ids=range(16),
)
def test_an_export_with_other_lines_is_broken(exported, tmp_path, change):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in change(lines_of(exported[0]))))
    assert not verify_log(path).ok


def test_an_export_leaves_out_what_nobody_vouches_for(logged, tmp_path):
    path, old = logged
    Log.open(path, origin="demo/1", key=None).append("access", {})
    head, left_out = export_log(path, tmp_path / "log.jsonl")
    assert (head.size, left_out) == (SIZE, 1)
    assert verify_log(tmp_path / "log.jsonl", head=old).ok


def scenario(folder: Path) -> Path:
    """A scenario's folder with a log of its own and two runs, each with one."""
    folder.mkdir()
    own = filled(folder / "log.sqlite", 3, origin="shop")
    for run in ("aaaa", "bbbb"):
        (folder / run / "artifacts").mkdir(parents=True)
        books = folder / run / "artifacts" / "ledger.sqlite"
        head = filled(books, origin=f"shop/{run}").sign_head()
        own.append("run", {"run_id": run, "size": head.size, "root": head.root_hex})
    own.sign_head()
    return folder


def test_a_scenarios_log_vouches_for_the_logs_of_its_runs(tmp_path):
    folder = scenario(tmp_path / "shop")
    found = verify_folder(folder, key_hex=KEY.public_hex)
    assert (found.ok, found.size, found.origin) == (True, 5, "shop")
    assert verify_folder(folder / "aaaa").origin == "shop/aaaa"
    run = Log.open(folder / "aaaa" / "artifacts" / "ledger.sqlite", origin="shop/aaaa", key=KEY)
    run.append("access", {})
    run.sign_head()
    assert verify_folder(folder).ok


def test_a_run_whose_log_was_rewritten_by_the_keys_owner_is_found_through_the_scenario(tmp_path):
    folder = scenario(tmp_path / "shop")
    books = folder / "bbbb" / "artifacts" / "ledger.sqlite"
    books.unlink()
    filled(books, 8, origin="shop/bbbb").sign_head()
    assert verify_folder(folder / "bbbb").ok
    found = verify_folder(folder)
    assert not found.ok
    assert all(problem.startswith("bbbb/artifacts/ledger.sqlite: ") for problem in found.problems)


def test_a_run_that_has_gone_or_been_replaced_by_something_else_is_found(tmp_path):
    folder = scenario(tmp_path / "shop")
    books = folder / "bbbb" / "artifacts" / "ledger.sqlite"
    books.write_text("something else")
    assert not verify_folder(folder).ok
    books.unlink()
    assert any("is missing" in problem for problem in verify_folder(folder).problems)


def test_a_run_that_the_scenario_does_not_name_is_noted(tmp_path):
    folder = scenario(tmp_path / "shop")
    (folder / "cccc" / "artifacts").mkdir(parents=True)
    filled(folder / "cccc" / "artifacts" / "ledger.sqlite", origin="shop/cccc")
    found = verify_folder(folder)
    assert found.ok
    assert any(note.startswith("cccc/artifacts/ledger.sqlite") for note in found.notes)


@pytest.mark.parametrize("run_id", ["..", "../other", "/etc", "", ".", "a\0b", 5, None])
def test_a_scenarios_log_names_no_file_outside_its_folder(tmp_path, run_id):
    own = filled(tmp_path / "log.sqlite", 1, origin="shop")
    head = own.sign_head()
    own.append("run", {"run_id": run_id, "size": head.size, "root": head.root_hex})
    own.append("run", {"run_id": "aaaa", "size": "1", "root": head.root_hex})
    own.append("run", {"run_id": "aaaa"})
    problems = verify_folder(tmp_path).problems
    assert len(problems) == 3
    assert all("names no run" in problem for problem in problems)


def test_a_run_made_anew_does_not_hide_that_its_first_log_has_gone(tmp_path):
    folder = scenario(tmp_path / "shop")
    books = folder / "bbbb" / "artifacts" / "ledger.sqlite"
    books.unlink()
    head = filled(books, 8, origin="shop/bbbb").sign_head()
    own = Log.open(folder / "log.sqlite", origin="shop", key=KEY)
    own.append("run", {"run_id": "bbbb", "size": head.size, "root": head.root_hex})
    own.sign_head()
    assert not verify_folder(folder).ok


def test_a_folder_without_a_log_is_an_error(tmp_path):
    with pytest.raises(PrivacyError, match="neither"):
        verify_folder(tmp_path)


@pytest.mark.parametrize(
    ("entry", "body", "problem"),
    [(SIZE + 5, "{}", "out of place"), (SIZE, '{"a":1,"a":2}', "not written"), (SIZE, '{"a": 1}', "not written")],
)
def test_an_entry_that_no_head_covers_must_still_be_one_that_a_log_writes(logged, entry, body, problem):
    path, old = logged
    forger = Forger(path)
    time = forger.rows[0][1]
    edge = RightEdge()
    for number, row in enumerate(forger.rows):
        edge.push(leaf_hash(leaf_bytes(number, *row)))
    done = edge.push(leaf_hash(leaf_bytes(entry, "access", time, body)))
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER log_entries_in_order")
    connection.execute("INSERT INTO log_entries VALUES (?, 'access', ?, ?, ?)", (entry, time, body, b"".join(done)))
    connection.execute(next(sql for name, sql in forger.rules if name == "log_entries_in_order"))
    connection.commit()
    connection.close()
    (found,) = verify_log(path, head=old).problems
    assert problem in found
