"""What merchants learn together about look-alikes: profiles of early buyers, and weights of features.

User side nothing is shared. The rounds are

1. "centre": where households are on average, before the first launch;
2. "profile-0" ...: for each launch the direction in which its early buyers lie from there;
3. "weights-0" ...: for each lesson two sums from which the weights of all features follow, learned on launches that lie
   before it, with what was bought until then (`lookalike_lessons`).

Every round sends one row per person, at most as long as the clip norm, that depends on this person's rows and on what
was released before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from experiments.audience.lookalike_lessons import lesson_rows
from experiments.audience.lookalike_options import LookalikePlan
from federation.task import Model, NodeData, Round, TaskSettings
from matching.audience.embedding import embedding, width
from matching.audience.features import FEATURES, Purchases
from matching.audience.launch import early_buyers
from matching.audience.profile import profile_rows
from matching.audience.weights import moment_size
from privacy.clipping import Updates
from retail.interactions import Catalogue

Floats = np.typing.NDArray[np.float64]
TASK: Final = "experiments.audience.lookalike_task:LookalikeTask"


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

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        plan, planned = self.plan, []
        if plan.dimension is not None:
            planned.append(Round("centre", "average household", self._width, plan.centre_share))
            planned += [
                Round(f"profile-{i}", "profile of early buyers", self._width, plan.profile_share)
                for i in range(len(plan.launches))
            ]
        planned += [
            Round(f"weights-{i}", "weights of features", moment_size(len(FEATURES)), plan.weights_share)
            for i in range(len(plan.lessons))
        ]
        return tuple(planned)

    def initial(self) -> Model:
        """Return nothing known: zeros."""
        return {
            "centre": np.zeros(self._width),
            "profiles": np.zeros((len(self.plan.launches), self._width)),
            "moments": np.zeros((len(self.plan.lessons), moment_size(len(FEATURES)))),
        }

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round; see `Task`."""
        return {"centre": model["centre"]} if round_.name.startswith("profile") else {}

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        """Yield one row per person; see `Task`."""
        kind, _, number = round_.name.partition("-")
        if kind == "weights":
            yield self._lesson_rows(node, int(number)) * self._unit
            return
        places = self._places(node)
        if kind == "centre":
            yield places[self.plan.first] * self._unit
        else:
            seeds = early_buyers(node.history, self.plan.launches[int(number)])
            yield profile_rows(places[int(number)], model["centre"], seeds) * self._unit

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

    def _places(self, node: NodeData) -> tuple[Floats, ...]:
        """Return where a node's households lie before each launch; kept while its rows are the same."""
        dimension = self.plan.dimension
        assert dimension is not None

        key = ("lookalike places", self.plan)
        if key not in node.memo:
            purchases = Purchases.of(node.history)
            node.memo[key] = tuple(
                embedding(purchases, self.catalogue, one, dimension=dimension) for one in self.plan.launches
            )
        found: tuple[Floats, ...] = node.memo[key]
        return found

    def _lesson_rows(self, node: NodeData, number: int) -> Floats:
        """Return what a node's households add to a lesson; features are made once for all lessons."""
        key = ("lookalike lessons", self.plan)
        if key not in node.memo:
            node.memo[key] = Purchases.of(node.history), {}
        purchases, known = node.memo[key]
        return lesson_rows(purchases, self.catalogue, self.plan.lessons[number], known)
