"""Experiments about what a platform may do: sell itself, favour itself, take a fee."""

from __future__ import annotations

from typing import Final

from experiments.market.signs.experiment import Effect, SignExperiment, where
from experiments.market.signs.markets import UNWANTED, difference, figures
from experiments.market.signs.watching import RISES, surplus_by_rise
from simulation.market import FeeCap, MarketSettings, StructuralSeparation
from simulation.market.mechanisms import LogitPlatform, cap_fee
from simulation.market.rules import make_rules

_HTW: Final = "Hagiu, Teh and Wright 2022"
_LAM: Final = "Lam 2021; Lee and Musolff 2021"
_MARKUP: Final = "The Markup 2021"
_HS: Final = "Hervas-Drane and Shelegia 2024"
_GOOD: Final = 0.3
"""Own quality of a good own label, utility over what it imitates."""
_FEE_STEP: Final = 0.02
"""Step by which a platform that sets its fee tries others at a review."""
_DEAR: Final = 1e5
"""A cost of adoption, in reference profits, at which nobody adopts."""
_MARKET: Final = LogitPlatform((1.5, 1.2, 1.0), (0.5, 0.5, 0.5))
_COSTLESS: Final = LogitPlatform((1.5, 1.2, 1.0), (0.0, 0.0, 0.0))


def _ban(measure: str) -> Effect:
    return lambda settings, seed, periods: difference(measure, settings, ("pure", "isolated"), seed, periods)


def _over_ban(settings: MarketSettings, seed: int, periods: int) -> float:
    return difference("consumer_surplus", settings, ("firewall", "pure"), seed, periods)


def _over_separation(settings: MarketSettings, seed: int, periods: int) -> float:
    name = "consumer_surplus"
    apart = figures(settings, "firewall", seed, periods, StructuralSeparation())[name]
    return figures(settings, "firewall", seed, periods)[name] - apart


def _neutral(measure: str) -> Effect:
    return lambda settings, seed, periods: difference(
        measure, settings, ("firewall", "self_preferencing"), seed, periods
    )


def _all_seen(effect: Effect) -> Effect:
    """The same where every place gets the same attention."""
    return where(effect, attention=0.0, places=200)


def _price_rise(settings: MarketSettings, seed: int, periods: int) -> float:
    with_own = surplus_by_rise(settings, make_rules("firewall", (), settings), seed, periods)
    apart = make_rules("firewall", (StructuralSeparation(),), settings)
    lost = with_own < surplus_by_rise(settings, apart, seed, periods)[0]
    return 100 * float(RISES[int(lost.argmax())] if lost.any() else RISES[-1])


def _share(measure: str, regime: str) -> Effect:
    return lambda settings, seed, periods: figures(settings, regime, seed, periods)[measure]


def _fee_cap(step: float) -> Effect:
    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        sets = settings.with_values(fee_step=step)
        capped = figures(sets, "isolated", seed, periods, FeeCap(settings.fee))["welfare"]
        return capped - figures(sets, "isolated", seed, periods)["welfare"]

    return effect


