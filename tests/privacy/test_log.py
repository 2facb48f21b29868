"""Writing to a log: order, durability, transactions, odd content, several processes and crashes."""

import datetime as dt
import json
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy import Budget, Ledger
from privacy.books import Books
from privacy.log import Log, SigningKey, verify_log
from retail.errors import PrivacyError

KEY = SigningKey.generate()
BUDGET = Budget(dataset="shop", epsilon=1.0, delta=1e-5, population=2500)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
START = """
import os, signal, sys, time
from pathlib import Path
from privacy.log import Log, SigningKey
path, number = Path(sys.argv[1]), int(sys.argv[2])
key = SigningKey.load_or_create(path.with_name("key.pem"))
log = Log.open(path, origin="demo/1", key=key)
"""


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "books.sqlite"


def open_log(path, key=KEY, origin="demo/1"):
    return Log.open(path, origin=origin, key=key)


@pytest.fixture
def start(start_code, path):
    """Run code in a process of its own that has opened the log."""
    return lambda code, number=0: start_code(START + code, path, number)


def test_entries_come_back_in_order_as_they_were_written(path):
    log = open_log(path)
    before = dt.datetime.now(dt.UTC)
    written = [log.append("access", {"actor": "platform", "n": 1}), *log.append_many([("release", {}), ("access", {})])]
    again = open_log(path, key=None)
    assert again.entries() == written
    assert [entry.index for entry in written] == [0, 1, 2]
    assert again.entries("access") == [written[0], written[2]]
    assert again.entries("none") == []
    assert log.size == 3
    for entry in written:
        assert before <= dt.datetime.fromisoformat(entry.time) <= dt.datetime.now(dt.UTC)
        assert len(entry.time) == len("2026-01-01T00:00:00.000000+00:00")


