from dataclasses import replace

import numpy as np
import pytest

from federation import nodes
from federation.config import FederationConfig
from federation.faces.holdings import FaceNode
from federation.task import load_task
from retail.faces import FaceSource, generated_faces

QUICK = {"drawn_people": 4, "drawn_images": 2, "drawn_steps": 2, "batch": 4}
SOURCE = FaceSource(source="drawn-faces", people=9, images=3, folds=3, merchants=2, data_seed=7)


@pytest.fixture
def make_config():
    """Build settings over six drawn people at two merchants, three more for testing."""
    base = FederationConfig(task="faces", source=SOURCE, now=0, rounds=1, steps=1, clip_norm=0.5, delta=1e-2)

    def make(*, left=(), options=None, **changes):
        source = replace(changes.pop("source", SOURCE), left=tuple(left))
        return replace(base, source=source, options={**QUICK, **(options or {})}, **changes)

    return make


@pytest.fixture
def task_of():
    """The task of a run, as every party makes it."""
    return lambda config: load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config))


@pytest.fixture(scope="session")
def crowd():
    """A hundred pictures of each of four people."""
    return generated_faces(4, 100, np.random.default_rng(5))


@pytest.fixture
def node_of(crowd):
    """A merchant's node with the first pictures of some people: {person: how many}."""

    def make(counts):
        persons = np.array([f"p{person}" for person in counts])
        parts = [crowd.images[crowd.person == person][:count] for person, count in counts.items()]
        starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        images = np.concatenate(parts) if parts else np.zeros((0, 64, 64), np.uint8)
        return FaceNode(1, persons, images, starts)

    return make
