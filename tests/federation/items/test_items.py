"""What comes next: sums that one person moves by the bound at most, and that are what a plain reading of them says."""

from dataclasses import replace

import numpy as np
import pytest
from movie_files import PEOPLE, ratings, write_folder

from federation import nodes
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.run import run
from federation.task import NodeData, load_task
from privacy.clipping import OuterRows
from retail.datasource import DataSource
from retail.errors import ConfigError
from retail.interactions import interactions
from retail.movielens import END, START, load

ITEMS, TAGS = "federation.items.itemwise:ItemTask", "federation.items.tagged:TagTask"


@pytest.fixture
def make_config(tmp_path):
    """Settings over everybody (each a node), perhaps without somebody, or with another last film of somebody."""

    def make(task, *, without=(), swap=None, **changes):
        rows = ratings()
        rows = rows[~np.isin(rows[:, 0], without)]
        if swap is not None:
            mine = np.flatnonzero(rows[:, 0] == swap)
            last = mine[np.argmax(rows[mine, 3])]
            rows[last, 1] = next(one for one in range(1, 31) if one not in rows[mine, 1])
        place = tmp_path / f"{without}{swap}" / "tables"
        data = load(write_folder(place.parent / "ml", rows), people=PEOPLE)
        data.write_folder(place, hold_out=1)
        source = DataSource(source="folder", path=str(place), timezone="UTC", population=PEOPLE, start=START, end=END)
        options = {"tags": data.tags} if task == TAGS else {}
        options |= changes.pop("options", {})
        return FederationConfig(task=task, source=source, now=10_340, by="store", options=options, **changes)

    return make


def parts(config):
    """A run's task, and its nodes by person."""
    task = load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config))
    return task, {one.persons[0]: one for one in nodes.load_nodes(config) if len(one.persons)}


def together(config):
    """Everybody's rows in one node, where one person could reach another's contribution."""
    public = nodes.public_catalogue(config)
    return NodeData("all", interactions(config.source.open().transactions, public), public, config.now)


def dense(block):
    if isinstance(block, OuterRows):
        return np.einsum("pk,pi->pki", block.left, block.right).reshape(len(block.left), -1)
    return block if isinstance(block, np.ndarray) else block.toarray()


@pytest.mark.parametrize("name", [TAGS, ITEMS])
def test_a_person_moves_each_sum_by_the_bound_at_most_and_nobody_elses_row(make_config, name):
    private = {"epsilon": 8.0, "delta": 1e-5, "clip_norm": 0.5}
    config, fewer = make_config(name, **private), make_config(name, without=(7,), **private)
    (task, _), everybody, others = parts(config), together(config), together(fewer)
    model, largest = task.initial(), 0.0
    for round_ in task.rounds():
        sent = task.broadcast(model, round_)
        rows = [
            np.concatenate([dense(one) for one in task.person_updates(sent, round_, node)])
            for node in (everybody, others)
        ]
        np.testing.assert_allclose(rows[0][everybody.history.persons != 7], rows[1], rtol=1e-12, atol=1e-15)
        before, after = (node_sum(task, sent, round_, one, clip_norm=0.5, weight=1.0) for one in (everybody, others))
        moved = float(np.linalg.norm(before - after))
        assert moved <= 0.5 * (1 + 1e-9)
        largest = max(largest, moved)
        model = task.advance(model, round_, before / PEOPLE, noise_scale=0.0)
    assert largest > 0.4  # so that a row beyond the bound would be seen


@pytest.mark.parametrize("name", [TAGS, ITEMS])
def test_a_held_out_film_changes_nothing_that_is_learnt(make_config, name):
    models = [run(make_config(name, swap=swap, clip_norm=None), engine="cohort").model for swap in (None, 5)]
    for key, value in models[0].items():
        np.testing.assert_array_equal(value, models[1][key])
    assert np.abs(models[0]["next"]).max() > 0


def test_messages_and_batches_give_one_model_with_the_same_noise(make_config):
    config = make_config(TAGS, epsilon=8.0, delta=1e-5, clip_norm=1.0)
    results = [run(config, engine=engine) for engine in ("inprocess", "cohort")]
    for key, value in results[0].model.items():
        np.testing.assert_allclose(value, results[1].model[key], rtol=1e-7, atol=1e-9)
    assert results[0].epsilon == pytest.approx(8.0)
    assert [one["name"] for one in results[0].rounds] == ["popularity", "contexts", "next"]


def test_sums_over_pairs_are_those_of_walking_along_each_list(make_config):
    config = make_config(ITEMS, clip_norm=None, options={"memory": 50.0})  # forgets nothing of lists as short as these
    task, held = parts(config)
    fade, size = np.exp(-1 / 50.0), task.products
    spread, following = np.zeros((size, size)), np.zeros((size, size))
    for node in held.values():
        items, context = node.history.product, np.zeros(size)
        for item, before in zip(items, [None, *items[:-1]], strict=True):
            context = fade * context + (0 if before is None else np.eye(size)[before])
            spread += np.outer(context, context) * len(items) ** -0.25
            following[:, item] += context * len(items) ** -0.25
    for round_, wanted in zip(task.rounds()[1:], (spread, following), strict=True):
        found = sum(node_sum(task, {}, round_, one, clip_norm=None, weight=1.0) for one in held.values())
        np.testing.assert_allclose(found.reshape(size, size), wanted, atol=1e-9)


def test_the_gradient_by_tags_is_that_of_a_softmax_over_films_not_yet_chosen(make_config):
    task, held = parts(make_config(TAGS, clip_norm=1e3))
    first, _, last = task.rounds()
    total = sum(node_sum(task, {}, first, one, clip_norm=1e3, weight=1.0) for one in held.values())
    model = task.advance(task.initial(), first, total / PEOPLE, noise_scale=0.0)
    node = held[11]
    items, features = node.history.product, model["features"]

    def loss(weights):
        known, lost = task._contexts(model, node).known, 0.0
        for step, item in enumerate(items[1:], start=1):
            scores = np.log(model["popularity"]) + features @ (known[step - 1] @ weights)
            open_ = np.setdiff1d(np.arange(task.products), items[:step])
            lost += np.log(np.exp(scores[open_]).sum()) - scores[item]
        return lost / (len(items) - 1)

    row = node_sum(task, task.broadcast(model, last), last, node, clip_norm=None, weight=1.0)
    row = (row * task.options.next_length / 1e3).reshape(task.width, task.size)
    for place in ((0, 0), (3, 1), (task.width - 1, task.size - 1)):
        step = np.zeros((task.width, task.size))
        step[place] = 1e-5
        assert row[place] == pytest.approx((loss(-step) - loss(step)) / 2e-5, abs=1e-6)


def test_options_that_cannot_be_meant_are_refused(make_config):
    for options, message in (
        ({"tags": [["Action"]]}, "one for each of 30 products"),
        ({"memory": 0.0}, "above 0"),
        ({"memory": "long"}, "type float"),
        ({"length": 1.0}, "unknown"),
    ):
        config = make_config(TAGS, options=options)
        with pytest.raises(ConfigError, match=message):
            parts(config)
    with pytest.raises(ConfigError, match="most is"):
        load_task(ITEMS, nodes.task_settings(replace(config, options={})), range(5001))
