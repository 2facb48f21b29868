"""Execute one arm of a campaigns scenario: learn from campaigns that ended, and rank recipients of later ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.campaign_data import NAMES, Parts, parts, rows_of, rows_of_past
from experiments.audience.campaign_figures import ranked_figures
from experiments.audience.measured import Measured
from experiments.audience.spec import AudienceSpec
from experiments.audience.trial import listed_merchants
from experiments.run_access import account, begin_books, run_access
from federation.access import MarketPort
from federation.config import FederationConfig
from federation.local import train
from federation.nodes import public_catalogue, task_settings
from federation.response.holdings import ResponseMarket, ResponseNode
from federation.response.settings import ResponseOptions
from federation.response.task import ResponseTask
from federation.run import run as run_federation
from federation.task import TaskSettings
from retail.errors import ConfigError, DataError
from retail.responses import Responses, ResponseSource

Floats = npt.NDArray[np.float64]
Score = Callable[[Responses], Floats]
"""Recipients -> scores, comparable over all of them."""
LEARNT: Final = ("isolated", "federated", "pooled")
_RULES: Final = {"baskets": "visits", "redeemed": "redeemed", "bought": "bought"}
_CAUTIONS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_BASE: Final = 0.15  # share of recipients who redeem, roughly; set by hand
_LENGTH: Final = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What an arm does.

    Attributes:
        now: first day of the campaigns that are judged, days since 1970-01-01.
        earlier: first day of the campaigns that `caution` is chosen on.
        campaigns: those to judge; None for all that can be.
        noises: how often a private arm is trained anew, each time with other noise.
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
        noises, asked = options.pop("noises", 10), options.pop("campaigns", None)
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
        response = ResponseOptions.read({"learner": "propensity", "length": _LENGTH, "base": _BASE, **options})
        learns = spec.arm.model in LEARNT and spec.arm.epsilon is None
        campaigns = None if asked is None else tuple(asked)
        return cls(now, earlier, campaigns, noises, response, learns and "caution" not in options)

    def parts(self) -> Parts:
        """Divide the campaigns. Raises: ConfigError: one cannot be judged. DataError: a part is empty."""
        return parts(earlier=self.earlier, now=self.now, asked=self.campaigns)


def run_campaigns(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        directory: its folder; the table of people, the ledger and the log go to `artifacts/`.
        progress: takes a line for each training.

    Raises:
        TradefairError: the run is refused; a campaign that was asked for and that nobody redeemed is among the reasons.
    """
    plan = Plan.read(spec)
    merchants = listed_merchants(spec.settings.data, spec.settings.partition)
    divided = plan.parts()
    judged, said = _judged(spec, plan, divided, merchants)
    info: dict[str, Any] = {"consumers": len(np.unique(np.concatenate([one.persons for one in judged])))}
    models: list[Score]
    if spec.arm.model == "random":
        models = [lambda rows: np.zeros(len(rows))]
    elif spec.arm.model in _RULES:
        column = NAMES.index(_RULES[spec.arm.model])
        models = [lambda rows: rows.features[:, column]]
    else:
        known = rows_of_past(spec.settings.data, merchants, divided.past)
        if plan.choose:
            plan, sentence = _chosen(spec, plan, divided, merchants)
            said.append(sentence)
        models = []
        for number in range(1 if spec.arm.epsilon is None else plan.noises):
            score, spent = _learn(spec, plan, known, merchants, number, directory)
            models.append(score)
            info = {**spent, **info}
            progress(f"trained {number + 1} on {len(known)} households")
        if spec.arm.epsilon is not None:
            info["privacy_unit"] = (
                "one household of one training, with all that it bought and redeemed at all merchants"
            )
            said.append(
                f"mean of {plan.noises} trainings with other noise, epsilon of one of them; settings were set by hand"
            )
    scores = [[score(rows) for rows in judged] for score in models]
    return Measured(
        ranked_figures(judged, scores, draws=spec.settings.draws),
        draws=f"households of campaigns {', '.join(map(str, divided.judged))}",
        info={"said": said, **info},
    )


def _judged(
    spec: AudienceSpec, plan: Plan, divided: Parts, merchants: tuple[int | str, ...]
) -> tuple[list[Responses], list[str]]:
    """Return the recipients of the campaigns to judge. One without outcome is left, or refused if asked for."""
    kept, left, persons = [], [], 0
    for campaign in divided.judged:
        rows = rows_of(spec.settings.data, merchants, campaign)
        if plan.campaigns is not None:
            rows.require_both(f"campaign {campaign}")
        if 0 < rows.responded.sum() < len(rows):
            kept.append(rows)
            persons += int(rows.responded.sum())
        else:
            left.append(str(campaign))
    if not kept:
        raise DataError(f"campaigns {', '.join(left)}: nobody with a home at these merchants redeemed; choose others")
    said = [
        f"learnt from campaigns {', '.join(map(str, sorted(divided.past)))}; judged on {len(kept)} later ones with "
        f"{sum(map(len, kept))} recipients, of whom {persons} redeemed"
    ]
    if left:
        said.append(f"campaigns without outcome among these people, left out: {', '.join(left)}")
    return kept, said


