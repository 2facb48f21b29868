"""Execute one arm of an attributes scenario: every household is judged by models that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.attribute_data import Judged, answers, folds_of, judged, judged_figures, ranks_of
from experiments.audience.claims import check_population
from experiments.audience.measured import Figure, Measured
from experiments.audience.sensitive import wanted
from experiments.audience.spec import AudienceSpec
from experiments.audience.training import (
    Learnt,
    Training,
    Way,
    alone,
    begin,
    learn_often,
    node_of,
    noise_seed,
    rehearse,
)
from privacy.accounting import epsilon_rdp
from retail.attributes import attribute
from retail.errors import ConfigError
from retail.responses import Responses, require_both
from retail.separation import auc

Floats = npt.NDArray[np.float64]
Predict = Callable[[Responses], tuple[Floats, Floats]]
"""Households -> scores, and chances that they have the attribute."""
WAYS: Final[tuple[Way, ...]] = ("isolated", "federated", "pooled")
_SIZES: Final = (25, 75, 225, 1000)
_TURNS: Final = (0.0, 0.1, 0.2, 0.3, 0.4)
_INNER: Final = 3
_DEFAULTS: Final = {"folds": 4, "now": 17_440, "noises": 10}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    Attributes:
        attributes: names.
        folds: parts of the households, each judged by models of the others.
        now: first day that features do not see.
        noises: how many draws of noise a private arm is measured with, see `learn_often`.
        sizes: numbers of features that an arm with noise chooses from; without noise it takes the largest.
        turns: what an arm without noise chooses `AttributeOptions.turn` from; with noise it is 0.
    """

    attributes: tuple[str, ...]
    folds: int
    now: int
    noises: int
    sizes: tuple[int, ...]
    turns: tuple[float, ...]

    @classmethod
    def read(cls, spec: AudienceSpec) -> Plan:
        """Check the options of an arm. Raises: ConfigError: one is unknown or cannot be used."""
        options = dict(spec.options)
        options.pop("attributes", None)
        whole = {name: options.pop(name, default) for name, default in _DEFAULTS.items()}
        sizes, turns = options.pop("sizes", list(_SIZES)), options.pop("turns", list(_TURNS))
        if options:
            known = f"attributes, {', '.join(_DEFAULTS)}, sizes, turns"
            raise ConfigError(f"options.{next(iter(options))} is unknown; choose from {known}")
        if any(type(one) is not int for one in whole.values()) or whole["folds"] < 2 or not 1 <= whole["noises"] <= 100:
            raise ConfigError(f"options {whole}: write whole numbers, at least 2 folds and from 1 to 100 noises")
        if not isinstance(sizes, list) or not sizes or any(type(one) is not int or one < 1 for one in sizes):
            raise ConfigError(f"options.sizes = {sizes!r}: list whole numbers of at least 1")
        if not isinstance(turns, list) or not turns or any(type(one) is not float or not 0 <= one < 1 for one in turns):
            raise ConfigError(f"options.turns = {turns!r}: list numbers from 0.0 to below 1")
        names = wanted(spec)
        for name in names:
            attribute(name)
        return cls(names, whole["folds"], whole["now"], whole["noises"], tuple(sizes), tuple(turns))

    @property
    def trainings(self) -> int:
        """In how many trainings somebody is who told every attribute: of each attribute, all folds but the own one."""
        return (self.folds - 1) * len(self.attributes)


def require_answers(spec: AudienceSpec, plan: Plan) -> None:
    """Refuse an attribute that everybody or nobody has, in any fold, before any run.

    Raises: DataError: so it is, or nobody is known. ConfigError: more households than were declared.
    """
    for name in plan.attributes:
        known = answers(spec.settings.data, spec.settings.partition, name, now=plan.now)
        check_population(spec, len(known))
        yes = known.to_numpy()
        require_both(yes, f"attribute {name}", did="have it")
        fold = folds_of(known.index.to_numpy(), folds=plan.folds, seed=spec.seed)
        for number in range(plan.folds):
            require_both(yes[fold != number], f"attribute {name} without fold {number}", did="have it")


