"""The fourteen experiments: all there, each runs, and signs go where their assumption goes."""

import math
from pathlib import Path

import numpy as np
import pytest

from experiments.market.signs import SIGNS, judge, turned
from experiments.market.signs import markets as shared
from experiments.market.signs.watching import RISES, surplus_by_rise, watch
from experiments.scenario_file import load_scenario
from simulation.market import MarketSettings, simulate
from simulation.market.rules import make_rules

PAGE = Path(__file__).parents[3] / "docs" / "market-signs.md"
TINY = MarketSettings(merchants=12, products=60, consumers=300, places=20)
MODERATE = MarketSettings(merchants=40, products=160, consumers=800)
SEEDS = range(6)


def outcome(name, settings, seeds=SEEDS, periods=60):
    one = SIGNS[name]
    effects = np.array([one.effect(settings, seed, periods) for seed in seeds])
    without = np.array([one.flipped(settings, seed, periods) for seed in seeds])
    return effects, without, one


def test_all_fourteen_questions_are_asked():
    assert sorted({one.number for one in SIGNS.values()}) == list(range(1, 15))
    assert all(name == one.id for name, one in SIGNS.items())
    for one in SIGNS.values():
        assert one.question.endswith((")", "?"))
        assert one.assumption.endswith(".")
        assert one.source


def test_every_question_with_a_sign_but_two_can_be_asked_without_its_assumption():
    # what is popular is all there is to imitate by; the share of listings is a setting
    cannot = {one.id for one in SIGNS.values() if one.expected != "?" and one.flipped is None}
    assert cannot == {"imitation-popularity", "own-listings"}


def test_the_scenario_runs_every_experiment_once():
    scenario = load_scenario("market_signs")
    assert [arm.experiment for arm in scenario.arms] == list(SIGNS)
    assert [(arm.name, arm.label) for arm in scenario.arms] == [(one.id, one.question) for one in SIGNS.values()]


@pytest.mark.parametrize("name", SIGNS)
def test_every_experiment_runs_on_a_tiny_market_and_again_gives_the_same(name):
    one = SIGNS[name]
    first = one.effect(TINY, 3, 24)
    assert isinstance(first, float)
    assert math.isfinite(first) or math.isnan(first)
    for kept in (shared._figures, watch, surplus_by_rise):
        kept.cache_clear()
    assert np.array_equal(first, one.effect(TINY, 3, 24), equal_nan=True)
    if one.flipped is not None:
        assert isinstance(one.flipped(TINY, 3, 24), float)


def test_the_page_has_every_experiment_and_what_it_expects():
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    written = {row[2].strip().strip("`"): row for row in rows if len(row) > 8}
    for one in SIGNS.values():
        row = written[one.id]
        bounds = one.bounds and f"{one.bounds[0]:g} to {one.bounds[1]:g}".replace("0.", ".")
        assert row[3].strip() == one.question
        assert row[5].strip() == (bounds or one.expected)
        assert row[6].strip() == one.assumption


def test_figures_are_those_of_the_market_itself():
    found = shared.figures(TINY, "firewall", 2, 20)
    assert dict(found) == simulate(TINY, "firewall", seed=2, periods=20).kpis
    assert shared.figures(TINY, "firewall", 2, 20) is found


def test_a_watched_market_is_the_same_market():
    rules = make_rules("pooled", (), TINY)
    seen, run = watch(TINY, rules, 4, 20), simulate(TINY, rules, seed=4, periods=20)
    paid = seen.sales.sum(axis=1)
    of_merchants = (run.by_period["payments"] - run.by_period["own_revenue"]).to_numpy()
    np.testing.assert_allclose(paid, of_merchants, rtol=1e-9, atol=1e-9)
    copies = [one for one in run.launches if one[2] and one[5] >= 0]
    assert len(seen.imitated) == len(copies)
    assert all(0 < one.popularity <= 1 for one in seen.imitated)


def test_consumers_lose_the_more_the_dearer_own_label_gets():
    rules = make_rules("isolated", (), TINY)
    by_rise = surplus_by_rise(TINY, rules, 1, 24)
    assert by_rise.shape == RISES.shape
    assert np.all(np.diff(by_rise) < 0)


def test_a_market_without_own_label_has_no_price_of_it_to_rise():
    rules = make_rules("pure", (), TINY)
    by_rise = surplus_by_rise(TINY, rules, 1, 12)
    assert np.ptp(by_rise) == 0


def test_favour_moves_own_goods_up_and_a_neutral_ranking_nothing():
    favoured = watch(TINY, make_rules("self_preferencing", (), TINY), 1, 24).moved
    assert 0 < favoured < 1
    assert watch(TINY, make_rules("firewall", (), TINY), 1, 24).moved == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "ban-merchants",
        "firewall-over-ban",
        "neutral-ranking-profit",
        "data-ban-thin-tail",
        "data-ban-thick-tail",
        "history-knowledge",
        "long-tail-knowledge",
        "portability-dependency",
        "fee-cap-welfare",
        "fee-cap-mechanism",
    ],
)
def test_a_sign_shows_and_does_not_without_its_assumption(name):
    effects, without, one = outcome(name, MODERATE)
    assert judge(effects, without, one) == "shown"
    # an own label that nobody wants still stands in lists until it has ratings, so a little of the sign may be left
    assert turned(effects, without, one) in ("turns", "vanishes", "weakens")
    side = -1 if one.expected == "-" else 1
    assert side * without.mean() < 0.1 * side * effects.mean()


@pytest.mark.slow
def test_an_audit_finds_a_favour_well_above_its_margin_and_none_at_it():
    effects, without, _ = outcome("auditor-power", MODERATE, seeds=range(4))
    assert effects.sum() == 4
    assert without.sum() <= 1
