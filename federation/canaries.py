"""Canaries: phantom shoppers in a real federation, so that an audit can see what one person leaves behind.

`CanaryTask` wraps any task. Every round gets `reserved` coordinates in front of the task's own: rows of phantom
products that nobody can buy. A canary is an extra person with one coordinate of its own; a coin decides whether it
takes part.
Those that do contribute at their coordinate in every round, through the run's own clipping, weighting, noise and
ledger. What comes out at the reserved coordinates is recorded in the model, the rest goes to the wrapped task, which
sees neither canaries nor coordinates.

    audited = with_canaries(config, nodes, canaries=1000, seed=1)
    model = run(audited).model
    plan, seen = canary_plan(audited), observed(model)

Only for simulations: the recorded coordinates are part of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from federation.canary_plan import CanaryPlan, left_out, make_plan, without
from federation.config import FederationConfig
from federation.task import Model, NodeData, Round, Task, TaskSettings, load_task
from privacy.clipping import Updates
from retail.errors import ConfigError, PrivacyError
from retail.interactions import Catalogue

TASK: Final = "federation.canaries:CanaryTask"
VARIANTS: Final = {"C": 1.0, "10C": 10.0, "100C": 100.0}
"""How long a canary's contribution is, in units of the clip bound; more than 1 shows whether clipping is done."""

_SEEN: Final = "canary/"
_NOISE: Final = "canary-noise/"
_DEFAULTS: Final[dict[str, Any]] = {
    "inner": None,
    "inner_options": {},
    "canaries": 1000,
    "controls": 100,
    "control_group": 40,
    "seed": 0,
    "variant": "C",
    "merchants": (),
    "k_max": 1,
    "leave_out": 0.0,
}


def with_canaries(
    config: FederationConfig,
    nodes: Sequence[NodeData],
    *,
    canaries: int = 1000,
    controls: int = 100,
    seed: int = 0,
    variant: str = "C",
    leave_out: float = 0.0,
) -> FederationConfig:
    """Return the settings of the same run with canaries in it.

    Args:
        config: of the run.
        nodes: of the run, for the public list of merchants.
        canaries: how many.
        controls: how many coordinates with a large planted leak.
        seed: of coins and places.
        variant: one of `VARIANTS`.
        leave_out: share of the real shoppers to leave out of training, so that members and others can be compared.

    Raises:
        ConfigError: a value is out of range.
        PrivacyError: the run is no simulation.
    """
    if config.mode != "simulation":
        raise PrivacyError("canaries record what a run publishes of them in its model; they are for simulations only")
    options = {
        "inner": config.task,
        "inner_options": dict(config.options),
        "canaries": canaries,
        "controls": controls,
        "seed": seed,
        "variant": variant,
        "merchants": [one.merchant.item() if isinstance(one.merchant, np.generic) else one.merchant for one in nodes],
        "k_max": config.k_max,
        "leave_out": leave_out,
    }
    _read(options)
    return replace(config, task=TASK, options=options)


def canary_plan(config: FederationConfig) -> CanaryPlan:
    """Return the plan behind settings that `with_canaries` made.

    Raises:
        ConfigError: the run has no canaries.
    """
    if config.task != TASK:
        raise ConfigError(f"task = {config.task!r} has no canaries; make the settings by with_canaries")
    return _plan(_read(config.options))


def observed(model: Model) -> dict[str, NDArray[np.float64]]:
    """Return what each round published at the reserved coordinates, (reserved,), by the name of the round.

    These are entries of the (noised) sum over all persons divided by the population.
    """
    return {name.removeprefix(_SEEN): value for name, value in model.items() if name.startswith(_SEEN)}


def declared_noise(model: Model) -> dict[str, float]:
    """Return the standard deviation of the noise in `observed` that the strategy told the task, by round."""
    return {name.removeprefix(_NOISE): float(value[0]) for name, value in model.items() if name.startswith(_NOISE)}


def inner_model(model: Model) -> Model:
    """Return the wrapped task's part of a model."""
    return {name: value for name, value in model.items() if not name.startswith((_SEEN, _NOISE))}


