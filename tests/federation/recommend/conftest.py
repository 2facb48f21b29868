from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from federation.recommend.task import RecommendTask
from federation.task import NodeData, TaskSettings
from retail import columns as c
from retail.generator import generate
from retail.interactions import catalogue, interactions
from retail.merchants import partition

NOW = 19_723 + 320  # a day of the generated year 2024
SETTINGS = TaskSettings(
    rounds=2,
    steps=1,
    learning_rate=0.1,
    clip_norm=1.0,
    window_days=28,
    now=NOW,
    population=120,
    seed=0,
    device="cpu",
    private=True,
)


@pytest.fixture(scope="session")
def world():
    """120 generated shoppers with about one basket a week, 4 merchants, 150 products."""
    return generate(120, seed=5, merchants=4, products=150, baskets=50).data


@pytest.fixture(scope="session")
def shelf(world):
    """The world's public catalogue."""
    return catalogue(world.products)


@pytest.fixture(scope="session")
def lines(world):
    """Rows of the merchant with the fewest shoppers, before now."""
    shops = partition(world, by="home_store")
    one = min((shops.node(index) for index in range(4)), key=lambda rows: rows[c.PERSON].nunique())
    return one[one[c.DAY] < NOW]


@pytest.fixture(scope="session")
def make_node(shelf):
    """Turn rows into a merchant's node; without rows, a merchant whom nobody visits."""

    def make(rows, *, now=NOW, products=None):
        public = shelf if products is None else products
        return NodeData("shop", interactions(rows, public), public, now)

    return make


@pytest.fixture
def node(lines, make_node):
    return make_node(lines)


@pytest.fixture
def make_task(shelf):
    """Make the task with some options, on a catalogue of one's own if wanted."""

    def make(*, products=None, settings=None, **options):
        options = {"candidates": 40, **options}
        changed = replace(SETTINGS, options=options, **(settings or {}))
        return RecommendTask(changed, shelf if products is None else products)

    return make


@pytest.fixture(scope="session")
def history(shelf, make_node):
    """Build a history from (person, day, basket, product code) tuples."""

    def make(*rows, now=NOW):
        frame = pd.DataFrame(list(rows), columns=[c.PERSON, c.DAY, c.BASKET, c.PRODUCT]).astype(np.int64)
        frame[c.PRODUCT] = shelf.product_ids[frame[c.PRODUCT]]
        frame[c.QUANTITY] = 1
        return make_node(frame, now=now)

    return make


def plain_sum(task, model, round_, node):
    """All persons' rows of one round, added up as they are."""
    from federation.contributions import node_sum

    return node_sum(task, task.broadcast(model, round_), round_, node, clip_norm=None, weight=1.0)


@pytest.fixture(scope="session")
def trained():
    """Train a task on one node without noise; returns the model before each round, and the last."""

    def train(task, node):
        model, models = task.initial(), {}
        for round_ in task.rounds():
            models[round_.name] = model
            mean = plain_sum(task, model, round_, node) / task.settings.population
            model = task.advance(model, round_, mean, noise_scale=0.0)
        return models, model

    return train


@pytest.fixture(scope="session")
def rows_of():
    """Every person's contribution to a round, written out: (persons, d)."""
    from privacy.clipping import OuterRows

    def rows(task, model, round_, node):
        blocks = []
        for updates in task.person_updates(task.broadcast(model, round_), round_, node):
            if isinstance(updates, OuterRows):
                right = updates.right.toarray()
                blocks.append((updates.left[:, :, None] * right[:, None, :]).reshape(len(right), -1))
            else:
                blocks.append(updates if isinstance(updates, np.ndarray) else updates.toarray())
        return np.concatenate(blocks) if blocks else np.zeros((0, round_.size))

    return rows
