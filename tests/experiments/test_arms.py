"""Every method of an arm, executed for real on a small generated market."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.execute import run_scenario
from experiments.runs import RunStore
from experiments.scenario import Scenario
from experiments.scenario_file import bundled_scenarios, load_scenario, validate
from privacy.ledger_record import read_ledger
from privacy.log import verify_log
from retail.errors import ConfigError

METHODS = {
    "popularity": {"method": "popularity"},
    "untrained": {"method": "untrained"},
    "item-knn": {"method": "item_knn", "options": {"min_persons": 2}},
    "ials": {"method": "ials", "options": {"factors": 8}},
    "tifu-knn": {"method": "tifu_knn"},
    "isolated": {"method": "isolated"},
    "isolated-dp": {"method": "isolated", "epsilon": 4.0},
    "federated": {"method": "federated", "options": {"rich": True}},
    "dp-popularity": {"method": "dp_popularity", "epsilon": 4.0},
    "federated-dp": {"method": "federated", "epsilon": 4.0},
    "every-node": {"method": "federated", "epsilon": 4.0, "noise": "every_node"},
    "pooled": {"method": "pooled", "options": {"rich": True}},
}


def scenario(arms: dict[str, dict[str, object]], **changes: object) -> Scenario:
    raw: dict[str, object] = {
        "name": "small",
        "seeds": [0],
        "data": {"source": "generated", "shoppers": 400},
        "partition": {"by": "home_store", "merchants": "all"},
        "split": {"origins": 1},
        "federation": {"rounds": 2, "learning_rate": 0.15},
        "privacy": {"delta": 1e-5},
        "options": {"candidates": 50, "windows": 1},
        "arms": [{"name": name, **arm} for name, arm in arms.items()],
        **changes,
    }
    return validate(raw, source="small")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("arms") / "runs"
    summary = run_scenario(scenario(METHODS), store=store, jobs=1)
    assert not summary.failures, summary.failures
    return store


def rows(store: Path) -> dict[str, dict[str, object]]:
    document = json.loads((store / "small" / "summary.json").read_text())
    return {row["arm"]: row for row in document["rows"]}


@pytest.mark.slow
def test_every_method_ends_with_a_record_that_holds_the_promised_keys(finished: Path) -> None:
    table = rows(finished)
    assert set(table) == set(METHODS)
    for row in table.values():
        assert {"arm", "epsilon", "delta", "seconds", "seeds", "origins"} <= set(row)
        for metric in ("total_ndcg10", "repeat_ndcg10", "explore_ndcg10", "hit10"):
            assert {metric, f"{metric}_lo", f"{metric}_hi"} <= set(row)
        assert row["total_ndcg10_lo"] <= row["total_ndcg10"] <= row["total_ndcg10_hi"]


@pytest.mark.slow
def test_federating_without_noise_equals_pooling_the_rows_but_for_rounding(finished: Path) -> None:
    table = rows(finished)
    assert table["federated"]["total_ndcg10"] == pytest.approx(table["pooled"]["total_ndcg10"], abs=0.01)
    assert table["federated"]["explore_ndcg10"] == pytest.approx(table["pooled"]["explore_ndcg10"], abs=0.01)


@pytest.mark.slow
def test_knowing_the_shopper_beats_popularity_in_total(finished: Path) -> None:
    table = rows(finished)
    assert table["federated"]["total_ndcg10"] > 2 * table["popularity"]["total_ndcg10"]


@pytest.mark.slow
def test_a_private_run_keeps_a_ledger_that_adds_up_to_its_epsilon(finished: Path) -> None:
    store = RunStore(finished)
    for record in store.records("small"):
        ledger = finished / "small" / record["run_id"] / "artifacts" / "ledger.sqlite"
        assert verify_log(ledger).ok
        if record["epsilon"] is not None:
            assert record["epsilon_pld"] <= record["epsilon_spent"] <= record["epsilon"]
            entries = read_ledger(ledger).reservations
            assert entries["committed_at"].notna().all()
            assert entries["cost"].sum() == sum(one["cost"] for one in record["rounds"])


@pytest.mark.slow
def test_all_arms_are_measured_on_the_same_shoppers(finished: Path) -> None:
    store = RunStore(finished)
    shoppers = [store.shoppers("small", record["run_id"])["shopper"].to_numpy() for record in store.records("small")]
    assert len(shoppers) == len(METHODS)
    for other in shoppers[1:]:
        np.testing.assert_array_equal(shoppers[0], other)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_another_store(finished: Path, tmp_path: Path) -> None:
    again = {name: METHODS[name] for name in ("federated-dp", "every-node")}
    run_scenario(scenario(again), store=tmp_path / "runs", jobs=1)
    for record in RunStore(tmp_path / "runs").records("small"):
        here, there = (root / "small" / record["run_id"] for root in (tmp_path / "runs", finished))
        with np.load(here / "artifacts" / "model.npz") as ours, np.load(there / "artifacts" / "model.npz") as theirs:
            assert set(ours) == set(theirs)
            for name in ours:
                assert ours[name].tobytes() == theirs[name].tobytes()
        first, second = (
            RunStore(root).run_metrics("small", record["run_id"]) for root in (tmp_path / "runs", finished)
        )
        assert first.equals(second)


@pytest.mark.slow
def test_a_spent_ledger_refuses_a_scenario_before_any_data_is_touched(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    private = {"federated-dp": METHODS["federated-dp"]}
    first = scenario(private, privacy={"delta": 1e-5, "ledger": str(ledger)})
    assert not run_scenario(first, store=tmp_path / "runs", jobs=1).failures
    missing = scenario(private, privacy={"delta": 1e-5, "ledger": str(ledger)}, federation={"rounds": 1}, seeds=[1])
    summary = run_scenario(missing, store=tmp_path / "runs", jobs=1)
    messages = [str(failure) for failure in summary.failures]
    assert len(messages) == 1
    assert "budget" in messages[0]


@pytest.mark.slow
def test_noise_of_a_persistent_ledger_never_repeats(tmp_path: Path) -> None:
    private = {"dp": METHODS["dp-popularity"]}
    models = []
    for attempt in ("a", "b"):
        setting = {"delta": 1e-5, "ledger": str(tmp_path / f"{attempt}.sqlite")}
        run_scenario(scenario(private, privacy=setting), store=tmp_path / attempt, jobs=1)
        (file,) = (tmp_path / attempt).glob("small/*/artifacts/model.npz")
        models.append(np.load(file)["popularity"])
    assert not np.array_equal(models[0], models[1])


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ({"method": "federated", "options": {"candidate": 5}}, "candidate"),
        ({"method": "ials", "options": {"factor": 5}}, "factor"),
    ],
)
def test_an_option_with_a_typing_mistake_is_refused_by_name(
    arm: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=rf"options\.{message} is unknown"):
        run_scenario(scenario({"arm": arm}), store=tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


def test_bundled_scenarios_can_be_read() -> None:
    names = set(bundled_scenarios())
    assert {"demo", "home-stores", "shoppers"} <= names
    for name in names:
        assert load_scenario(name).arms
    demo, full = load_scenario("demo"), load_scenario("home-stores")
    assert demo.arms == full.arms
    assert len(full.seeds) >= 3
    assert full.split.origins >= 4


@pytest.mark.slow
def test_the_demo_runs_on_real_data_and_meets_what_its_table_claims(tmp_path: Path) -> None:
    """One of the demo's two windows; every arm reads the other in the same way."""
    summary = run_scenario(load_scenario("demo", ["split.origins=1"]), store=tmp_path / "runs")
    assert not summary.failures
    document = json.loads((tmp_path / "runs" / "demo" / "summary.json").read_text())
    table = {row["arm"]: row for row in document["rows"]}
    assert set(table) == {arm.name for arm in load_scenario("demo").arms}
    assert table["federated"]["explore_ndcg10"] > 1.15 * table["popularity"]["explore_ndcg10"]
    assert table["federated-dp-4"]["explore_ndcg10"] > 1.05 * table["dp-popularity-4"]["explore_ndcg10"]
    assert table["federated-dp-4-every-node"]["explore_ndcg10"] < table["federated-dp-4"]["explore_ndcg10"]
