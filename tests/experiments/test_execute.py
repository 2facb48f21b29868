import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from experiments.execute import expand_scenario
from experiments.runs import Busy, RunStore
from experiments.worker import execute as execute_run
from retail.errors import ConfigError, DataError

ROOT = Path(__file__).parents[2]


def table_of(summary):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in summary.rows]


def specs_of(scenario):
    return expand_scenario(scenario, runner="popularity_runner:run", data_fingerprint="popularity_runner:fingerprint")


def test_a_sweep_starts_without_a_learning_framework_which_takes_seconds_to_load():
    code = "import sys, experiments.execute; print(sorted({'torch', 'flwr', 'ray'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]"]


def test_a_scenario_gives_one_record_per_arm_with_intervals(execute, make_scenario, tmp_path):
    summary = execute(make_scenario(seeds=[0, 1], targets={"ratio(total_ndcg10, mine, popularity)": ">= 1.15"}))
    document = json.loads((tmp_path / "runs" / "tiny" / "summary.json").read_text())
    assert [row["arm"] for row in document["rows"]] == ["popularity", "mine", "dp-1"]
    for row in document["rows"]:
        assert row["total_ndcg10_lo"] <= row["total_ndcg10"] <= row["total_ndcg10_hi"]
        assert (row["seeds"], row["origins"], row["missing_runs"]) == ([0, 1], [0, 1], 0)
    assert [row["epsilon"] for row in document["rows"]] == [None, None, 1.0]
    assert [row["delta"] for row in document["rows"]] == [None, None, 1e-5]
    target = document["targets"][0]
    assert target["met"] is True
    assert target["target"] == ">= 1.15"
    assert target["lo"] < target["value"] < target["hi"]
    assert len(summary.runs) == 12


def test_a_run_folder_holds_settings_figures_shoppers_and_provenance(execute, make_scenario, tmp_path):
    summary = execute(make_scenario())
    for run_id in summary.runs:
        folder = tmp_path / "runs" / "tiny" / run_id
        assert {path.name for path in folder.iterdir()} == {
            "config.toml", "metrics.parquet", "artifacts", "provenance.json", "run.json"
        }  # fmt: skip
        story = json.loads((folder / "provenance.json").read_text())
        assert story["data_sha256"] == "generated-120-0"
        assert story["packages"]["numpy"] == np.__version__
        assert story["started"] <= story["ended"]


def test_the_same_scenario_again_executes_nothing_and_gives_the_same_table(execute, make_scenario, executions):
    first = execute(make_scenario())
    before = executions()
    second = execute(make_scenario())
    assert executions() == before
    assert second.rows == first.rows


def test_one_job_and_two_jobs_give_the_same_table(execute, make_scenario, tmp_path):
    one = execute(make_scenario(), store=tmp_path / "one", jobs=1)
    two = execute(make_scenario(), store=tmp_path / "two", jobs=2)
    assert table_of(one) == table_of(two)


def test_a_failed_run_is_data_and_stops_nothing(execute, make_scenario, switches, executions, tmp_path):
    (switches / "fail-mine").touch()
    summary = execute(make_scenario())
    assert [row["missing_runs"] for row in summary.rows] == [0, 2, 0]
    assert np.isnan(summary.rows[1]["total_ndcg10"])
    assert len(summary.failures) == 2
    for failure in summary.failures:
        record = json.loads((tmp_path / "runs" / "tiny" / failure["run_id"] / "failure.json").read_text())
        assert (record["stage"], record["error"], record["refused"]) == ("run", "ValueError", False)
        assert record["message"] == "the counts do not add up"
        assert "Traceback" in record["traceback"]


def test_a_failed_run_is_retried_only_when_asked(execute, make_scenario, switches, executions):
    (switches / "fail-mine").touch()
    failed = {failure["run_id"] for failure in execute(make_scenario()).failures}
    (switches / "fail-mine").unlink()
    assert {failure["run_id"] for failure in execute(make_scenario()).failures} == failed
    healed = execute(make_scenario(), retry_failed=True)
    assert not healed.failures
    counts = executions()
    assert {run_id for run_id, count in counts.items() if count == 2} == failed


def test_a_refusal_is_told_apart_from_a_failure(execute, make_scenario, switches):
    (switches / "refuse-dp-1").touch()
    summary = execute(make_scenario())
    assert [(failure["arm"], failure["refused"]) for failure in summary.failures] == [("dp-1", True)] * 2
    assert summary.failures[0]["message"].startswith("the ledger is spent")


def test_a_worker_killed_by_the_system_loses_one_run_and_the_sweep_goes_on(execute, make_scenario, switches):
    (switches / "die-mine").touch()
    broken = execute(make_scenario())
    assert [run["arm"] for run in broken.unfinished] == ["mine", "mine"]
    assert "signal 9" in broken.unfinished[0]["message"]
    assert [row["missing_runs"] for row in broken.rows] == [0, 2, 0]
    (switches / "die-mine").unlink()
    healed = execute(make_scenario())
    assert not healed.unfinished
    assert [row["missing_runs"] for row in healed.rows] == [0, 0, 0]