def run_attributes(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        directory: its folder; tables, ledger and log go to `artifacts/`.
        progress: takes a line for each attribute.

    Raises:
        TradefairError: the run is refused.
    """
    plan, figures, said, info = Plan.read(spec), list[Figure](), list[str](), dict[str, Any]()
    begin(directory)
    for name in plan.attributes:
        people = judged(
            spec.settings.data, spec.settings.partition, name, now=plan.now, pooled=spec.arm.model == "pooled"
        )
        scores, chances, inside, choices, spent = _judge(spec, plan, name, people, directory)
        figures += judged_figures(name, people.rows.responded, scores, chances, inside, draws=spec.settings.draws)
        if choices:
            said.append(f"{name}: {', '.join(choices)}, chosen for each fold within the other folds")
        info |= spent
        progress(f"{name}: {len(people.rows)} households")
    if spec.arm.epsilon is not None:
        info |= _claim(spec, plan, info)
        said.append(info.pop("sentence"))
    return Measured(
        tuple(figures), draws=f"households of each attribute, seed {spec.seed}", info={"said": said, **info}
    )


def _claim(spec: AudienceSpec, plan: Plan, spent: Mapping[str, Any]) -> dict[str, Any]:
    """Say what an epsilon is of, and what all trainings that one household is in come to."""
    cost = sum(one["cost"] for one in spent["rounds"])
    total = epsilon_rdp([cost] * plan.trainings, delta=spec.settings.privacy.delta)
    return {
        "privacy_unit": "One household in one training (one attribute, one fold), with its answer and all that it "
        "bought.",
        "epsilon_total": total,
        "sentence": f"epsilon is of one training. A household is in {plan.folds - 1} of the {plan.folds} trainings of "
        f"an attribute, which overlap and so add up: one that told {len(plan.attributes)} attributes is in "
        f"{plan.trainings}, together epsilon {total:.2f}. Figures are means over {plan.noises} draws of noise, one of "
        "them paid for, the others to show what noise does",
    }


def _judge(
    spec: AudienceSpec, plan: Plan, name: str, people: Judged, directory: Path
) -> tuple[Floats, Floats, Floats, list[str], Mapping[str, Any]]:
    """Judge every household by models of the other folds, one for each draw of noise.

    Returns: (noises, n) scores and chances; (noises,) AUC on those that models learnt from; what was chosen in each
        fold; what one training cost.
    """
    rows, n = people.rows, len(people.rows)
    fold = folds_of(rows.persons, folds=plan.folds, seed=spec.seed)
    noises = plan.noises if spec.arm.epsilon is not None else 1
    scores, chances, inside = np.zeros((noises, n)), np.zeros((noises, n)), np.zeros((noises, plan.folds))
    choices, spent = list[str](), dict[str, Any]()
    for number in range(plan.folds):
        known, unknown = rows.of(fold != number), rows.of(fold == number)
        base = float(known.responded.mean()) if spec.arm.epsilon is None else people.base
        if spec.arm.model == "majority":
            models: list[Predict] = [partial(_of_all, base)]
        elif spec.arm.model == "rule":
            models = [people.rule(known)]
        else:
            size, turn = _best(spec, plan, people, known, base, f"{name} fold {number}")
            training = _training(people, f"{name} fold {number}", base, turn)
            learnt = learn_often(
                spec, directory, people.narrow(known, size), training, way=_way(spec), noises=plan.noises
            )
            models, spent = [partial(_by, one, people, size) for one in learnt], {**spent, **learnt[0].cost}
            if spec.arm.model != "isolated":
                choices.append(f"{size} features" if spec.arm.epsilon is not None else f"turn {turn:g}")
        for draw, predict in enumerate(models):
            # Scores of different folds are of different models: what is compared is the order within a fold.
            found, chances[draw, fold == number] = predict(unknown)
            scores[draw, fold == number] = ranks_of(found)
            inside[draw, number] = _auc(predict(known)[0], known)
    return scores, chances, inside.mean(axis=1), choices, spent


def _way(spec: AudienceSpec) -> Way:
    return next(one for one in WAYS if one == spec.arm.model)


def _training(people: Judged, name: str, base: float, turn: float) -> Training:
    return Training(name=name, task="attribute", options={"base": base, "turn": turn}, merchants=people.merchants)


def _of_all(base: float, rows: Responses) -> tuple[Floats, Floats]:
    return np.zeros(len(rows)), np.full(len(rows), base)


def _by(learnt: Learnt, people: Judged, size: int, rows: Responses) -> tuple[Floats, Floats]:
    """Judge households by the model of their merchant."""
    scores, chances = np.zeros(len(rows)), np.zeros(len(rows))
    features = people.narrow(rows, size).features
    for merchant in dict.fromkeys(rows.merchants.tolist()):
        mine = rows.merchants == merchant
        scores[mine], chances[mine] = learnt.at(merchant)(features[mine])
    # Scores of different merchants' models do not compare; chances do.
    return (scores if learnt.everybody is not None else chances + 1e-9 * scores), chances


def _best(
    spec: AudienceSpec, plan: Plan, people: Judged, known: Responses, base: float, name: str
) -> tuple[int, float]:
    """Choose how many features and how far to turn, on folds within the known households.

    With as much noise as the arm will have: more features drown in it, and so does turning. Without noise all features
    are taken. Who learns alone chooses nothing.
    """
    sizes = tuple(dict.fromkeys(min(one, people.width) for one in plan.sizes))
    if spec.arm.model == "isolated":
        return max(sizes), 0.0
    if spec.arm.epsilon is None:
        tried = [(max(sizes), turn) for turn in plan.turns]
    else:
        tried = [(size, 0.0) for size in sizes]
    if len(tried) == 1:
        return tried[0]
    inner = folds_of(known.persons, folds=_INNER, seed=noise_seed(spec, f"{name} inner"))
    found = {
        one: np.mean([_inner_auc(spec, people, known, base, one, inner, part, name) for part in range(_INNER)])
        for one in tried
    }
    return max(tried, key=lambda one: (found[one], -one[0], -one[1]))


def _inner_auc(
    spec: AudienceSpec,
    people: Judged,
    known: Responses,
    base: float,
    tried: tuple[int, float],
    inner: npt.NDArray[np.int64],
    part: int,
    name: str,
) -> float:
    size, turn = tried
    rows, test = people.narrow(known.of(inner != part), size), people.narrow(known.of(inner == part), size)
    training, node = _training(people, name, base, turn), node_of(rows)
    if spec.arm.epsilon is None:
        model = alone(training, node)
    else:
        rng = np.random.default_rng([noise_seed(spec, f"{name} inner noise"), size, part])
        model = rehearse(spec, training, node, rng)
    found = _auc(training.lone_task(len(rows), size).predict(model, test.features)[0], test)
    return found if np.isfinite(found) else 0.5


def _auc(scores: Floats, rows: Responses) -> float:
    return float(auc(scores, rows.responded > 0)[0])
