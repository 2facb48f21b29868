"""`tradefair policy` as a user meets it."""

import json

import pytest
import typer
from typer.testing import CliRunner

from apps.command import policy
from retail.errors import PolicyError

HEADER = "id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence"
LAB = "house-lab,researcher,may,read,merchant's,movement,aggregate,research,independent,,any,contract with the lab,"
CASES = "rule,expect,regime,actor,action,dataset,purpose,consent,jurisdiction,minor,guardian,alternative"
SEEN = (
    "house-lab,allow,,researcher,read,m1/movement/aggregate,research,none,none,no,no,no",
    "house-lab,deny,,m2-lab,read,m1/movement/aggregate,research,none,none,no,no,no",
    "house-lab,deny,,auditor,read,m1/movement/aggregate,research,none,none,no,no,no",
    "house-lab,deny,,researcher,train,m1/movement/aggregate,research,none,none,no,no,no",
    "house-lab,deny,,researcher,read,m1/movement/raw,research,none,none,no,no,no",
    "house-lab,deny,,researcher,read,m1/payments/aggregate,research,none,none,no,no,no",
    "house-lab,deny,,researcher,read,m1/movement/aggregate,evaluation,none,none,no,no,no",
    "house-lab,deny,,researcher,read,aggregator/movement/aggregate,research,none,none,no,no,no",
)


def call(*arguments):
    app = typer.Typer()
    app.add_typer(policy.app, name="policy")
    return CliRunner().invoke(app, ["policy", *arguments], catch_exceptions=True)


@pytest.fixture
def house(tmp_path):
    (tmp_path / "rules.csv").write_text(f"{HEADER}\n{LAB}\n")
    (tmp_path / "cases.csv").write_text("\n".join([CASES, *SEEN, ""]))
    return tmp_path


def test_check_reads_every_bundled_pack_in_english():
    result = call("check")
    assert result.exit_code == 0
    assert "dma-6-2-retail: The platform's retail arm may not use in any way a merchant's data" in result.stdout
    assert "No problem found." in result.stdout


def test_the_fingerprint_is_of_the_rules_and_not_of_the_folders_name(house, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "house rules"
    moved.mkdir()
    (moved / "rules.csv").write_bytes((house / "rules.csv").read_bytes())
    marks = [json.loads(call("check", str(folder), "--json").stdout)["fingerprint"] for folder in (house, moved)]
    assert marks[0] == marks[1]
    (moved / "rules.csv").write_text(f"{HEADER}\n{LAB.replace('movement', 'payments')}\n")
    assert json.loads(call("check", str(moved), "--json").stdout)["fingerprint"] != marks[0]


def test_check_names_the_bad_cell_and_exits_2(house):
    (house / "rules.csv").write_text(f"{HEADER}\n{LAB.replace('movement', 'tracks')}\n")
    result = call("check", str(house))
    assert result.exit_code == 2
    assert "rules.csv, line 2, column kind: 'tracks'" in result.stderr
    document = json.loads(call("check", str(house), "--json").stdout)
    assert document["rows"] == []
    assert [(one["line"], one["column"], one["value"]) for one in document["problems"]] == [(2, "kind", "tracks")]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (",independent,,", ",consent; no consent,,", "'consent' and 'no consent' never hold together"),
        (",independent,,", ",independent,independent,", "the rule would never count"),
        (",independent,,", ",independent; independent,,", "stands here twice"),
        ("house-lab,", "base-own,", "a rule of the bundled pack base has this id"),
    ],
)
def test_check_names_rules_that_can_never_count_or_share_an_id(house, old, new, says):
    (house / "rules.csv").write_text(f"{HEADER}\n{LAB.replace(old, new)}\n")
    result = call("check", str(house))
    assert result.exit_code == 2
    assert says in result.stderr


def test_check_says_what_to_do_about_semicolons(house):
    (house / "rules.csv").write_text(HEADER.replace(",", ";") + "\n")
    assert "save it as CSV with commas" in call("check", str(house)).stderr


def test_check_refuses_cedar_that_does_not_fit_the_schema(tmp_path):
    (tmp_path / "own.cedar").write_text('@id("a")\npermit (principal, action, resource) when { principal.age > 3 };')
    result = call("check", str(tmp_path))
    assert result.exit_code == 2
    assert "schema" in result.stderr


@pytest.mark.slow
def test_test_prints_requests_wrong_allow_and_mutants(house):
    result = call("test", str(house), "--regime", "firewall", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0, document
    assert document["requests"] == 32_400
    assert document["wrong_allow"] == 0
    assert document["mutants"]["killed"] == document["mutants"]["planted"] > 10


@pytest.mark.slow
def test_test_exits_1_when_a_mistake_would_go_unnoticed(house):
    (house / "cases.csv").unlink()
    result = call("test", str(house), "--regime", "firewall", "--json")
    assert result.exit_code == 1
    assert "mutant lives" in result.stderr
    document = json.loads(result.stdout)
    assert document["mutants"]["killed"] < document["mutants"]["planted"]


@pytest.mark.slow
def test_test_exits_1_on_a_rule_that_opens_a_rivals_data(house):
    (house / "rules.csv").write_text(f"{HEADER}\n{LAB}\nopen,merchant,may,read,any,any,any,any,,,any,house rule,\n")
    result = call("test", str(house), "--regime", "federated_dp", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["wrong_allow"] > 0
    assert document["counterexamples"][0]["rule"].endswith("open")


def test_diff_says_when_nothing_changes():
    assert "The two policies have the same rules." in call("diff", "pure", "isolated").stdout


@pytest.mark.slow
def test_diff_asks_about_a_rule_that_the_chosen_domain_does_not_reach(house):
    result = call("diff", "base@firewall", f"base+{house}@firewall", "--json")
    document = json.loads(result.stdout)
    assert {row["rule"] for row in document["rows"]} == {"house-lab"}
    assert document["changed"].keys() == {"now allowed"}
    assert document["silent"] == []
    assert document["asked"] > 32_400


@pytest.mark.slow
def test_diff_names_rules_that_change_nothing(house):
    twice = LAB.replace("house-lab", "house-nothing").replace(",may,read,", ",may not,sell,")
    (house / "rules.csv").write_text(f"{HEADER}\n{twice}\n")
    said = call("diff", "base", f"base+{house}").stdout
    assert "No answer changes among" in said
    assert "Differ, but change none of these answers: house-nothing." in said


@pytest.mark.slow
def test_diff_tells_what_the_dma_changes():
    result = call("diff", "pooled", "dma@pooled", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(document["changed"]) == {"now allowed", "now denied"}
    assert any(row["rule"] == "dma-6-2-retail" for row in document["rows"])


def test_who_can_lists_the_matrix():
    document = json.loads(call("who-can", "--regime", "firewall", "--packs", "dma", "--json").stdout)
    row = next(one for one in document["rows"] if one["role"] == "aggregator" and one["relation"] == "a merchant's")
    assert row["rule"] == "regime-neutral-pool"
    assert "What is not listed is denied." in call("who-can", "--regime", "pure").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "nowhere"),
        ("test", "nowhere"),
        ("diff", "", "pooled"),
        ("diff", "base@feudal", "pooled"),
        ("who-can", "--regime", "feudal"),
        ("who-can", "--consent", "loads"),
        ("who-can", "--action", "steal"),
        ("who-can", "--jurisdiction", "UK"),
    ],
)
def test_a_wrong_word_is_an_error_for_people(arguments):
    assert isinstance(call(*arguments).exception, PolicyError)
