import functools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import experiments
import experiments.execute as execute
from apps.command.main import main

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).parent / "tradefair_with_small_runner.py"
COMMAND = [sys.executable, str(SCRIPT)]
FORKED = """
import os, runpy, sys
script, folder, *sys.argv[1:] = sys.argv[1:]
os.chdir(folder)
runpy.run_path(script, run_name="__main__")
"""
SCENARIO = """
name = "tiny"
[data]
source = "generated"
shoppers = 120
[split]
origins = 2
[[arms]]
name = "popularity"
method = "popularity"
[[arms]]
name = "mine"
method = "untrained"
[[arms]]
name = "dp-1"
method = "dp_popularity"
epsilon = 1
[targets]
"ratio(total_ndcg10, mine, popularity)" = ">= 1.15"
"""


def prepare(folder):
    (folder / "tiny.toml").write_text(SCENARIO)
    (folder / "switches").mkdir()
    return folder


def start(folder, *arguments, wait=True, **options):
    """Run the command in a process and a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TRADEFAIR_TEST_SWITCHES": str(folder / "switches")}
    options = {"cwd": folder, "env": environment, "text": True, "start_new_session": True, **options}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if not wait:
        return process
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def workplace(tmp_path):
    return prepare(tmp_path)


@pytest.fixture
def process(workplace):
    """The command in a process of its own."""
    return functools.partial(start, workplace)


@pytest.fixture
def call(monkeypatch, capfd):
    """Call the command within this process: `call(folder, *arguments)`."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "experiments"))
    runner = {"runner": "popularity_runner:run", "data_fingerprint": "popularity_runner:fingerprint"}
    monkeypatch.setattr(execute, "run_scenario", functools.partial(execute.run_scenario, **runner))

    def within(folder, *arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setenv("TRADEFAIR_TEST_SWITCHES", str(folder / "switches"))
        capfd.readouterr()
        code = main(arguments)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return within


@pytest.fixture
def tradefair(call, workplace):
    """The command within this process."""
    return functools.partial(call, workplace)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the scenario has run to its end, in a process of its own, and what that printed."""
    folder = prepare(tmp_path_factory.mktemp("finished"))
    return start(folder, "run", "tiny.toml", "--jobs", "1"), folder


@pytest.fixture
def afterwards(call, finished):
    """The command in the folder in which the scenario has run."""
    return functools.partial(call, finished[1])


def figures(done):
    """Return the figures of a `--json` document, without run times."""
    rows = json.loads(done.stdout)["rows"]
    return [row for row in rows if not row["name"].startswith("seconds(")]


def executed(workplace):
    return [path.name for path in (workplace / "switches").glob("executed-*")]


def wait_for(condition, process, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_help_of_run_names_every_bundled_scenario_and_how_long_the_longest_takes(capsys):
    assert main(["run", "--help"]) == 0
    told = capsys.readouterr().out
    bundled = {path.stem for path in (Path(experiments.__file__).parent / "scenarios").glob("*.toml")}
    assert bundled - set(re.findall(r"[a-z][\w-]+", told)) == set()
    assert "\n  faces        faces-demo (half a minute), faces (45 minutes),\n" in told


def test_help_lists_what_runs_and_loads_no_heavy_package():
    code = (
        "import sys; from apps.command.main import main; main(['--help']);"
        "heavy = {'torch', 'flwr', 'pandas', 'numpy', 'pyarrow', 'pydantic', 'streamlit', 'rich'};"
        "print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(word in done.stdout for word in ("demo", "run", "runs", "data", "ledger", "app"))
    assert done.stdout.splitlines()[-1] == "[]"


def test_telemetry_is_off_before_anything_starts():
    assert {name: os.environ[name] for name in experiments.CONTACT_NOBODY} == experiments.CONTACT_NOBODY
    assert experiments.CONTACT_NOBODY["FLWR_TELEMETRY_ENABLED"] == "0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "demo", "--set", "federation.round=3"], "unknown key federation.round"),
        (["run", "demo", "--set", "federation.rounds=ten"], "federation.rounds = 'ten' must be a whole number"),
        (["run", "demo", "--set", "arms.federated-dp-4.epsilon=0"], "epsilon = 0 must be greater than 0"),
        (["run", "demo", "--set", "privacy.delta=0.001"], "not below 1/population"),
        (["run", "demo", "--set", "split.origins=40"], "40 origins"),
        (["run", "demo", "--set", "seeds=[]"], "seeds = [] must not be empty"),
        (["run", "demo", "--jobs", "0"], "--jobs 0"),
        (["run", "demo", "--jobs", "many"], "'many'"),
        (["run", "nowhere.toml"], "cannot read scenario nowhere.toml"),
        (["run", "nobody"], "no scenario 'nobody'"),
        (["run"], "Missing argument"),
        (["rum"], "No such command 'rum'"),
        (["runs", "list", "--store", "nowhere"], "there is no run store at nowhere"),
        (["ledger", "show", "nowhere.sqlite"], "there is no ledger at nowhere.sqlite"),
        (["data", "check", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_run_prints_its_table_targets_and_where_to_go_on(finished):
    done = finished[0]
    assert done.returncode == 0
    assert all(text in done.stdout for text in ("popularity", "NDCG@10", "dp-1", "2 origins, 1 seed"))
    assert "met  ratio(total_ndcg10, mine, popularity) >= 1.15" in done.stdout
    assert "tradefair app --store runs" in done.stdout
    assert "[6/6]" in done.stderr


def test_json_is_one_document_in_the_one_shape(afterwards):
    done = afterwards("run", "tiny.toml", "--json")
    document = json.loads(done.stdout)
    assert len(document["runs"]) == 6
    shape = {"name", "value", "lo", "hi", "unit", "n", "target", "met", "provenance"}
    assert all(set(row) == shape for row in document["rows"])
    names = [row["name"] for row in document["rows"]]
    assert len(names) == len(set(names))
    target = next(row for row in document["rows"] if row["target"])
    assert (target["name"], target["met"]) == ("ratio(total_ndcg10, mine, popularity)", True)


def test_a_missed_target_is_information_unless_strict(afterwards):
    out_of_reach = ["--set", "targets.hit10(mine)=> 0.999"]
    assert afterwards("run", "tiny.toml", *out_of_reach).returncode == 0
    done = afterwards("run", "tiny.toml", *out_of_reach, "--strict")
    assert done.returncode == 1
    assert "missed  hit10(mine)" in done.stdout
    assert "Traceback" not in done.stderr


def test_failed_runs_are_told_in_one_line_each_and_exit_code_1(tradefair, workplace):
    (workplace / "switches" / "fail-mine").touch()
    done = tradefair("run", "tiny.toml")
    assert done.returncode == 1
    assert "failed: 2 runs of arm mine: the counts do not add up" in done.stderr
    assert "mine (2 runs missing)" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_scenario_that_is_refused_as_a_whole_is_bad_input(tradefair, workplace):
    for arm in ("popularity", "mine", "dp-1"):
        (workplace / "switches" / f"refuse-{arm}").touch()
    done = tradefair("run", "tiny.toml")
    assert done.returncode == 2
    told = (
        "refused: 6 runs of arms popularity, mine and dp-1: the ledger is spent: 0 of 4 left; wait for a new data set"
    )
    assert [line for line in done.stderr.splitlines() if line.startswith("refused: ")] == [told]
    assert done.stderr.count("the ledger is spent") == 2  # the first run that ends says it too
    shown = tradefair("runs", "show", "tiny")
    assert told in shown.stdout
    assert "tradefair run runs/tiny/scenario.toml --store runs --retry-failed" in shown.stdout


def test_kill_9_in_the_middle_and_the_same_command_again_give_the_same_table(tradefair, process, workplace):
    whole = figures(tradefair("run", "tiny.toml", "--json", "--store", "whole"))
    (workplace / "switches" / "slow").write_text("0.4")
    before = len(executed(workplace))
    killed = process("run", "tiny.toml", "--jobs", "1", wait=False)
    wait_for(lambda: len(executed(workplace)) >= before + 3, killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    finished = len(list((workplace / "runs").rglob("run.json")))
    assert 0 < finished < 6
    assert not (workplace / "runs" / "tiny" / "summary.json").exists()
    (workplace / "switches" / "slow").unlink()
    before = len(executed(workplace))
    resumed = tradefair("run", "tiny.toml", "--json")
    assert figures(resumed) == whole
    assert len(executed(workplace)) - before == 6 - finished


def test_workers_end_when_the_command_alone_is_killed(process, workplace):
    (workplace / "switches" / "slow").write_text("30")
    killed = process("run", "tiny.toml", "--jobs", "1", wait=False)
    wait_for(lambda: executed(workplace), killed)
    worker = int(executed(workplace)[0].split("-")[2])
    os.kill(killed.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = is_running(worker)
    if alive:
        os.kill(worker, signal.SIGKILL)
    killed.communicate()
    assert not alive


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ctrl_c_ends_with_130_says_how_to_resume_and_leaves_no_worker(tradefair, process, workplace):
    (workplace / "switches" / "slow").write_text("1")
    stopped = process("run", "tiny.toml", "--jobs", "2", wait=False)
    wait_for(lambda: len(executed(workplace)) >= 3, stopped)
    os.killpg(stopped.pid, signal.SIGINT)
    out, err = stopped.communicate(timeout=120)
    assert stopped.returncode == 130
    assert out == ""
    assert "To go on: tradefair run tiny.toml --jobs 2" in err
    assert "Traceback" not in err
    workers = {int(name.split("-")[2]) for name in executed(workplace)}
    assert not any(is_running(worker) for worker in workers)
    (workplace / "switches" / "slow").unlink()
    assert tradefair("run", "tiny.toml", "--jobs", "2").returncode == 0


def test_two_commands_on_one_store_share_the_work_and_agree(start_code, workplace, monkeypatch):
    monkeypatch.setenv("TRADEFAIR_TEST_SWITCHES", str(workplace / "switches"))
    (workplace / "switches" / "slow").write_text("0.3")
    both = [start_code(FORKED, SCRIPT, workplace, "run", "tiny.toml", "--json", "--jobs", "1") for _ in range(2)]
    done = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], done
    rows = [[row for row in json.loads(out)["rows"]] for out, _ in done]
    assert rows[0] == rows[1]
    run_ids = [name.split("-")[1] for name in executed(workplace)]
    assert len(run_ids) == len(set(run_ids)) == 6


def test_a_full_disk_is_one_line_and_the_store_stays_whole(tradefair, process, workplace):
    """A limit on file size refuses large writes as a full disk does, with another error number."""
    (workplace / "switches" / "fill-mine").touch()
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    done = process("run", "tiny.toml", "--jobs", "1", preexec_fn=limit)
    assert done.returncode == 2
    assert "error: cannot write" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    (workplace / "switches" / "fill-mine").unlink()
    healed = tradefair("run", "tiny.toml")
    assert (healed.returncode, "missing" in healed.stdout) == (0, False)


def test_a_really_full_disk_is_one_line_too(tradefair, workplace):
    disk = workplace / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "none", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs privileges")
    try:
        done = tradefair("run", "tiny.toml", "--store", str(disk / "runs"))
        assert done.returncode == 2
        assert re.search("No space left on device|disk is full", done.stderr.splitlines()[-1])
        assert "Traceback" not in done.stderr
        assert not any(path.stat().st_size == 0 for path in disk.rglob("run.json"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_store_that_cannot_be_written_is_one_line(tradefair, workplace):
    (workplace / "file").touch()
    for store in ("file", "file/below", "/proc/nothing"):
        done = tradefair("run", "tiny.toml", "--store", store)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: cannot write to run store {store}")
        assert len(done.stderr.splitlines()) == 1


def test_runs_can_be_listed_shown_and_compared(afterwards, finished):
    tradefair = afterwards
    records = json.loads(tradefair("run", "tiny.toml", "--json").stdout)["runs"]
    listed = json.loads(tradefair("runs", "list", "--json").stdout)["runs"]
    on_disk = {path.parent.name for path in (finished[1] / "runs").rglob("run.json")}
    assert {record["run_id"] for record in listed} == on_disk >= {record["run_id"] for record in records}
    assert "finished" in tradefair("runs", "list", "tiny").stdout
    assert "popularity" in tradefair("runs", "show", "tiny").stdout

    first, second = (
        next(record["run_id"] for record in records if record["arm"] == arm and record["origin"] == 1)
        for arm in ("popularity", "mine")
    )
    shown = json.loads(tradefair("runs", "show", first[:10], "--json").stdout)
    assert shown["runs"][0]["provenance"]["data_sha256"] == "generated-120-0"
    assert shown["rows"][0]["name"] == "products"

    compared = json.loads(tradefair("runs", "diff", first, second, "--json").stdout)
    assert compared["settings"] == {
        "arm.method": ["popularity", "untrained"],
        "arm.name": ["popularity", "mine"],
    }
    gain = next(row for row in compared["rows"] if row["name"].startswith("difference(total_ndcg10"))
    assert 0 < gain["lo"] < gain["value"] < gain["hi"]
    assert "arm.method" in tradefair("runs", "diff", first, second).stdout


def test_an_exported_run_repeats_itself_under_the_same_id(afterwards, finished):
    tradefair, workplace = afterwards, finished[1]
    records = json.loads(tradefair("run", "tiny.toml", "--json").stdout)["runs"]
    run = next(record for record in records if record["arm"] == "dp-1")
    assert tradefair("runs", "export", run["run_id"], "--to", "parcel").returncode == 0
    assert not list((workplace / "parcel").rglob("shoppers.parquet"))
    told = (workplace / "parcel" / "README.txt").read_text()
    assert "tradefair run scenario.toml" in told
    assert "scenario.toml has this run's arm with its seed, in all" in told
    again = tradefair("run", "parcel/scenario.toml", "--store", "again", "--json")
    assert run["run_id"] in {record["run_id"] for record in json.loads(again.stdout)["runs"]}

    assert tradefair("runs", "export", "tiny", "--to", "parcel.zip").returncode == 0
    with zipfile.ZipFile(workplace / "parcel.zip") as parcel:
        assert {"scenario.toml", "summary.json", "constraints.txt", "README.txt"} <= set(parcel.namelist())
        assert b"this run's arm" not in parcel.read("README.txt")
    for place in ("parcel.zip", "nowhere/parcel.zip"):
        done = tradefair("runs", "export", "tiny", "--to", place)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (workplace / "nowhere").exists()


@pytest.mark.parametrize(
    "arguments", [["show", "zzz"], ["diff", "zzz", "zzz"], ["export", "zzz", "--to", "x"], ["list", "zzz"]]
)
def test_an_unknown_run_is_one_line(arguments, finished, capsys):
    assert main(["runs", *arguments, "--store", str(finished[1] / "runs")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_bad_folder_is_told_with_file_column_and_rows(capsys, tmp_path):
    (tmp_path / "transactions.csv").write_text("person_id,basket_id\n1,1\n")
    assert main(["data", "check", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "transactions.csv" in err
    assert "Traceback" not in err


def test_a_ledger_is_shown_without_spending(capsys, tmp_path):
    from privacy.budget import Budget
    from privacy.ledger import Ledger

    path = tmp_path / "ledger.sqlite"
    budget = Budget(dataset="club", epsilon=4.0, delta=1e-5, population=2000)
    ledger = Ledger.open(path, scope="persistent", budget=budget, run="a")
    ledger.reserve("training", "round-1", 1000)
    assert main(["ledger", "show", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["budgets"][0]["spent"] == 1000
    assert document["rows"][0]["key"] == "round-1"
    assert main(["ledger", "show", str(path)]) == 0
    assert "round-1" in capsys.readouterr().out
    assert ledger.spent == 1000