def test_a_result_without_its_columns_is_a_failed_run(execute, make_scenario, switches, tmp_path):
    (switches / "bad_runner.py").write_text(
        "import pandas as pd\nfrom experiments.runs import ArmResult\n"
        "def run(spec, directory, report):\n    return ArmResult(pd.DataFrame(), pd.DataFrame({'shopper': [1, 1]}))\n"
    )
    sys.path.insert(0, str(switches))
    try:
        summary = execute(make_scenario(), runner="bad_runner:run")
    finally:
        sys.path.remove(str(switches))
    assert "lacks column name" in summary.failures[0]["message"]


def test_a_runner_that_cannot_be_found_is_one_message(execute, make_scenario):
    with pytest.raises(ConfigError, match="cannot find module 'no_such_runner'"):
        execute(make_scenario(), runner="no_such_runner:run")


def test_a_damaged_file_of_a_run_is_named(execute, make_scenario, tmp_path):
    run_id = execute(make_scenario()).runs[0]
    path = tmp_path / "runs" / "tiny" / run_id / "artifacts" / "shoppers.parquet"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=r"shoppers\.parquet.*delete the run's folder"):
        execute(make_scenario())


def test_a_store_that_is_a_file_is_refused(execute, make_scenario, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write to run store"):
        execute(make_scenario(), store=tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_store_without_write_permission_is_refused(execute, make_scenario, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="Permission denied"):
        execute(make_scenario(), store=tmp_path / "closed")


def test_two_runners_on_one_store_execute_each_run_once_and_agree(
    execute, make_scenario, switches, executions, tmp_path
):
    (switches / "slow").write_text("0.2")
    summaries = []
    threads = [
        threading.Thread(target=lambda: summaries.append(execute(make_scenario(seeds=[0, 1]), jobs=2)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert summaries[0].rows == summaries[1].rows
    assert len(summaries[0].runs) == 12
    assert set(executions().values()) == {1}
    assert len(executions()) == 12


def test_a_run_held_by_another_process_is_waited_for(execute, make_scenario, tmp_path):
    scenario = make_scenario()
    spec = next(spec for spec in specs_of(scenario) if spec.arm.name == "mine")
    store = RunStore.open(tmp_path / "runs")
    events = []
    with store.claim(spec):
        thread = threading.Thread(target=lambda: events.append(execute(scenario, progress=events.append)))
        thread.start()
        deadline = time.monotonic() + 60
        while not any(getattr(event, "kind", "") == "wait" for event in events) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert store.status(spec) == "unfinished"
    thread.join()
    assert any(getattr(event, "kind", "") == "wait" for event in events)
    assert store.status(spec) == "finished"


def test_a_claimed_run_is_busy_for_everybody_else(make_scenario, switches, tmp_path):
    spec = specs_of(make_scenario())[0]
    store = RunStore.open(tmp_path / "runs")
    with store.claim(spec), pytest.raises(Busy), store.claim(spec):
        pass
    with store.claim(spec) as directory:
        assert (directory / "artifacts").is_dir()


def test_what_an_unfinished_attempt_left_is_kept(make_scenario, switches, tmp_path):
    """A budget that was reserved before a crash must still be there afterwards."""
    spec = specs_of(make_scenario())[0]
    store = RunStore.open(tmp_path / "runs")
    with store.claim(spec) as directory:
        (directory / "artifacts" / "ledger.sqlite").write_text("spent")

    def runner(spec, directory, report):
        assert (directory / "artifacts" / "ledger.sqlite").read_text() == "spent"
        raise ValueError("stop here")

    outcome = execute_run(store, spec, runner, retry=False, report=print)
    assert (outcome.status, outcome.message) == ("failed", "stop here")


def test_the_lock_of_a_killed_process_is_free_again(make_scenario, switches, tmp_path):
    spec = specs_of(make_scenario())[0]
    store = RunStore.open(tmp_path / "runs")
    child = os.fork()
    if child == 0:
        with store.claim(spec):
            (tmp_path / "held").touch()
            time.sleep(60)
        os._exit(0)
    while not (tmp_path / "held").exists():
        time.sleep(0.02)
    with pytest.raises(Busy), store.claim(spec):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with store.claim(spec):
        pass


def test_all_figures_of_a_store_come_in_one_table(execute, make_scenario, tmp_path):
    execute(make_scenario())
    table = RunStore(tmp_path / "runs").metrics()
    assert len(table) == 6
    assert set(table["arm"]) == {"popularity", "mine", "dp-1"}
    assert set(table["value"]) == {60.0}


def test_sweep_points_have_their_own_rows(execute, make_scenario):
    summary = execute(make_scenario(sweep={"arms.dp-1.epsilon": [0.5, 8.0]}, targets={"hit10(dp-1)": "> 0"}))
    rows = [row for row in summary.rows if row["arm"] == "dp-1"]
    assert [row["epsilon"] for row in rows] == [0.5, 8.0]
    assert [target.provenance["sweep"] for target in summary.targets] == [row["sweep"] for row in rows]
    assert rows[0]["total_ndcg10"] < rows[1]["total_ndcg10"]


def test_a_metric_that_no_task_reports_is_not_measured(execute, make_scenario):
    summary = execute(make_scenario(targets={"recall99(mine)": "> 0", "products(mine)": "> 3"}))
    assert [target.met for target in summary.targets] == [None, True]