PLATFORM_SIGNS: Final = (
    SignExperiment(
        id="ban-merchants",
        number=1,
        question="Do merchants gain when the platform may not sell on its own marketplace?",
        source=_HTW,
        expected="+",
        assumption="Own label takes buyers from merchants and presses their prices.",
        unit="money an arrival",
        effect=_ban("merchant_surplus"),
        flipped=where(_ban("merchant_surplus"), own_quality=UNWANTED),
    ),
    SignExperiment(
        id="ban-consumers",
        number=1,
        question="Do consumers gain when the platform may not sell on its own marketplace?",
        source=_HTW,
        expected="?",
        assumption="Own label adds a cheaper product and keeps merchants' launches away.",
        unit="money an arrival",
        effect=_ban("consumer_surplus"),
        flipped=where(_ban("consumer_surplus"), own_quality=UNWANTED),
    ),
    SignExperiment(
        id="firewall-over-ban",
        number=2,
        question="Do consumers gain more from a firewall and neutral ranking than from a ban of own label?",
        source=_HTW,
        expected="+",
        assumption="Own label is wanted, and the firewall gives merchants their data, which a ban alone does not.",
        unit="money an arrival",
        effect=_over_ban,
        flipped=where(_over_ban, own_quality=UNWANTED, adoption_cost=_DEAR),
    ),
    SignExperiment(
        id="firewall-over-separation",
        number=2,
        question="Do consumers gain by own label alone, where merchants get their data with it and without?",
        source=_HTW,
        expected="+",
        assumption="Own label is wanted: a product more, which pays no fee and presses merchants' prices.",
        unit="money an arrival",
        effect=_over_separation,
        flipped=where(_over_separation, own_quality=UNWANTED),
    ),
    SignExperiment(
        id="neutral-ranking-profit",
        number=3,
        question="Do merchants earn more under a neutral ranking than where own label is favoured?",
        source=_LAM,
        expected="+",
        assumption="Attention falls with place, so a better place for own label takes buyers from merchants.",
        unit="money an arrival",
        effect=_neutral("merchant_surplus"),
        flipped=_all_seen(_neutral("merchant_surplus")),
    ),
    SignExperiment(
        id="neutral-ranking-participation",
        number=3,
        question="Do more small merchants stay under a neutral ranking than where own label is favoured?",
        source=_LAM,
        expected="+",
        assumption="Small merchants lose enough by a worse place to leave.",
        unit="share of small merchants",
        effect=_neutral("active_small"),
        flipped=_all_seen(_neutral("active_small")),
    ),
    SignExperiment(
        id="neutral-ranking-consumers",
        number=3,
        question="Do consumers gain by a neutral ranking, with the usual own label?",
        source=_LAM,
        expected="?",
        assumption="Whether a better place for own label helps consumers hangs on its quality.",
        unit="money an arrival",
        effect=_neutral("consumer_surplus"),
        flipped=_all_seen(_neutral("consumer_surplus")),
    ),
    SignExperiment(
        id="neutral-ranking-consumers-good",
        number=3,
        question="Do consumers gain by a neutral ranking, with an own label better by .3 than what it imitates?",
        source=_LAM,
        expected="?",
        assumption="Whether a better place for own label helps consumers hangs on its quality.",
        unit="money an arrival",
        effect=where(_neutral("consumer_surplus"), own_quality=_GOOD),
        flipped=_all_seen(where(_neutral("consumer_surplus"), own_quality=_GOOD)),
    ),
    SignExperiment(
        id="own-price-rise",
        number=4,
        question="By how much could own label's prices rise before consumers would be better off without it?",
        source="figure to compare with: 7.8%",
        expected="?",
        assumption="Places and other prices stay while own label's prices rise; without it the market is another one, "
        "to which merchants have adapted.",
        unit="%",
        effect=_price_rise,
        flipped=where(_price_rise, own_quality=UNWANTED),
    ),
    SignExperiment(
        id="own-first-places",
        number=8,
        question="How many first places has own label where it is favoured? (19.5% measured)",
        source=_MARKUP,
        expected="range",
        assumption="The bonus of the ranking, which was set for this.",
        unit="share of lists",
        effect=_share("own_first", "self_preferencing"),
        flipped=where(_share("own_first", "self_preferencing"), bonus=0.0),
        bounds=(0.15, 0.24),
    ),
    SignExperiment(
        id="own-listings",
        number=8,
        question="How many listings are own label? (5.8% measured)",
        source=_MARKUP,
        expected="range",
        assumption="The own label's share of listings, which was set for this.",
        unit="share of listings",
        effect=_share("own_listings", "self_preferencing"),
        bounds=(0.045, 0.07),
    ),
    SignExperiment(
        id="fee-cap-welfare",
        number=14,
        question="Does a cap on fees raise welfare where the platform would set a higher one?",
        source=_HS,
        expected="+",
        assumption="The platform raises its fee while that earns more at once, and merchants pass it on.",
        unit="money an arrival",
        effect=_fee_cap(_FEE_STEP),
        flipped=_fee_cap(0.0),
    ),
    SignExperiment(
        id="fee-cap-mechanism",
        number=14,
        question="Does a cap of 15% on fees raise welfare in a small solved market?",
        source=_HS,
        expected="+",
        assumption="A fee on revenue counts like a higher cost of a unit.",
        unit="money a visit",
        effect=lambda settings, seed, periods: cap_fee(_MARKET, 0.15).welfare,
        flipped=lambda settings, seed, periods: cap_fee(_COSTLESS, 0.15).welfare,
        interval="exact",
    ),
)
