from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from federation import nodes
from federation.contributions import node_sum
from federation.task import Round
from privacy.clipping import OuterRows
from retail.errors import ConfigError

ROUND = Round("one", "test", 6, 1.0)


class Fixed:
    """A task that yields given blocks."""

    def __init__(self, *blocks):
        self.blocks = blocks

    def person_updates(self, model, round_, node):
        yield from self.blocks


@pytest.fixture
def node(make_config):
    return nodes.load_nodes(make_config())[0]


@pytest.fixture
def rows(node):
    return np.random.default_rng(1).normal(size=(len(node.history.persons), 6))


@pytest.mark.parametrize("clip_norm", [None, 0.7, 100.0])
def test_dense_sparse_and_outer_rows_give_the_same_sum_in_any_blocks(node, rows, clip_norm):
    left = rows[:, :2] / np.linalg.norm(rows[:, :2], axis=1, keepdims=True)
    right = rows[:, 2:5]
    outer = (left[:, :, None] * right[:, None, :]).reshape(len(rows), 6)
    settings = {"clip_norm": clip_norm, "weight": 0.5}
    expected = node_sum(Fixed(outer), {}, ROUND, node, **settings)
    length = np.linalg.norm(outer, axis=1, keepdims=True)
    kept = outer if clip_norm is None else outer * np.minimum(1, clip_norm / length)
    np.testing.assert_allclose(expected, 0.5 * kept.sum(axis=0), atol=1e-12)
    for blocks in (
        [outer[:3], outer[3:]],
        [csr_array(outer)],
        [OuterRows(left, right)],
        [OuterRows(left[:5], csr_array(right[:5])), outer[5:]],
    ):
        np.testing.assert_allclose(node_sum(Fixed(*blocks), {}, ROUND, node, **settings), expected, atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_row_counts_as_zero_and_costs_nobody_else_anything(node, rows, bad):
    broken = rows.copy()
    broken[4, 2] = bad
    others = np.delete(rows, 4, axis=0)
    settings = {"clip_norm": 1.0, "weight": 1.0}
    expected = node_sum(Fixed(others), {}, ROUND, node, **settings)
    left = np.ones((len(rows), 1))
    for block in (broken, csr_array(broken), OuterRows(left, csr_array(broken)), OuterRows(left, broken)):
        np.testing.assert_allclose(node_sum(Fixed(block), {}, ROUND, node, **settings), expected, atol=1e-12)
    assert np.isnan(broken[4, 2]) or np.isinf(broken[4, 2])


def test_sparse_entries_that_overflow_only_together_break_their_row_alone(node):
    twice = csr_array((np.array([3e38, 3e38, 1.0], dtype=np.float32), [0, 0, 1], [0, 2, 3]), shape=(2, 6))
    total = node_sum(Fixed(twice), {}, ROUND, node, clip_norm=5.0, weight=1.0)
    np.testing.assert_array_equal(total, [0, 1, 0, 0, 0, 0])


def test_without_a_bound_broken_rows_stop_the_node(node, rows):
    rows[0, 0] = np.nan
    with pytest.raises(ConfigError, match="NaN"):
        node_sum(Fixed(rows), {}, ROUND, node, clip_norm=None, weight=1.0)


def test_a_person_cannot_contribute_twice(node, rows):
    with pytest.raises(ConfigError, match="one each"):
        node_sum(Fixed(rows, rows[:1]), {}, ROUND, node, clip_norm=1.0, weight=1.0)


def test_rows_of_another_length_than_announced_are_refused(node, rows):
    with pytest.raises(ConfigError, match="length 6, not 5"):
        node_sum(Fixed(rows), {}, replace(ROUND, size=5), node, clip_norm=1.0, weight=1.0)


def test_a_merchant_without_shoppers_adds_zeros(node):
    np.testing.assert_array_equal(node_sum(Fixed(), {}, ROUND, node, clip_norm=1.0, weight=1.0), np.zeros(6))
