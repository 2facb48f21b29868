"""Non-public figures leave through the port, or not at all."""

import dataclasses
import inspect

import numpy as np
import pytest

from privacy.port import DataPort
from privacy.regimes import REGIMES
from simulation.market import DelayedAccess, Market, MarketSettings, platform, simulate
from simulation.market.reads import PLATFORM_USES, USES, Figures, Reads
from simulation.market.state import State

SMALL = MarketSettings(merchants=20, consumers=300, products=80)
FIGURES = Figures(np.ones((1, 2)), np.ones((1, 2)), np.arange(2)[None, :])


@pytest.mark.parametrize("regime", [one.id for one in REGIMES.values() if not one.platform_reads])
def test_where_the_platform_may_not_read_the_log_shows_its_tries_and_no_success(regime):
    reads = simulate(SMALL, regime, periods=30).reads
    tried = reads[reads["use"].isin(PLATFORM_USES)]
    assert len(tried) >= 30
    assert not tried["allowed"].any()


def test_under_the_firewall_own_label_reads_nothing_and_goes_on_without():
    run = simulate(MarketSettings(), "firewall", periods=40)
    arm = run.reads[run.reads["actor"] == "own_label_arm"]
    assert len(arm) > 0
    assert not arm["allowed"].any()
    assert run.kpis["own_listings"] > 0.03


def test_where_the_platform_reads_the_log_shows_it():
    reads = simulate(MarketSettings(), "pooled", periods=30).reads
    assert reads.loc[reads["use"] == "own_label", "allowed"].all()
    assert (reads["use"] == "own_label").sum() == 5  # one for each review after the first


def test_figures_are_handed_out_by_a_grant_of_the_port_alone():
    reads = Reads("pooled")
    reads.deposit(0, FIGURES)
    assert reads.figures("own_label", 0) is None  # the port was never asked
    reads.renew(0)
    assert reads.figures("own_label", 0) is FIGURES
    refused = Reads("firewall")
    refused.deposit(0, FIGURES)
    refused.renew(0)
    assert refused.figures("own_label", 0) is None
    assert refused.rows == ((0, "own_label", False),)


def test_every_use_is_put_to_the_port_and_its_answer_stands(monkeypatch):
    asked = []
    real = DataPort.admit_each

    def noted(self, pairs, **rest):
        asked.extend(pairs)
        return real(self, pairs, **rest)

    monkeypatch.setattr(DataPort, "admit_each", noted)
    reads = Reads("pooled")
    reads.renew(0)
    reads.renew(10)
    assert asked == [(use.actor, use.data) for use in USES.values()]
    reads.renew(25)
    assert len(asked) == 2 * len(USES)
    assert len(reads.log.entries) >= 2 * len(USES)


def test_a_platform_that_reads_around_the_port_finds_nothing_to_read():
    fields = {one.name for one in dataclasses.fields(platform.Public)}
    assert fields.isdisjoint({"units", "sold", "cost", "margin", "profit", "orders", "knowledge"})
    for decide in (platform.choose_targets, platform.best_fee):
        kinds = {one.annotation for one in inspect.signature(decide).parameters.values()}
        assert "State" not in kinds
        assert State not in kinds


def test_a_refusal_that_is_ignored_is_found(monkeypatch):
    """Break the port, and the property that the tests above hold fails: they do look at the right thing."""
    monkeypatch.setattr(DataPort, "admit_each", lambda *_, **__: None)
    reads = simulate(SMALL, "firewall", periods=10).reads
    assert reads.loc[reads["use"] == "own_label", "allowed"].any()


def test_delayed_access_hands_out_old_figures():
    reads = Reads("pooled", delay=10)
    reads.renew(0)
    later = Figures(2 * FIGURES.units, FIGURES.margin, FIGURES.id)
    reads.deposit(5, FIGURES)
    assert reads.figures("own_label", 5) is None
    reads.deposit(15, later)
    assert reads.figures("own_label", 15) is FIGURES
    assert reads.figures("own_label", 24) is FIGURES
    assert reads.figures("own_label", 25) is later


def test_delayed_access_leaves_the_platforms_model_with_less():
    without = MarketSettings(own_label=False)
    plain = simulate(without, "pooled", seed=1, periods=40).by_period["knowledge"]
    slow = simulate(without, "pooled", seed=1, periods=40, remedies=(DelayedAccess(30),)).by_period["knowledge"]
    assert (slow.iloc[8:] < plain.iloc[8:]).all()
    assert slow.iloc[25] < 0.7 * plain.iloc[25]


def test_with_the_books_own_label_imitates_what_earns_most_and_without_what_sells():
    found = {}
    for regime in ("pooled", "isolated"):
        market = Market(MarketSettings(), regime, seed=5)
        for _ in range(5):
            market.step()
        products = market.state.products
        worth = np.where(products.third, products.sold * (products.price - products.cost), -np.inf)
        best = set(products.id.ravel()[np.argsort(-worth.ravel())[:8]].tolist())
        market.step()
        copied = products.copy_of[products.own]
        found[regime] = len(best & set(copied.tolist())) / copied.size
    assert found["pooled"] > found["isolated"]


def test_the_own_label_counts_the_fees_it_takes_away_only_where_it_may_see_sales():
    settings = MarketSettings(merchants=20, products=80, consumers=400)
    for regime, allowed in (("firewall", False), ("isolated", False), ("pooled", True)):
        reads = simulate(settings, regime, seed=3, periods=20).reads
        tried = reads[reads["use"] == "own_pricing"]
        assert len(tried) == 20
        assert (tried["allowed"] == allowed).all()
