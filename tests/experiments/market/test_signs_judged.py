"""What an outcome of an experiment about a sign says: by examples, and by properties."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from experiments.market.signs.experiment import SignExperiment, judge, turned
from experiments.market.spread import ends, of_share, over_markets
from privacy.attacks.intervals import proportion_interval
from retail.errors import ConfigError

NOTHING = np.empty(0)
RISES = SignExperiment(
    id="rises",
    number=1,
    question="Does it rise?",
    source="nobody",
    expected="+",
    assumption="It does.",
    unit="1",
    effect=lambda settings, seed, periods: 1.0,
)
FALLS = replace(RISES, expected="-")
WITHIN = replace(RISES, expected="range", bounds=(0.3, 0.6))
OPEN = replace(RISES, expected="?")
OFTEN = replace(RISES, expected="range", bounds=(0.9, 1.0), interval="share")
SELDOM = replace(OFTEN, bounds=(0.0, 0.1))
SOLVED = replace(RISES, interval="exact")

values = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=12).map(np.array)


@pytest.mark.parametrize(
    ("effects", "experiment", "verdict"),
    [
        ([1.0, 1.2, 0.9, 1.1], RISES, "shown"),
        ([1.0, 1.2, 0.9, 1.1], FALLS, "opposite"),
        ([-1.0, -1.2, -0.9, -1.1], FALLS, "shown"),
        ([1.0, -1.2, 0.9, -1.1], RISES, "not shown"),
        ([0.44, 0.45, 0.46], WITHIN, "shown"),
        ([0.31, 0.45, 0.58], WITHIN, "not shown"),
        ([0.1, 0.11, 0.12], WITHIN, "opposite"),
        ([1.0, 1.2, 0.9, 1.1], OPEN, "reported"),
        ([1.0], RISES, "not shown"),
        ([math.nan, math.nan], RISES, "not shown"),
        ([1.0, math.nan, 1.2, 0.9, 1.1], RISES, "shown"),
        ([0.5] * 20, RISES, "shown"),
        ([0.0] * 20, RISES, "not shown"),
    ],
)
def test_a_verdict_follows_from_the_interval_over_seeds(effects, experiment, verdict):
    assert judge(np.array(effects), NOTHING, experiment) == verdict


def markets(flagged, n):
    return np.array([1.0] * flagged + [0.0] * (n - flagged))


@pytest.mark.parametrize(
    ("flagged", "n", "experiment", "verdict"),
    [
        (20, 20, OFTEN, "not shown"),
        (35, 35, OFTEN, "not shown"),
        (36, 36, OFTEN, "shown"),
        (10, 20, OFTEN, "opposite"),
        (0, 20, SELDOM, "not shown"),
        (2, 20, SELDOM, "not shown"),
        (0, 36, SELDOM, "shown"),
        (9, 20, SELDOM, "opposite"),
    ],
)
def test_a_share_of_markets_is_judged_by_its_exact_interval(flagged, n, experiment, verdict):
    assert judge(markets(flagged, n), NOTHING, experiment) == verdict


def test_a_share_without_its_assumption_is_judged_by_its_exact_interval_too():
    assert turned(markets(0, 36), markets(20, 20), SELDOM) == "turns"
    assert turned(markets(0, 36), markets(2, 20), SELDOM) == "vanishes"
    assert turned(markets(0, 36), markets(0, 36), SELDOM) == "stays"
    assert judge(markets(0, 36), markets(0, 36), SELDOM) == "not shown"


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_clopper_and_pearsons(counts):
    hits, n = counts
    found = of_share(hits, n)
    theirs = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (found.lo, found.hi) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert (found.lo, found.hi) == pytest.approx(proportion_interval(hits, n, confidence=0.95), rel=1e-12)
    assert 0 <= found.lo <= hits / n <= found.hi <= 1


def test_markets_without_a_figure_do_not_count_in_a_share():
    values = np.array([1.0, math.nan, 0.0, 1.0])
    assert over_markets(values, "share") == of_share(2, 3)
    assert over_markets(np.array([math.nan]), "share") is None


@pytest.mark.parametrize(("value", "verdict"), [(0.45, "shown"), (-0.02, "opposite"), (0.0, "not shown")])
def test_what_no_market_changes_has_no_interval_and_is_judged_by_its_sign(value, verdict):
    for n in (1, 2, 20):
        effects = np.full(n, value)
        assert judge(effects, NOTHING, SOLVED) == verdict
        assert np.isnan(ends(effects, "exact")).all()


def test_an_exact_sign_turns_vanishes_weakens_or_stays_by_the_figures_themselves():
    effects = np.full(3, 0.4)
    found = [turned(effects, np.full(3, value), SOLVED) for value in (-0.1, 0.0, 0.3, 0.4, 0.5, math.nan)]
    assert found == ["turns", "vanishes", "weakens", "stays", "stays", "none"]


@pytest.mark.parametrize(("values", "spread"), [([0.0, 0.5], "share"), ([0.1, 0.2], "exact")])
def test_values_of_another_kind_are_refused(values, spread):
    with pytest.raises(ConfigError, match="its spread is a mean's"):
        over_markets(np.array(values), spread)


def test_a_sign_that_stays_without_its_assumption_is_not_shown():
    effects = np.array([1.0, 1.2, 0.9, 1.1])
    assert turned(effects, effects + 0.01, RISES) == "stays"
    assert judge(effects, effects + 0.01, RISES) == "not shown"


@pytest.mark.parametrize(
    ("without", "turn"),
    [
        ([-1.0, -1.2, -0.9, -1.1], "turns"),
        ([0.1, -0.1, 0.1, -0.1], "vanishes"),
        ([0.0, 0.0, 0.0, 0.0], "vanishes"),
        ([0.5, 0.6, 0.4, 0.5], "weakens"),
        ([1.1, 1.0, 0.8, 1.2], "stays"),
        ([math.nan] * 4, "none"),
    ],
)
def test_a_sign_without_its_assumption_turns_vanishes_weakens_or_stays(without, turn):
    effects = np.array([1.0, 1.2, 0.9, 1.1])
    assert turned(effects, np.array(without), RISES) == turn
    assert turned(-effects, -np.array(without), FALLS) == turn


@given(values)
def test_mirrored_effects_of_a_mirrored_expectation_get_the_same_verdict(effects):
    assert judge(effects, NOTHING, RISES) == judge(-effects, NOTHING, FALLS)


@given(values)
def test_a_sign_and_its_opposite_are_never_both_shown(effects):
    both = {judge(effects, NOTHING, RISES), judge(effects, NOTHING, FALLS)}
    assert both in ({"shown", "opposite"}, {"not shown"})


@given(values, st.integers(0, 2**32 - 1))
def test_the_order_of_seeds_does_not_matter(effects, seed):
    mixed = np.random.default_rng(seed).permutation(effects)
    for experiment in (RISES, WITHIN):
        assert judge(effects, NOTHING, experiment) == judge(mixed, NOTHING, experiment)


@given(values, st.floats(0.01, 50))
def test_larger_effects_are_never_shown_less(effects, more):
    if judge(effects, NOTHING, RISES) == "shown":
        # equal effects have an interval of width 0, which rounding may widen; it stays above 0 all the same
        assert judge(effects + more, NOTHING, RISES) == "shown"


@given(values, values)
def test_an_open_question_is_reported_whatever_comes_out(effects, without):
    assert judge(effects, without, OPEN) == "reported"
    assert turned(effects, without, OPEN) == "none"


@pytest.mark.parametrize("changes", [{"bounds": (0.0, 1.0)}, {"expected": "range"}])
def test_a_range_needs_bounds_and_nothing_else_has_them(changes):
    with pytest.raises(ConfigError, match="a range needs both"):
        replace(RISES, **changes)


def test_bounds_stand_in_order():
    with pytest.raises(ConfigError, match="the lower one comes first"):
        replace(WITHIN, bounds=(0.6, 0.3))
