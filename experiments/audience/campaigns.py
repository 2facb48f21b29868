"""Who redeems coupons of real campaigns: learnt from past campaigns, judged on later ones."""

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

    Raises: ConfigError: an option or a claim without meaning. PrivacyError: a claim that cannot be kept.
    """
    from experiments.audience.campaigns_run import Plan
    from privacy.accounting import cap

    arm = spec.arm
    if arm.epsilon is not None and arm.model != "federated":
        raise ConfigError(f"epsilon = {arm.epsilon} with model {arm.model}: only federated has one; remove it")
    if arm.epsilon is not None:
        cap(epsilon=arm.epsilon, delta=spec.settings.privacy.delta)
    check_source(spec)
    Plan.read(spec).parts()


def check_source(spec: AudienceSpec) -> None:
    """Refuse data without campaigns on record, and regimes. Raises: ConfigError: one of them was asked for."""
    if spec.settings.data.source != "complete-journey" or spec.settings.partition.by != "home_store":
        raise ConfigError(
            "campaigns with recipients and redemptions are on record in the Complete Journey alone; write "
            'data.source = "complete-journey" and partition.by = "home_store"'
        )
    if spec.arm.regime is not None:
        raise ConfigError(f"regime = {spec.arm.regime!r}: each model has its own; remove it")


def campaign_data(scenario: AudienceScenario) -> str:
    """Identity of purchases and campaigns."""
    from retail.campaigns import campaigns_fingerprint
    from retail.datasource import DataSource

    return f"{DataSource(**scenario.data.model_dump()).fingerprint()}-{campaigns_fingerprint()[:16]}"


def _run(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    from experiments.audience.campaigns_run import run_campaigns

    return run_campaigns(spec, directory, progress)


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
    run=_run,
    notes=(
        "Propensity, not uplift: campaigns were not randomised, and who redeems may be who would have bought anyway.",
        "Intervals draw households anew, the same ones for every arm; a private arm draws its noise anew as well.",
    ),
)
