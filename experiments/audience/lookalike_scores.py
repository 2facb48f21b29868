"""Scores of every household for every launch, by the model of an arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.audience.lookalike import BANNED, FEDERATED, noise_of_arm
from experiments.audience.lookalike_choice import CENTRE_SHARE, Choice, choose
from experiments.audience.lookalike_data import Launches
from experiments.audience.lookalike_options import LookalikePlan
from experiments.audience.lookalike_task import Described
from experiments.audience.spec import AudienceSpec
from experiments.run_access import account
from federation.access import MarketPort
from federation.run import run as run_federation
from matching.audience.attack import half_of
from matching.audience.methods import RULES, random_score, rule_score
from matching.audience.profile import nearest_seed, profile_rows, similarity
from matching.audience.weights import ridge_weights
from privacy.accounting import cap, epsilon_rdp
from retail.errors import PrivacyError

Floats = np.typing.NDArray[np.float64]
Mask = np.typing.NDArray[np.bool_]
Trial = tuple[Floats, Mask, Mask]
_BANNED_DIMENSION: Final = 256
_SEED_RIDGE: Final = 1.0


@dataclass(frozen=True, eq=False)
class Scored:
    """What an arm made.

    Attributes:
        scores: (persons,) of each launch.
        trials: of each launch, for `seed_membership`; none where nothing depends on the seeds.
        profiles: (launches, d) that audiences lie around, with the dimension of their space; None for other models.
        said: sentences for people.
        info: what `run.json` should say beside.
    """

    scores: tuple[Floats, ...]
    trials: tuple[tuple[Trial, ...], ...] = ()
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
) -> Scored:
    """Score every household for every measured launch.

    Raises:
        PolicyError: the rules of the run forbid what the model needs.
        PrivacyError: the claim cannot be kept.
        TradefairError: as `federation.run.run`.
    """
    model = spec.arm.model
    if model in FEDERATED:
        return _together(spec, port, launches, directory, progress, attack=attack)
    about = launches.described(launches.measured, _BANNED_DIMENSION if model in BANNED else None)
    if model == "random":
        rng = np.random.default_rng([spec.seed, 3])
        return Scored(tuple(random_score(len(launches.persons), rng) for _ in launches.measured))
    if model in RULES:
        return Scored(tuple(rule_score(table, model) for table in about.features))
    port.pooled()  # nobody but who has all rows can do this: refused, and logged, where the rules keep them apart
    score = _by_nearest if model == "nearest_seed" else _by_regression
    halves = _halves(launches, about)
    return Scored(
        tuple(score(about, place, early) for place, early in enumerate(about.early)),
        tuple(
            tuple((score(about, place, used), used, out) for used, out in both)
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
) -> Scored:
    epsilon, delta = spec.arm.epsilon, spec.settings.privacy.delta
    profile, weights = spec.arm.model != "weights", spec.arm.model != "profile"
    progress("choosing settings on launches that are not measured")
    chosen = choose(launches, profile=profile, weights=weights, epsilon=epsilon, delta=delta, seed=spec.seed)
    plan = _plan(launches, chosen, weights=weights)
    progress(f"{len(port.merchants)} merchants learn together")
    result = _run(spec, port, plan, directory, "ledger.sqlite", progress)
    about = launches.described(launches.measured, chosen.dimension)
    scores = _scores(about, plan, chosen, result.model)
    trials: tuple[tuple[Trial, ...], ...] = ()
    if attack and profile:
        progress("profiles of one half of the early buyers, to attack them")
        trials = _attacked(spec, port, launches, plan, about, result.model, directory, progress)
    said = [chosen.sentence()]
    info: dict[str, Any] = account(result)
    if epsilon is not None:
        costs = {one["name"]: int(one["cost"]) for one in result.rounds}
        mine = [costs[name] for name in ("centre", "profile-0", "weights-0") if name in costs]
        of_one = epsilon_rdp(mine, delta=delta)
        if of_one > epsilon:
            raise PrivacyError(f"one launch would cost epsilon {of_one:g}, more than {epsilon:g}; lower the shares")
        info |= {"epsilon_one_launch": of_one, "epsilon_all_launches": result.epsilon}
        said.append(
            f"one launch costs a household, over all merchants, epsilon {of_one:.2f} at delta {delta:g}; the "
            f"{len(plan.launches) if profile else plan.folds} {'launches' if profile else 'sets of weights'} of this "
            f"experiment together {result.epsilon:.2f}"
        )
    found = (np.asarray(result.model["profiles"]), int(chosen.dimension or 0)) if not weights else None
    return Scored(scores, trials, found, tuple(said), info)


def _plan(launches: Launches, chosen: Choice, *, weights: bool) -> LookalikePlan:
    centre = CENTRE_SHARE if chosen.dimension is not None else 0.0
    return LookalikePlan(
        launches.measured,
        launches.fold,
        chosen.dimension,
        weights,
        centre_share=CENTRE_SHARE,
        profile_share=1.0 - centre - chosen.weights_share,
        weights_share=chosen.weights_share,
    )


def _run(
    spec: AudienceSpec,
    port: MarketPort,
    plan: LookalikePlan,
    directory: Path,
    ledger: str,
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
        ledger=directory / "artifacts" / ledger,
        run_id=f"{spec.run_id}-{ledger.partition('.')[0]}",
    )
    return run_federation(config, access=port.access, progress=progress)


def _attacked(
    spec: AudienceSpec,
    port: MarketPort,
    launches: Launches,
    plan: LookalikePlan,
    about: Described,
    released: Mapping[str, np.ndarray],
    directory: Path,
    progress: Callable[[str], None],
) -> tuple[tuple[Trial, ...], ...]:
    """Make the profiles of either half of the seeds, with noise of the same size, and say who fits them.

    Where there is no noise, the sums are those that a federation would return, and are taken without asking one.
    """
    trials: list[list[Trial]] = [[] for _ in launches.measured]
    halves = _halves(launches, about)
    for half in (0, 1):
        if spec.arm.epsilon is None:
            centre = released["centre"]
            profiles = np.stack(
                [profile_rows(about.places[i], centre, both[half][0]).sum(axis=0) for i, both in enumerate(halves)]
            )
        else:
            other = replace(plan, weights=False, half=half)
            model = _run(spec, port, other, directory, f"attack-{half}.sqlite", progress).model
            centre, profiles = model["centre"], model["profiles"]
        for place, both in enumerate(halves):
            used, out = both[half]
            if used.any() and out.any():
                trials[place].append((similarity(about.places[place], centre, profiles[place]), used, out))
    return tuple(tuple(one) for one in trials)


def _scores(
    about: Described, plan: LookalikePlan, chosen: Choice, model: Mapping[str, np.ndarray]
) -> tuple[Floats, ...]:
    tables = about.with_similarity(model)
    if not plan.weights:
        return tuple(table[:, -1] for table in tables)
    width = tables[0].shape[1]
    vectors = [ridge_weights(sums, features=width, ridge=chosen.ridge) for sums in model["moments"]]
    return tuple(table @ vectors[fold] for table, fold in zip(tables, plan.fold, strict=True))


def _halves(launches: Launches, about: Described) -> list[tuple[tuple[Mask, Mask], tuple[Mask, Mask]]]:
    """Part the seeds of each launch, who were known before, by the public coin: (used, left out), both ways."""
    found = []
    for place, launch in enumerate(launches.measured):
        seeds, heads = about.early[place] & about.known[place], half_of(launches.persons, launch)
        found.append(((seeds & ~heads, seeds & heads), (seeds & heads, seeds & ~heads)))
    return found


def _by_nearest(about: Described, place: int, seeds: Mask) -> Floats:
    return nearest_seed(about.places[place], seeds)


def _by_regression(about: Described, place: int, seeds: Mask) -> Floats:
    """Ridge regression of being a seed on the place of a household, exact and pooled."""
    places = about.places[place] - about.places[place].mean(axis=0)
    square = places.T @ places + _SEED_RIDGE * np.eye(places.shape[1])
    found: Floats = places @ np.linalg.solve(square, places.T @ seeds.astype(np.float64))
    return found
