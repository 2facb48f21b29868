import json

import numpy as np
import pandas as pd
import pytest

from apps.command import main as entry
from apps.command import release
from privacy.log import verify_log

if not any(group.name == "release" for group in entry.app.registered_groups):
    entry.app.add_typer(release.app, name="release")

HISTOGRAM = 'kind = "histogram"\ncolumn = "department"\nepsilon = 0.5\n'


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str):
        code = entry.main(["release", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    (tmp_path / "query.toml").write_text(HISTOGRAM)
    return run


MADE_UP = ("--data", "generated:300")


def test_a_preview_tells_price_and_error_and_leaves_no_file(call, tmp_path):
    code, out, _ = call("preview", "query.toml", *MADE_UP)
    assert code == 0
    assert out.startswith("plus or minus ")
    assert "nano-rho" in out
    assert not (tmp_path / "books").exists()


def test_a_release_is_printed_paid_and_logged_and_the_second_one_is_free(call, tmp_path):
    code, out, _ = call("run", "query.toml", *MADE_UP, "--json")
    first = json.loads(out)
    assert (code, first["runs"], first["stored"]) == (0, [], False)
    assert {tuple(row) for row in first["rows"]} == {("department", "count")}
    again = json.loads(call("run", "query.toml", *MADE_UP, "--json")[1])
    assert again["stored"]
    assert (again["rows"], again["remaining"], again["made_at"]) == (
        first["rows"],
        first["remaining"],
        first["made_at"],
    )
    told = json.loads(call("preview", "query.toml", *MADE_UP, "--json")[1])["rows"][0]
    assert (told["stored"], told["cost"], told["error_95"]) == (True, first["cost"], first["error_95"])
    checked = verify_log(tmp_path / "books" / "ledger.sqlite")
    assert (checked.ok, checked.root_hex) == (True, again["log"]["root_hex"])


def test_a_table_for_people_says_error_price_and_what_is_left(call):
    _, out, _ = call("run", "query.toml", *MADE_UP)
    assert "plus or minus" in out
    assert "A dash is a number below" in out
    assert "nano-rho are left" in out
    assert "stored answer of" in call("run", "query.toml", *MADE_UP)[1]


def test_the_policy_decides_and_the_denial_is_one_line(call):
    code, out, err = call("run", "query.toml", *MADE_UP, "--actor", "rival", "--role", "merchant")
    assert (code, out) == (2, "")
    assert err.startswith("error: rival may not have this release")
    assert err.count("\n") == 1


def test_a_spent_budget_is_told(call):
    for _ in range(2):
        code, _, err = call("run", "query.toml", *MADE_UP, "--epsilon-total", "0.6", "--max-cells", "3")
    assert code == 0
    code, _, err = call("run", "query.toml", *MADE_UP, "--epsilon-total", "0.6", "--max-cells", "4")
    assert code == 2
    assert "nano-rho left" in err


def test_every_kind_of_query_runs_on_a_users_folder(call, tmp_path):
    rng = np.random.default_rng(0)
    size = 2000
    folder = tmp_path / "shop"
    folder.mkdir()
    pd.DataFrame(
        {
            "person_id": rng.integers(0, 200, size),
            "basket_id": np.arange(size),
            "product_id": rng.integers(0, 5, size),
            "store_id": 1,
            "purchased_at": "2026-03-02T10:00:00",
            "quantity": 1,
            "sales_value": rng.exponential(5, size).round(2),
        }
    ).to_csv(folder / "transactions.csv", index=False)
    pd.DataFrame({"product_id": range(5), "department": list("abcde")}).to_csv(folder / "products.csv", index=False)
    queries = {
        "count": 'kind = "count"\nerror_95 = 10',
        "top": 'kind = "top_k"\ncolumn = "department"\nk = 2\nepsilon = 1',
        "median": 'kind = "quantile"\ncolumn = "sales_value"\nalpha = 0.5\nepsilon = 1\n'
        "candidates = { start = 0, stop = 20, step = 0.5 }",
        "when": 'kind = "group_by"\ncolumns = ["weekday", "hour"]\nepsilon = 1',
        "map": 'kind = "heat_map"\nepsilon = 1\nx = { column = "sales_value", start = 0, stop = 20, step = 1 }\n'
        'y = { column = "quantity", start = 0, stop = 5, step = 1 }\nwhere = { department = ["a", "b"] }',
    }
    for name, text in queries.items():
        (tmp_path / f"{name}.toml").write_text(text)
        code, out, err = call(
            "run", f"{name}.toml", "--data", "shop", "--population", "200", "--delta", "1e-3", "--json"
        )
        assert (code, err) == (0, "")
        rows = json.loads(out)["rows"]
        assert len(rows) == {"count": 1, "top": 2, "median": 1, "when": 168, "map": 100}[name]
        if name == "when":
            assert [(row["weekday"], row["hour"]) for row in rows if row["count"]] == [("0", "10")]


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        (HISTOGRAM.replace("department", "street"), (), "nobody declared the values of 'street'"),
        (HISTOGRAM.replace("department", "person_id"), (), "single persons"),
        (HISTOGRAM.replace("0.5", "0"), (), "epsilon must be"),
        (HISTOGRAM.replace("0.5", "nan"), (), "epsilon must be"),
        (HISTOGRAM.replace("epsilon", "colour"), (), "unknown 'colour'"),
        ("kind = ", (), "no TOML"),
        (HISTOGRAM, ("--epsilon-total", "-1"), "epsilon must be"),
        (HISTOGRAM, ("--delta", "0.5"), "population"),
        (HISTOGRAM, ("--max-cells", "0"), "max_cells must be"),
        (HISTOGRAM, ("--policy", "no such pack"), "no such pack"),
        (HISTOGRAM, ("--regime", "anarchy"), "anarchy"),
        (HISTOGRAM, ("--data", "generated:many"), "how many shoppers"),
        (HISTOGRAM, ("--data", "nowhere"), "no such folder"),
        (HISTOGRAM, ("--data", "."), "--population is missing"),
        (HISTOGRAM, ("--role", "king"), "king"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(call, tmp_path, query, options, message):
    (tmp_path / "query.toml").write_text(query)
    code, out, err = call("run", "query.toml", *MADE_UP, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_ledger_keeps_its_budget(call):
    call("run", "query.toml", *MADE_UP)
    code, _, err = call("run", "query.toml", *MADE_UP, "--epsilon-total", "40")
    assert code == 2
    assert "a budget never changes" in err


def test_a_question_about_another_data_set_is_refused(call, tmp_path):
    (tmp_path / "other.toml").write_text(HISTOGRAM + 'dataset = "orders"\n')
    for command in ("preview", "run"):
        code, _, err = call(command, "other.toml", *MADE_UP)
        assert code == 2
        assert "holds the rows of transactions, and the query names orders" in err


def test_an_unknown_purpose_is_denied_and_logged(call, tmp_path):
    (tmp_path / "odd.toml").write_text(HISTOGRAM + 'purpose = "curiosity"\n')
    code, _, err = call("run", "odd.toml", *MADE_UP)
    assert (code, "there is no purpose" in err) == (2, True)
    assert verify_log(tmp_path / "books" / "ledger.sqlite").size == 1
