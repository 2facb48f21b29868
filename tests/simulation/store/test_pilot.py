import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulation.store.compare import compare
from simulation.store.demand_model import complete_journey_demand
from simulation.store.intervals import paired
from simulation.store.pilot import DAYS, days_needed
from simulation.store.plan import apply_edit, load_plan

SWAP = {"swap": ["dairy", "confectionery"]}
RULE = {"half_width": 0.1, "block": 8, "most": 64}


def test_as_many_days_are_needed_as_students_interval_says():
    pilot = np.array([1.0, -1.0] * 4)
    reach = stats.t.ppf(0.975, 7) * pilot.std(ddof=1)
    assert days_needed(pilot, 10.0, half_width=0.08, block=1, most=999) == np.ceil((reach / 0.8) ** 2)


def test_days_that_do_not_vary_need_one_block_and_unknown_ones_the_most():
    assert days_needed(np.full(8, 0.3), 2.0, **RULE) == 8
    assert days_needed(np.full(8, np.nan), 2.0, **RULE) == 64
    assert days_needed(np.zeros(8), 0.0, **RULE) == 64


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.001, 100), st.integers(2, 16), st.integers(16, 100))
def test_the_answer_is_whole_blocks_within_bounds_and_grows_with_the_noise(seed, noise, block, most):
    pilot = np.random.default_rng(seed).normal(0, 1, DAYS)
    few, many = (days_needed(scale * pilot, 1.0, half_width=0.5, block=block, most=most) for scale in (1, 1 + noise))
    assert block <= few <= many <= most
    assert few == most or few % block == 0


def test_the_interval_holds_the_truth_as_often_as_it_says_though_days_chose_their_number():
    rng = np.random.default_rng(5)
    pilots, days = rng.normal(0, 1, (2000, DAYS)), rng.normal(0, 1, (2000, 64))
    held = [
        not paired(each[: days_needed(pilot, 1.0, half_width=0.7, block=2, most=64)]).excludes(0.0)
        for pilot, each in zip(pilots, days, strict=True)
    ]
    error = 3 * np.sqrt(0.95 * 0.05 / 2000)
    assert 0.95 - error <= np.mean(held) <= 0.95 + error


def test_days_that_both_count_and_choose_their_number_would_hold_it_less_often():
    days = np.random.default_rng(5).normal(0, 1, (2000, 64))
    held = np.full(2000, np.nan)
    for count in range(2, 65, 2):
        so_far = days[:, :count]
        reach = stats.t.ppf(0.975, count - 1) * stats.sem(so_far, axis=1)
        now = np.isnan(held) & ((reach <= 0.7) | (count == 64))
        held[now] = (np.abs(so_far.mean(axis=1)) <= reach)[now]
    assert held.mean() < 0.92


def test_the_pilot_leaves_no_trace_in_the_figures():
    plan, model = load_plan("convenience"), complete_journey_demand()
    asked = {"model": model, "shoppers": 60, "seed": 4, "parameter_draws": 0, "workers": 1}
    chosen = compare(plan, apply_edit(plan, SWAP), block=4, most=16, half_width=0.01, **asked)
    assert 4 <= chosen.days <= 16
    fixed = compare(plan, apply_edit(plan, SWAP), block=4, most=chosen.days, half_width=None, **asked)
    assert fixed.document() == chosen.document()
    assert (chosen.half_width, fixed.half_width, fixed.enough) == (0.01, None, False)


@pytest.mark.parametrize("most", [4, 12])
def test_without_a_wanted_width_there_are_the_most_days(most):
    plan = load_plan("corner-shop")
    asked = {"model": complete_journey_demand(), "shoppers": 30, "seed": 1, "parameter_draws": 0, "workers": 1}
    assert compare(plan, plan, block=4, most=most, half_width=None, **asked).days == most
