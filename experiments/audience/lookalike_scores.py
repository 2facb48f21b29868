"""Scores of every household for every launch, by the model of an arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.audience.lookalike import BANNED, FEDERATED, noise_of_arm
from experiments.audience.lookalike_attack import Trial, attacked, halves_of
from experiments.audience.lookalike_choice import CENTRE_SHARE, Choice, choose
from experiments.audience.lookalike_data import Described, Launches
from experiments.audience.lookalike_options import LookalikePlan
from experiments.audience.spec import AudienceSpec
from experiments.run_access import account
from federation.access import MarketPort
from federation.run import run as run_federation
from matching.audience.methods import RULES, random_score, rule_score
from matching.audience.profile import nearest_seed, similarity
from privacy.accounting import cap, epsilon_rdp
from retail.errors import PrivacyError

Floats = np.typing.NDArray[np.float64]
Mask = np.typing.NDArray[np.bool_]
_BANNED_DIMENSION: Final = 256
_SEED_RIDGE: Final = 1.0


@dataclass(frozen=True, eq=False)
class Scored:
    """What an arm made.

    Attributes:
        scores: (persons,) of each launch.
        trials: of each launch, for each draw of noise, for `seed_membership`; none where nothing depends on the seeds.
        profiles: (launches, d) that audiences lie around, with the dimension of their space; None for other models.
        said: sentences for people.
        info: what `run.json` should say beside.
    """

    scores: tuple[Floats, ...]
    trials: tuple[tuple[tuple[Trial, ...], ...], ...] = ()
    profiles: tuple[Floats, int] | None = None
    said: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)


def scored(
    spec: AudienceSpec,
    port: MarketPort,
    launches: Launches,
    directory: Path,
    progress: Callable[[str], None],
    *,
    attack: bool,
    chosen: Choice | None = None,
) -> Scored:
    """Score every household for every measured launch.

    Args:
        spec: the run.
        port: reads for each party.
        launches: of the year.
        directory: of the run.
        progress: takes a line now and then.
        attack: whether early buyers are to be recognised.
        chosen: settings that are known beforehand; None to choose them on launches that are not measured.

    Raises:
        PolicyError: the rules of the run forbid what the model needs.
        PrivacyError: the claim cannot be kept.
        TradefairError: as `federation.run.run`.
    """
    model = spec.arm.model
    if model in FEDERATED:
        return _together(spec, port, launches, directory, progress, attack=attack, chosen=chosen)
    about = launches.described(launches.measured, _BANNED_DIMENSION if model in BANNED else None)
    if model == "random":
        rng = np.random.default_rng([spec.seed, 3])
        return Scored(tuple(random_score(len(launches.persons), rng) for _ in launches.measured))
    if model in RULES:
        return Scored(tuple(rule_score(table, model) for table in about.features))
    port.pooled()  # nobody but who has all rows can do this: refused, and logged, where the rules keep them apart
    score = _by_nearest if model == "nearest_seed" else _by_regression
    halves = halves_of(launches, about)
    return Scored(
        tuple(score(about, place, early) for place, early in enumerate(about.early)),
        tuple(
            (tuple((score(about, place, used), used, out) for used, out in both),)
            for place, both in enumerate(halves)
            if attack
        ),
        said=("banned: shown to say what it would leak, and never activated",),
    )


def _together(
    spec: AudienceSpec,
    port: MarketPort,
    launches: Launches,
    directory: Path,
    progress: Callable[[str], None],
    *,
    attack: bool,
    chosen: Choice | None,
) -> Scored:
    epsilon, delta = spec.arm.epsilon, spec.settings.privacy.delta
    profile, weights = spec.arm.model != "weights", spec.arm.model != "profile"
    parties = len(port.merchants) if noise_of_arm(spec) == "every_node" else 1
    if chosen is None:
        progress("choosing settings on launches that are not measured")
        chosen = choose(
            launches, profile=profile, weights=weights, epsilon=epsilon, delta=delta, seed=spec.seed, parties=parties
        )
    plan = _plan(launches, chosen)
    about = launches.described(launches.measured, chosen.dimension)
    if chosen.dimension is None and not plan.lessons:
        return Scored(_scores(about, plan, chosen, {}), said=(chosen.sentence(), _taught(plan)))
    progress(f"{len(port.merchants)} merchants learn together")
    result = _run(spec, port, plan, directory, progress)
    scores = _scores(about, plan, chosen, result.model)
    trials: tuple[tuple[tuple[Trial, ...], ...], ...] = ()
    if attack and profile:
        progress("profiles of one half of the early buyers, to attack them")
        trials = attacked(
            launches, about, result.model["centre"], epsilon=epsilon, delta=delta, share=plan.profile_share,
            seed=spec.seed, parties=parties,
        )  # fmt: skip
    said = [chosen.sentence(), *([_taught(plan)] if weights else [])]
    info: dict[str, Any] = account(result)
    if epsilon is not None:
        costs = {one["name"]: int(one["cost"]) for one in result.rounds}
        mine = [costs[name] for name in ("centre", "profile-0", "weights-0") if name in costs]
        of_one = epsilon_rdp(mine, delta=delta)
        if of_one > epsilon:
            raise PrivacyError(f"one launch would cost epsilon {of_one:g}, more than {epsilon:g}; lower the shares")
        info |= {
            "epsilon_one_launch": of_one,
            "epsilon_all_launches": result.epsilon,
            "privacy_unit": "One household in one launch, with all its rows at all merchants; the total is of all "
            "launches together, for one household is in all of them.",
        }
        shared = f"; a set of weights serves several of them ({len(plan.lessons)} in all)" if weights else ""
        said.append(
            f"one launch costs a household, over all merchants, epsilon {of_one:.2f} at delta {delta:g}, all that its "
            f"scores are made of; the {len(plan.launches)} launches of this experiment together {result.epsilon:.2f}"
            f"{shared}"
        )
    found = (np.asarray(result.model["profiles"]), int(chosen.dimension or 0)) if not weights else None
    return Scored(scores, trials, found, tuple(said), info)


def _plan(launches: Launches, chosen: Choice) -> LookalikePlan:
    """Plan what the measured launches need: their profiles, and the lessons that have something to learn from."""
    days = [launches.lesson_days[one] for one in launches.measured] if chosen.ridge is not None else []
    used = [day for day in sorted(set(days)) if launches.lessons[day].launches]
    place = {day: number for number, day in enumerate(used)}
    centre = CENTRE_SHARE if chosen.dimension is not None else 0.0
    return LookalikePlan(
        launches.measured,
        chosen.dimension,
        tuple(launches.lessons[day] for day in used),
        tuple(map(place.get, days)) if days else (None,) * len(launches.measured),
        centre_share=centre,
        profile_share=1.0 - centre - chosen.weights_share,
        weights_share=chosen.weights_share,
    )


def _taught(plan: LookalikePlan) -> str:
    """Say what weights were learned on, and for how many launches there was nothing."""
    sizes = [len(one.launches) for one in plan.lessons]
    without = sum(one is None for one in plan.lesson)
    said = f"; {without} of {len(plan.lesson)} launches had nothing before them and use the weights of a rule"
    if not sizes:
        return f"no weights were learned, and nothing was spent on any{said}"
    return (
        f"weights from {len(sizes)} lessons over {min(sizes)} to {max(sizes)} earlier launches each, by what was "
        f"bought until then{said}"
    )


def _run(
    spec: AudienceSpec,
    port: MarketPort,
    plan: LookalikePlan,
    directory: Path,
    progress: Callable[[str], None],
) -> Any:
    """Run the federation for a plan, with so much in all that one launch costs the arm's epsilon."""
    epsilon, delta = spec.arm.epsilon, spec.settings.privacy.delta
    whole = None
    if epsilon is not None:
        one = cap(epsilon=epsilon, delta=delta)
        whole = epsilon_rdp(int(one * plan.shares()), delta=delta)
    config = replace(
        port.config,
        options=plan.options(),
        epsilon=whole,
        noise=noise_of_arm(spec),
        clip_norm=None if whole is None else port.config.clip_norm,
        ledger=directory / "artifacts" / "ledger.sqlite",
        run_id=f"{spec.run_id}-ledger",
    )
    return run_federation(config, access=port.access, progress=progress)


def _scores(
    about: Described, plan: LookalikePlan, chosen: Choice, model: Mapping[str, np.ndarray]
) -> tuple[Floats, ...]:
    found = []
    for place, (table, lesson) in enumerate(zip(about.features, plan.lesson, strict=True)):
        near = similarity(about.places[place], model["centre"], model["profiles"][place]) if about.places else None
        found.append(chosen.scores(table, near, None if lesson is None else model["moments"][lesson]))
    return tuple(found)


def _by_nearest(about: Described, place: int, seeds: Mask) -> Floats:
    return nearest_seed(about.places[place], seeds)


def _by_regression(about: Described, place: int, seeds: Mask) -> Floats:
    """Ridge regression of being a seed on the place of a household, exact and pooled."""
    places = about.places[place] - about.places[place].mean(axis=0)
    square = places.T @ places + _SEED_RIDGE * np.eye(places.shape[1])
    found: Floats = places @ np.linalg.solve(square, places.T @ seeds.astype(np.float64))
    return found
