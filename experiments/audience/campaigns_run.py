"""Execute one arm of a campaigns scenario: learn from campaigns that ended, and rank recipients of later ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.campaign_data import NAMES, Parts, parts, rows_of, rows_of_past
from experiments.audience.campaign_figures import ranked_figures
from experiments.audience.claims import check_population
from experiments.audience.measured import Measured
from experiments.audience.spec import AudienceSpec
from experiments.audience.training import Learnt, Training, Way, alone, begin, learn_often, node_of, require_known
from experiments.audience.trial import listed_merchants
from federation.response.settings import ResponseOptions
from retail.errors import ConfigError, DataError
from retail.responses import Responses

Floats = npt.NDArray[np.float64]
Score = Callable[[Responses], Floats]
"""Recipients -> scores, comparable over all of them."""
WAYS: Final[tuple[Way, ...]] = ("isolated", "federated", "pooled")
_RULES: Final = {"baskets": "visits", "redeemed": "redeemed", "bought": "bought"}
_CAUTIONS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_BASE: Final = 0.15  # share of recipients who redeem, roughly; set by hand
_LENGTH: Final = 4.0
_ROUNDS_ALONE: Final = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What an arm does.

    Attributes:
        now: first day of the campaigns that are judged, days since 1970-01-01.
        earlier: first day of the campaigns that `caution` is chosen on.
        campaigns: those to judge; None for all that can be.
        noises: how many draws of noise a private arm is measured with, see `learn_often`.
        response: options of the response task.
        choose: whether `response.caution` is chosen. A private arm chooses nothing from people.
    """

    now: int
    earlier: int
    campaigns: tuple[int, ...] | None
    noises: int
    response: ResponseOptions
    choose: bool

    @classmethod
    def read(cls, spec: AudienceSpec) -> Plan:
        """Check the options of an arm. Raises: ConfigError: one is unknown or cannot be used."""
        options = dict(spec.options)
        now, earlier = options.pop("now", 17_440), options.pop("earlier", 17_379)
        noises, asked = options.pop("noises", 40), options.pop("campaigns", None)
        if any(type(one) is not int for one in (now, earlier)) or earlier >= now:
            raise ConfigError(f"options.earlier = {earlier!r}, now = {now!r}: write whole days, the earlier one first")
        if type(noises) is not int or not 1 <= noises <= 100:
            raise ConfigError(f"options.noises = {noises!r}: write a whole number from 1 to 100")
        if asked is not None and (
            not isinstance(asked, list)
            or not asked
            or any(type(one) is not int for one in asked)
            or len(set(asked)) != len(asked)
        ):
            raise ConfigError(f"options.campaigns = {asked!r}: list numbers of campaigns, each once")
        if "learner" in options:
            raise ConfigError("options.learner: who redeems is learnt as a propensity; leave it out")
        require_known(options, "now", "earlier", "campaigns", "noises")
        response = ResponseOptions.read({"learner": "propensity", "length": _LENGTH, "base": _BASE, **options})
        learns = spec.arm.model in WAYS and spec.arm.epsilon is None
        campaigns = None if asked is None else tuple(asked)
        return cls(now, earlier, campaigns, noises, response, learns and "caution" not in options)

    def parts(self) -> Parts:
        """Divide the campaigns. Raises: ConfigError: one cannot be judged. DataError: a part is empty."""
        return parts(earlier=self.earlier, now=self.now, asked=self.campaigns)

    def training(self, spec: AudienceSpec, merchants: tuple[int | str, ...]) -> Training:
        """Return what an arm learns from past campaigns."""
        return Training(
            name="past campaigns",
            task="response",
            options=asdict(self.response),
            merchants=merchants,
            rounds=spec.settings.federation.rounds,
            rounds_alone=_ROUNDS_ALONE,
        )


def require_outcomes(spec: AudienceSpec, plan: Plan) -> None:
    """Refuse campaigns that nobody redeemed, or everybody, before any run.

    Raises: DataError: a campaign that was asked for, all that can be judged, or all that could be learnt from.
        ConfigError: a campaign that cannot be judged, or more recipients than the declared population.
    """
    divided, data = plan.parts(), spec.settings.data
    merchants = listed_merchants(data, spec.settings.partition)
    for campaign in plan.campaigns or ():
        rows_of(data, merchants, campaign).require_both(f"campaign {campaign}")
    _require_one(spec, merchants, divided.judged)
    if spec.arm.model in WAYS:
        _require_one(spec, merchants, divided.past)
    if plan.choose:
        _require_one(spec, merchants, divided.chosen_on)


def _require_one(spec: AudienceSpec, merchants: tuple[int | str, ...], campaigns: Sequence[int]) -> None:
    for campaign in campaigns:
        rows = rows_of(spec.settings.data, merchants, campaign)
        check_population(spec, len(rows))
        if 0 < rows.responded.sum() < len(rows):
            return
    raise DataError(
        f"campaigns {', '.join(map(str, campaigns))}: nobody with a home at these merchants redeemed, so there is "
        "nothing to tell apart; choose other campaigns, days or merchants"
    )


