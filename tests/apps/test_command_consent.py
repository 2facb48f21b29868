import io
import json

import pytest

from apps.command import consent
from apps.command.main import app, main

if "consent" not in {group.name for group in app.registered_groups}:
    app.add_typer(consent.app, name="consent")


@pytest.fixture
def tradefair(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder: exit code, what it printed, what it complained about."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notice.txt").write_text("We use your baskets to suggest products.")

    def run(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(["consent", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def shop(tradefair, tmp_path):
    """A registered notice and a receipt without a person in receipt.json."""
    published = ("--published", "2025-01-01T00:00:00+00:00")
    assert tradefair("notice", "notice.txt", "--controller", "m1", "--reference", "n1", "--language", "en", *published)
    code, out, _ = tradefair("template", "--controller", "m1", "--purpose", "recommendation", "--notice", "n1")
    assert code == 0
    (tmp_path / "receipt.json").write_text(out)
    (tmp_path / "empty.json").write_text("{}")
    return tradefair


def state(tradefair, person="17"):
    code, out, _ = tradefair("status", person, "--json")
    assert code == 0
    return [row["state"] for row in json.loads(out)["rows"]]


def test_a_receipt_is_recorded_from_a_template_and_ended_by_a_withdrawal(shop, tmp_path):
    code, out, err = shop("record", "receipt.json", "--person", "17")
    assert (code, err) == (0, "")
    assert out.startswith("recorded: m1 may use transactions for recommendation (general) until ")
    assert state(shop) == ["valid"]
    code, out, _ = shop("withdraw", "17", "--controller", "m1", "--purpose", "recommendation", "--json")
    assert json.loads(out)["rows"] == [{"controller": "m1", "purpose": "recommendation", "ended": 1}]
    assert state(shop) == ["withdrawn"]
    assert {path.name for path in (tmp_path / "books").iterdir()} >= {"consent.sqlite", "log.sqlite", "log-key.pub"}
    for secret in ("consent.sqlite", "consent.sqlite.key", "commitments.sqlite", "log-key.pem"):
        assert (tmp_path / "books" / secret).stat().st_mode & 0o077 == 0


def test_a_withdrawal_of_nothing_does_not_look_like_a_success_and_is_kept(shop):
    code, out, _ = shop("withdraw", "17", "--controller", "m1", "--purpose", "recommendation")
    assert code == 1
    assert out.startswith("nothing ended: this person had no valid receipt")
    code, _, err = shop("record", "receipt.json", "--person", "17")
    assert (code, state(shop)) == (2, [])
    assert "the person withdrew recommendation from m1" in err


def test_a_replayed_receipt_is_refused_in_one_line_with_exit_code_2(shop):
    shop("record", "receipt.json", "--person", "17")
    shop("withdraw", "17", "--all")
    code, out, err = shop("record", "receipt.json", "--person", "17")
    assert (code, out) == (2, "")
    assert err.startswith("error: this record id was used before")
    assert err.count("\n") == 1
    assert state(shop) == ["withdrawn"]


def test_the_id_can_come_from_standard_input_and_no_output_names_anybody(shop, tmp_path):
    receipt = (tmp_path / "receipt.json").read_text()
    outputs = [shop("record", "-", "--person", "anna-smith", stdin=receipt)]
    outputs.append(shop("status", "-", stdin="anna-smith\n"))
    outputs.append(shop("list"))
    outputs.append(shop("withdraw", "-", "--all", stdin="anna-smith\n"))
    assert [code for code, _, _ in outputs] == [0, 0, 0, 0]
    assert "valid" in outputs[1][1]
    assert not any("anna" in text for _, out, err in outputs for text in (out, err))


def test_a_list_counts_people_and_shows_the_notices(shop):
    shop("record", "receipt.json", "--person", "17")
    code, out, _ = shop("list", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["rows"] == [
        {"controller": "m1", "purpose": "recommendation", "level": "general", "state": "valid", "people": 1}
    ]
    assert [notice["reference"] for notice in document["notices"]] == ["n1"]


def test_enrolment_stops_at_the_cap_of_the_open_period(shop):
    assert shop("enrol", "17", "m1")[2].startswith("error: no accounting period is open")
    assert shop("period", "2026", "--k-max", "1")[0] == 0
    assert shop("enrol", "17", "m1")[:2] == (0, "enrolled at m1; 1 of 1 slots used\n")
    code, _, err = shop("enrol", "17", "m2")
    assert code == 2
    assert "all 1 slots" in err
    assert shop("enrol", "17", "m1", "--leave")[1] == "left m1; 1 of 1 slots used\n"
    assert shop("enrol", "17", "m2")[0] == 2
    assert shop("period", "2026", "--close")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["record", "missing.json"], "cannot read missing.json"),
        (["record", "notice.txt"], "is no JSON"),
        (["record", "receipt.json"], "say whose it is with --person"),
        (["withdraw", "17", "--controller", "m9", "--purpose", "recommendation"], "m9 has no registered notice"),
        (["record", "empty.json", "--person", "17"], "lacks 'schema_version'"),
        (["withdraw", "nobody", "--all"], "nothing was ever on record"),
        (["record", "receipt.json", "--person", "a\u202eb"], "invisible character"),
        (["record", "receipt.json", "--person", "x" * 5000], "5,000 characters"),
        (["withdraw", "17"], "say --controller and --purpose, or --all"),
        (["withdraw", "17", "--all", "--purpose", "recommendation"], "say --controller"),
        (["withdraw", "17", "--controller", "m1", "--purpose", "fun"], "'fun' is unknown"),
        (["withdraw", "17", "--all", "--at", "2026-01-01T00:00:00"], "time zone"),
        (["template", "--controller", "m1", "--purpose", "recommendation", "--notice", "n9"], "no registered notice"),
        (["template", "--controller", "m1", "--purpose", "fun", "--notice", "n1"], "'fun'"),
        (["period", "2026"], "say --k-max"),
        (["period", "2026", "--k-max", "0"], "k_max"),
        (["status", "17", "--register", "elsewhere.sqlite"], "no consent register at elsewhere.sqlite"),
        (["status", ""], "not empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_clear_line_and_exit_code_2(shop, arguments, message):
    code, out, err = shop(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert len(err) < 600


def test_a_receipt_of_somebody_else_is_not_recorded_for_this_person(shop, tmp_path):
    document = json.loads((tmp_path / "receipt.json").read_text())
    document["pii_principal_id"] = "ab" * 32
    (tmp_path / "receipt.json").write_text(json.dumps(document))
    assert "somebody else" in shop("record", "receipt.json", "--person", "17")[2]


def test_no_complaint_about_an_id_prints_it(shop):
    for arguments in (
        ("status", "Alice\u202eSmith"),
        ("withdraw", "Alice Smith ", "--all"),
        ("record", "receipt.json", "--person", "Alice" * 200),
        ("enrol", "Alice\0", "m1"),
    ):
        code, out, err = shop(*arguments)
        assert (code, out) == (2, "")
        assert "the person's id" in err
        assert "Alice" not in err
