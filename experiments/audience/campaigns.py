"""Who redeems coupons of real campaigns: learnt from past campaigns, judged on later ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from experiments.audience.claims import check_home_stores
from experiments.audience.methods import FigureText, Method, data_fingerprint, later
from retail.errors import ConfigError

if TYPE_CHECKING:
    from experiments.audience.scenario import AudienceScenario
    from experiments.audience.spec import AudienceSpec


def _check(spec: AudienceSpec) -> None:
    """Refuse what no run could do.

    Raises: ConfigError: an option or a claim without meaning. PrivacyError: a claim that cannot be kept. DataError: a
        campaign without outcome.
    """
    from experiments.audience.campaigns_run import Plan, require_outcomes

    check_source(spec)
    check_home_stores(spec)
    require_outcomes(spec, Plan.read(spec))


def check_source(spec: AudienceSpec) -> None:
    """Refuse data without campaigns on record. Raises: ConfigError: they were asked for."""
    if spec.settings.data.source != "complete-journey":
        raise ConfigError(
            "campaigns with recipients and redemptions are on record in the Complete Journey alone; write "
            'data.source = "complete-journey"'
        )


def campaign_data(scenario: AudienceScenario) -> str:
    """Identity of purchases and campaigns."""
    from retail.campaigns import campaigns_fingerprint

    return f"{data_fingerprint(scenario)}-{campaigns_fingerprint()[:16]}"


CAMPAIGNS: Final = Method(
    models={
        "random": "draws the people",
        "baskets": "takes those with the most baskets",
        "redeemed": "takes those who redeemed the most coupons before",
        "bought": "takes those who bought most of the campaign's products before",
        "isolated": "learns from each merchant's own people alone",
        "federated": "learns over a federation",
        "pooled": "learns from everybody's rows",
    },
    figures={
        "auc": FigureText("AUC", "1", "chance that a recipient who redeems is ranked above one who does not"),
        "lift10": FigureText("lift@10%", "1", "how much more often the best tenth of a campaign's recipients redeems"),
    },
    columns=("auc", "lift10"),
    compared=("auc", "lift10"),
    check=_check,
    fingerprint=campaign_data,
    run=later("experiments.audience.campaigns_run:run_campaigns"),
    notes=(
        "Propensity, not uplift: campaigns were not randomised, and who redeems may be who would have bought anyway.",
        "Intervals draw households anew, the same ones for every arm; a private arm draws its noise anew as well.",
    ),
)
