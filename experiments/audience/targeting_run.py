"""Execute one arm of a targeting scenario: draw trials, learn from each, and count what the chosen people bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.measured import Measured
from experiments.audience.spec import AudienceSpec
from experiments.audience.targeting_figures import Score, figures_of, measure
from experiments.audience.trial import FEATURES, Trial, TrialSettings, listed_merchants, trial, trial_options
from experiments.run_access import account, begin_books, run_access
from experiments.scenario import DataSettings
from federation.access import MarketPort
from federation.config import FederationConfig
from federation.local import train
from federation.nodes import public_catalogue, task_settings
from federation.response.holdings import ResponseNode
from federation.response.settings import ResponseOptions
from federation.response.task import ResponseTask
from federation.run import run as run_federation
from federation.task import TaskSettings
from matching.uplift import gained_per_1000
from retail.errors import ConfigError
from retail.responses import ResponseSource

Floats = npt.NDArray[np.float64]
REGIMES: Final = {
    "isolated": "isolated", "federated": "federated", "likely": "federated", "pooled": "pooled",
    "platform_first": "pooled_self_preferencing",
}  # fmt: skip
_CHOICE_SEED: Final = 1_000_000  # trials that only settings are chosen on
_SHARE: Final = 0.2
_TRIED: Final = 3
_CAUTIONS: Final = (30.0, 100.0, 300.0, 1000.0, 3000.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an arm does in each trial.

    Attributes:
        trial: what trials are like.
        trials: how many.
        share: of people whom a merchant advertises to.
        response: options of the response task.
        choose: whether `response.caution` is chosen on other trials.
    """

    trial: TrialSettings
    trials: int
    share: float
    response: ResponseOptions
    choose: bool

    @classmethod
    def read(cls, spec: AudienceSpec) -> Plan:
        """Check the options of an arm. Raises: ConfigError: one is unknown or cannot be used."""
        options = dict(spec.options)
        of_trial = {key: options.pop(key) for key in TrialSettings.__dataclass_fields__ if key in options}
        trials, share = options.pop("trials", 10), options.pop("share", _SHARE)
        if type(trials) is not int or trials < 2:
            raise ConfigError(f"options.trials = {trials!r}: write a whole number of at least 2")
        if type(share) is not float or not 0 < share < 1:
            raise ConfigError(f"options.share = {share!r}: write a share between 0 and 1")
        if spec.arm.model == "likely":
            options["learner"] = "propensity"
        response = ResponseOptions.read({"learner": "transformed", "length": 4.0, **options})
        if spec.arm.model != "likely" and response.learner == "propensity":
            raise ConfigError('options.learner = "propensity" is model = "likely"; write transformed, t or x')
        return cls(trial_options(of_trial), trials, share, response, "caution" not in options)


