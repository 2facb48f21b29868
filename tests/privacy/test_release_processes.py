"""Releases by real processes: two at once, and one that is killed between reserve and commit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from privacy import read_ledger
from privacy.log import verify_log

CODE = """
import json, os, signal, sys, time
import pandas as pd
from privacy import Budget, Ledger
from privacy import release as module
from privacy.statistics.bounds import Bounds
from privacy.log import Log, SigningKey
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.statistics.query_file import parse_query
from privacy.release import ReleaseGate

path, do = sys.argv[1:3]
ledger = Ledger.open(path, scope="persistent", budget=Budget("people", 4.0, 1e-5, 2500), run="release")
register = Register([Party("shop", "aggregator")], [Dataset("transactions", "shop", "transactions", "dp", True)])
rows = pd.DataFrame({"person_id": range(500), "merchant_id": 1, "basket_id": range(500), "department": "dairy"})

def slow(columns):
    time.sleep(0.3)                       # so that both are certainly inside at once
    return rows[list(columns)]

gate = ReleaseGate(
    dataset="transactions", ledger=ledger,
    engine=PolicyEngine.load(["base"], register=register),
    log=Log.open(ledger.books, origin="t", key=SigningKey.load_or_create(path + ".pem")),
    rows=slow, bounds=Bounds(1, 5, 1), catalogue={"department": ("dairy", "fish", "meat")},
)
query = parse_query({"kind": "histogram", "column": "department", "epsilon": 0.5})
if do == "die":
    draw = module.statistics.draw_counts
    def killed(exact, plan):
        draw(exact, plan)
        os.kill(os.getpid(), signal.SIGKILL)
    module.statistics.draw_counts = killed
if do == "die before commit":
    module.released = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
sys.stdin.readline()
answer = gate.release("shop", query)
gate.log.sign_head()
print(json.dumps([answer.rows, answer.stored, answer.cost]))
"""


def start(path: Path, do: str = "release") -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", CODE, str(path), do], env=environment, text=True, **pipes)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def finish(process: subprocess.Popen) -> list:
    out, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, err
    return json.loads(out)


def test_two_processes_that_ask_at_once_pay_once_and_get_the_same_answer(tmp_path):
    path = tmp_path / "ledger.sqlite"
    processes = [start(path), start(path)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    (rows, stored, cost), (other_rows, other_stored, _) = [finish(process) for process in processes]
    assert rows == other_rows
    assert sorted([stored, other_stored]) == [False, True]
    reservations = read_ledger(path).reservations
    assert reservations["cost"].tolist() == [cost]
    assert verify_log(path).ok


@pytest.mark.parametrize("moment", ["die", pytest.param("die before commit", marks=pytest.mark.slow)])
def test_a_process_killed_between_reserve_and_commit_has_spent_and_told_nothing(tmp_path, moment):
    path = tmp_path / "ledger.sqlite"
    killed = start(path, moment)
    out, _ = killed.communicate("\n", timeout=60)
    assert (killed.returncode, out) == (-signal.SIGKILL, "")
    reservations = read_ledger(path).reservations
    assert len(reservations) == 1
    assert reservations["committed_at"].isna().all()
    _, stored, cost = finish(start(path))
    assert not stored
    assert read_ledger(path).reservations["cost"].tolist() == [cost, cost]
    checked = verify_log(path)
    assert checked.ok
    assert checked.size == 2
