import fcntl
import json
import time

import pytest

from apps.command.main import main
from apps.research import processes
from apps.research.run_lines import read_lines
from experiments.runs import RunStore
from retail.errors import ConfigError


@pytest.fixture
def store(tmp_path):
    return RunStore.open(tmp_path / "runs")


@pytest.fixture
def hold(store):
    """Hold the lock of a scenario, as a process that runs it does."""
    held = []

    def take(name):
        folder = store.root / processes.FOLDER / name
        folder.mkdir(parents=True)
        file = (folder / "lock").open("wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        record = {"pid": 2**22 + 1, "words": ["run", name], "begun": "2026-01-01T00:00:00+00:00"}
        (folder / "process.json").write_text(json.dumps(record))
        held.append(file)
        return file

    yield take
    for file in held:
        file.close()


def ended(store, name):
    deadline = time.monotonic() + 60
    while processes.newest(store, name).alive:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return processes.newest(store, name)


def test_a_refused_scenario_ends_with_its_one_message(store):
    processes.start(store, "lock", "gone.toml")
    with pytest.raises(ConfigError, match="lock runs already"):
        processes.start(store, "lock", "gone.toml")
    process = ended(store, "lock")
    assert (process.state, process.code) == ("ended", 2)
    assert "cannot read scenario gone.toml" in read_lines(processes.log_text(process)).error


def test_at_most_two_run_at_once_and_a_dead_one_frees_its_place(store, hold):
    hold("one")
    second = hold("two")
    assert [one.scenario for one in processes.alive(store)] == ["one", "two"]
    with pytest.raises(ConfigError, match="one and two run already, and at most 2"):
        processes.start(store, "three", "three.toml")
    second.close()  # what the system does when a process dies
    assert processes.newest(store, "two").state == "died"
    assert [one.scenario for one in processes.alive(store)] == ["one"]


def test_users_of_one_app_share_its_places_and_not_their_names(store, hold):
    hold("one")
    hold("two")
    user = RunStore.open(store.root / ".users" / "0123")
    with pytest.raises(ConfigError, match=r"^2 of other people run already, and at most 2"):
        processes.start(user, "three", "three.toml")
    assert processes.alive(user) == []


def test_nothing_is_signalled_once_the_process_is_gone(store, hold, monkeypatch):
    sent = []
    monkeypatch.setattr(processes.os, "killpg", lambda *told: sent.append(told))
    hold("one").close()
    processes.cancel(store, "one")
    assert sent == []
    assert processes.newest(store, "one").state == "died"


def test_a_name_that_leads_out_of_the_store_is_refused(store):
    with pytest.raises(ConfigError, match="is no name of a scenario"):
        processes.start(store, "../elsewhere", "demo")
    assert not (store.root.parent / "elsewhere").exists()


def test_lines_of_a_log_say_what_each_run_does():
    said = read_lines(
        "[0/3] pure seed 0: starts\n[0/3] isolated seed 0: starts\n[1/3] pure seed 0: finished\n"
        "[2/3] isolated seed 0: the ledger is spent: nothing refills it\nerror: two are refused\n"
    )
    assert (said.done, said.total, said.running()) == (2, 3, [])
    assert said.states == {"pure seed 0": "finished", "isolated seed 0": "gave nothing"}
    assert said.reasons == {"isolated seed 0": "the ledger is spent: nothing refills it"}
    assert said.error == "two are refused"


def test_a_check_says_how_many_runs_are_left_and_writes_nothing(tmp_path, capsys):
    path = tmp_path / "few.toml"
    arms = "".join(f'\n[[arms]]\nname = "{name}"\nregime = "{name}"\n' for name in ("pure", "isolated"))
    path.write_text(f'kind = "market"\nname = "few"\n{arms}')
    assert main(["run", str(path), "--check", "--store", str(tmp_path / "runs")]) == 0
    assert "few can be run: 2 runs, 0 finished, 0 failed, 2 to do" in capsys.readouterr().out
    path.write_text(path.read_text().replace('regime = "pure"', 'regime = "puree"'))
    assert main(["run", str(path), "--check", "--store", str(tmp_path / "runs")]) == 2
    assert "few: arm pure: " in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
