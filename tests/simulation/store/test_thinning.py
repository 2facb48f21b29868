import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError
from simulation.store.routes import Presence
from simulation.store.thinning import thinned, turns


def day_of(rng, visits, rows=12, columns=15, share=0.4):
    """Visits that enter some squares at random, several steps in each."""
    entered = [np.flatnonzero(rng.random(rows * columns) < share) for _ in range(visits)]
    visit = np.repeat(np.arange(visits), [len(one) for one in entered])
    square = np.concatenate([*entered, np.empty(0, dtype=np.int64)]).astype(np.int64)
    return Presence(visits, rows, columns, 1.0, visit, square, rng.integers(1, 5, len(square)))


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 8), st.integers(1, 120))
def test_a_visit_keeps_as_many_of_its_own_squares_as_allowed(seed, visits, most):
    day = day_of(np.random.default_rng(seed), visits)
    kept = thinned(day, most=most, seed=seed)
    assert (
        np.bincount(kept.visit, minlength=visits) == np.minimum(np.bincount(day.visit, minlength=visits), most)
    ).all()
    whole = set(zip(day.visit.tolist(), day.square.tolist(), strict=True))
    assert set(zip(kept.visit.tolist(), kept.square.tolist(), strict=True)) <= whole
    assert len(kept.visit) == len(set(zip(kept.visit.tolist(), kept.square.tolist(), strict=True)))
    assert (kept.steps == 1).all()
    assert (np.diff(kept.visit) >= 0).all()


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_what_is_kept_of_a_visit_does_not_depend_on_other_visits(seed, gone):
    day = day_of(np.random.default_rng(seed), 6)
    left = day.visit != gone
    without = dataclasses.replace(day, visit=day.visit[left], square=day.square[left], steps=day.steps[left])
    one, other = thinned(day, most=20, seed=3), thinned(without, most=20, seed=3)
    mine = one.visit != gone
    assert np.array_equal(one.visit[mine], other.visit)
    assert np.array_equal(one.square[mine], other.square)


def test_every_square_is_kept_equally_often():
    day = day_of(np.random.default_rng(0), 3000, share=1.0)
    share = thinned(day, most=45, seed=1).counts / day.counts
    expected, spread = 45 / 180, np.sqrt(0.25 * 0.75 / 3000)
    assert share.mean() == pytest.approx(expected)
    assert np.abs(share - expected).max() < 5 * spread
    assert share.std() == pytest.approx(spread, rel=0.2)


def test_more_squares_hold_the_fewer_and_another_seed_keeps_others():
    day = day_of(np.random.default_rng(2), 50)
    turn = turns(day, seed=1)
    assert np.array_equal(thinned(day, most=7, seed=1).square, day.square[turn < 7])
    assert (thinned(day, most=10**6, seed=1).counts == day.counts).all()
    assert (turns(day, seed=2) != turn).any()


def test_no_square_at_all_is_refused():
    with pytest.raises(ConfigError, match="most = 0"):
        thinned(day_of(np.random.default_rng(0), 1), most=0, seed=0)
