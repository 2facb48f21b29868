"""A small scenario through the whole spine: drawn people, three merchants, two steps."""

import json
import math

import pandas as pd
import pytest

from apps.command.tables import print_summary
from experiments.execute import run_scenario
from experiments.faces.rates import REPLICATES
from experiments.runs import RunStore
from experiments.scenario_file import validate
from matching.face.exported import ExportedNet
from privacy.log import Log

ARMS = [
    {"name": "alone", "label": "Each alone", "method": "isolated"},
    {"name": "together", "method": "federated"},
    {"name": "pooled", "method": "pooled"},
    {
        "name": "private",
        "method": "federated",
        "epsilon": 8.0,
        "rounds": 1,
        "options": {"learn": "nothing", "moments": 4, "start": "drawn", "drawn_people": 8, "drawn_steps": 2},
    },
    {"name": "lbp", "method": "lbp"},
    {"name": "pca", "method": "pca_wccn"},
]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The summary of the scenario, and its run store."""
    folder = tmp_path_factory.mktemp("faces")
    scenario = validate(
        {
            "kind": "faces",
            "name": "tiny",
            "seeds": [3],
            "tested": [0],
            "data": {"source": "drawn-faces", "people": 16, "images": 5, "merchants": 3, "folds": 2},
            "federation": {"rounds": 2, "steps": 1},
            "arms": ARMS,
            "targets": {"gap_closed(together)": ">= 0.9", "difference(eer, private, alone)": "< 1", "eer(lbp)": "< 0"},
        },
        source="tiny",
    )
    return run_scenario(scenario, store=folder, jobs=1), RunStore(folder)


def test_every_arm_has_its_rates_with_intervals_and_every_target_its_answer(done):
    summary, _ = done
    assert not summary.failures
    assert not summary.unfinished
    rows = {row["arm"]: row for row in summary.rows}
    assert set(rows) == {arm["name"] for arm in ARMS}
    for row in rows.values():
        assert row["eer_lo"] <= row["eer_hi"]
        assert 0 <= row["eer"] <= 1
        assert row["n_shoppers"] == 8
        assert row["seeds"] == [3]
    assert [one.met for one in summary.targets if one.name != "gap_closed(together)"] == [True, False]
    assert not math.isnan(rows["together"]["gap_closed"])
    assert "gap_closed" not in rows["lbp"]


def test_a_difference_is_that_of_the_rates_and_its_interval_is_paired(done):
    summary, _ = done
    rows = {row["arm"]: row for row in summary.rows}
    found = next(one for one in summary.differences if one.name == "difference(eer, lbp, alone)")
    assert found.value == pytest.approx(rows["lbp"]["eer"] - rows["alone"]["eer"])
    assert found.lo <= found.value <= found.hi


def test_a_shared_encoder_is_exported_with_what_may_be_said_about_privacy(done):
    _, store = done
    claims = {}
    for record in store.records("tiny"):
        file = store.root / "tiny" / record["run_id"] / "artifacts" / "encoder.pt2"
        if record["method"] == "federated":
            claims[record["arm"]] = ExportedNet(file).privacy
        else:
            assert not file.exists()
    assert claims["together"]["epsilon"] is None
    assert claims["private"]["epsilon"] is None
    assert "from the run's seed" in claims["private"]["statement"]
    assert "epsilon 8" in claims["private"]["statement"]


def test_a_run_keeps_rates_of_redrawn_people_and_no_picture_or_embedding(done):
    _, store = done
    record = next(one for one in store.records("tiny") if one["arm"] == "together")
    folder = store.root / "tiny" / record["run_id"]
    names = {path.name for path in (folder / "artifacts").iterdir()}
    assert names == {"det.parquet", "encoder.json", "encoder.pt2", "ledger.sqlite", "people_redrawn.parquet"}
    assert len(pd.read_parquet(folder / "artifacts" / "people_redrawn.parquet")) == REPLICATES
    assert record["encoders"] == 1


def test_reads_of_pictures_are_in_the_log_also_those_of_the_evaluator(done):
    _, store = done
    record = next(one for one in store.records("tiny") if one["arm"] == "pooled")
    log = Log.open(store.root / "tiny" / record["run_id"] / "artifacts" / "ledger.sqlite", origin=None, key=None)
    reads = [json.dumps(entry.body) for entry in log.entries() if "dataset" in entry.body]
    assert any("people kept for testing" in one and "evaluator" in one for one in reads)
    assert sum("merchant" in one and "platform" in one for one in reads) == 3


def test_the_table_says_what_it_shows_and_on_whom_it_rests(done, capsys):
    summary, _ = done
    print_summary(summary.document())
    shown = capsys.readouterr().out
    for words in ("Each alone", "EER", "private, ε 8", "8 people, 1 fold, 1 seed", "never seen in training", "met"):
        assert words in shown
