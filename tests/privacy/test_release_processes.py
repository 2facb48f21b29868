"""Releases by real processes: two at once, and one that is killed between reserve and commit."""

import json
import signal
from pathlib import Path

import pytest

from privacy import read_ledger
from privacy.log import verify_log

CODE = """
import json, os, signal, sys, time
from pathlib import Path
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
while not Path(path + ".go").exists():
    time.sleep(0.005)
answer = gate.release("shop", query)
gate.log.sign_head()
print(json.dumps([answer.rows, answer.stored, answer.cost]))
"""


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def start(start_code, path):
    """Open a gate in a process of its own, which asks once there is a file beside the ledger whose name ends in .go."""

    def ready(do: str = "release"):
        process = start_code(CODE, path, do)
        assert process.first_line() == "ready", process.communicate()[1]
        return process

    return ready


@pytest.fixture
def let_go(path):
    return Path(f"{path}.go").touch


def finish(process) -> list:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[1])


def test_two_processes_that_ask_at_once_pay_once_and_get_the_same_answer(path, start, let_go):
    processes = [start(), start()]
    let_go()
    (rows, stored, cost), (other_rows, other_stored, _) = [finish(process) for process in processes]
    assert rows == other_rows
    assert sorted([stored, other_stored]) == [False, True]
    reservations = read_ledger(path).reservations
    assert reservations["cost"].tolist() == [cost]
    assert verify_log(path).ok


@pytest.mark.parametrize("moment", ["die", pytest.param("die before commit", marks=pytest.mark.slow)])
def test_a_process_killed_between_reserve_and_commit_has_spent_and_told_nothing(path, start, let_go, moment):
    killed = start(moment)
    let_go()
    out, _ = killed.communicate()
    assert (killed.returncode, out) == (-signal.SIGKILL, "ready\n")
    reservations = read_ledger(path).reservations
    assert len(reservations) == 1
    assert reservations["committed_at"].isna().all()
    _, stored, cost = finish(start())
    assert not stored
    assert read_ledger(path).reservations["cost"].tolist() == [cost, cost]
    checked = verify_log(path)
    assert checked.ok
    assert checked.size == 2
