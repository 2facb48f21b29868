import json

import pytest
from people_house import PLACES

from apps.command import erasure
from apps.command.main import app, main
from retail.generator import Settings, generate_tables

if "erasure" not in {group.name for group in app.registered_groups}:
    app.add_typer(erasure.app, name="erasure")


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "my-shop"
    generate_tables(folder, Settings(shoppers=60, seed=1, merchants=3, products=40))
    return folder


@pytest.fixture
def shop(tmp_path, monkeypatch, capsys, generated):
    """Run the command in a folder with generated tables, a model and a list of places."""
    import shutil

    monkeypatch.chdir(tmp_path)
    shutil.copytree(generated, tmp_path / "my-shop")
    (tmp_path / "lookalike.npz").write_bytes(b"weights")
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "places.toml").write_text(PLACES)

    def run(*arguments):
        code = main(["erasure", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_plan_lists_the_places_and_changes_nothing(shop, tmp_path):
    before = (tmp_path / "my-shop" / "transactions.parquet").read_bytes()
    code, out, err = shop("plan", "17", "--json")
    rows = {row["place"]: row for row in json.loads(out)["rows"]}
    assert (code, err) == (0, "")
    assert rows["tables"]["found"] > 1
    assert rows["lookalike"]["action"] == "retrain"
    assert rows["lookalike"]["command"] == "make lookalike"
    assert (tmp_path / "my-shop" / "transactions.parquet").read_bytes() == before
    assert "make lookalike" in shop("plan", "17")[1]


def test_a_request_is_answered_settled_checked_and_a_return_is_found(shop, tmp_path):
    transactions = tmp_path / "my-shop" / "transactions.parquet"
    backup = transactions.read_bytes()
    code, out, _ = shop("run", "17")
    assert code == 0
    assert "OPEN: lookalike" in out
    (first,) = (tmp_path / "books" / "certificates").iterdir()
    handed_out = first.read_bytes()
    code, out, _ = shop("run", "17", "--delete-model", "lookalike", "--json")
    document = json.loads(out)
    assert (code, document["status"]) == (0, "closed")
    assert document["certificate"] == f"books/certificates/{first.stem}-2.json"
    assert first.read_bytes() == handed_out
    assert json.loads(shop("run", "17", "--json")[1])["certificate"] == document["certificate"]  # nothing changed
    assert len(list(first.parent.iterdir())) == 2
    assert not (tmp_path / "lookalike.npz").exists()
    assert "No registered place holds this person" in shop("plan", "17")[1]
    code, out, _ = shop("verify", document["certificate"], "--key", "books/log-key.pub")
    assert code == 0
    assert "closed" in out
    assert shop("check")[0] == 0
    transactions.write_bytes(backup)
    code, out, _ = shop("check")
    assert code == 1
    assert "rows are of people who were erased" in out


def test_nobody_is_erased_when_the_certificate_has_no_folder_to_go_to(shop, tmp_path):
    before = (tmp_path / "my-shop" / "transactions.parquet").read_bytes()
    code, out, err = shop("run", "17", "--to", "nowhere/certificate.json")
    assert (code, out) == (2, "")
    assert "there is no folder nowhere" in err
    assert (tmp_path / "my-shop" / "transactions.parquet").read_bytes() == before
    assert not (tmp_path / "nowhere").exists()


def test_a_certificate_that_was_changed_or_is_of_another_key_exits_1(shop, tmp_path):
    certificate = json.loads(shop("run", "17", "--json")[1])["certificate"]
    key = (tmp_path / "books" / "log-key.pub").read_text().strip()
    assert shop("verify", certificate, "--key", key)[0] == 0
    code, out, _ = shop("verify", certificate, "--key", "ab" * 32, "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)
    text = (tmp_path / certificate).read_text()
    (tmp_path / "changed.json").write_text(text.replace('"status": "open"', '"status": "closed"'))
    code, out, _ = shop("verify", "changed.json", "--key", key)
    assert code == 1
    assert out.startswith("NOT GOOD: its signature is not good")


def test_somebody_who_comes_back_is_taken_off_the_list_and_the_list_can_be_destroyed(shop):
    shop("run", "17")
    shop("run", "18")
    assert shop("let-back", "17")[0] == 0
    assert "not on the list" in shop("let-back", "17")[2]
    assert "say --yes" in shop("destroy-list")[2]
    assert shop("destroy-list", "--yes")[1] == "destroyed: 1 marks and their key\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "17", "--places", "nowhere.toml"], "cannot read nowhere.toml"),
        (["plan", ""], "not empty"),
        (["plan", "a\0"], "invisible"),
        (["plan", "17", "--assume", "attic"], "no place 'attic'"),
        (["run", "17", "--delete-model", "lokalike"], "'lokalike' is no place of this erasure"),
        (["verify", "nothing.json", "--key", "ab" * 32], "cannot read nothing.json"),
        (["verify", "books/places.toml", "--key", "ab" * 32], "is no JSON"),
        (["verify", "books/places.toml", "--key", "rubbish"], "public key|is no JSON"),
        (["check"], "no consent register"),
        (["let-back", "17"], "no consent register"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line_and_exit_code_2(shop, arguments, message):
    code, out, err = shop(*arguments)
    assert (code, out) == (2, "")
    assert any(part in err for part in message.split("|"))
    assert err.count("\n") == 1


def test_a_check_does_not_pass_a_file_that_nobody_can_search(shop, tmp_path):
    shop("run", "17")
    (tmp_path / "my-shop" / "old.tsv").write_text("person_id\n17\n")
    code, out, _ = shop("check")
    assert code == 1
    assert "nobody searched old.tsv" in out


def test_the_truth_of_a_generated_shop_is_searched_too(shop, tmp_path):
    import pandas as pd

    people = tmp_path / "my-shop" / "truth" / "people.parquet"
    assert 17 in pd.read_parquet(people)["person_id"].tolist()
    shop("run", "17")
    assert 17 not in pd.read_parquet(people)["person_id"].tolist()
