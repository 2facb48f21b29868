"""The test of one coefficient: its size, power and interval, and lists that have no finite estimate."""

import numpy as np
import pytest
from scipy import stats

from privacy.rules.drawn_lists import draw_lists
from privacy.rules.ordered_logit import Lists
from privacy.rules.score_bootstrap import first_effect, wild_p, wild_weights

MARGIN = 0.02
REPLICATIONS = 2_000


def estimated(lists, rng, few=200, resamples=999):
    return first_effect(lists, margin=MARGIN, few=few, resamples=resamples, rng=rng)


def flagged(replications, *, queries, seed=5, mixed=False, **settings):
    """How many rankings the one-sided 5% test flags, and how many intervals hold the effect.

    With `mixed` the lists that hold own and other products alone, as an audit does.
    """
    found = held = 0
    for replication in range(replications):
        rng = np.random.default_rng([seed, queries, replication])
        lists = draw_lists(rng, queries=queries, **settings)
        own = lists.x[:, :, 0]
        one = estimated(lists.part((own.max(axis=1) > 0) & (own.min(axis=1) < 1)) if mixed else lists, rng)
        found += one.p <= 0.05
        held += one.lo <= settings.get("effect", 0.0) <= one.hi
    return found, held


def upper_bound(count, n):
    """Exact one-sided 95% upper bound of a share (Clopper and Pearson)."""
    return float(stats.beta.ppf(0.95, count + 1, n - count))


def test_weights_have_mean_0_variance_1_and_third_moment_1():
    weights = wild_weights(2_000, 500, np.random.default_rng(0))
    assert weights.mean() == pytest.approx(0, abs=0.01)
    assert (weights**2).mean() == pytest.approx(1, abs=0.01)
    assert (weights**3).mean() == pytest.approx(1, abs=0.02)


def test_a_p_value_is_small_only_where_scores_lean_upwards():
    rng = np.random.default_rng(1)
    weights, scores = wild_weights(999, 40, rng), rng.normal(size=40)
    assert wild_p(scores - scores.mean() + 1, weights) == pytest.approx(0.001)
    assert wild_p(scores - scores.mean() - 1, weights) > 0.99
    assert 0.3 < wild_p(scores - scores.mean(), weights) < 0.7


def test_coefficients_that_were_estimated_too_leave_less_evidence():
    rng = np.random.default_rng(1)
    weights, scores = wild_weights(999, 20, rng), rng.normal(size=20) + 0.4
    few = [wild_p(scores, weights, estimated=count) for count in (0, 2, 8, 20, 40)]
    assert few == sorted(few)
    assert few[0] < 0.1 < few[-1]


def test_the_same_seed_gives_the_same_figures_and_lists_in_another_order_the_same_estimate():
    lists = draw_lists(np.random.default_rng(2), queries=60, effect=0.3)
    first = estimated(lists, np.random.default_rng(7))
    again = estimated(lists, np.random.default_rng(7))
    assert (first.effect, first.lo, first.hi, first.p) == (again.effect, again.lo, again.hi, again.p)
    back = Lists(lists.x[::-1], lists.there, lists.weight, lists.cluster)
    assert estimated(back, np.random.default_rng(7)).effect == pytest.approx(first.effect)


def test_few_and_many_clusters_agree_where_both_tests_can_be_used():
    lists = draw_lists(np.random.default_rng(3), queries=400, effect=0.15)
    normal = estimated(lists, np.random.default_rng(0), few=2)
    bootstrap = estimated(lists, np.random.default_rng(0), few=1_000, resamples=4_999)
    assert bootstrap.p == pytest.approx(normal.p, abs=0.01)
    assert (bootstrap.lo, bootstrap.hi) == pytest.approx((normal.lo, normal.hi), abs=0.01)


def test_own_products_on_top_of_every_list_have_an_infinite_effect_with_a_lower_bound():
    found = estimated(draw_lists(np.random.default_rng(4), queries=60, effect=60.0), np.random.default_rng(0))
    assert found.separated
    assert found.effect == np.inf
    assert 3 < found.lo < found.bound < 15
    assert found.p < 0.01


