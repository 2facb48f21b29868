"""Refuse a scenario that cannot run before any run starts: everything that needs no row to be known."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Final

from experiments.scenario import Arm, Scenario
from experiments.sweep import sweep_points
from experiments.targets import Target
from experiments.worker import load_object
from federation.config import dataset_name
from privacy.accounting import cap
from privacy.ledger_record import read_ledger
from retail.datasource import DataSource
from retail.errors import ConfigError, PrivacyError, TradefairError

_TRAINED: Final = ("untrained", "isolated", "federated", "dp_popularity", "pooled")


def check_scenario(scenario: Scenario) -> None:
    """Try the settings of every sweep point and arm.

    Raises:
        ConfigError: an option, merchant list, task, device, metric, regime or policy pack cannot be used, or an epsilon
            is claimed without a declared population.
    """
    _check_metrics(scenario)
    for _, point in sweep_points(scenario):
        _check_point(point)
        for arm in point.arms:
            try:
                _check_rules(point, arm)
                _check_arm(point, arm)
            except TradefairError as error:
                raise ConfigError(f"{scenario.name}: arm {arm.name}: {error}") from None


def check_ledger(scenario: Scenario, store: Path) -> None:
    """Refuse a scenario whose persistent ledger cannot pay for any of its arms, before data is touched.

    With runs of this scenario in the store nothing is decided here: some may be finished, and telling which takes the
    identity of the data. Each run asks the ledger again, under its lock.

    Raises:
        PrivacyError: the ledger is spent, or cannot be read.
    """
    if scenario.privacy.ledger == "run" or any((store / scenario.name).glob("*/")):
        return
    path = Path(scenario.privacy.ledger)
    costs = [
        cap(epsilon=arm.epsilon, delta=point.privacy.delta)
        for _, point in sweep_points(scenario)
        for arm in point.arms
        if arm.epsilon is not None
    ]
    if not costs or not path.is_file():
        return
    name = dataset_name(DataSource(**scenario.data.model_dump()))
    rows = read_ledger(path).budgets.to_dict("records")
    left = next((int(row["cap"]) - int(row["spent"]) for row in rows if row["dataset"] == name), None)
    if left is not None and left < min(costs):
        raise PrivacyError(
            f"{scenario.name}: the budget of {name!r} in {path} is spent: {left} nano-rho are left, the cheapest arm "
            f"costs {min(costs)}; nothing refills a budget, so use other people's data or arms without epsilon"
        )


def _check_metrics(scenario: Scenario) -> None:
    from retail.evaluation import COLUMNS

    for expression, condition in scenario.targets.items():
        metric = Target.parse(expression, condition).metric
        if metric not in COLUMNS:
            raise ConfigError(
                f'{scenario.name}: targets: "{expression}" asks for {metric!r}, which is not measured; choose one of '
                f"{', '.join(COLUMNS)}"
            )


def _check_point(point: Scenario) -> None:
    if point.partition.merchants == "members" and point.data.source != "complete-journey":
        raise ConfigError(
            f'{point.name}: partition.merchants = "members" is a list of the Complete Journey; write "all" or a list '
            f'of ids for source = "{point.data.source}"'
        )
    if point.federation.device != "cpu":
        import torch

        try:
            torch.zeros(1, device=point.federation.device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(
                f'{point.name}: federation.device = "{point.federation.device}" cannot be used here ({error}); '
                'write "cpu"'
            ) from None


def _check_arm(point: Scenario, arm: Arm) -> None:
    if arm.epsilon is not None and point.data.known_population is None:
        raise ConfigError(
            f"epsilon {arm.epsilon:g} needs a publicly known number of shoppers; set data.population to a public figure"
        )
    if arm.method not in _TRAINED:
        _check_baseline(arm)
    elif point.task == "recommend":
        from federation.recommend.settings import RecommendOptions

        RecommendOptions.read({**point.options, **arm.options})
    else:
        _check_task(point.task)


def _check_rules(point: Scenario, arm: Arm) -> None:
    """Load the rules of an arm."""
    from experiments.arms import regime_of
    from privacy.policy import PolicyEngine, Register

    PolicyEngine.load(("base", *point.policy.packs), register=Register(), regime=arm.regime or regime_of(arm))
    if point.policy.consents is not None and not Path(point.policy.consents).is_file():
        raise ConfigError(
            f"policy.consents = {point.policy.consents!r} is no file; make a register with `tradefair consent notice`"
        )


def _check_baseline(arm: Arm) -> None:
    from experiments.baselines import BASELINES

    known = [name for name in inspect.signature(BASELINES[arm.method]).parameters][3:]
    for name in arm.options:
        if name not in known:
            raise ConfigError(f"options.{name} is unknown to method {arm.method}; choose from {', '.join(known)}")


def _check_task(name: str) -> None:
    from federation.task import RankingTask

    found: Any = load_object(name)
    wanted = [method for method in dir(RankingTask) if not method.startswith("_")]
    missing = [method for method in wanted if not callable(getattr(found, method, None))]
    if not isinstance(found, type) or missing:
        raise ConfigError(f"task = {name!r} is no Task: it must be a class with the methods {', '.join(wanted)}")
