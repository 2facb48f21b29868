"""Execute one arm of a targeting scenario: draw trials, learn from each, and count what the chosen people bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.claims import check_population
from experiments.audience.measured import Measured
from experiments.audience.spec import AudienceSpec
from experiments.audience.targeting_figures import Score, figures_of, measure
from experiments.audience.training import Training, Way, alone, begin, learn, node_of, rehearse, require_known
from experiments.audience.trial import (
    FEATURES,
    Trial,
    TrialSettings,
    household_features,
    listed_merchants,
    trial,
    trial_options,
    with_two,
)
from federation.response.settings import ResponseOptions
from matching.uplift import gained_per_1000
from retail.errors import ConfigError

Floats = npt.NDArray[np.float64]
WAYS: Final[Mapping[str, Way]] = {
    "isolated": "isolated", "federated": "federated", "likely": "federated", "pooled": "pooled",
    "platform_first": "pooled",
}  # fmt: skip
_SELF_PREFERRING: Final = "pooled_self_preferencing"
_CHOICE_SEED: Final = 1_000_000  # trials that only settings are chosen on
_SHARE: Final = 0.2
_TRIED: Final = 3
_NOISES: Final = 5  # tries of each setting on each of those trials, where the arm has noise
_CAUTIONS: Final = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0)
_HAND_SET: Final = {"learner": "transformed", "length": 3.0, "spread_share": 0.1}  # by hand, on other trials
_ROUNDS_ALONE: Final = 6


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
        require_known(options, "trials", "share", *TrialSettings.__dataclass_fields__)
        response = ResponseOptions.read({**_HAND_SET, **options})
        if spec.arm.model != "likely" and response.learner == "propensity":
            raise ConfigError('options.learner = "propensity" is model = "likely"; write transformed, t or x')
        return cls(trial_options(of_trial), trials, share, response, "caution" not in options)

    def training(self, spec: AudienceSpec, merchants: tuple[int | str, ...], seed: int) -> Training:
        """Return what an arm learns from one trial."""
        return Training(
            name=f"trial {seed}",
            task="response",
            options=asdict(self.response),
            merchants=merchants,
            copies=self.trial.copies,
            rounds=spec.settings.federation.rounds,
            rounds_alone=_ROUNDS_ALONE,
        )


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
    if spec.arm.model in WAYS and plan.choose:
        plan, sentence = _chosen(spec, plan, merchants)
        said.append(sentence)
    begin(directory)
    found, sizes, accounts = [], [], []
    for number in range(plan.trials):
        seed = spec.seed + number
        drawn = trial(spec.settings.data, merchants, plan.trial, seed)
        score, spent = _learn(spec, plan, drawn, merchants, seed, directory)
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
        info["privacy_unit"] = "One person of one trial, with all that this person did at all merchants."
        said.append(
            f"epsilon is of one trial; {plan.trials} trials, each of other people with other noise, show the spread"
        )
    return Measured(
        figures_of(found, sizes, spec.settings.draws),
        draws=f"trials {spec.seed} to {spec.seed + plan.trials - 1} of {plan.trial} and merchants",
        info=info,
    )


def require_people(spec: AudienceSpec, plan: Plan) -> None:
    """Refuse data that no trial can be drawn over, before any run.

    Raises: DataError: nobody, or no merchant with two households. ConfigError: more households than were declared.
    """
    merchants = listed_merchants(spec.settings.data, spec.settings.partition)
    found, _ = household_features(spec.settings.data, merchants, plan.trial.now)
    check_population(spec, len(found))
    with_two(found, merchants, plan.trial.now)


def _learn(
    spec: AudienceSpec, plan: Plan, drawn: Trial, merchants: tuple[int | str, ...], seed: int, directory: Path
) -> tuple[Score, Mapping[str, Any]]:
    """Learn from one trial by the way of the arm. Returns: how merchants score people, and what it cost."""
    model = spec.arm.model
    if model in ("none", "random"):
        return lambda place, x: np.zeros(len(x)), {}
    if model == "rule":
        return lambda place, x: x[:, FEATURES.index("visits")], {}
    if model == "oracle":
        return lambda place, x: drawn.new_uplift[drawn.new_merchant == place], {}
    regime = _SELF_PREFERRING if model == "platform_first" else None
    training = plan.training(spec, merchants, seed)
    learnt = learn(spec, directory, drawn.people, training, way=WAYS[model], regime=regime)
    return lambda place, x: learnt.at(drawn.merchants[place])(x), learnt.cost


def _chosen(spec: AudienceSpec, plan: Plan, merchants: tuple[int | str, ...]) -> tuple[Plan, str]:
    """Choose `caution` on trials that no figure is measured on, by those who learn as the arm does."""
    best = _best_caution(spec, plan, merchants)
    noisy = "without noise" if spec.arm.epsilon is None else "with as much noise as the arm has"
    sentence = (
        f"caution of {best:g} people chosen out of {', '.join(f'{one:g}' for one in _CAUTIONS)} on {_TRIED} other "
        f"trials, {noisy}"
    )
    return replace(plan, response=replace(plan.response, caution=best)), sentence


def _best_caution(spec: AudienceSpec, plan: Plan, merchants: tuple[int | str, ...]) -> float:
    trials = [trial(spec.settings.data, merchants, plan.trial, _CHOICE_SEED + number) for number in range(_TRIED)]
    totals = []
    for caution in _CAUTIONS:
        tried = replace(plan, response=replace(plan.response, caution=caution))
        totals.append(np.mean([_tried(spec, tried, drawn, place) for place, drawn in enumerate(trials)]))
    return _CAUTIONS[int(np.argmax(totals))]


def _tried(spec: AudienceSpec, plan: Plan, drawn: Trial, number: int) -> float:
    """Return what an arm gains on one trial that settings are chosen on."""
    training = plan.training(spec, drawn.merchants, _CHOICE_SEED + number)
    people, gains = drawn.people, []
    if spec.arm.model == "isolated":
        nodes = [node_of(people.of(people.merchants == one), one) for one in drawn.merchants]
        tries = [[alone(training, one) for one in nodes]]
    elif spec.arm.epsilon is None:
        tries = [[alone(training, node_of(people))] * len(drawn.merchants)]
    else:
        rng = np.random.default_rng([spec.seed, 54, number])  # the same noise for every setting that is tried
        tries = [[rehearse(spec, training, node_of(people), rng)] * len(drawn.merchants) for _ in range(_NOISES)]
    task = training.lone_task(len(people), len(FEATURES))
    for models in tries:
        for place, model in enumerate(models):
            mine = drawn.new_merchant == place
            score = task.predict(model, drawn.new_features[mine])
            gains.append(gained_per_1000(score, drawn.new_uplift[mine], share=plan.share))
    return float(np.mean(gains))
