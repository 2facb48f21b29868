import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy import Budget, Ledger, cap, read_ledger
from retail.errors import PrivacyError

BUDGET = Budget(dataset="shop", epsilon=1.0, delta=1e-5, population=2500)
CAP = cap(epsilon=1.0, delta=1e-5)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "ledger.sqlite"


def persistent(path: Path, run: str = "first", budget: Budget = BUDGET) -> Ledger:
    return Ledger.open(path, scope="persistent", budget=budget, run=run)


def simulation() -> Ledger:
    return Ledger.open(":memory:", scope="run", budget=BUDGET)


OPEN = """
import os, signal, sys, time
from pathlib import Path
from privacy import Budget, Ledger
from retail.errors import PrivacyError
path, number = Path(sys.argv[1]), int(sys.argv[2])
ledger = Ledger.open(path, scope="persistent", run=f"run-{number}",
                     budget=Budget(dataset="shop", epsilon=1.0, delta=1e-5, population=2500))
"""


@pytest.fixture
def start(start_code, path):
    """Run code in a process of its own that has opened the ledger."""
    return lambda code, number=0: start_code(OPEN + code, path, number)


def finish(processes) -> list[str]:
    outputs = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        outputs.append(out)
    return outputs


@given(st.lists(st.integers(1, CAP), max_size=12))
def test_a_cost_is_accepted_exactly_when_it_fits(costs):
    ledger = simulation()
    spent = 0
    for number, cost in enumerate(costs):
        if spent + cost <= CAP:
            ledger.reserve("training", f"round-{number}", cost)
            spent += cost
        else:
            with pytest.raises(PrivacyError, match="nano-rho left"):
                ledger.reserve("training", f"round-{number}", cost)
        assert (ledger.spent, ledger.remaining) == (spent, CAP - spent)


def test_the_last_nano_rho_can_be_spent_and_then_nothing_more(path):
    ledger = persistent(path)
    ledger.commit(ledger.reserve("counts", "all", CAP))
    assert ledger.remaining == 0
    for refused in (lambda: ledger.reserve("training", "round-0", 1), lambda: ledger.require(1)):
        with pytest.raises(PrivacyError, match=r"'shop'.*has 0 of"):
            refused()
    assert len(ledger.entries()) == 1


def test_require_refuses_what_reserve_would_refuse_and_spends_nothing():
    ledger = simulation()
    ledger.require(CAP)
    with pytest.raises(PrivacyError, match="nano-rho left"):
        ledger.require(CAP + 1)
    assert ledger.spent == 0


def test_a_persistent_ledger_adds_up_over_runs_and_a_run_ledger_starts_anew(path, tmp_path):
    persistent(path).reserve("training", "round-0", 1000)
    assert persistent(path, run="second").spent == 1000
    for name in ("one.sqlite", "two.sqlite"):
        ledger = Ledger.open(tmp_path / name, scope="run", budget=BUDGET)
        assert ledger.spent == 0
        assert "accounted within the run" in ledger.label
        ledger.reserve("training", "round-0", 1000)
    assert "adds up" in persistent(path).label


def test_a_run_knows_its_own_part_of_what_is_spent(path):
    persistent(path).reserve("training", "round-0", 1000)
    second = persistent(path, run="second")
    assert (second.spent, second.spent_by_run) == (1000, 0)
    second.commit(second.reserve("training", "round-0", 30))
    second.reserve("training", "round-1", 5)
    assert (second.spent, second.spent_by_run, persistent(path).spent_by_run) == (1035, 35, 1000)


def test_a_committed_round_is_skipped_on_resume_and_cannot_be_charged_or_made_again(path):
    ledger = persistent(path)
    assert not ledger.is_committed("round-0")
    first = ledger.reserve("training", "round-0", 10)
    ledger.commit(first)
    resumed = persistent(path)
    assert resumed.is_committed("round-0")
    with pytest.raises(PrivacyError, match="committed already"):
        resumed.reserve("training", "round-0", 10)
    with pytest.raises(PrivacyError, match="committed before"):
        resumed.commit(first)
    assert resumed.spent == 10


def test_an_uncommitted_round_stays_spent_and_is_charged_anew(path):
    persistent(path).reserve("training", "round-0", 10)
    resumed = persistent(path)
    assert not resumed.is_committed("round-0")
    resumed.commit(resumed.reserve("training", "round-0", 10))
    assert resumed.spent == 20


def test_two_runs_may_use_the_same_key_and_both_pay(path):
    for run in ("first", "second"):
        ledger = persistent(path, run=run)
        ledger.commit(ledger.reserve("training", "round-0", 10))
    assert ledger.spent == 20


def test_of_two_results_for_one_key_only_the_first_may_be_published(path):
    one, two = persistent(path), persistent(path)
    first, second = one.reserve("training", "round-0", 10), two.reserve("training", "round-0", 10)
    two.commit(second)
    with pytest.raises(PrivacyError, match="throw this result away"):
        one.commit(first)
    assert one.spent == 20


