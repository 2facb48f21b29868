"""The market's clock: review, learn, price, rank, choose, book; and one call that runs it.

A period of the market is
1. at a review (every `review` periods): the port is asked anew, merchants leave and come, products come and go, own
   label imitates, data services are taken up, the fee is looked at, better places are bought;
2. everybody learns what the packs let them learn, and prices move;
3. the platform ranks, consumers come and choose, money changes hands.

All randomness is a function of the seed, what it is for, whose it is, and the period: two runs with one seed meet the
same consumers with the same needs, and the same merchants with the same ideas, under every regime.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from privacy.regimes import Regime
from retail.randomness import uniforms
from simulation.market import assortment, merchants, platform
from simulation.market.books import Books, Ledger
from simulation.market.consumers import attention_of, choose, expected_arrivals, shares, utilities
from simulation.market.knowledge import Rights, merchants_know, platform_knows, rights
from simulation.market.measuring import measure
from simulation.market.nests import find_nests
from simulation.market.past import Past
from simulation.market.reads import Figures, Reads, Sales
from simulation.market.rules import Remedy, Rules, make_rules
from simulation.market.run import MarketRun, Recording, summarise
from simulation.market.settings import MOST_PERIODS, MarketSettings, check_whole
from simulation.market.shown import Shown
from simulation.market.sponsored import advertising, choose_sponsored, expected_gain
from simulation.market.start import draw_state
from simulation.market.state import STREAMS, Floats, Ints, State

_FORGETTING: Final = 0.8
"""Share of a smoothed profit that a period leaves."""


class Market:
    """One market that can be stepped.

    Attributes:
        settings, rules, seed: what it was made from.
        state: as it is now; merchants' non-public figures in it are the world's, not the platform's.
        reads: what was asked of the port.
        period: the next one.
        rows: the measures of each period so far.
        last: the lists of the last period, None before the first.
        books: its money, None before the first.
        expected: (C, S) float64, arrivals that a forecaster expects.
        nests: of copies and what they imitate; None where these are no closer than others.
        launched, imitated: products that merchants and own label brought out in the last period.
    """

    def __init__(
        self,
        settings: MarketSettings,
        regime: str | Regime | Rules = "isolated",
        *,
        remedies: tuple[Remedy, ...] = (),
        seed: int = 0,
        state: State | None = None,
        recording: Recording | None = None,
    ) -> None:
        """Set a market up.

        Args:
            settings: sizes and numbers.
            regime: id, object, or rules with numbers.
            remedies: on top.
            seed: of everything random.
            state: another start than the one the seed draws.
            recording: gets the lists of every period.

        Raises: ConfigError, PolicyError: something has no meaning.
        """
        self.seed = check_whole("seed", seed, least=0, most=2**62)
        self.settings, self.rules = settings, make_rules(regime, remedies, settings)
        self.state = draw_state(settings, seed) if state is None else state
        self.reads = Reads(self.rules.regime.id, delay=self.rules.delay)
        self.recording = recording
        self.period = 0
        self.rows: list[dict[str, float]] = []
        self.last: Shown | None = None
        self.books: Books | None = None
        self.expected = expected_arrivals(self.state.consumers, settings)
        self._groups = merchants.sellers_groups(self.state.products, settings.merchants)
        self.nests = find_nests(self.state.products, settings)
        self.launched = self.imitated = 0
        self._past = Past(self.state, self.rules.delay)
        self.state.fee = min(settings.fee, self.rules.fee_cap)

    @property
    def sells(self) -> bool:
        """Whether the platform has goods of its own."""
        return self.rules.own_label and self.settings.own_label and self.settings.own_label_share > 0

    def step(self) -> None:
        """Run one period."""
        state, settings, t = self.state, self.settings, self.period
        review = t % settings.review == 0
        if review:
            self.reads.renew(t)
        right = self._rights()
        ledger = Ledger.empty(settings.merchants)
        self.launched = self.imitated = 0
        if review and self.last is not None:
            self._review(right, ledger, self.last)
        own_knowledge = platform_knows(state, right, settings)
        state.merchants.knowledge = self._merchants_know(right, own_knowledge)
        fee = merchants.fees(state, right, self.rules.fee_cap, settings)
        if self.last is not None:
            share = self.last.share
            if review:  # what has just come has not been seen to sell, whatever stood in its place
                share = share * (self.last.id == state.products.id)[:, None, :]
            kept = fee + advertising(state.products, settings)
            sales = self.reads.sales(t, Sales(self.last.share, self.last.id))
            merchants.move_prices(
                state, share, self.expected, kept, self._groups, own_knowledge, settings,
                seen=None if sales is None else sales.now(state.products.id), nests=self.nests,
            )  # fmt: skip
        shown = self._show(right, own_knowledge)
        picks = self.recording.picks(settings) if self.recording is not None else None
        units, arrivals = choose(shown.share, state.consumers, settings, t, picks=picks)
        self.books = self._book(right, ledger, fee, units, arrivals)
        self._learn(right, units)
        self.rows.append(measure(self, shown, arrivals, fee, own_knowledge, review=review))
        if self.recording is not None:
            self.recording.add(self, shown, units, arrivals, picks)
        self.last = shown
        self.period += 1

    def _rights(self) -> Rights:
        regime = self.rules.regime
        return rights(
            self.reads,
            self.period,
            platform_sells=self.sells or self.rules.held_stake > 0,
            aggregated=regime.shared_model in ("pooled_merchants", "federated"),
            best_audience=self.rules.best_audience_first,
            noise=regime.noise,
        )

    def _review(self, right: Rights, ledger: Ledger, last: Shown) -> None:
        """Let everybody look at what they offer; `last` is what was shown before."""
        state, settings, t = self.state, self.settings, self.period
        assortment.leave(state, settings, t)
        fee = merchants.fees_of(state, right, self.rules.fee_cap, settings)
        found, entry = assortment.ideas(state, last.inclusive, self.expected, fee, t, settings)
        price = found.cost / (1 - fee[found.seller]) + 1 / settings.price_sensitivity
        before = state.next_id
        ledger.launches += assortment.bring_out(state, found, entry, price, t, settings)
        self.launched = state.next_id - before
        if self.sells:
            self._imitate(right, ledger)
        ledger.adoption += merchants.adopt(state, right, settings)
        leaving = float((self.expected * (1 - last.share.sum(axis=2))).sum())
        returned = merchants.returned_knowledge(state, right, settings)
        _, outside = merchants.outside_profit(state, leaving, returned, settings)
        state.merchants.multihomes = outside > settings.multihome_cost * settings.reference_profit
        self._groups = merchants.sellers_groups(state.products, settings.merchants)
        self.nests = find_nests(state.products, settings)
        if settings.fee_step > 0:
            self._choose_fee(right, last)
        if settings.advertises:
            fee = merchants.fees(state, right, self.rules.fee_cap, settings)
            share = last.share * (last.id == state.products.id)[:, None, :]
            gain = expected_gain(state.products, last.place, share, self.expected, fee, settings)
            state.products.sponsored = choose_sponsored(gain, state.products.third, settings)

    def _choose_fee(self, right: Rights, last: Shown) -> None:
        state, products = self.state, self.state.products
        own_profit = np.where(products.own, products.price - products.cost, 0.0)
        public = self._public(last.rating)
        share = last.share * (last.id == products.id)[:, None, :]
        cap = self.rules.fee_cap
        state.fee = platform.best_fee(
            public, own_profit, share, self.expected, state.consumers.sensitivity, state.fee, cap, self.settings,
            charged=lambda fee: (
                merchants.fees(state, right, cap, self.settings, fee=fee) + advertising(products, self.settings)
            ),
        )  # fmt: skip

    def _imitate(self, right: Rights, ledger: Ledger) -> None:
        state, settings = self.state, self.settings
        products = state.products
        third = products.third
        now = int(products.own.sum())
        cap = round(settings.own_label_share / (1 - settings.own_label_share) * int(third.sum()))
        room = min(cap - now, max(1, cap // 4))
        margin = np.where(third, products.price - products.cost, 0.0)
        self.reads.deposit(self.period, Figures(products.sold.copy(), margin, products.id.copy()))
        public = self._public(platform.ratings(state, right, settings))
        taken = np.isin(products.id, products.copy_of[products.own])
        ties = uniforms(products.key.ravel(), stream=STREAMS["ties"], counter=self.period).reshape(taken.shape)
        targets = platform.choose_targets(public, ties, taken, max(room, 0), self.reads, self.period, settings)
        came = assortment.imitate(state, targets, self.period, settings, self.seed)
        self.imitated = came
        ledger.own_launches += came * settings.launch_cost * settings.reference_profit
        share = came / max(int(third.sum()), 1) / settings.review
        state.imitated = _FORGETTING * state.imitated + (1 - _FORGETTING) * share

    def _merchants_know(self, right: Rights, own_knowledge: float) -> Floats:
        known = merchants_know(self.state, right, self.settings)
        if right.own_label_learns and self.rules.held_stake > 0:  # the platform passes on what it knows
            known = np.where(self.state.merchants.affiliate, np.maximum(known, own_knowledge), known)
        return np.where(self.state.merchants.active, known, 0.0)

    def _public(self, rating: Floats) -> platform.Public:
        products = self.state.products
        return platform.Public(
            products.id, products.active, products.own, products.price, rating,
            platform.popularity(products.sold, products.active),
        )  # fmt: skip

    def _show(self, right: Rights, own_knowledge: float) -> Shown:
        """Rank, and say how each list would be chosen from."""
        state, settings, rules = self.state, self.settings, self.rules
        rating = platform.ratings(state, right, settings)
        told = platform.relevance(state, right, own_knowledge, settings)
        neutral = platform.scores(state, rating, told, self.period, settings)
        audience = settings.audience_bonus if right.audience else 0.0
        mine = platform.favoured(state, rules.held_stake)
        ranked = platform.favour(neutral, mine, told, bonus=rules.bonus, audience_bonus=audience)
        place = platform.places(ranked)
        neutral_place = place if ranked is neutral else platform.places(neutral)
        attention = attention_of(place, settings) * state.products.active[:, None, :]
        v = utilities(state.products, state.consumers, state.products.price, settings)
        share, inclusive = shares(v, attention, self.nests)
        return Shown(place, neutral_place, attention, share, told, rating, inclusive, state.products.id.copy())

    def _book(self, right: Rights, ledger: Ledger, fee: Floats, units: Ints, arrivals: Ints) -> Books:
        """Move the money of a period."""
        state, settings = self.state, self.settings
        leaving = float(arrivals.sum() - units.sum())
        returned = merchants.returned_knowledge(state, right, settings)
        outside_revenue, outside = merchants.outside_profit(state, leaving, returned, settings)
        books = ledger.close(
            state, settings, fee=fee, advertising=advertising(state.products, settings), units=units.sum(axis=1),
            outside=(outside_revenue, outside), returned=returned,
            platform_serves=right.pool == "platform", nodes=right.pool in ("raw", "exact", "noisy"),
            stake=self.rules.held_stake,
        )  # fmt: skip
        state.merchants.cash += books.kept
        return books

    def _learn(self, right: Rights, units: Ints) -> None:
        """Remember the period's orders, ratings and profits."""
        state, settings, books = self.state, self.settings, self.books
        assert books is not None
        products, people = state.products, state.merchants
        sold = books.units.astype(np.float64)
        products.sold = settings.memory * products.sold + sold
        products.ratings += settings.review_rate * sold
        products.margin = _FORGETTING * products.margin + (1 - _FORGETTING) * books.product_profit
        third = products.third
        by_merchant = np.bincount(products.seller[third], sold[third], minlength=settings.merchants)
        pooled = sold
        if right.pool != "platform":
            takes_part = np.append(people.adopted, (False, False))[products.seller] & third
            pooled = np.where(takes_part, sold, 0.0)
        new = float(pooled.sum()) if right.pool != "none" else 0.0
        state.own_orders = settings.memory * state.own_orders + float(sold[products.own].sum())
        people.orders = settings.memory * people.orders + by_merchant
        people.gross = _FORGETTING * people.gross + (1 - _FORGETTING) * books.gross
        self._past.learn(state, new, memory=settings.memory, waits=right.pool == "platform")


def simulate(
    settings: MarketSettings,
    regime: str | Regime | Rules = "isolated",
    *,
    remedies: tuple[Remedy, ...] = (),
    seed: int = 0,
    periods: int = 100,
    record: str | None = None,
) -> MarketRun:
    """Run one market.

    Args:
        settings: sizes and numbers.
        regime: id of `privacy.regimes`, an object of it, or `self_preferencing(w)`, `affiliated_stores(stake, w)`.
        remedies: on top.
        seed: the same seed meets the same consumers and merchants under every regime.
        periods: how many.
        record: None keeps no lists (`MarketRun.log` then runs again to get them); "list" keeps each list once with how
            often it was shown, "full" a list for every consumer who came.

    Raises:
        ConfigError: a number has no meaning. PolicyError: there is no such regime.
    """
    check_whole("periods", periods, least=1, most=MOST_PERIODS)
    recording = None if record is None else Recording(record)
    market = Market(settings, regime, remedies=remedies, seed=seed, recording=recording)
    for _ in range(periods):
        market.step()
    return summarise(market)