def by_quality_alone(rng):
    """Lists ordered by logged quality without any noise, in which own products are better."""
    lists = draw_lists(rng, queries=40, better=1.0, weights=(0.5, 0.3))
    order = np.argsort(-(lists.x[:, :, 1] * 0.5 + lists.x[:, :, 2] * 0.3), axis=1)
    return Lists(np.take_along_axis(lists.x, order[:, :, None], axis=1), lists.there, lists.weight, lists.cluster)


def test_lists_without_a_finite_estimate_get_a_bound_at_the_level_of_the_audit_and_not_at_5_percent():
    def at(alpha, seed):
        lists, rng = by_quality_alone(np.random.default_rng([8, seed])), np.random.default_rng(0)
        return first_effect(lists, margin=MARGIN, few=200, resamples=199, rng=rng, alpha=alpha)

    seed = next(one for one in range(60) if 0.05 < at(0.05, one).p < 0.3)
    usual, lenient = at(0.05, seed), at(0.4, seed)
    assert usual.separated
    assert np.isnan(usual.effect)
    assert lenient.p == usual.p
    assert lenient.effect == np.inf
    assert lenient.bound >= MARGIN
    own_on_top = draw_lists(np.random.default_rng(4), queries=60, effect=60.0)
    strict, usual = (
        first_effect(own_on_top, margin=MARGIN, few=200, resamples=999, rng=np.random.default_rng(0), alpha=alpha)
        for alpha in (0.01, 0.05)
    )
    assert strict.bound < usual.bound


def test_the_one_sided_bound_is_at_the_level_of_the_audit():
    lists = draw_lists(np.random.default_rng(3), queries=60, effect=0.5)
    for few in (2, 200):
        strict, usual = (
            first_effect(lists, margin=MARGIN, few=few, resamples=999, rng=np.random.default_rng(0), alpha=alpha)
            for alpha in (0.01, 0.05)
        )
        assert strict.bound < usual.bound
        assert (strict.lo, strict.hi, strict.p) == (usual.lo, usual.hi, usual.p)


def test_a_ranking_by_quality_alone_without_any_noise_is_not_flagged():
    flags = 0
    for seed in range(60):
        rng = np.random.default_rng([8, seed])
        flags += estimated(by_quality_alone(rng), rng).p <= 0.05
    assert flags <= 7  # a level of 5% gives 3 on average, more than 7 in about 1% of the cases


def test_neutral_rankings_are_seldom_flagged_and_biased_ones_often():
    neutral, held = flagged(200, queries=50, effect=0.0)
    assert neutral <= 20
    assert held >= 180
    biased, _ = flagged(60, queries=200, effect=0.2)
    assert biased >= 46  # .9 of 60 is 54; 46 or fewer in less than 1% of the cases


@pytest.mark.slow
@pytest.mark.parametrize("queries", [50, 200, 800])
@pytest.mark.parametrize("effect", [0.0, MARGIN])
def test_of_two_thousand_rankings_within_the_margin_the_upper_bound_of_the_size_is_at_most_7_percent(queries, effect):
    found, held = flagged(REPLICATIONS, queries=queries, effect=effect)
    assert upper_bound(found, REPLICATIONS) <= 0.07
    assert 0.94 <= held / REPLICATIONS <= 0.965


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"own_share": 0.06}, {"places": 20, "shown": 5, "better": -1.0}], ids=["few own", "cut"]
)
def test_few_own_products_and_cut_lists_leave_the_size_at_most_7_percent(settings):
    found, _ = flagged(REPLICATIONS, queries=50, effect=MARGIN, mixed=True, **settings)
    assert upper_bound(found, REPLICATIONS) <= 0.07


@pytest.mark.slow
def test_two_hundred_queries_find_a_bonus_of_a_fifth_log_odds_with_power_of_nine_tenths():
    found, _ = flagged(REPLICATIONS, queries=200, effect=0.2)
    assert found / REPLICATIONS >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("queries", [50, 200])
def test_own_products_that_are_better_on_logged_quality_are_flagged_no_more_than_others(queries):
    found, _ = flagged(REPLICATIONS, queries=queries, effect=0.0, better=1.0)
    assert upper_bound(found, REPLICATIONS) <= 0.07