class CanaryTask:
    """A task with phantom persons in front. See the module, and `with_canaries` for the options.

    Args:
        settings: public settings; `settings.options` as `with_canaries` writes them.
        catalogue: the public catalogue.

    Raises:
        ConfigError: an option is unknown or out of range, or the wrapped task is refused.
    """

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        self.options = _read(settings.options)
        self.plan = _plan(self.options)
        self.reserved = len(self.plan.included)
        self.settings = settings
        self.inner: Task = load_task(
            str(self.options["inner"]), replace(settings, options=dict(self.options["inner_options"])), catalogue
        )
        bound = settings.clip_norm if settings.clip_norm is not None else 1.0
        self.length = bound * VARIANTS[self.options["variant"]]
        self._place = {str(one): index for index, one in enumerate(self.options["merchants"])}
        self._rounds = {one.name: one for one in self.inner.rounds()}

    def rounds(self) -> tuple[Round, ...]:
        """List the wrapped task's exchanges, each longer by the reserved coordinates."""
        return tuple(replace(one, size=one.size + self.reserved) for one in self.inner.rounds())

    def initial(self) -> Model:
        """Return the wrapped task's model; nothing is recorded yet."""
        return self.inner.initial()

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what the wrapped task's nodes need; nodes never see the record."""
        return self.inner.broadcast(inner_model(model), self._rounds[round_.name])

    def extra_persons(self, node: NodeData) -> int:
        """Return how many phantom persons shop at a node; `federation.contributions` admits as many rows more."""
        return len(self.plan.at(self._index(node)))

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        """Yield the wrapped task's blocks as they are, then one block of phantom persons of the full length."""
        yield from self.inner.person_updates(model, self._rounds[round_.name], self._admitted(node))
        columns = self.plan.at(self._index(node))
        if len(columns):
            values = np.full(len(columns), self.length)
            yield csr_array((values, (np.arange(len(columns)), columns)), shape=(len(columns), round_.size))

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Record the reserved coordinates, and let the wrapped task have the rest."""
        record = {name: value for name, value in model.items() if name.startswith((_SEEN, _NOISE))}
        after = self.inner.advance(
            inner_model(model), self._rounds[round_.name], mean[self.reserved :], noise_scale=noise_scale
        )
        record[f"{_SEEN}{round_.name}"] = np.array(mean[: self.reserved], dtype=np.float64)
        record[f"{_NOISE}{round_.name}"] = np.array([noise_scale])
        return {**after, **record}

    def scores(self, model: Model, node: NodeData) -> Iterator[np.ndarray]:
        """Yield the wrapped task's scores of a node's real persons."""
        found: Iterator[np.ndarray] = self.inner.scores(inner_model(model), node)  # type: ignore[attr-defined]
        return found

    def _index(self, node: NodeData) -> int:
        try:
            return self._place[str(node.merchant)]
        except KeyError:
            raise ConfigError(
                f"canaries: merchant {node.merchant!r} is not in options.merchants; list them all"
            ) from None

    def _admitted(self, node: NodeData) -> NodeData:
        """The node without the shoppers that this audit leaves out of training."""
        if not self.options["leave_out"]:
            return node
        key = ("canaries", self.options["leave_out"], self.options["seed"])
        if key not in node.memo:
            out = left_out(node.history.persons, share=self.options["leave_out"], seed=self.options["seed"])
            node.memo[key] = without(node, out)
        found: NodeData = node.memo[key]
        return found


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(options) - set(_DEFAULTS))
    if unknown:
        raise ConfigError(f"canaries: options {', '.join(unknown)} are unknown; choose from {', '.join(_DEFAULTS)}")
    read = {**_DEFAULTS, **options}
    if not isinstance(read["inner"], str) or read["inner"] == TASK:
        raise ConfigError(f"canaries: inner = {read['inner']!r}; name the task to wrap")
    if not isinstance(read["inner_options"], Mapping):
        raise ConfigError(f"canaries: inner_options = {read['inner_options']!r}; give a table")
    if read["variant"] not in VARIANTS:
        raise ConfigError(f"canaries: variant = {read['variant']!r} is unknown; choose one of {', '.join(VARIANTS)}")
    if not read["merchants"]:
        raise ConfigError("canaries: merchants is empty; list the ids of all merchants, as with_canaries does")
    share = read["leave_out"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise ConfigError(f"canaries: leave_out = {share!r} cannot be used; give a share from 0 to below 1")
    _plan(read)
    return read


def _plan(read: Mapping[str, Any]) -> CanaryPlan:
    return make_plan(
        canaries=read["canaries"],
        controls=read["controls"],
        control_group=read["control_group"],
        merchants=len(read["merchants"]),
        k_max=read["k_max"],
        seed=read["seed"],
    )
