"""What campaigns brought, counted with noise: redemptions or purchases of recipients, released against a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from experiments.audience.campaigns import campaign_data, check_source
from experiments.audience.methods import FigureText, Method, later
from retail.errors import ConfigError

if TYPE_CHECKING:
    from experiments.audience.spec import AudienceSpec


def _check(spec: AudienceSpec) -> None:
    """Refuse what no run could do.

    Raises: ConfigError: an option or a claim without meaning. PrivacyError: a claim that cannot be kept. DataError: a
        campaign without conversions.
    """
    from experiments.audience.measurement_run import Plan, require_conversions
    from privacy.accounting import cap

    arm = spec.arm
    if arm.epsilon is None:
        raise ConfigError("epsilon is missing: what leaves is counted with noise; write a budget such as epsilon = 1.0")
    cap(epsilon=arm.epsilon, delta=spec.settings.privacy.delta)
    if arm.noise != "aggregator":
        raise ConfigError(f'noise = "{arm.noise}": a release adds its noise once; write "aggregator"')
    if arm.regime is not None or spec.settings.partition.by != "home_store":
        raise ConfigError(
            f'regime = {arm.regime!r}, partition.by = "{spec.settings.partition.by}": conversions are counted over the '
            "whole chain, and what leaves is private; remove both"
        )
    check_source(spec)
    require_conversions(spec, Plan.read(spec))


MEASUREMENT: Final = Method(
    models={
        "redeemers": "counts recipients who redeemed a coupon of the campaign",
        "redemptions": "counts redeemed coupons, up to a few for each recipient",
        "buyers": "counts recipients who bought a product of the campaign within its days",
    },
    figures={
        "error_95": FigureText(
            "noise\nat 95%", "conversions", "by how much noise moves one count, nineteen times of twenty"
        ),
        "off": FigureText("off by", "conversions", "mean distance of the shown counts from the exact ones"),
        "lost": FigureText("lost to\nbounds", "1", "share of all conversions that bounds on one person leave out"),
        "shown": FigureText("campaigns\nshown", "campaigns", "campaigns whose noisy count is large enough to be shown"),
        "cost": FigureText("cost\nrho", "rho", "what the release took from the ledger, in zero-concentrated DP"),
    },
    columns=("error_95", "off", "lost", "shown", "cost"),
    compared=(),
    check=_check,
    fingerprint=campaign_data,
    run=later("experiments.audience.measurement_run:run_measurement"),
    notes=(
        "Conversions are attributed, not caused: some recipients would have bought without the campaign.",
        "Exact counts stand beside because these data are public; elsewhere nobody would see them.",
        "Intervals are of noise alone: what bounds on one person leave out is missing from every count.",
    ),
    seeded=False,
)
