"""Whom to advertise to: uplift with known truth, by the data that merchants and platform may learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from experiments.audience.claims import check_home_stores
from experiments.audience.methods import FigureText, Method, data_fingerprint, later
from retail.errors import ConfigError

if TYPE_CHECKING:
    from experiments.audience.spec import AudienceSpec

_PER_1000: Final = "conversions per 1,000 advertised to"


def _check(spec: AudienceSpec) -> None:
    """Refuse what no run could do.

    Raises: ConfigError: an option or a claim without meaning. PrivacyError: a claim that cannot be kept. DataError:
        data that no trial can be drawn over.
    """
    from experiments.audience.targeting_run import Plan, require_people

    plan = Plan.read(spec)
    check_home_stores(spec, copies=plan.trial.copies)
    if spec.settings.data.source == "generated":
        raise ConfigError('data.source = "generated": targeting draws trials over real households; write another one')
    require_people(spec, plan)


TARGETING: Final = Method(
    models={
        "none": "advertises to nobody",
        "random": "draws the people",
        "rule": "takes those with the most baskets",
        "likely": "takes those likely to respond, by a federated model",
        "isolated": "learns from each merchant's own trial alone",
        "federated": "learns over a federation",
        "pooled": "learns from everybody's rows",
        "platform_first": "learns from everybody's rows; the platform takes the best first",
        "oracle": "knows the truth",
    },
    figures={
        "gained": FigureText(
            "gained\nper 1,000", _PER_1000, "conversions that would not have come without the advertisement"
        ),
        "qini": FigureText(
            "Qini", "1", "area of the whole ranking above chance, as a share of the best ranking's area"
        ),
        "gap": FigureText(
            "small less\nlarge", _PER_1000, "by how much more the smaller half of merchants falls short of the truth"
        ),
        "gap_beyond": FigureText(
            "gap beyond 0", _PER_1000, "how far the interval of the gap stays away from 0; 0 where it includes 0"
        ),
        "wasted": FigureText(
            "lost ones", "1", "share of those advertised to whom the advertisement makes less likely to respond"
        ),
        "platform_gained": FigureText(
            "platform's gain", _PER_1000, "the same for the platform's own advertisements, to those it took first"
        ),
    },
    columns=("gained", "qini", "gap", "wasted"),
    compared=("gained", "qini"),
    check=_check,
    fingerprint=data_fingerprint,
    run=later("experiments.audience.targeting_run:run_targeting"),
    notes=(
        "Effects are drawn by us over what real households bought, so the truth is known; no campaign had them.",
        "Intervals draw trials (people, coin, effects and noise together) and merchants anew, the same ones for every "
        "arm.",
    ),
)
