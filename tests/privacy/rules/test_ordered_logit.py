"""The rank-ordered logit against a likelihood written out by hand, and what must not change it."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from privacy.rules.drawn_lists import draw_lists
from privacy.rules.ordered_logit import Lists, fit


def likelihood(beta, lists, depth=None):
    """Minus the log-likelihood, place by place."""
    total = 0.0
    for x, there, weight in zip(lists.x, lists.there, lists.weight, strict=True):
        items = [row for row, present in zip(x, there, strict=True) if present]
        for place in range(len(items) if depth is None else min(depth, len(items))):
            values = [float(row @ beta) for row in items[place:]]
            total -= weight * (values[0] - np.log(np.sum(np.exp(values))))
    return total


def hessian(function, at, step=1e-4):
    size = len(at)
    found = np.empty((size, size))
    for a in range(size):
        for b in range(size):
            up, side = np.eye(size)[a] * step, np.eye(size)[b] * step
            found[a, b] = (
                function(at + up + side)
                - function(at + up - side)
                - function(at - up + side)
                + function(at - up - side)
            ) / (4 * step**2)
    return found


@pytest.fixture
def uneven():
    """Lists of 2 to 6 products, some shown often, two lists for each query."""
    rng = np.random.default_rng(4)
    lists = draw_lists(rng, queries=40, places=6, effect=0.4)
    there = np.arange(6) < rng.integers(2, 7, size=40)[:, None]
    return Lists(
        np.where(there[:, :, None], lists.x, 0.0), there, rng.integers(1, 4, 40).astype(float), np.arange(40) // 2
    )


@pytest.mark.parametrize("depth", [None, 1, 3])
def test_estimates_and_information_equal_those_of_a_likelihood_written_out_by_hand(uneven, depth):
    found = fit(uneven, depth=depth)
    by_hand = minimize(likelihood, np.zeros(3), args=(uneven, depth), method="BFGS", options={"gtol": 1e-7})
    assert found.beta == pytest.approx(by_hand.x, abs=2e-4)
    assert found.log_likelihood == pytest.approx(-by_hand.fun, abs=1e-6)
    numerical = hessian(lambda beta: likelihood(beta, uneven, depth), found.beta)
    assert found.information == pytest.approx(numerical, abs=1e-3)
    assert not found.separated


def by_complete_rankings(beta, lists):
    """Minus the log-likelihood of cut lists: the chance of each complete ranking that begins with what was shown."""
    total = 0.0
    for x, there, weight, length in zip(lists.x, lists.there, lists.weight, lists.length, strict=True):
        value = np.exp(x[there] @ beta)
        chance = 0.0
        for rest in permutations(range(length, len(value))):
            order = value[[*range(length), *rest]]
            chance += np.prod(order / np.cumsum(order[::-1])[::-1])
        total -= weight * np.log(chance)
    return total


@pytest.fixture
def cut(uneven):
    """The same lists, of which only 1 to 4 places were shown; the candidates left out stand in any order."""
    length = np.minimum(np.random.default_rng(5).integers(1, 5, size=40), uneven.there.sum(axis=1))
    return replace(uneven, length=length)


def test_cut_lists_have_the_likelihood_of_all_complete_rankings_that_begin_like_them(cut):
    found = fit(cut)
    by_hand = minimize(by_complete_rankings, np.zeros(3), args=(cut,), method="BFGS", options={"gtol": 1e-7})
    assert found.log_likelihood == pytest.approx(-by_hand.fun, abs=1e-8)
    assert found.beta == pytest.approx(by_hand.x, abs=2e-4)
    numerical = hessian(lambda beta: by_complete_rankings(beta, cut), found.beta)
    assert found.information == pytest.approx(numerical, abs=1e-3)


def test_the_order_of_candidates_that_were_not_shown_changes_nothing(cut):
    other = cut.x.copy()
    for number, (length, there) in enumerate(zip(cut.length, cut.there.sum(axis=1), strict=True)):
        other[number, length:there] = cut.x[number, length:there][::-1]
    assert fit(replace(cut, x=other)).beta == pytest.approx(fit(cut).beta, abs=1e-9)


def test_a_depth_is_a_list_cut_there(uneven):
    cut = replace(uneven, length=np.minimum(2, uneven.there.sum(axis=1)))
    assert fit(cut).beta == pytest.approx(fit(uneven, depth=2).beta, abs=1e-9)
    assert fit(cut).variance() == pytest.approx(fit(uneven, depth=2).variance(), abs=1e-9)


def test_clustered_errors_equal_a_sandwich_written_out_by_hand(uneven):
    found = fit(uneven)
    scores = np.zeros((20, 3))
    for cluster in range(20):
        part = uneven.cluster == cluster
        alone = Lists(uneven.x[part], uneven.there[part], uneven.weight[part], np.zeros(part.sum(), dtype=int))
        for at in range(3):
            step = np.eye(3)[at] * 1e-6
            scores[cluster, at] = (likelihood(found.beta - step, alone) - likelihood(found.beta + step, alone)) / 2e-6
    assert found.scores == pytest.approx(scores, abs=1e-5)
    bread = np.linalg.inv(found.information)
    assert found.variance() == pytest.approx(bread @ scores.T @ scores @ bread * 20 / 17, rel=1e-4)


@given(st.integers(0, 10_000), st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_scaling_a_quality_scales_its_coefficient_and_no_other(seed, factor):
    lists = draw_lists(np.random.default_rng(seed), queries=60, places=5)
    before, after = fit(lists), fit(replace(lists, x=lists.x * np.array([1.0, factor, 1.0])))
    assert after.beta * np.array([1, factor, 1]) == pytest.approx(before.beta, abs=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_what_all_products_of_a_list_have_in_common_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    lists = draw_lists(rng, queries=60, places=5)
    moved = replace(lists, x=lists.x + rng.normal(size=(60, 1, 3)) * np.array([0.0, 5.0, 5.0]))
    assert fit(moved).beta == pytest.approx(fit(lists).beta, abs=1e-6)


def test_a_list_shown_twice_counts_as_two_lists_of_the_same_query():
    lists = draw_lists(np.random.default_rng(3), queries=50, places=5)
    twice = replace(lists, weight=np.where(np.arange(50) < 10, 2.0, 1.0))
    order = np.concatenate([np.arange(50), np.arange(10)])
    copied = Lists(lists.x[order], lists.there[order], np.ones(60), lists.cluster[order])
    assert fit(twice).beta == pytest.approx(fit(copied).beta, abs=1e-8)
    assert fit(twice).variance() == pytest.approx(fit(copied).variance(), abs=1e-10)


def test_lists_that_a_column_orders_without_exception_are_said_to_have_no_finite_estimate():
    x = np.sort(np.random.default_rng(0).normal(size=(30, 5, 1)), axis=1)[:, ::-1]
    found = fit(Lists(x, np.ones((30, 5), dtype=bool), np.ones(30), np.arange(30)))
    assert found.separated
    assert np.isfinite(found.beta).all()