def run_campaigns(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        directory: its folder; the table of people, the ledger and the log go to `artifacts/`.
        progress: takes a line for each training.

    Raises:
        TradefairError: the run is refused.
    """
    plan = Plan.read(spec)
    merchants = listed_merchants(spec.settings.data, spec.settings.partition)
    divided = plan.parts()
    judged, said = _judged(spec, divided, merchants)
    info: dict[str, Any] = {"consumers": len(np.unique(np.concatenate([one.persons for one in judged])))}
    models: list[Score]
    if spec.arm.model == "random":
        models = [lambda rows: np.zeros(len(rows))]
    elif spec.arm.model in _RULES:
        column = NAMES.index(_RULES[spec.arm.model])
        models = [lambda rows: rows.features[:, column]]
    else:
        models, sentences, spent = _trained(spec, plan, divided, merchants, directory, progress)
        said += sentences
        info = {**spent, **info}
    scores = [[score(rows) for rows in judged] for score in models]
    return Measured(
        ranked_figures(judged, scores, draws=spec.settings.draws),
        draws=f"households of campaigns {', '.join(map(str, divided.judged))}",
        info={"said": said, **info},
    )


def _judged(spec: AudienceSpec, divided: Parts, merchants: tuple[int | str, ...]) -> tuple[list[Responses], list[str]]:
    """Return the recipients of the campaigns to judge; one without outcome is left out."""
    found = {campaign: rows_of(spec.settings.data, merchants, campaign) for campaign in divided.judged}
    kept = [rows for rows in found.values() if 0 < rows.responded.sum() < len(rows)]
    left = [str(campaign) for campaign, rows in found.items() if not 0 < rows.responded.sum() < len(rows)]
    persons = sum(int(rows.responded.sum()) for rows in kept)
    said = [
        f"learnt from campaigns {', '.join(map(str, sorted(divided.past)))}; judged on {len(kept)} later ones with "
        f"{sum(map(len, kept))} recipients, of whom {persons} redeemed"
    ]
    if left:
        said.append(f"campaigns without outcome among these people, left out: {', '.join(left)}")
    return kept, said


def _trained(
    spec: AudienceSpec,
    plan: Plan,
    divided: Parts,
    merchants: tuple[int | str, ...],
    directory: Path,
    progress: Callable[[str], None],
) -> tuple[list[Score], list[str], dict[str, Any]]:
    """Learn from past campaigns by the way of the arm. Returns: models, what to say of them, and what one cost."""
    known, said, way = rows_of_past(spec.settings.data, merchants, divided.past), list[str](), _way(spec)
    if plan.choose:
        plan, sentence = _chosen(spec, plan, divided, merchants)
        said.append(sentence)
    begin(directory)
    training = plan.training(spec, merchants)
    learnt = learn_often(spec, directory, known, training, way=way, noises=plan.noises)
    spent = dict(learnt[0].cost)
    progress(f"trained on {len(known)} households")
    if spec.arm.epsilon is not None:
        spent["privacy_unit"] = (
            "One household in one training, with all that it bought and redeemed at all merchants; it is in it once, "
            "by one campaign."
        )
        said.append(
            f"mean of {plan.noises} draws of noise, of which one is paid for and the others show what noise does; "
            "settings were set by hand"
        )
    return [_score(one) for one in learnt], said, spent


def _way(spec: AudienceSpec) -> Way:
    return next(one for one in WAYS if one == spec.arm.model)


def _score(learnt: Learnt) -> Score:
    """Score recipients by the model of their own merchant."""

    def score(rows: Responses) -> Floats:
        found = np.zeros(len(rows))
        for merchant in dict.fromkeys(rows.merchants.tolist()):
            mine = rows.merchants == merchant
            found[mine] = learnt.at(merchant)(rows.features[mine])
        return found

    return score


def _chosen(spec: AudienceSpec, plan: Plan, divided: Parts, merchants: tuple[int | str, ...]) -> tuple[Plan, str]:
    """Choose `caution` on campaigns that ended before those that are judged began."""
    data = spec.settings.data
    known = rows_of_past(data, merchants, divided.first)
    tested = [rows_of(data, merchants, one) for one in divided.chosen_on]
    tested = [rows for rows in tested if 0 < rows.responded.sum() < len(rows)]
    found = {}
    for caution in _CAUTIONS:
        tried = replace(plan, response=replace(plan.response, caution=caution))
        score = _score(_tried(spec, tried.training(spec, merchants), known))
        found[caution] = ranked_figures(tested, [[score(rows) for rows in tested]], draws=1)[0].value
    best = max(_CAUTIONS, key=lambda one: found[one])
    said = (
        f"caution of {best:g} people chosen on campaigns {', '.join(map(str, divided.chosen_on))}, by a model of "
        "campaigns that had ended before"
    )
    return replace(plan, response=replace(plan.response, caution=best)), said


def _tried(spec: AudienceSpec, training: Training, known: Responses) -> Learnt:
    """Learn as the arm does, of people who are not judged, for choosing a setting."""
    task = training.lone_task(len(known), len(NAMES))
    if spec.arm.model != "isolated":
        return Learnt(task, alone(training, node_of(known)))
    nodes = [node_of(known.of(known.merchants == one), one) for one in training.merchants]
    return Learnt(task, own={node.merchant: alone(training, node) for node in nodes})