def run_targeting(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        directory: its folder; the trials' tables, the ledger and the log go to `artifacts/`.
        progress: takes a line for each trial.

    Raises: TradefairError: the run is refused.
    """
    plan = Plan.read(spec)
    merchants = listed_merchants(spec.settings.data, spec.settings.partition)
    said: list[str] = []
    if spec.arm.model in REGIMES and plan.choose:
        plan, sentence = _chosen(spec, plan, merchants)
        said.append(sentence)
    found, sizes, accounts = [], [], []
    for number in range(plan.trials):
        seed = spec.seed + number
        drawn = trial(spec.settings.data, merchants, plan.trial, seed)
        score, spent = _learn(spec, plan, drawn, seed, directory)
        found.append(
            measure(
                drawn,
                score,
                share=plan.share,
                nobody=spec.arm.model == "none",
                platform_first=spec.arm.model == "platform_first",
            )
        )
        sizes.append(drawn.sizes)
        accounts.append(spent)
        progress(f"trial {number + 1} of {plan.trials}")
    info: dict[str, Any] = {"said": said, "consumers": int(np.mean([one.sum() for one in sizes]))}
    if spec.arm.epsilon is not None:
        info |= accounts[0]
        info["privacy_unit"] = "one person of one trial, over all merchants"
    return Measured(
        figures_of(found, sizes, spec.settings.draws),
        draws=f"trials {spec.seed} to {spec.seed + plan.trials - 1} of {plan.trial} and merchants",
        info=info,
    )


def _learn(spec: AudienceSpec, plan: Plan, drawn: Trial, seed: int, directory: Path) -> tuple[Score, Mapping[str, Any]]:
    """Learn from one trial by the way of the arm. Returns: how merchants score people, and what it cost."""
    model = spec.arm.model
    if model in ("none", "random"):
        return lambda place, x: np.zeros(len(x)), {}
    if model == "rule":
        return lambda place, x: x[:, FEATURES.index("visits")], {}
    if model == "oracle":
        return lambda place, x: drawn.new_uplift[drawn.new_merchant == place], {}
    port = _port(spec, plan, drawn, seed, directory)
    task = ResponseTask(task_settings(port.config), public_catalogue(port.config))
    if model in ("federated", "likely"):
        result = run_federation(port.config, access=port.access)
        return lambda place, x: task.predict(result.model, x), account(result)
    if model == "isolated":
        nodes = [port.own(place) for place in range(len(port.merchants))]
        alone = [_alone(plan, node, seed) for node in nodes]
        return lambda place, x: alone[place](x), {}
    everybody = _alone(plan, port.pooled(), seed)
    return lambda place, x: everybody(x), {}


def _port(spec: AudienceSpec, plan: Plan, drawn: Trial, seed: int, directory: Path) -> MarketPort:
    """Store a trial where its merchants hold it, and open the way to it that the arm's regime leaves."""
    artifacts = directory / "artifacts"
    source = ResponseSource.of(
        drawn.people,
        artifacts / f"trial-{seed}.parquet",
        listed=drawn.merchants,
        population=len(drawn.people),
        name=f"trial {seed} of {spec.scenario}",
    )
    epsilon = spec.arm.epsilon
    config = FederationConfig(
        task="response",
        source=source,
        now=plan.trial.now,
        options=_options(plan.response),
        rounds=spec.settings.federation.rounds,
        clip_norm=spec.settings.federation.clip_norm if epsilon is not None else None,
        epsilon=epsilon,
        delta=spec.settings.privacy.delta,
        noise="every_node" if spec.arm.noise == "every_node" else "aggregator",
        seed=seed,
        ledger=artifacts / "ledger.sqlite",
        run_id=f"{spec.run_id}-{seed}",
    )
    if seed == spec.seed:
        begin_books(config, directory)
    regime = "federated_dp" if epsilon is not None else REGIMES[spec.arm.model]
    port = MarketPort(config, run_access(spec.settings.policy, directory, regime=regime))
    port.declare(once=True)
    return port


def _options(response: ResponseOptions) -> dict[str, Any]:
    return {name: getattr(response, name) for name in ResponseOptions.__dataclass_fields__}


def _alone(plan: Plan, node: ResponseNode, seed: int) -> Callable[[Floats], Floats]:
    """Learn from one node, or know nothing where it has nobody."""
    people = len(node.persons)
    if not people:
        return lambda x: np.zeros(len(x))
    settings = TaskSettings(
        rounds=_ALONE_ROUNDS, steps=1, learning_rate=1.0, clip_norm=None, window_days=1, now=0, population=people,
        seed=seed, device="cpu", private=False, options=_options(plan.response),
    )  # fmt: skip
    task = ResponseTask(settings, _market())
    model = train(task, [node], population=people)
    return lambda x: task.predict(model, x)


_ALONE_ROUNDS: Final = 6


def _market() -> Any:
    from federation.response.holdings import ResponseMarket

    return ResponseMarket((), FEATURES)


def _chosen(spec: AudienceSpec, plan: Plan, merchants: tuple[int | str, ...]) -> tuple[Plan, str]:
    """Choose `caution` on trials that no figure is measured on, for those who learn alone and together apart."""
    best = _best_caution(spec.settings.data, plan, merchants, alone=spec.arm.model == "isolated")
    sentence = (
        f"caution of {best:g} people chosen out of {', '.join(f'{one:g}' for one in _CAUTIONS)} on {_TRIED} other "
        "trials, without noise"
    )
    return replace(plan, response=replace(plan.response, caution=best)), sentence


@lru_cache(maxsize=16)
def _best_caution(data: DataSettings, plan: Plan, merchants: tuple[int | str, ...], *, alone: bool) -> float:
    trials = [trial(data, merchants, plan.trial, _CHOICE_SEED + number) for number in range(_TRIED)]
    totals = []
    for caution in _CAUTIONS:
        tried = replace(plan, response=replace(plan.response, caution=caution))
        gains = []
        for drawn in trials:
            models = [_alone(tried, node, 0) for node in (_nodes(drawn) if alone else [_joined(drawn)])]
            for place in range(len(drawn.merchants)):
                mine = drawn.new_merchant == place
                score = models[place if alone else 0](drawn.new_features[mine])
                gains.append(gained_per_1000(score, drawn.new_uplift[mine], share=plan.share))
        totals.append(float(np.mean(gains)))
    return _CAUTIONS[int(np.argmax(totals))]


def _nodes(drawn: Trial) -> list[ResponseNode]:
    people = drawn.people
    rows = [np.flatnonzero(people.merchants == one) for one in drawn.merchants]
    return [
        ResponseNode(one, people.persons[row], people.features[row], people.advertised[row], people.responded[row])
        for one, row in zip(drawn.merchants, rows, strict=True)
    ]


def _joined(drawn: Trial) -> ResponseNode:
    people = drawn.people
    return ResponseNode("all", people.persons, people.features, people.advertised, people.responded)
