import importlib
import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from apps.command.audit import audit
from experiments.logbook import KEY
from privacy.access.audit import MEANINGS
from privacy.access.schema import CODES, EVENT_COLUMNS
from privacy.attacks.result import AttackResult, ControlResult
from privacy.log import Log, SigningKey, verify_log
from privacy.log.export import export_log
from privacy.policy import PolicyEngine, Register
from retail.errors import ConfigError, DataError, PolicyError, TradefairError

PRIVACY_TESTS = Path(__file__).parents[1] / "privacy"


@pytest.fixture(scope="module")
def world():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PRIVACY_TESTS))
        yield importlib.import_module("access_events")


@pytest.fixture(scope="module")
def command():
    app = typer.Typer(rich_markup_mode=None)
    app.command()(audit)
    runner = CliRunner()

    def call(*arguments):
        result = runner.invoke(app, [str(one) for one in arguments])
        if isinstance(result.exception, TradefairError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def policies(world):
    return [part for name in world.POLICIES for part in ("--policy", name)]


def test_a_clean_log_exits_0_and_says_what_it_rests_on(world, command, policies, tmp_path):
    events, _ = world.make(300, each=0)
    result = command(world.write_csv(events, tmp_path / "a.csv"), "--access", *policies)
    assert result.exit_code == 0
    assert "No breach found." in result.stdout
    assert "300 events" in result.stdout
    assert "as the log itself describes them" in result.stdout
    with_parties = command(
        tmp_path / "a.csv", "--access", *policies, "--parties", world.write_parties(tmp_path / "p.csv")
    )
    assert with_parties.exit_code == 0
    assert "as the register describes them" in with_parties.stdout


def test_planted_reads_exit_1_and_are_listed_with_line_and_article(world, command, policies, tmp_path):
    events, planted = world.make(10_000, each=1)
    path = world.write_csv(events, tmp_path / "a.csv")
    result = command(path, "--access", *policies, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert {row["line"] - 2 for row in document["rows"]} == set(planted)
    assert document["breaches"] == len(planted) == 8
    assert (document["events"], document["runs"]) == (10_000, [])
    shown = command(path, "--access", *policies)
    assert shown.exit_code == 1
    assert "8 breaches, in 8 events." in shown.stdout
    assert "DMA Art. 6(2)" in shown.stdout
    for line in planted:
        assert f"\n{line + 2:>5} " in shown.stdout or f"\n  {line + 2}" in shown.stdout


def test_a_log_of_ours_that_was_changed_exits_1(world, command, policies, tmp_path):
    events, _ = world.make(20, each=0)
    path = tmp_path / "books.sqlite"
    log = Log.open(path, origin="test/audit", key=SigningKey.generate())
    log.append_many([("access", one) for one in events])
    log.sign_head()
    assert command(path, "--access", *policies).exit_code == 0
    path.write_bytes(path.read_bytes().replace(b'"purpose":"research"', b'"purpose":"ranking "', 1))
    path.write_bytes(path.read_bytes().replace(b'"purpose":"ranking "', b'"purpose":"security"', 1))
    result = command(path, "--access", *policies)
    assert result.exit_code == 1
    assert "BREACH: the log is not intact" in result.stdout


def test_a_log_is_judged_by_the_rules_that_it_names_unless_others_are_named(world, command, tmp_path):
    events, _ = world.make(20, each=0)
    path = tmp_path / "books.sqlite"
    log = Log.open(path, origin="test/audit", key=SigningKey.generate())
    log.append("policy", {"packs": list(world.POLICIES), "regime": "firewall", "jurisdiction": "EU"})
    log.append_many([("access", one) for one in events])
    log.sign_head()
    result = command(path, "--access", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["policies"]) == (0, list(world.POLICIES))
    assert "the log says were in force" in document["notes"][0]
    other = json.loads(command(path, "--access", "--policy", "base", "--json").stdout)
    assert other["policies"] == ["base"]
    assert f"the log says that {', '.join(world.POLICIES[1:])} was in force too" in other["notes"][0]
    exported = tmp_path / "log.jsonl"
    export_log(path, exported)
    assert json.loads(command(exported, "--access", "--json").stdout)["policies"] == list(world.POLICIES)


def test_rules_that_were_edited_since_are_not_taken_for_those_of_the_log(world, command, tmp_path):
    header = "id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence"
    house = tmp_path / "house"
    house.mkdir()
    (house / "rules.csv").write_text(f"{header}\nhouse,any,may not,sell,any,mood,any,any,,,any,house rule,\n")
    mark = PolicyEngine.load(["base", house], register=Register()).fingerprint
    log = Log.open(tmp_path / "books.sqlite", origin="test/audit", key=SigningKey.generate())
    log.append("policy", {"packs": ["base", "simulation", str(house)], "regime": None, "fingerprint": mark})
    log.append("access", world.make(1, each=0)[0][0])
    log.sign_head()
    assert command(log.books.path, "--access").exit_code in (0, 1)
    (house / "rules.csv").write_text(f"{header}\nhouse,any,may not,read,any,mood,any,any,,,any,house rule,\n")
    with pytest.raises(PolicyError, match="have other rules now"):
        command(log.books.path, "--access")


@pytest.mark.parametrize("suffix", [".csv", ".sqlite"])
def test_a_file_without_events_is_not_called_clean(world, command, policies, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        events, _ = world.make(1, each=0)
        path.write_text(world.write_csv(events, path).read_text().splitlines()[0] + "\n")
    else:
        log = Log.open(path, origin="test/audit", key=SigningKey.generate())
        log.append("policy", {"packs": ["base"]})
        log.sign_head()
    with pytest.raises(DataError, match="nothing to judge"):
        command(path, "--access", *policies)


def test_a_bad_cell_exits_2_and_json_lists_every_one(world, command, policies, tmp_path):
    events, _ = world.make(80, each=0)
    path = world.write_csv([{**one, "decision": "maybe"} for one in events], tmp_path / "a.csv")
    result = command(path, "--access", *policies, "--json")
    assert result.exit_code == 2
    rows = json.loads(result.stdout)["rows"]
    assert [(row["line"], row["column"], row["value"]) for row in rows] == [
        (line, "decision", "maybe") for line in range(2, 82)
    ]
    assert "30 more cells" in result.stderr
    assert f"{path}, line 2, column decision, value 'maybe'" in result.stderr


def test_foreign_text_cannot_write_to_the_terminal(world, command, policies, tmp_path):
    strange = "\x1b[2Jgone\u202e"
    event = world.event(0, strange, "read", "tills-m1", "research", {}, "allow", ("x", "y"))
    result = command(world.write_csv([event], tmp_path / "a.csv"), "--access", *policies)
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "gone" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((), ConfigError, "--access, --attacks"),
        (("--access",), ConfigError, "--policy"),
        (("--attacks", "--policy", "base"), ConfigError, "belong to --access"),
        (("--access", "--policy", "no-such-pack"), PolicyError, "no-such-pack"),
        (("--access", "--policy", "base", "--regime", "feudal"), PolicyError, "feudal"),
        (("--access", "--policy", "base", "--parties", "nowhere.csv"), DataError, "nowhere.csv"),
    ],
)
def test_what_cannot_be_followed_is_said(world, command, tmp_path, arguments, error, says):
    events, _ = world.make(2, each=0)
    with pytest.raises(error, match=says):
        command(world.write_csv(events, tmp_path / "a.csv"), *arguments)


def test_a_file_that_is_not_there_is_said(command, tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        command(tmp_path / "nothing.csv", "--access", "--policy", "base", "--store", tmp_path / "no-store")


@pytest.fixture
def attacked(monkeypatch, tmp_path):
    """A store with one run, whose attacks are replaced by given results: the attacks have tests of their own."""
    folder = tmp_path / "runs" / "tiny" / "abc123"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"status": "finished", "run_id": "abc123"}))

    def prepare(*results):
        asked = []

        def attack_run(store, run_id, *, progress, quick, log):
            asked.append((store.root, run_id, quick))
            if log is not None:
                log.append_many(("attack", one.to_json()) for one in results)
            progress("attacking")
            return list(results)

        monkeypatch.setattr("experiments.attacking.attack_run", attack_run)
        return tmp_path / "runs", asked

    return prepare


