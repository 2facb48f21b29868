"""What the app keeps of files is never older than the files."""

import os
import shutil

import pytest

from apps.compliance.access_view import Question
from apps.compliance.policy_choices import explained
from apps.runs import kept_files
from apps.runs.kept_files import kept
from apps.runs.kept_store import KeptStore
from apps.runs.run_record import read_run, stored_ledger
from experiments.documents import write_json
from experiments.runs import RunStore
from privacy.ledger import Budget, Ledger
from privacy.policy.sources import PACKS_FOLDER
from retail.errors import DataError


class Reader:
    """Reads text and notes how often."""

    def __init__(self):
        self.times = 0

    def __call__(self, path):
        self.times += 1
        return path.read_text()


@pytest.fixture
def settled(monkeypatch):
    """Every file counts as one that nobody is writing now."""
    monkeypatch.setattr(kept_files, "SETTLED_NS", -1)


def test_a_file_is_read_once_while_it_does_not_change(tmp_path, settled):
    path, read = tmp_path / "file", Reader()
    path.write_text("one")
    assert [kept(path, read) for _ in range(3)] == ["one"] * 3
    assert read.times == 1


def test_a_file_that_was_replaced_is_read_anew_whatever_its_size_and_time(tmp_path, settled):
    path, read = tmp_path / "file", Reader()
    path.write_text("one")
    kept(path, read)
    before = path.stat()
    (tmp_path / "new").write_text("two")
    os.utime(tmp_path / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "new").replace(path)
    assert kept(path, read) == "two"


def test_a_file_that_changes_twice_within_a_tick_of_the_clock_is_read_each_time(tmp_path):
    path, read = tmp_path / "file", Reader()
    for word in ("one", "two", "six", "ten") * 20:
        path.write_text(word)
        assert kept(path, read) == word


def test_a_file_that_appears_goes_and_comes_back_is_followed(tmp_path, settled):
    path = tmp_path / "file"

    def read(path):
        return path.read_text() if path.exists() else None

    assert kept(path, read) is None
    path.write_text("one")
    assert kept(path, read) == "one"
    path.unlink()
    assert kept(path, read) is None
    path.write_text("two")
    assert kept(path, read) == "two"


def test_two_readers_of_one_file_do_not_get_what_the_other_made(tmp_path, settled):
    path = tmp_path / "file"
    path.write_text("12")

    def number(path):
        return int(path.read_text())

    assert kept(path, Reader()) == "12"
    assert kept(path, number) == 12


def test_what_is_kept_is_bounded_and_the_longest_unused_goes_first(tmp_path, settled, monkeypatch):
    monkeypatch.setattr(kept_files, "MOST_BYTES", kept_files._bytes + 3 * kept_files.OVERHEAD)
    paths, read = [tmp_path / str(number) for number in range(4)], Reader()
    for path in paths:
        path.write_text(path.name)
    for path in (*paths[:3], paths[0], paths[3]):
        kept(path, read)
    assert kept_files._bytes <= kept_files.MOST_BYTES
    large = tmp_path / "large"
    large.write_text("x" * (kept_files.MOST_BYTES + 1))
    assert len(kept(large, read)) == kept_files.MOST_BYTES + 1
    assert kept_files._bytes <= kept_files.MOST_BYTES
    assert kept_files._bytes == sum(kept_files._cost(stamp) for stamp, _ in kept_files._kept.values())


def test_the_app_sees_that_a_run_begins_fails_and_finishes(tmp_path, settled):
    store, run = KeptStore(tmp_path), tmp_path / "scenario" / "abc"
    run.mkdir(parents=True)
    (tmp_path / "scenario" / ".locks").mkdir()

    def seen():
        (record,) = store.records("scenario")
        assert RunStore(tmp_path).records("scenario") == [record]
        return record["status"], read_run(record).settings, read_run(record).provenance

    assert seen() == ("unfinished", {}, {})
    (run / "config.toml").write_text("kind = 'store'\n")
    assert seen() == ("unfinished", {"kind": "store"}, {})
    write_json(run / "failure.json", {"refused": False})
    assert seen()[0] == "failed"
    write_json(run / "failure.json", {"refused": True})
    assert seen()[0] == "refused"
    (run / "failure.json").unlink()
    write_json(run / "provenance.json", {"commit": "1"})
    write_json(run / "run.json", {"status": "finished"})
    assert seen() == ("finished", {"kind": "store"}, {"commit": "1"})


def test_a_damaged_file_is_said_to_be_damaged_each_time_and_forgotten_when_it_is_mended(tmp_path, settled):
    store, path = KeptStore(tmp_path), tmp_path / "scenario" / "summary.json"
    write_json(path, {"kind": "store"})
    assert store.document(path) == {"kind": "store"}
    path.write_text("{")
    for _ in range(2):
        with pytest.raises(DataError, match="is not JSON"):
            store.document(path)
    write_json(path, {"kind": "faces"})
    assert store.document(path) == {"kind": "faces"}


def test_an_edited_folder_of_rules_is_asked_anew(tmp_path):
    rules = shutil.copytree(PACKS_FOLDER / "base", tmp_path / "rules") / "rules.csv"
    cell = (Question((str(rules.parent),)), "Merchant, its own", "Till sales", "Raw rows")
    assert "base-own" in set(explained(*cell)["Rule"])
    rules.write_text(rules.read_text().replace("base-own,", "of-ones-own,"))
    assert "of-ones-own" in set(explained(*cell)["Rule"])


def test_every_spending_is_seen_at_once(tmp_path, settled):
    path, spent = tmp_path / "ledger.sqlite", 0
    ledger = Ledger.open(path, scope="persistent", budget=Budget("shoppers", 4.0, 1e-6, 900), run="first")
    for number in range(3):
        ledger.commit(ledger.reserve("training", f"round {number}", 1_000_000))
        found = stored_ledger(path)
        assert len(found.reservations) == number + 1
        assert found.budgets["spent"].sum() > spent
        spent = found.budgets["spent"].sum()