def _learn(
    spec: AudienceSpec, plan: Plan, known: Responses, merchants: tuple[int | str, ...], number: int, directory: Path
) -> tuple[Score, Mapping[str, Any]]:
    """Learn from past campaigns by the way of the arm. Returns: how recipients are scored, and what it cost."""
    artifacts = directory / "artifacts"
    source = ResponseSource.of(
        known,
        artifacts / f"past-{number}.parquet",
        listed=merchants,
        population=len(known),
        name=f"training {number + 1} of {spec.scenario}",
    )
    epsilon = spec.arm.epsilon
    config = FederationConfig(
        task="response",
        source=source,
        now=plan.now,
        options={name: getattr(plan.response, name) for name in ResponseOptions.__dataclass_fields__},
        rounds=spec.settings.federation.rounds,
        clip_norm=spec.settings.federation.clip_norm if epsilon is not None else None,
        epsilon=epsilon,
        delta=spec.settings.privacy.delta,
        noise="every_node" if spec.arm.noise == "every_node" else "aggregator",
        seed=spec.seed * 1000 + number,
        ledger=artifacts / "ledger.sqlite",
        run_id=f"{spec.run_id}-{number}",
    )
    if number == 0:
        begin_books(config, directory)
    regime = "federated_dp" if epsilon is not None else spec.arm.model
    port = MarketPort(config, run_access(spec.settings.policy, directory, regime=regime))
    port.declare(once=True)
    if spec.arm.model == "isolated":
        return _each([port.own(place) for place in range(len(port.merchants))], plan.response), {}
    if spec.arm.model == "pooled":
        return _alone(port.pooled(), plan.response), {}
    result = run_federation(config, access=port.access)
    task = ResponseTask(task_settings(config), public_catalogue(config))
    return lambda rows: task.predict(result.model, rows.features), account(result)


def _each(nodes: Sequence[ResponseNode], response: ResponseOptions) -> Score:
    """Learn at each merchant alone; recipients are scored by their own merchant."""
    models = {node.merchant: _alone(node, response) for node in nodes}

    def score(rows: Responses) -> Floats:
        found = np.zeros(len(rows))
        for merchant in dict.fromkeys(rows.merchants.tolist()):
            mine = rows.merchants == merchant
            found[mine] = models[merchant](rows.of(mine))
        return found

    return score


def _alone(node: ResponseNode, response: ResponseOptions) -> Score:
    """Learn from one node; who has nobody says the public share of everybody."""
    people = len(node.persons)
    if not people:
        return lambda rows: np.full(len(rows), response.base)
    settings = TaskSettings(
        rounds=_ALONE_ROUNDS, steps=1, learning_rate=1.0, clip_norm=None, window_days=1, now=0, population=people,
        seed=0, device="cpu", private=False,
        options={name: getattr(response, name) for name in ResponseOptions.__dataclass_fields__},
    )  # fmt: skip
    task = ResponseTask(settings, ResponseMarket((), NAMES))
    model = train(task, [node], population=people)
    return lambda rows: task.predict(model, rows.features)


_ALONE_ROUNDS: Final = 8


def _chosen(spec: AudienceSpec, plan: Plan, divided: Parts, merchants: tuple[int | str, ...]) -> tuple[Plan, str]:
    """Choose `caution` on campaigns that ended before those that are judged began."""
    data = spec.settings.data
    known = rows_of_past(data, merchants, divided.first)
    tested = [rows_of(data, merchants, one) for one in divided.chosen_on]
    tested = [rows for rows in tested if 0 < rows.responded.sum() < len(rows)]
    campaigns = ", ".join(map(str, divided.chosen_on))
    if not tested:
        raise DataError(f"campaigns {campaigns}: nobody redeemed, so caution cannot be chosen; write options.caution")
    if spec.arm.model == "isolated":
        nodes = [_node(known.of(known.merchants == one), one) for one in merchants]
    else:
        nodes = [_node(known, "all")]
    found = {}
    for caution in _CAUTIONS:
        response = replace(plan.response, caution=caution)
        score = _each(nodes, response) if spec.arm.model == "isolated" else _alone(nodes[0], response)
        found[caution] = ranked_figures(tested, [[score(rows) for rows in tested]], draws=1)[0].value
    best = max(_CAUTIONS, key=lambda one: found[one])
    said = f"caution of {best:g} people chosen on campaigns {campaigns}, by a model of campaigns that had ended before"
    return replace(plan, response=replace(plan.response, caution=best)), said


def _node(rows: Responses, merchant: int | str) -> ResponseNode:
    return ResponseNode(merchant, rows.persons, rows.features, rows.advertised, rows.responded)
