"""Markets of a run side by side: the same tables wherever they run, one message without Ray, and nobody left behind."""

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from experiments.execute import run_scenario
from experiments.market.run import run_market
from experiments.market.spec import SEEDS_FILE, MarketSpec
from experiments.runs import ArmResult
from experiments.scenario_file import scenario_text, validate
from retail.errors import ConfigError
from simulation.market.settings import check_whole
from simulation.replicate import run_all

SMALL = {
    "kind": "market",
    "name": "small",
    "replications": 4,
    "periods": 12,
    "settings": {"merchants": 12, "products": 40, "consumers": 200},
    "arms": [{"name": "firewall", "regime": "firewall"}],
}
SIGNS = {**SMALL, "method": "signs", "arms": [{"name": "ban", "experiment": "ban-merchants"}]}


def ran(raw: dict, folder: Path, **markets) -> tuple[ArmResult, dict[str, bytes]]:
    """Execute the first arm; return its figures and every file among the artifacts."""
    (folder / "artifacts").mkdir(parents=True)
    scenario = validate({**raw, "markets": markets}, source="test")
    result = run_market(MarketSpec(scenario, scenario.arms[0], {}, "", ""), folder, lambda text: None)
    files = {one.name: one.read_bytes() for one in (folder / "artifacts").rglob("*") if one.is_file()}
    return result, files


def same(first: tuple[ArmResult, dict[str, bytes]], second: tuple[ArmResult, dict[str, bytes]]) -> None:
    pd.testing.assert_frame_equal(first[0].metrics, second[0].metrics, check_exact=True)
    assert first[0].info == second[0].info
    assert first[1] == second[1]
    assert SEEDS_FILE in first[1]


@pytest.mark.parametrize("raw", [SMALL, SIGNS], ids=["regimes", "signs"])
def test_any_number_of_threads_gives_the_same_tables(raw, tmp_path):
    same(ran(raw, tmp_path / "one"), ran(raw, tmp_path / "three", workers=3))


@pytest.mark.slow
@pytest.mark.parametrize("raw", [SMALL, SIGNS], ids=["regimes", "signs"])
def test_ray_gives_the_same_tables_by_market_and_period_as_one_process(raw, tmp_path):
    pytest.importorskip("ray", reason="no Ray: run `make ray`")
    local = ran(raw, tmp_path / "local")
    assert ("by_period.parquet" in local[1]) == (raw is SMALL)
    same(local, ran(raw, tmp_path / "ray", on="ray", workers=2))


@pytest.mark.slow
def test_an_error_on_ray_is_the_error_itself():
    pytest.importorskip("ray", reason="no Ray: run `make ray`")
    work = partial(check_whole, "merchants", least=0, most=1)
    assert list(run_all(work, range(2), where="ray", block=1)) == [0, 1]
    with pytest.raises(ConfigError, match=r"^merchants = 2 must be a whole number from 0 to 1$"):
        list(run_all(work, range(4), where="ray", block=1))


def test_without_ray_nothing_runs_and_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"^small: Ray is not installed; run `make ray` .*--set markets.on=threads"):
        run_scenario(validate({**SMALL, "markets": {"on": "ray"}}, source="test"), store=tmp_path, jobs=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("markets", "words"),
    [({"on": "moon"}, "markets.on = 'moon' must be 'threads' or 'ray'"), ({"workers": 0}, "markets.workers = 0")],
)
def test_places_and_numbers_that_are_none_are_refused(markets, words):
    with pytest.raises(ConfigError, match=words):
        validate({**SMALL, "markets": markets}, source="test")


def test_draws_of_a_real_own_label_are_not_spread():
    raw = {
        **SMALL,
        "method": "label",
        "replications": 40,
        "settings": {},
        "label": {"categories": ["CHEESE"]},
        "arms": [{"name": "held", "own_label": "as_is"}],
        "markets": {"on": "ray"},
    }
    with pytest.raises(ConfigError, match='markets is not read by method = "label"'):
        validate(raw, source="test")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_a_command_that_is_stopped_leaves_no_process_of_ray_and_no_failure(how, tmp_path):
    pytest.importorskip("ray", reason="no Ray: run `make ray`")
    long = {**SMALL, "replications": 5_000, "periods": 1_000, "markets": {"on": "ray", "workers": 1}}
    (tmp_path / "long.toml").write_text(scenario_text(validate(long, source="test")))
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from apps.command.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "run", "long.toml", "--store", "runs", "--jobs", "1"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        started = _once_ray_works(running.pid)
        running.send_signal(how)
        running.wait(60)
    finally:
        running.kill()
    until = time.monotonic() + 60
    while (left := started & set(_processes())) and time.monotonic() < until:
        time.sleep(0.5)
    assert not left
    assert (tmp_path / "runs" / "small").is_dir()
    assert not [one for one in (tmp_path / "runs").rglob("*.json") if one.name in ("failure.json", "run.json")]


def _once_ray_works(root: int) -> set[int]:
    """Return the ids of all processes below one as soon as Ray's server, its agents and a task are among them."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        there = _processes()
        below = {root}
        while more := {pid for pid, (parent, _) in there.items() if parent in below} - below:
            below |= more
        said = " ".join(there[pid][1] for pid in below if pid in there)
        if all(word in said for word in ("raylet", "gcs_server", "ray::_block", "ray::RuntimeEnvAgent")):
            return below - {root}
        time.sleep(0.2)
    raise AssertionError("Ray did not start")


def _processes() -> dict[int, tuple[int, str]]:
    """Return parent and command line of every process by its id, without those that have ended."""
    listed = subprocess.run(
        ["ps", "-eww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and row[2][0] != "Z"}
