"""Three nodes with TLS, keys and secure aggregation, as processes on loopback. Each message starts one: minutes."""

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Error, Message

from federation.client_app import FAILURE
from federation.client_app import app as client_app
from federation.engines import inprocess
from federation.engines.deploy import keys, launch, processes
from federation.engines.deploy.control import Control, write_home
from federation.engines.deploy.drive import run_on
from federation.engines.deploy.launch import Running
from federation.engines.deploy.site import Site
from federation.records import from_record
from federation.run import run
from retail.errors import ConfigError, TradefairError

from .conftest import NOW

pytestmark = pytest.mark.slow
TASKS = str(Path(__file__).parent.parent)


def same(found, wanted, atol: float) -> None:
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        assert np.abs(values.astype(float) - found[name].astype(float)).max(initial=0) <= atol, name


@pytest.fixture(scope="module")
def site(shop, tmp_path_factory):
    """A federation that is up, whose nodes take the apps of tests too; after it nothing may be left."""
    made = Site.make(tmp_path_factory.mktemp("federation") / "fed", shop, before=NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([TASKS, os.environ.get("PYTHONPATH", "")]))
        made.up(pinned=False)
    started = [Running.read(one.folder) for one in (made.server, *made.merchants)]
    yield made
    made.down()
    gone(started)


def gone(started) -> None:
    for one in started:
        assert processes.marked(one.mark) == []
        for port in filter(None, (one.port, one.inner)):
            with socket.socket() as tried:
                assert tried.connect_ex(("127.0.0.1", port)) != 0


def log_of(party) -> str:
    return (party.folder / launch.LOG).read_text(encoding="utf-8", errors="replace")


def test_a_deployment_makes_the_model_of_one_process_and_hides_what_a_failing_node_says(site, settings):
    plain = {"outer": False, "fail_on": 2}
    config = settings(task="weekday_task:WeekdayTask", rounds=1, options=plain, clip_norm=None)
    model, report = run_on(config, site.folder, trial=True)
    same(model, run(config).model, 1e-6)
    assert report["dropped"] == 2  # merchant 2 in both rounds
    secret = "has rows that nobody expected"
    assert secret in log_of(site.merchants[1])
    for party in (site.server, site.merchants[0]):
        assert secret not in log_of(party)
    kept = [one for one in site.server.folder.rglob("*") if one.is_file()]
    assert not [one for one in kept if secret.encode() in one.read_bytes()]


def test_whoever_reaches_the_server_can_neither_admit_keys_nor_start_runs(site, tmp_path):
    write_home(tmp_path, server=site.server.server, authority=site.server.folder / keys.CA)
    outsider = Control(tmp_path, processes.environment("", tmp_path))
    keys.make_node_keys(keys.private_folder(tmp_path / "stranger"))
    with pytest.raises(TradefairError):
        outsider.register(tmp_path / "stranger" / keys.NODE_PUBLIC)
    with pytest.raises(TradefairError):
        outsider.nodes()
    assert len(launch.control_of(site.server).nodes()) == 3


def test_an_unknown_key_is_refused(site, tmp_path):
    stranger = replace(site.merchants[0], folder=keys.private_folder(tmp_path / "stranger"))
    keys.make_node_keys(stranger.folder)
    stranger.write()
    for name in (keys.CA, "roster.txt"):
        shutil.copy(site.merchants[0].folder / name, stranger.folder / name)
    try:
        with contextlib.suppress(TradefairError):  # it may be refused, and end, before its own port is seen
            running = launch.start_node(stranger, pinned=False)
            deadline = time.monotonic() + 60
            while running.alive and "SuperNode ID" not in log_of(stranger) and time.monotonic() < deadline:
                time.sleep(0.5)
        assert log_of(stranger)
        assert "SuperNode ID" not in log_of(stranger)
        assert launch.control_of(site.server).online() == 3
    finally:
        launch.stop(stranger.folder)


def test_a_node_killed_in_a_round_takes_its_part_away_and_the_noise_of_the_others_suffices(site, settings):
    """Noise is from the seed here, on a path that no command reaches, so that both sums hold the same draws."""
    config = settings(epsilon=4.0, noise="distributed", aggregation="secure", dropouts=1)
    third = Running.read(site.merchants[2].folder)

    def kill_after_shares(line: str) -> None:
        if "shares" in line:
            for pid in processes.marked(third.mark):
                os.kill(pid, signal.SIGKILL)

    model, report = run_on(config, site.folder, progress=kill_after_shares, trial=True)

    def losing_the_third(message, context):
        if context.node_config["partition-id"] == 2 and message.metadata.message_type in ("train", "train.reveal"):
            return Message(Error(code=0, reason=FAILURE), reply_to=message)
        return client_app(message, context)

    state = inprocess.drive(config, nodes=3, client=losing_the_third).state
    same(model, from_record(state.array_records["model"]), 1e-6)
    assert report["dropped"] == 1


def test_a_private_run_and_every_way_out_of_it(shop, deployed, tmp_path):
    """What a user does: up, a run on nodes that take no other app, a killed server, down."""
    site = Site.make(tmp_path / "fed", shop, before=NOW)
    told: list[str] = []
    site.up()
    started = [Running.read(one.folder) for one in (site.server, *site.merchants)]
    try:
        with pytest.raises(ConfigError, match="3 of 3 nodes refuse: The FAB could not be verified"):
            run_on(deployed(), site.folder, trial=True)
        with pytest.raises(ConfigError, match="server runs already"):
            site.up()
        result = run(deployed(), engine="deploy", place=site.folder, progress=told.append)
        assert 3.9 < result.epsilon <= 4.0
        assert result.dropped == 0
        assert told[-1] == "popularity, reveal: 3 of 3 nodes answered"
        assert len(result.ledger_entries) == 1  # what the nodes refused before cost nothing
        assert result.epsilon_total == result.epsilon
        threading.Timer(0.1, os.kill, (started[0].pid, signal.SIGKILL)).start()
        time.sleep(1)
        with pytest.raises(ConfigError, match="is not up"):
            run(deployed(run_id="second"), engine="deploy", place=site.folder)
    finally:
        site.down()
    gone(started)
