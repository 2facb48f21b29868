import numpy as np
import pytest

from experiments.faces.summary import bootstrap_of


def cells(*, seeds=(0, 1, 2), folds=(0, 1), rng=None):
    rng = np.random.default_rng(0) if rng is None else rng
    found = {}
    for fold in folds:
        people = rng.normal(0, 0.02, 200)  # the same redrawn people for all arms and seeds
        for arm, level in (("alone", 0.2), ("together", 0.11), ("pooled", 0.1)):
            for seed in seeds:
                found[arm, fold, seed] = level, level + people
        found["lbp", fold, seeds[0]] = 0.3, 0.3 + people
    return found


ARMS = ["alone", "together", "pooled", "lbp"]


def test_a_rate_is_the_mean_over_folds_and_seeds_and_what_no_seed_changes_counts_for_all_of_them():
    drawn = bootstrap_of(cells(), ARMS, np.full(4, 20))
    assert drawn.value("together").value == pytest.approx(0.11)
    assert drawn.value("lbp").value == pytest.approx(0.3)
    assert drawn.value("lbp").lo < 0.3 < drawn.value("lbp").hi
    assert drawn.value("lbp").n == 20


def test_differences_and_shares_of_a_gap_are_paired_over_people():
    drawn = bootstrap_of(cells(), ARMS, np.full(4, 20))
    difference = drawn.difference("together", "alone")
    assert (difference.lo, difference.hi) == pytest.approx((-0.09, -0.09))  # people shift both alike
    share = drawn.closed("together", "alone", "pooled")
    assert (share.lo, share.value, share.hi) == pytest.approx((0.9, 0.9, 0.9))
    assert drawn.closed("alone", "alone", "pooled").value == pytest.approx(0.0)
    assert drawn.closed("pooled", "alone", "pooled").value == pytest.approx(1.0)


def test_a_missing_run_takes_its_fold_and_seed_out_of_the_comparison_only():
    found = cells()
    del found["pooled", 1, 2]
    drawn = bootstrap_of(found, ARMS, np.full(4, 20))
    assert drawn.closed("together", "alone", "pooled").value == pytest.approx(0.9)
    assert drawn.value("pooled").value == pytest.approx(0.1)