def test_a_reservation_of_another_ledger_cannot_be_committed(path, tmp_path):
    foreign = persistent(tmp_path / "other.sqlite").reserve("training", "round-0", 10)
    with pytest.raises(PrivacyError, match="not in this ledger"):
        persistent(path).commit(foreign)


def test_data_sets_have_budgets_of_their_own(path):
    other = Budget(dataset="other shop", epsilon=4.0, delta=1e-6, population=1000)
    persistent(path).reserve("training", "round-0", 10)
    second = persistent(path, budget=other)
    assert second.spent == 0
    assert second.cap == cap(epsilon=4.0, delta=1e-6)
    assert second.entries().empty


@pytest.mark.parametrize("change", [{"epsilon": 8.0}, {"epsilon": 0.5}, {"delta": 1e-4}, {"delta": 1e-6}])
def test_a_budget_never_changes_once_it_is_set(path, change):
    persistent(path).reserve("training", "round-0", 10)
    values = {"dataset": "shop", "epsilon": 1.0, "delta": 1e-5, "population": 2500} | change
    with pytest.raises(PrivacyError, match="never changes"):
        persistent(path, budget=Budget(**values))
    assert persistent(path).cap == CAP


@pytest.mark.parametrize("cost", [0, -1, 2**63, True, 1.0, float("nan"), "5", None])
def test_a_cost_that_is_no_positive_int_is_refused(cost):
    ledger = simulation()
    with pytest.raises(PrivacyError, match="cost must be an int"):
        ledger.reserve("training", "round-0", cost)
    with pytest.raises(PrivacyError, match="cost must be an int"):
        ledger.require(cost)
    assert ledger.spent == 0


@pytest.mark.parametrize(
    "key", ["it's", 'quo"te', "nul\0byte", "\u202eright to left", "x" * 5000, "'; DROP TABLE reservations; --"]
)
def test_odd_keys_are_kept_as_they_are(path, key):
    ledger = persistent(path, run=key)
    ledger.commit(ledger.reserve(key, key, 5))
    assert ledger.is_committed(key)
    assert ledger.entries().loc[0, ["run", "purpose", "key"]].tolist() == [key] * 3


@pytest.mark.parametrize("key", ["", None, 3, "\ud800"])
def test_a_key_that_cannot_be_kept_is_refused(key):
    ledger = simulation()
    with pytest.raises(PrivacyError):
        ledger.reserve("training", key, 5)
    assert ledger.spent == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"epsilon": 0},
        {"epsilon": -1.0},
        {"delta": 1 / 2500},
        {"delta": 0},
        {"population": None},
        {"population": 0},
        {"dataset": " "},
        {"dataset": None},
    ],
)
def test_a_budget_that_promises_nothing_is_refused(wrong):
    with pytest.raises(PrivacyError):
        Budget(**({"dataset": "shop", "epsilon": 1.0, "delta": 1e-5, "population": 2500} | wrong))


def test_scopes_do_not_mix(path):
    persistent(path)
    with pytest.raises(PrivacyError, match="scope 'persistent', not 'run'"):
        Ledger.open(path, scope="run", budget=BUDGET)
    with pytest.raises(PrivacyError, match="'run' or 'persistent'"):
        Ledger.open(path, scope="forever", budget=BUDGET)
    with pytest.raises(PrivacyError, match="needs a file"):
        Ledger.open(":memory:", scope="persistent", budget=BUDGET, run="first")
    with pytest.raises(PrivacyError, match="id of the run"):
        Ledger.open(path, scope="persistent", budget=BUDGET)


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database, and long enough to be taken for one: " + "x" * 200)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    for file in (text, other, tmp_path, tmp_path / "missing" / "ledger.sqlite"):
        before = file.read_bytes() if file.is_file() else None
        with pytest.raises(PrivacyError):
            persistent(file)
        assert (file.read_bytes() if file.is_file() else None) == before


def test_a_ledger_that_vanishes_refuses_instead_of_starting_at_zero(path):
    ledger = persistent(path)
    path.unlink()
    with pytest.raises(PrivacyError, match="cannot be used"):
        ledger.reserve("training", "round-0", 10)


