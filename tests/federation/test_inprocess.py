import logging
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, RecordDict

from federation import nodes
from federation.client_app import FAILURE
from federation.client_app import app as client_app
from federation.engines import inprocess
from federation.records import from_record
from federation.run import run
from federation.task import load_task
from retail.errors import ConfigError, TradefairError


def same(first, second, *, atol=0.0):
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=0, atol=atol)


def test_the_engine_drives_the_apps_that_the_project_names():
    named = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["flwr"]["app"][
        "components"
    ]
    for role, driven in (("serverapp", inprocess.server_app), ("clientapp", inprocess.client_app)):
        module, _, attribute = named[role].partition(":")
        assert getattr(import_module(module), attribute) is driven


@pytest.mark.parametrize(("by", "k_max", "clip_norm"), [("home_store", 1, None), ("store", 2, 0.5)])
def test_the_federation_without_noise_learns_what_a_plain_loop_learns(make_config, train_locally, by, k_max, clip_norm):
    config = make_config(by=by, k_max=k_max, clip_norm=clip_norm)
    result = run(config)
    same(result.model, train_locally(config), atol=1e-9)
    assert np.abs(result.model["weights"]).min() > 0
    assert (result.epsilon, result.epsilon_pld, result.delta, result.dropped) == (None, None, None, 0)
    assert [one["noise_multiplier"] for one in result.rounds] == [0.0] * 4
    assert result.ledger_entries.empty


def test_the_order_of_merchants_changes_nothing_beyond_float_addition(make_config):
    there = run(make_config(epsilon=4.0))
    back = run(make_config(epsilon=4.0, merchants=tuple(range(12, 0, -1))))
    same(there.model, back.model, atol=1e-12)


@pytest.mark.parametrize("noise", ["aggregator", "every_node"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_bytes(make_config, noise):
    first, again, other = (run(make_config(epsilon=4.0, noise=noise, seed=seed)).model for seed in (5, 5, 6))
    same(first, again)
    for name in ("weekdays", "types", "weights"):
        assert first[name].tobytes() == again[name].tobytes()
        assert not np.isclose(first[name], other[name], rtol=1e-9, atol=0).any()


def test_noise_of_two_rounds_and_of_two_nodes_is_not_the_same(make_config):
    exact, noised = run(make_config(rounds=1)).model, run(make_config(rounds=1, epsilon=4.0)).model
    first, second = ((noised[name] - exact[name]).ravel()[:7] for name in ("weekdays", "types"))
    assert not np.isclose(first / noised["noise"][0], second / noised["noise"][1], rtol=1e-6).any()


def corrupt(kind, size):
    values = np.ones(size)
    if kind in ("nan", "inf"):
        values[size // 2] = float(kind)
    record = {"sum": ArrayRecord({"sum": Array(values)})}
    if kind == "shape":
        record = {"sum": ArrayRecord({"sum": Array(np.ones((size, 1)))})}
    elif kind == "longer":
        record = {"sum": ArrayRecord({"sum": Array(np.ones(size + 1000))})}
    elif kind == "dtype":
        record = {"sum": ArrayRecord({"sum": Array(np.ones(size, dtype=np.float32))})}
    elif kind == "key":
        record = {"total": ArrayRecord({"sum": Array(values)})}
    elif kind == "extra":
        record = {**record, "count": ConfigRecord({"persons": 7})}
    elif kind == "bytes":
        record = {"sum": ArrayRecord({"sum": Array("float64", (size,), "numpy.ndarray", b"no array")})}
    return RecordDict(record)


@pytest.mark.parametrize(
    "kind", ["nan", "inf", "shape", "longer", "dtype", "key", "extra", "bytes", "error", "raises", "silent"]
)
def test_answers_that_cannot_be_used_are_left_out_and_counted(make_config, train_locally, caplog, kind):
    def client(message: Message, context):
        if context.node_config["partition-id"] not in (2, 7):
            return client_app(message, context)
        if kind == "raises":
            raise ValueError("a node's own code failed")
        if kind == "error":
            return Message(Error(code=0, reason="anything"), reply_to=message)
        size = {"weekdays": 7, "types": 7 * 80}.get(message.metadata.group_id, 4)
        return Message(RecordDict() if kind == "silent" else corrupt(kind, size), reply_to=message)

    config = make_config()
    with caplog.at_level(logging.WARNING):
        state = inprocess.drive(config, nodes=12, client=client).state
    same(from_record(state["model"]), train_locally(config, keep=lambda index: index not in (2, 7)), atol=1e-9)
    assert '"dropped": 8' in state["report"]["json"]
    assert "2 of 12 answers were left out" in caplog.text


def test_when_no_node_answers_there_is_one_clear_error(make_config):
    with pytest.raises(TradefairError, match="'weekdays': none of 12 nodes"):
        inprocess.drive(make_config(), nodes=12, client=lambda message, context: 1 / 0)


def test_what_goes_wrong_at_a_node_stays_at_the_node(make_config, caplog):
    answers = []

    def client(message, context):
        answers.append(client_app(message, context))
        return answers[-1]

    config = make_config(options={"fail_on": 3})
    with caplog.at_level(logging.ERROR, logger="federation.client_app"):
        inprocess.drive(config, nodes=12, client=client)
    errors = [answer.error for answer in answers if answer.has_error()]
    assert [error.reason for error in errors] == [FAILURE] * 4
    assert "person" not in str([error.__dict__ for error in errors])
    assert "person" in caplog.text  # the node's own log tells its owner


def test_an_answer_holds_one_vector_and_nothing_else(make_config):
    answers = []

    def client(message, context):
        answers.append(client_app(message, context))
        return answers[-1]

    inprocess.drive(make_config(), nodes=12, client=client)
    for answer in answers:
        assert list(answer.content) == ["sum"]
        assert list(answer.content["sum"]) == ["sum"]
        assert isinstance(answer.content["sum"], ArrayRecord)


def test_a_node_that_tampers_with_what_it_received_changes_nothing_for_the_others(make_config, train_locally):
    def client(message, context):
        answer = client_app(message, context)
        message.content["model"].clear()
        message.content["round"]["name"] = "mine"
        return answer

    config = make_config()
    same(from_record(inprocess.drive(config, nodes=12, client=client).state["model"]), train_locally(config), atol=1e-9)


def test_progress_is_told_once_a_round(make_config):
    told = []
    run(make_config(), progress=told.append)
    assert told == [f"{name}: asked 12 nodes" for name in ("weekdays", "types", "train-0", "train-1")]


def test_mistakes_in_the_task_or_the_engine_are_told_before_anything_runs(make_config):
    with pytest.raises(ConfigError, match="inprocess"):
        run(make_config(), engine="spark")
    with pytest.raises(ConfigError, match="WeekendTask"):
        run(make_config(task="weekday_task:WeekendTask"))
    with pytest.raises(ConfigError, match="unknown"):
        run(make_config(options={"speed": 3}))
    config = make_config()
    assert load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config)).rounds()