def outcome(*, breach):
    control = ControlResult("a loud canary", True, 5.0, "The control was seen.")
    return AttackResult(
        "one_run", 1.2, 0.4, float("inf"), "epsilon", 5.8, control, 1000, 3.0, "Nothing odd.", breach, 4.0
    )


@pytest.mark.parametrize("breach", [False, True])
def test_attacks_are_shown_with_ceiling_and_control_and_a_breach_exits_1(command, attacked, breach):
    store, asked = attacked(outcome(breach=False), outcome(breach=breach))
    result = command("abc", "--attacks", "--store", store, "--quick")
    assert result.exit_code == int(breach)
    assert asked == [(store, "tiny/abc123", True)]
    for text in ("one_run", "1.2", "[0.4, inf]", "5.8", "1000", "seen", "The control was seen.", "Nothing odd."):
        assert text in result.stdout
    assert ("1 of 2 attacks found a breach" in result.stdout) is breach
    assert "attacking" in result.stderr


def test_attacks_as_json_hold_every_field(command, attacked):
    store, _ = attacked(outcome(breach=True))
    result = command("abc", "--attacks", "--store", store, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["runs"][0]["run_id"] == "abc123"
    (row,) = document["rows"]
    assert (row["name"], row["estimate"], row["hi"], row["ceiling"]) == ("one_run", 1.2, None, 5.8)
    assert row["control"]["fired"]


def test_access_and_attacks_go_together_on_one_run(world, command, policies, attacked):
    store, _ = attacked(outcome(breach=False))
    books = store / "tiny" / "abc123" / "artifacts" / "ledger.sqlite"
    books.parent.mkdir()
    log = Log.open(books, origin="tiny/abc123", key=SigningKey.load_or_create(store / KEY))
    events, _ = world.make(10, each=0)
    log.append_many([("access", one) for one in events])
    result = command("abc", "--access", "--attacks", *policies, "--store", store, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["events"], len(document["attacks"])) == (10, 1)
    assert [entry.body["name"] for entry in log.entries("attack")] == ["one_run"]
    assert log.head().size == log.size == 11
    assert verify_log(books).ok


def test_an_unknown_run_is_said(command, attacked):
    store, _ = attacked()
    for how in (("--attacks",), ("--access", "--policy", "base")):
        with pytest.raises(ConfigError, match="no run"):
            command("zzz", *how, "--store", store)


PAGE = (Path(__file__).parents[2] / "docs" / "access-audit.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_finds_what_the_page_says(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = re.findall(r"^```csv\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    for name, text in zip(("access.csv", "parties.csv"), tables, strict=True):
        Path(name).write_text(text)
    examples = re.findall(r"^\$ tradefair audit (access\.csv.*?)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(examples) == 2
    for arguments, shown in examples:
        result = command(*arguments.split())
        assert result.exit_code == 1
        assert found_lines(result.stdout) == found_lines(shown) != []


def found_lines(text):
    """The lines of tables, and the count at the end."""
    return [line.split() for line in text.splitlines() if re.match(r"\s+\d+ .*Z |\d+ breaches", line)]


def test_the_page_names_every_column_and_every_word():
    for column in EVENT_COLUMNS:
        row = re.search(rf"^\| `{column}` \|(.*)\|$", PAGE, flags=re.MULTILINE).group(1)
        words = set(re.findall(r"[\w-]+", row))
        if column != "regime":
            assert set(CODES.get(column, ())) - {""} <= words
    for kind in MEANINGS:
        assert f"| `{kind}` |" in PAGE


def test_many_different_reasons_are_cut_short(world, command, tmp_path):
    events = [world.event(n, f"x{n}", "read", "tills-m1", "research", {}, "allow", ("x", "y")) for n in range(30)]
    path = world.write_csv([{**one, "role": "researcher"} for one in events], tmp_path / "a.csv")
    assert "10 more reasons" in command(path, "--access", "--policy", "base").stdout
