"""One shopper less in the raw tables of all merchants: how far does what the merchants send move?"""

from dataclasses import dataclass

import numpy as np
import pytest

from federation import nodes
from federation.contributions import node_sum

PEOPLE = (4, 17, 60, 111, 250)
ROUNDING = 1 + 1e-9
PARTITIONS = [("home_store", 1), ("store", 2), ("manufacturer", 3)]


@dataclass
class Move:
    """How far one shopper's removal moves the joint sum and the vector of all messages in one round, in L2."""

    round_name: str
    joint: float
    messages: float


def moves(task_of, config, neighbour, *, weight=None, clip_norm="own"):
    """Measure every round of a run at the same models, with and without the shopper, before any noise."""
    task = task_of(config)
    factor = config.weight if weight is None else weight
    bound = config.clip_norm if clip_norm == "own" else clip_norm
    both = [nodes.load_nodes(settings) for settings in (config, neighbour)]
    model, found = task.initial(), []
    for round_ in task.rounds():
        sent = task.broadcast(model, round_)
        before, after = (
            np.stack([node_sum(task, sent, round_, one, clip_norm=bound, weight=factor) for one in held])
            for held in both
        )
        found.append(
            Move(
                round_.name, float(np.linalg.norm((before - after).sum(axis=0))), float(np.linalg.norm(before - after))
            )
        )
        model = task.advance(model, round_, before.sum(axis=0) / config.population, noise_scale=0.0)
    return found


def breaks(found, config):
    """The moves beyond what the noise is scaled to."""
    bounds = config.bounds
    return [
        move for move in found if move.joint > bounds.joint * ROUNDING or move.messages > bounds.per_message * ROUNDING
    ]


@pytest.fixture
def neighbours(make_config, write_folder):
    """Settings of a run over everybody, and over everybody but one."""

    def make(person, **changes):
        settings = {"merchants": "all", "epsilon": 4.0, "clip_norm": 0.5, **changes}
        return (
            make_config(source=write_folder(), **settings),
            make_config(source=write_folder(person), **settings),
        )

    return make


@pytest.mark.parametrize(("by", "k_max"), PARTITIONS)
@pytest.mark.parametrize("clip_norm", [0.5, 1e-3])
def test_one_shopper_moves_every_round_by_at_most_the_declared_bound(task_of, neighbours, by, k_max, clip_norm):
    largest = 0.0
    for person in PEOPLE:
        config, neighbour = neighbours(person, by=by, k_max=k_max, clip_norm=clip_norm)
        found = moves(task_of, config, neighbour)
        assert breaks(found, config) == []
        largest = max(largest, *(move.joint / config.bounds.joint for move in found))
    assert largest > 0.8  # close to the bound, so the check would see it crossed


def test_a_shopper_whose_rows_break_the_arithmetic_moves_no_more_than_others(task_of, neighbours):
    for person in PEOPLE[:2]:
        config, neighbour = neighbours(person, by="store", k_max=2, options={"broken_person": person})
        found = moves(task_of, config, neighbour)
        assert breaks(found, config) == []
        assert all(move.joint == 0 for move in found)


def test_weights_of_one_at_two_merchants_are_found_out(task_of, neighbours):
    broken = []
    for person in PEOPLE:
        config, neighbour = neighbours(person, by="store", k_max=2)
        broken += breaks(moves(task_of, config, neighbour, weight=1.0), config)
    assert max(move.joint for move in broken) > 1.5 * config.bounds.joint


def test_contributions_that_look_at_the_whole_merchant_are_found_out(task_of, neighbours):
    broken = []
    for person in PEOPLE:
        config, neighbour = neighbours(person, clip_norm=0.05, options={"contribution": "merchant"})
        broken += breaks(moves(task_of, config, neighbour), config)
    assert {move.round_name for move in broken} <= {"train-0", "train-1"}
    assert broken


def test_contributions_that_are_not_clipped_are_found_out(task_of, neighbours):
    config, neighbour = neighbours(PEOPLE[0])
    assert breaks(moves(task_of, config, neighbour, clip_norm=None), config)
