"""Flower's own simulation makes the model of one process, and nothing of it is left."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from federation.config import FederationConfig
from federation.engines.deploy import processes
from federation.run import run
from retail.errors import ConfigError, TradefairError
from retail.faces.source import FaceSource


def same(one, other, atol: float) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        assert np.abs(values.astype(float) - other[name].astype(float)).max(initial=0) <= atol, name


@pytest.fixture
def nothing_left(monkeypatch):
    """Every process that a run starts carries a mark; after it none does."""
    marks = []
    make = processes.environment
    monkeypatch.setattr(processes, "environment", lambda mark, *rest: marks.append(mark) or make(mark, *rest))
    yield
    assert len(marks) == 1
    assert processes.marked(marks[0]) == []


def test_ray_that_is_not_installed_is_said_in_one_message(settings, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"Ray is not installed; run `make ray`.*--engine inprocess"):
        run(settings(), engine="ray")


@pytest.mark.slow
def test_recommendation_comes_out_the_same_with_noise_and_with_hidden_sums(settings, nothing_left):
    config = settings(epsilon=4.0, noise="distributed", aggregation="secure", dropouts=1, options={"rich": False})
    one, other = run(config), run(config, engine="ray")
    same(one.model, other.model, 1e-6)
    assert one.epsilon == other.epsilon
    assert one.rounds == other.rounds


@pytest.mark.slow
def test_faces_come_out_the_same(nothing_left):
    source = FaceSource(source="drawn-faces", people=9, images=3, folds=3, merchants=2, data_seed=7)
    quick = {"drawn_people": 4, "drawn_images": 2, "drawn_steps": 2, "batch": 4, "learn": "merchant"}
    config = FederationConfig(task="faces", source=source, now=0, clip_norm=None, delta=1e-2, options=quick)
    same(run(config).model, run(config, engine="ray").model, 1e-6)


@pytest.mark.slow
def test_a_run_that_no_node_answers_ends_with_one_message_and_nothing_left(settings, nothing_left):
    config = settings(task="weekday_task:WeekdayTask", options={"outer": False, "fail_on": 1})
    with pytest.raises(TradefairError, match="none of 1 nodes gave a usable answer"):
        run(replace(config, merchants=(1,)), engine="ray")
