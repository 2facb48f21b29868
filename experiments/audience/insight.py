"""Why people buy one brand and not another, by what its maker may learn from: choice models on real baskets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.audience.methods import FigureText, Method
from retail.errors import ConfigError

if TYPE_CHECKING:
    from experiments.audience.measured import Measured
    from experiments.audience.scenario import AudienceScenario
    from experiments.audience.spec import AudienceSpec


def _check(spec: AudienceSpec) -> None:
    """Refuse what no run could do.

    Raises: ConfigError: an option or a claim without meaning, an unknown regime, or a product that nobody sells.
    """
    from experiments.audience.insight_run import Plan, require_listed
    from privacy.regimes import regime

    if spec.arm.epsilon is not None:
        raise ConfigError(f"epsilon = {spec.arm.epsilon}: no model of insight adds noise; remove it")
    if spec.settings.data.source == "generated":
        raise ConfigError('insight needs brands, package sizes and promotions; data.source = "generated" has none')
    regime(spec.arm.regime or "isolated")
    require_listed(spec, Plan.read(spec))


def _fingerprint(scenario: AudienceScenario) -> str:
    from retail.datasource import DataSource

    return DataSource(**scenario.data.model_dump()).fingerprint()


def _run(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    from experiments.audience.insight_run import run_insight

    return run_insight(spec, progress)


_NATS: Final = "log-likelihood a choice"
_LOG_ODDS: Final = "log-odds"
_BY_PRICE: Final = "log-odds a unit of price"
_MONEY: Final = "money a unit of price"
_OF_DRAWS: Final = "of the draws of the estimates in which"
_REVIEWS: Final = "of made-up reviews in"
_AHEAD: Final = "the same in the week before the"
_NEEDED: Final = "weight at which the wanted gain would come from"

INSIGHT: Final = Method(
    models={
        "shares": "the brands' shares alone",
        "own": "multinomial logit of ours or not, from our own price and offers",
        "logit": "multinomial logit of all brands' prices and offers",
        "mixed": "the same, and people differ in how they like each brand",
        "review_keywords": "what made-up reviews praise and blame, by a list of keywords",
        "review_learned": "the same, learnt from labelled reviews",
        "review_both": "the same, learnt, and by keywords in clauses that are new",
        "drivers": "sales of stores and weeks with offers against those without, as differences in differences",
    },
    figures={
        "told": FigureText(
            "told", _NATS, "how well the brands that held-out people took are told, each one's together"
        ),
        "told_ours": FigureText("told ours", _NATS, "how well it is told whether held-out people took our brand"),
        "price_weight": FigureText("price", _BY_PRICE, "by how much a dearer brand is taken less"),
        "worth_display": FigureText("display worth", _MONEY, "the price cut that a display is worth to people"),
        "worth_mailer": FigureText("mailer worth", _MONEY, "the price cut that a place in the mailer is worth"),
        "gain_price": FigureText("price -10%", "%", "gain of our share if our price were lower by options.cut"),
        "gain_display": FigureText("display everywhere", "%", "gain of our share if we were on display everywhere"),
        "gain_mailer": FigureText("mailer always", "%", "gain of our share if we were always in the mailer"),
        "f1_known": FigureText("F1, known words", "1", f"precision and recall together, {_REVIEWS} wordings as taught"),
        "f1_new": FigureText("F1, new words", "1", f"precision and recall together, {_REVIEWS} wordings never seen"),
        "precision_new": FigureText(
            "precision, new", "1", f"share of what is told that is true, {_REVIEWS} new wordings"
        ),
        "recall_new": FigureText("recall, new", "1", f"share of what is true that is told, {_REVIEWS} new wordings"),
        "sold_display": FigureText(
            "sold by display", "%", "how much more a brand sells in a store and week on display"
        ),
        "sold_mailer": FigureText(
            "sold by mailer", "%", "how much more a brand sells in a store and week in the mailer"
        ),
        "ahead_display": FigureText("before a display", "%", f"{_AHEAD} display; not 0: stores did not move alike"),
        "ahead_mailer": FigureText("before a mailer", "%", f"{_AHEAD} mailer; not 0: stores did not move alike"),
        "chance_price": FigureText("chance by price", "1", f"share {_OF_DRAWS} the lower price brings the wanted gain"),
        "chance_display": FigureText("chance by display", "1", f"share {_OF_DRAWS} displays bring the wanted gain"),
        "chance_mailer": FigureText("chance by mailer", "1", f"share {_OF_DRAWS} mailers bring the wanted gain"),
        "needed_price": FigureText("price needed", _BY_PRICE, f"{_NEEDED} the lower price"),
        "needed_display": FigureText("display needed", _LOG_ODDS, f"{_NEEDED} displays everywhere"),
        "needed_mailer": FigureText("mailer needed", _LOG_ODDS, f"{_NEEDED} being always in the mailer"),
        "needed_unmeasured": FigureText(
            "unmeasured needed", _LOG_ODDS, f"{_NEEDED} an improvement that nobody measured, such as a drier diaper"
        ),
        "needed_as_price": FigureText(
            "as a price cut", _MONEY, "the price cut that is worth as much as that improvement"
        ),
    },
    columns=("told", "told_ours", "price_weight", "gain_price", "gain_display", "needed_unmeasured"),
    compared=("told", "told_ours"),
    check=_check,
    fingerprint=_fingerprint,
    run=_run,
    notes=(
        "Rivals do not answer and nobody new comes in: these are shares of the same choices with another product, no "
        "forecast.",
        "Intervals of told draw held-out people anew, the same ones for every arm; others are 95% intervals of the "
        "estimates, clustered by person.",
        "inf in an interval: it has no end, since people may not mind prices at all, or no weight may be enough.",
    ),
)
