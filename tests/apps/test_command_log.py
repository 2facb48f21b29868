import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from apps.command import ledger as ledger_command
from apps.command import log as log_command
from privacy import Budget, Ledger, epsilon_rdp
from privacy.log import Log, SigningKey
from retail.errors import ConfigError, PrivacyError

COMMAND = typer.Typer()
COMMAND.add_typer(log_command.app, name="log")
COMMAND.add_typer(ledger_command.app, name="ledger")


@pytest.fixture
def key(tmp_path) -> Path:
    SigningKey.load_or_create(tmp_path / "keys" / "log-key.pem")
    return tmp_path / "keys" / "log-key.pem"


@pytest.fixture
def books(tmp_path, key) -> Path:
    path = tmp_path / "books.sqlite"
    log = Log.open(path, origin="demo/1", key=SigningKey.load(key))
    log.append_many([("access", {"actor": "platform\u202e", "n": n}) for n in range(3)])
    log.append("release", {"dataset": "orders"})
    log.sign_head()
    return path


def call(*arguments, code: int = 0) -> str:
    """Run the command in this process and return what it printed; a refusal (exit code 2) is raised as the error."""
    done = CliRunner().invoke(COMMAND, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def tamper(books: Path, entry: int = 1) -> None:
    import sqlite3

    connection = sqlite3.connect(books)
    connection.execute("DROP TRIGGER log_entries_update")
    connection.execute("UPDATE log_entries SET body = '{}' WHERE entry = ?", (entry,))
    connection.commit()
    connection.close()


def test_a_log_is_shown_with_its_newest_entries_and_odd_text_escaped(books):
    out = call("log", "show", books)
    assert "demo/1: 4 entries, 4 of them under the head" in out
    assert "\u202e" not in out
    assert "platform\\u202e" in out
    document = json.loads(call("log", "show", books, "--kind", "access", "--last", 2, "--json"))
    assert [(row["index"], row["body"]["n"]) for row in document["rows"]] == [(1, 1), (2, 2)]
    assert document["runs"] == []
    assert (document["size"], document["head"]["size"]) == (4, 4)


def test_a_whole_log_verifies_and_a_changed_one_exits_with_1_and_names_each_problem(books, key, tmp_path):
    public = key.with_suffix(".pub")
    out = call("log", "witness", books, "--out", tmp_path / "kept.json", "--key", public)
    assert "head of 4 entries of demo/1" in out
    out = call("log", "verify", books, "--witness", tmp_path / "kept.json", "--key", public)
    assert out.startswith("ok: ")
    assert "note" not in out
    assert "--witness" in call("log", "verify", books)
    tamper(books)
    out = call("log", "verify", books, "--witness", tmp_path / "kept.json", "--key", public, code=1)
    assert out.startswith("broken: ")
    assert "entry 1 does not match" in out
    assert "the kept head of 4 entries" in out
    document = json.loads(call("log", "verify", books, "--json", code=1))
    assert document["ok"] is False
    assert any("entry 1 " in row["problem"] for row in document["rows"])


def test_a_key_may_be_given_as_digits_and_another_one_is_a_problem(books, key):
    call("log", "verify", books, "--key", key.with_suffix(".pub").read_text().strip())
    assert "another key" in call("log", "verify", books, "--key", SigningKey.generate().public_hex, code=1)


def test_a_witness_moves_forward_only(books, key, tmp_path):
    kept, copy = tmp_path / "kept.json", tmp_path / "copy.sqlite"
    call("log", "witness", books, "--out", kept)
    shutil.copy(books, copy)
    Log.open(books, origin="demo/1", key=None).append("access", {})
    out = call("log", "witness", books, "--out", kept)
    assert "not covered: the last 1 entries" in out
    assert "head of 5 entries" in call("log", "witness", books, "--out", kept, "--sign", key)
    before = kept.read_bytes()
    assert "its end was cut off" in call("log", "witness", copy, "--out", kept, code=1)
    assert kept.read_bytes() == before


def test_an_export_verifies_and_not_after_one_flipped_byte(books, key, tmp_path):
    out = tmp_path / "log.jsonl"
    Log.open(books, origin="demo/1", key=None).append("access", {})
    assert "left out: 1 entries" in call("log", "export", books, "--out", out)
    assert "5 entries" in call("log", "export", books, "--out", out, "--sign", key)
    assert call("log", "verify", out).startswith("ok: ")
    content = bytearray(out.read_bytes())
    content[len(content) // 2] ^= 1
    out.write_bytes(content)
    assert call("log", "verify", out, code=1).startswith("broken: ")


def test_a_run_and_a_scenario_are_named_by_their_folder(books, key, tmp_path):
    scenario = tmp_path / "runs" / "demo"
    run = scenario / "1" / "artifacts"
    run.mkdir(parents=True)
    shutil.move(books, run / "ledger.sqlite")
    assert "4 entries" in call("log", "verify", scenario / "1")
    own = Log.open(scenario / "log.sqlite", origin="demo", key=SigningKey.load(key))
    head = Log.open(run / "ledger.sqlite", origin="demo/1", key=None).head()
    own.append("run", {"run_id": "1", "size": head.size, "root": head.root_hex})
    own.sign_head()
    assert "1 entries" in call("log", "verify", scenario)
    tamper(run / "ledger.sqlite")
    assert "1/artifacts/ledger.sqlite: entry 1 does not match" in call("log", "verify", scenario, code=1)


def test_what_a_run_store_writes_can_be_verified_by_its_folders(tmp_path):
    from experiments.logbook import log_run, log_summary

    run = tmp_path / "runs" / "demo" / "74d7"
    (run / "artifacts").mkdir(parents=True)
    head = log_run(run, [{"name": "hit10", "value": 0.5, "lo": 0.4, "hi": 0.6, "unit": "", "n": 9}])
    (run / "provenance.json").write_text(json.dumps({"log": head.to_json()}))
    log_summary(tmp_path / "runs", "demo", {"results": [], "differences": [], "targets": [], "runs": ["74d7"]})
    public = tmp_path / "runs" / ".keys" / "log-key.pub"
    assert call("log", "verify", run, "--key", public).startswith("ok: ")
    assert call("log", "verify", run.parent, "--key", public).startswith("ok: ")
    tamper(run / "artifacts" / "ledger.sqlite", entry=0)
    out = call("log", "verify", run.parent, "--key", public, code=1)
    assert "74d7/artifacts/ledger.sqlite: the root over 1 entries that another log names" in out


def test_what_cannot_be_checked_is_bad_input(books, key, tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "empty").mkdir()
    for arguments in (
        ["verify", tmp_path / "notes.txt"],
        ["verify", tmp_path / "missing.sqlite"],
        ["verify", tmp_path / "empty"],
        ["verify", books, "--key", "abc"],
        ["verify", books, "--witness", tmp_path / "notes.txt"],
        ["show", tmp_path / "missing.sqlite"],
        ["export", tmp_path / "missing.sqlite", "--out", tmp_path / "out.jsonl"],
        ["export", books, "--out", tmp_path / "out.jsonl", "--sign", tmp_path / "notes.txt"],
    ):
        with pytest.raises(PrivacyError):
            call("log", *arguments)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("what", ["export", "witness"])
def test_a_file_in_a_folder_that_is_not_there_is_refused_and_no_folder_is_made(what, books, tmp_path):
    with pytest.raises(ConfigError, match=r"--out .*there is no folder .*nowhere"):
        call("log", what, books, "--out", tmp_path / "nowhere" / "file")
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
def ledgers(tmp_path) -> list[Path]:
    paths = []
    for name, cost in (("north", 1000), ("south", 20)):
        budget = Budget(dataset=name, epsilon=4.0, delta=1e-5, population=2000)
        ledger = Ledger.open(tmp_path / f"{name}.sqlite", scope="persistent", budget=budget, run="a")
        ledger.reserve("counts", "all", cost)
        paths.append(tmp_path / f"{name}.sqlite")
    return paths


def test_what_is_left_of_a_data_set_is_told_as_epsilon_and_in_releases(ledgers):
    (row,) = json.loads(call("ledger", "left", ledgers[0], "--json"))["rows"]
    assert row["epsilon_spent"] == pytest.approx(epsilon_rdp(1000, delta=1e-5))
    assert row["releases_left"] == row["remaining"] // 1000
    (row,) = json.loads(call("ledger", "left", ledgers[0], "--release-cost", 77, "--json"))["rows"]
    assert row["releases_left"] == row["remaining"] // 77
    assert "releases_left" in call("ledger", "left", ledgers[0])


def test_what_was_spent_on_one_person_is_added_up_over_merchants(ledgers):
    person = "ab" * 32
    document = json.loads(call("ledger", "person", *ledgers, "--commitment", person, "--json"))
    assert (document["spent"], document["person"]) == (1020, person)
    assert document["epsilon"] == pytest.approx(epsilon_rdp(1020, delta=1e-5))
    assert [row["dataset"] for row in document["rows"]] == ["north", "south"]
    out = call("ledger", "person", *ledgers, "--dataset", "south")
    assert "together: 20 nano-rho" in out
    assert "each person in these data sets" in out
    with pytest.raises(PrivacyError, match="typo"):
        call("ledger", "person", *ledgers, "--dataset", "typo")
