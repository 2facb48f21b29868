"""What the page Results says of noise and of attacks."""

import json
import math
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.research.attacks_view import Attacked, epsilon_table, finding
from experiments.pairs import arms_of, pair_up
from experiments.runs import RunStore
from privacy.attacks import AttackResult, ControlResult

MAIN = Path(__file__).parents[3] / "apps" / "main.py"


def attack(*, breach=False, ceiling=5.8, conclusive=True):
    seen = ControlResult("noise left out", True, 6.1, "Without noise the attack found epsilon 6.1.")
    return AttackResult("one_run", 0.4, 0.1, math.inf, "epsilon", ceiling, seen, 1000, 2.5, "Found.", breach, 4.0,
                        conclusive)  # fmt: skip


def test_attacks_that_could_find_nothing_are_not_counted_as_passed():
    found = [Attacked("0" * 16, "DP", one) for one in (attack(), attack(ceiling=2.0, conclusive=False))]
    assert finding(found) == (
        "1 attack could have found more than was claimed, and did not; 1 more could not have, or only estimate"
    )
    assert finding([*found, Attacked("1" * 16, "DP", attack(breach=True))]) == (
        "1 attack of 3 found more than was claimed"
    )
    marks = epsilon_table(found).groupby("Mark")["value"].apply(list)
    assert marks["could have found at most"] == [5.8, 2.0]
    assert marks["claimed at most"] == [4.0, 4.0]


@pytest.fixture
def results(monkeypatch):
    def open_page(store, scenario):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        app = AppTest.from_file(MAIN, default_timeout=60)
        app.query_params["scenario"] = scenario
        app.switch_page("app_pages/results.py").run()
        assert not app.exception
        return app

    return open_page


def test_results_say_what_noise_at_every_node_costs_and_how_to_attack(results, run_store):
    app = results(run_store, "market")
    arms = {side.arm: side for side in arms_of(RunStore(run_store), "market")}
    pair = next(
        pair
        for pair in pair_up(RunStore(run_store), arms["every-node"], arms["federated-dp-4"]).pairs
        if pair.metric == "explore_ndcg10"
    )
    said = "\n".join(one.value for one in app.markdown)
    assert f"where every node adds all of it: {pair.difference.value:+.4f}" in said
    assert "No run was attacked" in app.info[0].value
    private = next(
        row for row in json.loads((run_store / "market" / "summary.json").read_text())["rows"] if row["epsilon"]
    )
    assert f"market/{private['run_ids'][0]} --attacks" in app.code[0].value
