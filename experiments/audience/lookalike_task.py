"""What merchants learn together about look-alikes: profiles of early buyers, and weights of features.

User side nothing is shared. The rounds are

1. "centre": where households are on average, before the first launch;
2. "profile-0" ...: for each launch the direction in which its early buyers lie from there;
3. "weights-0" ...: for each fold of launches two sums from which the weights of all features follow, learned on the
   launches of the other folds.

Every round sends one row per person, at most as long as the clip norm, that depends on this person's rows and on what
was released before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.audience.lookalike_options import LookalikePlan
from federation.task import Model, NodeData, Round, TaskSettings
from matching.audience.attack import half_of
from matching.audience.embedding import embedding, width
from matching.audience.features import FEATURES, Purchases, features
from matching.audience.launch import Launch, early_buyers, known_before, later_buyers
from matching.audience.profile import profile_rows, similarity
from matching.audience.weights import moment_rows, moment_size
from privacy.clipping import Updates
from retail.interactions import Catalogue, Interactions

Floats = np.typing.NDArray[np.float64]
Mask = np.typing.NDArray[np.bool_]
TASK: Final = "experiments.audience.lookalike_task:LookalikeTask"


@dataclass(frozen=True, eq=False)
class Described:
    """What is known of some households for each launch.

    Attributes:
        features: (persons, len(FEATURES)) each; places: (persons, d) each; none where no profile is made.
        early: (persons,) bool each; later: likewise; counted: known before, and not early.
        known: (persons,) bool each.
    """

    features: tuple[Floats, ...]
    places: tuple[Floats, ...]
    early: tuple[Mask, ...]
    later: tuple[Mask, ...]
    known: tuple[Mask, ...]
    counted: tuple[Mask, ...]

    def with_similarity(self, model: Mapping[str, np.ndarray]) -> tuple[Floats, ...]:
        """Return the features of each launch, with the similarity to its released profile where there is one."""
        if not self.places:
            return self.features
        return tuple(
            np.column_stack([table, similarity(places, model["centre"], profile)])
            for table, places, profile in zip(self.features, self.places, model["profiles"], strict=True)
        )


def described(
    history: Interactions, catalogue: Catalogue, launches: tuple[Launch, ...], dimension: int | None
) -> Described:
    """Describe households for some launches, each from its own rows before each launch.

    Args:
        history: their lines.
        catalogue: the public catalogue.
        launches: what is public of them.
        dimension: of the space of profiles; None for none.
    """
    purchases = Purchases.of(history)
    early = tuple(early_buyers(history, one) for one in launches)
    known = tuple(known_before(history, one) for one in launches)
    return Described(
        tuple(features(purchases, catalogue, one) for one in launches),
        ()
        if dimension is None
        else tuple(embedding(purchases, catalogue, one, dimension=dimension) for one in launches),
        early,
        tuple(later_buyers(history, one) for one in launches),
        known,
        tuple(who & ~seed for who, seed in zip(known, early, strict=True)),
    )


class LookalikeTask:
    """See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.options` as `LookalikePlan.options` writes them.
        catalogue: the public catalogue.

    Raises: ConfigError: an option is refused.
    """

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        self.settings, self.catalogue = settings, catalogue
        self.plan = LookalikePlan.read(settings.options)
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0
        self._width = 0 if self.plan.dimension is None else width(catalogue, self.plan.dimension)
        self._features = len(FEATURES) + (self.plan.dimension is not None)

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        plan, planned = self.plan, []
        if plan.dimension is not None:
            planned.append(Round("centre", "average household", self._width, plan.centre_share))
            planned += [
                Round(f"profile-{i}", "profile of early buyers", self._width, plan.profile_share)
                for i in range(len(plan.launches))
            ]
        if plan.weights:
            planned += [
                Round(f"weights-{fold}", "weights of features", moment_size(self._features), plan.weights_share)
                for fold in range(plan.folds)
            ]
        return tuple(planned)

    def initial(self) -> Model:
        """Return nothing known: zeros."""
        return {
            "centre": np.zeros(self._width),
            "profiles": np.zeros((len(self.plan.launches), self._width)),
            "moments": np.zeros((self.plan.folds, moment_size(self._features))),
        }

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round; see `Task`."""
        kind = round_.name.partition("-")[0]
        needed: tuple[str, ...] = {"centre": (), "profile": ("centre",), "weights": ("centre", "profiles")}[kind]
        return {name: model[name] for name in needed}

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        """Yield one row per person; see `Task`."""
        kind, _, number = round_.name.partition("-")
        about = self._described(node)
        if kind == "centre":
            yield about.places[self.plan.first] * self._unit
        elif kind == "profile":
            seeds = self._seeds(about, node, int(number))
            yield profile_rows(about.places[int(number)], model["centre"], seeds) * self._unit
        else:
            tables = about.with_similarity(model)
            others = [i for i, fold in enumerate(self.plan.fold) if fold != int(number)]
            yield (
                moment_rows(
                    [tables[i] for i in others], [about.later[i] for i in others], [about.counted[i] for i in others]
                )
                * self._unit
            )

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`. A sum of which only the direction counts is kept as it is."""
        kind, _, number = round_.name.partition("-")
        new = dict(model)
        if kind == "centre":
            new["centre"] = mean / self._unit
        else:
            name = "profiles" if kind == "profile" else "moments"
            new[name] = model[name].copy()
            new[name][int(number)] = mean
        return new

    def _seeds(self, about: Described, node: NodeData, number: int) -> Mask:
        if self.plan.half is None:
            return about.early[number]
        heads = half_of(node.persons, self.plan.launches[number])
        return about.early[number] & (heads if self.plan.half else ~heads)

    def _described(self, node: NodeData) -> Described:
        key = ("lookalike", self.plan)
        found = node.memo.get(key)
        if not isinstance(found, Described):
            found = described(node.history, self.catalogue, self.plan.launches, self.plan.dimension)
            node.memo[key] = found
        return found
