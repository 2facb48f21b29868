"""Three nodes with TLS, keys and secure aggregation, as processes on loopback. Each message starts one: minutes."""

import contextlib
import os
import shutil
import signal
import socket
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from flwr.app import Error, Message
from PIL import Image

from federation.client_app import FAILURE
from federation.client_app import app as client_app
from federation.config import FederationConfig
from federation.engines import inprocess
from federation.engines.deploy import keys, launch, processes
from federation.engines.deploy.book import given
from federation.engines.deploy.control import Control, write_home
from federation.engines.deploy.drive import run_on
from federation.engines.deploy.launch import Running
from federation.engines.deploy.party import BOOKS
from federation.engines.deploy.site import Site
from federation.records import from_record
from federation.run import run
from retail.errors import ConfigError, TradefairError
from retail.faces.drawing import generated_faces
from retail.faces.source import FaceSource

from .conftest import NOW

pytestmark = pytest.mark.slow


def same(found, wanted, atol: float) -> None:
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        assert np.abs(values.astype(float) - found[name].astype(float)).max(initial=0) <= atol, name


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of drawn people, in a folder for each."""
    folder = tmp_path_factory.mktemp("pictures") / "door"
    faces = generated_faces(9, 3, np.random.default_rng(0))
    for index, crop in enumerate(faces.images):
        person = folder / faces.names[faces.person[index]]
        person.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(person / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def site(shop, pictures, tmp_path_factory):
    """A federation that is up, whose nodes take the apps of tests too; after it nothing may be left."""
    made = Site.make(tmp_path_factory.mktemp("federation") / "fed", shop, before=NOW, pictures=pictures)
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


def losing(place: int, *steps: str):
    """Answer as nodes do, but for one of them at some steps."""

    def client(message, context):
        if context.node_config["partition-id"] == place and message.metadata.message_type in steps:
            return Message(Error(code=0, reason=FAILURE), reply_to=message)
        return client_app(message, context)

    return client


def model_of(config, client=client_app):
    return from_record(inprocess.drive(config, nodes=3, client=client).state.array_records["model"])


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
            while running.alive and "could not establish" not in log_of(stranger) and time.monotonic() < deadline:
                time.sleep(0.5)
        assert log_of(stranger)
        assert "SuperNode ID" not in log_of(stranger)
        assert launch.control_of(site.server).online() == 3
    finally:
        launch.stop(stranger.folder)


def test_a_node_killed_in_a_round_takes_its_part_away_and_the_noise_of_the_others_suffices(site, settings):
    """Noise is from the seed here, on a path that no command reaches, so that both sums hold the same draws."""
    config = settings(epsilon=4.0, noise="distributed", aggregation="secure", dropouts=1)
    third = site.merchants[2]

    def kill_after_shares(line: str) -> None:
        if "shares" in line:
            running = Running.read(third.folder)
            for pid in processes.marked(running.mark):
                os.kill(pid, signal.SIGKILL)
            while running.alive:
                time.sleep(0.1)
            launch.start_node(third, pinned=False)  # the server takes its forerunner for connected for a while yet

    model, report = run_on(config, site.folder, progress=kill_after_shares, trial=True)
    same(model, model_of(config, losing(2, "train", "train.reveal")), 1e-6)
    assert report["dropped"] == 1


def test_without_noise_a_deployment_makes_the_models_of_one_process(site, settings, pictures):
    """The node that was killed above comes late to the first of these runs."""
    source = FaceSource(source="face-folder", path=str(pictures), population=9, merchants=3, folds=1)
    quick = {"learn": "person", "drawn_people": 4, "drawn_images": 2, "drawn_steps": 2, "start": "drawn", "moments": 2}
    faces = FederationConfig(task="faces", source=source, now=0, clip_norm=0.5, delta=1e-4, options=quick)
    for config in (settings(options={"tastes": False, "rich": False}), faces):
        model, report = run_on(config, site.folder, trial=True)
        alone = run(config)
        same(model, alone.model, 1e-6)
        assert [one["name"] for one in report["rounds"]] == [one["name"] for one in alone.rounds]
        assert len(report["rounds"]) > 1
        assert report["dropped"] == 0


def test_what_goes_wrong_at_a_node_stays_at_the_node_and_costs_nothing(site, settings):
    """The rows of one merchant are spoiled, so that its error quotes them."""
    secret = "Ms Miller's rye bread"
    table = next(site.merchants[1].tables.glob("transactions*"))
    spoiled = pd.read_parquet(table).astype({"quantity": str})
    spoiled.loc[0, "quantity"] = secret
    spoiled.to_parquet(table)
    with pytest.raises(TradefairError, match="2 of 3 nodes took the run; the others' own logs say why"):
        run_on(settings(), site.folder, trial=True)
    assert secret in log_of(site.merchants[1])
    for party in (site.server, site.merchants[0]):
        assert secret not in log_of(party)
    held = [one for one in site.server.folder.rglob("*") if one.is_file()]
    assert not [one for one in held if secret.encode() in one.read_bytes()]


def test_a_private_run_goes_on_after_its_server_was_killed_and_nothing_is_left_at_the_end(shop, deployed, tmp_path):
    """What a user does: up, a run on nodes that take no other app, a killed server, up, the same run, down."""
    site = Site.make(tmp_path / "fed", shop, before=NOW)
    config = deployed(rounds=2, options={"tastes": False, "rich": False})
    told: list[str] = []
    site.up()
    started = [Running.read(one.folder) for one in (site.server, *site.merchants)]

    def kill_in_the_second_round(line: str) -> None:
        told.append(line)
        if line.startswith("train-1, keys"):
            os.kill(started[0].pid, signal.SIGKILL)

    try:
        with pytest.raises(ConfigError, match="3 of 3 nodes refuse: The FAB could not be verified"):
            run_on(config, site.folder, trial=True)
        with pytest.raises(ConfigError, match="server runs already"):
            site.up()
        with pytest.raises(TradefairError, match="the server ended during the run"):
            run(config, engine="deploy", place=site.folder, progress=kill_in_the_second_round)
        assert "popularity, reveal: 3 of 3 nodes answered" in told
        with pytest.raises(ConfigError, match="is not up"):
            run(config, engine="deploy", place=site.folder)
        started.append(launch.start_server(site.server))
        told.clear()
        result = run(config, engine="deploy", place=site.folder, progress=told.append)
        assert [line for line in told if line.startswith("popularity")] == []
        assert told[-1] == "train-2, reveal: 3 of 3 nodes answered"
        booked = result.ledger_entries  # what the nodes refused before cost nothing
        assert list(booked["key"]) == ["popularity", "train-1", "train-1", "train-2"]
        assert list(booked["committed_at"].isna()) == [False, True, False, False]
        assert 3.9 < result.epsilon <= 4.0
        assert result.epsilon_total == result.epsilon
        for party in site.merchants:
            found = given(party.folder / BOOKS)
            assert [one["round"] for one in found if one["round"] != "train-1"] == ["popularity", "train-2"]
            assert found[-1]["epsilon_so_far"] <= result.epsilon
    finally:
        site.down()
    gone(started)