def test_rows_cannot_be_deleted_repriced_or_uncommitted_even_by_hand(path):
    ledger = persistent(path)
    ledger.commit(ledger.reserve("training", "round-0", 10))
    connection = sqlite3.connect(path)
    for statement in (
        "DELETE FROM reservations",
        "UPDATE reservations SET cost = 1",
        "UPDATE reservations SET committed_at = NULL",
        "UPDATE budgets SET cap = 9999999999",
        "DELETE FROM budgets",
        "INSERT INTO reservations (dataset, run, purpose, key, cost, reserved_at) VALUES ('shop', '', 'p', 'k', -5, 0)",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()
    assert ledger.spent == 10


def test_a_report_reads_the_file_without_a_budget_and_without_write_access(path):
    ledger = persistent(path)
    ledger.commit(ledger.reserve("counts", "popularity", 10))
    ledger.reserve("training", "round-0", 5)
    path.chmod(0o444)
    record = read_ledger(path)
    assert record.scope == "persistent"
    assert record.label == ledger.label
    budget = record.budgets.loc[0]
    assert (budget["dataset"], budget["spent"], budget["remaining"]) == ("shop", 15, CAP - 15)
    assert record.reservations["key"].tolist() == ["popularity", "round-0"]
    assert record.reservations["committed_at"].isna().tolist() == [False, True]
    with pytest.raises(PrivacyError, match="no ledger at"):
        read_ledger(path.with_name("none.sqlite"))


def test_reopening_a_spent_ledger_refuses_without_loading_the_accountant(path):
    persistent(path).reserve("training", "all", CAP)
    code = """
try:
    ledger.require(1)
except PrivacyError:
    print("refused", "dp_accounting" in sys.modules)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", OPEN + code, str(path), "0"]  # a fresh Python, in which nothing is loaded yet
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "refused False\n"


def test_eight_processes_spend_exactly_the_cap_and_never_more(path, start):
    cost = CAP // 100
    persistent(path)  # so that the children need not load the accountant
    code = f"""
while not path.with_suffix(".go").exists():
    time.sleep(0.005)
done = 0
try:
    while True:
        ledger.commit(ledger.reserve("training", f"round-{{done}}", {cost}))
        done += 1
except PrivacyError as refusal:
    assert "nano-rho left" in str(refusal), refusal
    print(done)
"""
    processes = [start(code, number) for number in range(8)]
    path.with_suffix(".go").touch()
    done = [int(output) for output in finish(processes)]
    ledger = persistent(path)
    assert sum(done) == 100
    assert ledger.spent == 100 * cost <= CAP < 101 * cost
    assert ledger.entries()["committed_at"].notna().all()


def test_two_runners_of_one_run_commit_every_round_once(path, start):
    code = """
published = []
for round in range(20):
    key = f"round-{round}"
    if ledger.is_committed(key):
        continue
    try:
        ledger.commit(ledger.reserve("training", key, 1000))
        published.append(round)
    except PrivacyError as refusal:
        assert "committed" in str(refusal), refusal
print(*published)
"""
    outputs = finish([start(code, number=5), start(code, number=5)])
    rounds = sorted(int(number) for output in outputs for number in output.split())
    assert rounds == list(range(20))
    entries = persistent(path).entries()
    assert entries["committed_at"].notna().sum() == 20
    assert persistent(path).spent == entries["cost"].sum() >= 20 * 1000


def test_kill_between_reserve_and_commit_keeps_the_cost_spent(path, start):
    code = """
ledger.reserve("training", "round-0", 777)
print("reserved", flush=True)
time.sleep(600)
"""
    process = start(code)
    assert process.first_line() == "reserved"
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    resumed = persistent(path, run="run-0")
    assert resumed.spent == 777
    assert not resumed.is_committed("round-0")
    resumed.commit(resumed.reserve("training", "round-0", 777))
    assert resumed.spent == 2 * 777


def test_kill_in_the_middle_of_a_transaction_leaves_the_ledger_whole_and_usable(path, start):
    persistent(path).reserve("training", "round-0", 5)
    code = """
with ledger._transaction() as connection:
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute("INSERT INTO reservations (dataset, run, purpose, key, cost, reserved_at) "
                       "SELECT dataset, run, purpose, hex(zeroblob(4000000)), cost, reserved_at FROM reservations")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    process = start(code)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    ledger = persistent(path)
    assert ledger.spent == 5
    ledger.reserve("training", "round-1", 5)
    assert ledger.spent == 10


def test_eight_processes_killed_at_random_moments_never_overspend_nor_lose_a_reservation(path, start):
    cost = CAP // 100_000
    persistent(path)
    code = f"""
acknowledged = open(path.with_suffix(f".{{number}}"), "ab", buffering=0)
done = 0
while True:
    reservation = ledger.reserve("training", f"round-{{done}}", {cost})
    acknowledged.write(b"x")
    if done % 2:
        ledger.commit(reservation)
    done += 1
"""
    processes = [start(code, number) for number in range(8)]
    marks = [path.with_suffix(f".{number}") for number in range(8)]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(mark.exists() and mark.stat().st_size for mark in marks):
        time.sleep(0.01)
    for number, process in enumerate(processes):
        time.sleep(0.03 * (number % 3))
        process.kill()
    for process in processes:
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    acknowledged = sum(mark.stat().st_size for mark in marks)
    ledger = persistent(path, run="after")
    reserved = ledger.spent // cost
    assert acknowledged >= 8
    assert acknowledged <= reserved <= acknowledged + 8
    ledger.commit(ledger.reserve("training", "rest", ledger.remaining))
    assert ledger.spent == CAP
    with pytest.raises(PrivacyError, match="nano-rho left"):
        ledger.reserve("training", "more", 1)