def test_a_leaf_is_canonical_json_that_any_reader_can_make_again(path):
    entry = open_log(path).append("access", {"b": [1, 2.5, None, True], "a": "ü"})
    assert entry.leaf == json.dumps(
        {"index": entry.index, "kind": entry.kind, "time": entry.time, "body": entry.body},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode("utf-8")
    assert entry.leaf.startswith('{"body":{"a":"ü","b":[1,2.5,null,true]},"index":0,"kind":"access","time":"'.encode())


@pytest.mark.parametrize(
    "odd",
    ["it's", 'quo"te', "nul\0byte", "\u202eright to left", "x" * 5000, "'; DROP TABLE log_entries; --", "a\u2028\nb"],
)
def test_odd_ids_survive(path, odd):
    log = open_log(path, origin=odd)
    entry = log.append("access", {"actor": odd, odd: [odd]})
    assert open_log(path, origin=odd).entries() == [entry]
    assert entry.body == {"actor": odd, odd: [odd]}
    assert verify_log(path, head=log.sign_head()).ok


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_any_json_survives_exactly(body):
    log = Log.open(":memory:", origin="demo/1", key=None)
    assert log.append("access", body).body == body
    (entry,) = log.entries()
    assert entry.body == body
    assert json.loads(entry.leaf)["body"] == body


class Opaque:
    pass


NESTED: dict = {}
for _ in range(100_000):
    NESTED = {"a": NESTED}


@pytest.mark.parametrize(
    "body",
    [
        {"x": float("nan")},
        {"x": [float("inf")]},
        {"x": "\ud800"},
        {"\udfff": 1},
        {1: "a number as key"},
        {"x": {None: 1}},
        {"x": [{True: 1}]},
        {"x": Opaque()},
        {"x": b"bytes"},
        {"x": {1, 2}},
        {"x": 10**5000},
        NESTED,
        [],
        "text",
        None,
    ],
    ids=range(15),
)
def test_what_is_no_plain_json_is_refused_and_nothing_of_it_written(path, body):
    log = open_log(path)
    with pytest.raises(PrivacyError):
        log.append("access", body)
    with pytest.raises(PrivacyError):
        log.append_many([("access", {}), ("access", body)])
    assert log.size == 0


@pytest.mark.parametrize("kind", ["", "Access", "two words", 'a"b', "x" * 41, None, 5, "ac\ncess", "access\n"])
def test_a_kind_that_is_no_word_is_refused(path, kind):
    log = open_log(path)
    with pytest.raises(PrivacyError, match="kind"):
        log.append(kind, {})
    assert log.size == 0


def test_books_hold_one_log_under_one_name_and_one_key(path):
    open_log(path)
    with pytest.raises(PrivacyError, match="holds the log 'demo/1'"):
        open_log(path, origin="demo/2")
    with pytest.raises(PrivacyError, match="keeps its key"):
        open_log(path, key=SigningKey.generate())
    for origin in ("", " ", 5):
        with pytest.raises(PrivacyError, match="origin"):
            open_log(path.with_name("other.sqlite"), origin=origin)


def test_a_log_may_be_opened_by_whatever_name_it_has_and_a_new_one_is_named_after_its_file(path):
    assert open_log(path).origin == open_log(path, origin=None).origin == "demo/1"
    other = open_log(path.with_name("other.sqlite"), origin=None)
    assert other.origin.startswith("books other.sqlite ")
    assert verify_log(other.books.path, head=other.sign_head()).ok


def test_a_log_without_a_key_can_be_written_but_not_signed(path):
    log = open_log(path, key=None)
    log.append("access", {})
    assert log.head() is None
    with pytest.raises(PrivacyError, match="without a key"):
        log.sign_head()
    assert open_log(path).head().size == 1


def test_a_log_with_a_key_has_a_signed_head_from_its_first_moment(path):
    assert open_log(path).head().size == 0
    assert verify_log(path, key_hex=KEY.public_hex).ok


def test_proofs_made_by_the_log_hold_under_its_signed_heads(path):
    log = open_log(path)
    heads = [log.sign_head()]
    for number in range(11):
        log.append("access", {"n": number})
        heads.append(log.sign_head())
    for size, head in enumerate(heads):
        assert head.size == size
        for index, entry in enumerate(log.entries()[:size]):
            proof = log.inclusion(index, size)
            assert proof.leaf_hex == entry.leaf_hash
            assert proof.verify(head.root_hex)
        for later in range(size, len(heads)):
            assert log.consistency(size, later).verify(head.root_hex, heads[later].root_hex)
    assert log.inclusion(3) == log.inclusion(3, 11)
    assert log.consistency(3) == log.consistency(3, 11)


@pytest.mark.parametrize(("index", "size"), [(3, None), (-1, None), (2, 2), (0, 4), (0, 0), (True, None), (0, 1.0)])
def test_a_proof_about_what_is_not_there_is_refused(path, index, size):
    log = open_log(path)
    log.append_many([("access", {})] * 3)
    with pytest.raises(PrivacyError):
        log.inclusion(index, size)


def test_consistency_with_a_longer_past_is_refused(path):
    log = open_log(path)
    log.append_many([("access", {})] * 3)
    for old, new in ((3, 2), (4, None), (-1, None), (1, 5)):
        with pytest.raises(PrivacyError):
            log.consistency(old, new)


def test_commit_and_log_entry_are_one_transaction(path):
    ledger = Ledger.open(path, scope="persistent", budget=BUDGET, run="first")
    log = Log.open(ledger.books, origin="demo/1", key=KEY)

    def fail(connection):
        log.append_within(connection, "release", {"key": "a"})
        raise ValueError("the answer could not be stored")

    with pytest.raises(ValueError, match="could not be stored"):
        ledger.commit(ledger.reserve("counts", "a", 5), within=fail)
    assert (log.size, ledger.is_committed("a")) == (0, False)
    ledger.commit(
        ledger.reserve("counts", "a", 5),
        within=lambda connection: log.append_within(connection, "release", {"key": "a"}),
    )
    assert ([entry.body for entry in log.entries()], ledger.is_committed("a")) == ([{"key": "a"}], True)
    assert verify_log(path, head=log.sign_head()).ok


def test_an_entry_is_appended_only_within_an_open_transaction_on_the_same_books(path, tmp_path):
    log, other = open_log(path), open_log(tmp_path / "other.sqlite", origin="demo/2")
    with other.books.transaction() as connection, pytest.raises(PrivacyError, match="same books"):
        log.append_within(connection, "access", {})
    with pytest.raises(PrivacyError, match="inside a transaction"):
        log.append_within(sqlite3.connect(path), "access", {})
    with (
        Books.open(tmp_path / "empty.sqlite").transaction() as connection,
        pytest.raises(PrivacyError, match="without a log"),
    ):
        log.append_within(connection, "access", {})
    with log.books.transaction() as connection:
        log.append_within(connection, "access", {})
        with pytest.raises(PrivacyError, match="open transaction"):
            log.append("access", {})
    assert (log.size, other.size) == (1, 0)


def test_a_log_in_memory_can_be_written_signed_and_proved():
    log = open_log(":memory:")
    entry = log.append("access", {})
    assert log.inclusion(entry.index).verify(log.sign_head().root_hex)


def test_rows_cannot_be_changed_removed_or_slipped_in_by_hand(path):
    log = open_log(path)
    log.append_many([("access", {})] * 3)
    connection = sqlite3.connect(path)
    for statement in (
        "DELETE FROM log_entries WHERE entry = 2",
        "UPDATE log_entries SET body = '{}'",
        "UPDATE log_entries SET entry = 7 WHERE entry = 2",
        "INSERT INTO log_entries VALUES (1, 'access', '', '{}', x'00')",
        "INSERT INTO log_entries VALUES (4, 'access', '', '{}', x'00')",
        "INSERT OR REPLACE INTO log_entries VALUES (2, 'access', '', '{}', x'00')",
        "DELETE FROM log_heads",
        "UPDATE log_heads SET size = 2",
        "UPDATE log_origin SET origin = 'mine'",
        "DELETE FROM log_origin",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()
    assert verify_log(path, head=log.sign_head()).ok


def test_a_log_that_was_changed_is_not_signed_again(path):
    log = open_log(path)
    log.append_many([("access", {"n": n}) for n in range(5)])
    log.sign_head()
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER log_entries_delete")
    connection.execute("DELETE FROM log_entries WHERE entry = 4")
    connection.commit()
    connection.close()
    with pytest.raises(PrivacyError, match="it was changed"):
        log.sign_head()


def test_processes_that_append_at_once_make_one_valid_log(path, start):
    SigningKey.load_or_create(path.with_name("key.pem"))
    code = """
while not path.with_suffix(".go").exists():
    time.sleep(0.005)
for turn in range(25):
    if turn % 5:
        log.append("access", {"process": number, "turn": turn})
    else:
        log.append_many([("access", {"process": number, "turn": turn}), ("access", {"process": number, "turn": -1})])
    if turn == 12:
        log.sign_head()
"""
    processes = [start(code, number) for number in range(3)]
    path.with_suffix(".go").touch()
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    key = SigningKey.load(path.with_name("key.pem"))
    log = open_log(path, key=key)
    found = verify_log(path, head=log.sign_head(), key_hex=key.public_hex)
    assert (found.ok, found.problems, found.size) == (True, (), 3 * 30)
    for number in range(3):
        turns = [e.body["turn"] for e in log.entries() if e.body["process"] == number and e.body["turn"] >= 0]
        assert turns == list(range(25))


def test_processes_killed_while_they_append_leave_a_valid_log_with_all_that_was_acknowledged(path, start):
    SigningKey.load_or_create(path.with_name("key.pem"))
    code = """
acknowledged = open(path.with_suffix(f".{number}"), "ab", buffering=0)
turn = 0
while True:
    log.append("access", {"process": number, "turn": turn, "text": "x" * 3000})
    acknowledged.write(b"x")
    turn += 1
"""
    processes = [start(code, number) for number in range(3)]
    marks = [path.with_suffix(f".{number}") for number in range(3)]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(mark.exists() and mark.stat().st_size > 2 for mark in marks):
        time.sleep(0.01)
    for number, process in enumerate(processes):
        time.sleep(0.02 * number)
        process.kill()
    for process in processes:
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    key = SigningKey.load(path.with_name("key.pem"))
    assert verify_log(path, key_hex=key.public_hex).ok  # also before any writer has cleaned up
    log = open_log(path, key=key)
    for number, mark in enumerate(marks):
        turns = [entry.body["turn"] for entry in log.entries() if entry.body["process"] == number]
        assert turns == list(range(len(turns)))
        assert 2 < mark.stat().st_size <= len(turns) <= mark.stat().st_size + 1
    log.append("access", {"after": True})
    assert verify_log(path, head=log.sign_head()).ok


def test_a_kill_in_the_middle_of_an_append_leaves_none_of_it(path, start):
    code = """
log.append("access", {"kept": True})
with log.books.transaction() as connection:
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA cache_spill = 1")
    for turn in range(200):
        log.append_within(connection, "access", {"text": "x" * 5000})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    process = start(code)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, err
    assert path.stat().st_size > 200 * 5000  # half of the transaction had reached the file
    key = SigningKey.load(path.with_name("key.pem"))
    found = verify_log(path, key_hex=key.public_hex)
    assert (found.ok, found.problems, found.size) == (True, (), 1)
    assert [entry.body for entry in open_log(path, key=key).entries()] == [{"kept": True}]
