"""Weights from one bounded row of each household."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.audience.methods import RULES, random_score, rule_score
from matching.audience.weights import moment_rows, moment_size, ridge_weights
from retail.errors import ConfigError, DataError


def drawn(seed, *, persons=400, launches=6, width=4):
    """Households of whom those buy later who are high in the second feature and low in the third."""
    rng = np.random.default_rng(seed)
    tables = [rng.normal(size=(persons, width)) for _ in range(launches)]
    chance = [1 / (1 + np.exp(2 - 2 * one[:, 1] + one[:, 2])) for one in tables]
    later = [rng.random(persons) < one for one in chance]
    return tables, later, [rng.random(persons) < 0.9 for _ in tables]


def test_weights_find_which_features_tell_later_buyers():
    found = ridge_weights(moment_rows(*drawn(0)).sum(axis=0), features=4, ridge=0.1)
    assert found[1] > 0.7
    assert found[2] < -0.2
    assert np.abs(found[[0, 3]]).max() < 0.15


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3))
def test_a_household_adds_at_most_one_however_much_it_buys(seed, scale):
    tables, later, use = drawn(seed, persons=20)
    rows = moment_rows([scale * one for one in tables], later, use)
    assert rows.shape == (20, moment_size(4))
    assert np.linalg.norm(rows, axis=1).max() <= 1 + 1e-12


@given(seed=st.integers(0, 10_000), gone=st.integers(0, 19))
def test_without_one_household_the_rows_of_others_stay(seed, gone):
    tables, later, use = drawn(seed, persons=20)
    kept = np.arange(20) != gone
    fewer = moment_rows([one[kept] for one in tables], [one[kept] for one in later], [one[kept] for one in use])
    np.testing.assert_array_equal(moment_rows(tables, later, use)[kept], fewer)


def test_who_does_not_count_for_a_launch_adds_nothing_of_it():
    tables, later, use = drawn(1)
    nobody = [np.zeros(400, dtype=bool) for _ in use]
    assert not moment_rows(tables, later, nobody).any()
    first = [use[0], *nobody[1:]]
    np.testing.assert_array_equal(moment_rows(tables, later, first), moment_rows(tables[:1], later[:1], use[:1]))


def test_only_proportions_of_the_sums_matter_and_a_large_ridge_adds_up_correlations():
    sums = moment_rows(*drawn(2)).sum(axis=0)
    np.testing.assert_allclose(
        ridge_weights(sums, features=4, ridge=0.3), ridge_weights(1e-4 * sums, features=4, ridge=0.3)
    )
    alone = sums[-4:] / np.linalg.norm(sums[-4:])
    np.testing.assert_allclose(ridge_weights(sums, features=4, ridge=1e9), alone, atol=1e-6)


@pytest.mark.parametrize("wrong", [np.full(14, np.nan), np.zeros(13)])
def test_sums_that_are_none_are_refused(wrong):
    with pytest.raises(DataError, match="14 finite sums"):
        ridge_weights(wrong, features=4, ridge=0.1)
    with pytest.raises(DataError, match=r"ridge -1\.0|ridge above 0"):
        ridge_weights(np.zeros(14), features=4, ridge=-1.0)
    with pytest.raises(DataError, match="at least one launch"):
        moment_rows([], [], [])


def test_rules_add_up_their_own_features_and_nothing_else():
    from matching.audience.features import FEATURES

    table = np.eye(len(FEATURES))
    for name, wanted in RULES.items():
        assert {FEATURES[one] for one in np.flatnonzero(rule_score(table, name))} == set(wanted)
    with pytest.raises(ConfigError, match=r"no rule 'age'; choose one of lines, category, rule"):
        rule_score(table, "age")
    assert len(np.unique(random_score(50, np.random.default_rng(0)))) == 50
