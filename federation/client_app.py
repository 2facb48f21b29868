"""What a node does: answer a round with the sum of its persons' bounded contributions, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from federation import nodes
from federation.access import Access, MarketPort
from federation.canaries import CanaryTask
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.noise_seed import simulated_noise
from federation.plan import planned_costs
from federation.records import from_record, to_array
from federation.replies import KEY
from federation.secagg.answers import answer_masked, answer_step
from federation.secagg.ring import to_ring
from federation.secagg.rules import noise_share, step_of_run
from federation.task import Round, Task, load_task
from privacy.accounting import noise_multiplier
from privacy.mechanisms.discrete import discrete_gaussian
from privacy.mechanisms.gaussian import gaussian
from retail.errors import PrivacyError

FAILURE: Final = "training failed at this node"
"""All that a server learns about a failure: texts of exceptions may quote rows."""

_log = logging.getLogger(__name__)
_Record = TypeVar("_Record", ArrayRecord, ConfigRecord)

app = ClientApp()

_lent: Final[dict[int, MarketPort]] = {}  # by the id of a run


@app.train()
def train(message: Message, context: Context) -> Message:
    """Answer one round.

    Returns: one vector under "sum" (under "masked" in a secure aggregation), no counts and no metrics; or an error with
        the fixed text `FAILURE`. The reason goes to the node's own log.

    Guarantee: one shopper changes the answer by at most C / k_max in L2 before noise (`contributions.node_sum`), with
        the bound, the cap and the noise level of the node's own configuration. With noise at every node the answer is
        noised for the cost in the message, refused when that is more than the node's own plan has for the round, and
        given once in a run; with distributed noise the same holds of this node's share of it. In a secure aggregation
        the server sees the answer under masks (`secagg.node.NodeSession`). The node's rows come through its data port:
        rows of persons who have withdrawn are left out from the next round on. Assumes that the owner of the node
        approved the configuration, that each merchant runs one node, and that the server starts a run again only to go
        on after a crash: a node of a deployment counts it in its own book as well.
    """
    return guarded(message, lambda: _answer(message, context))


@app.train("keys")
def keys(message: Message, context: Context) -> Message:
    """Begin a secure aggregation: answer with public keys for it."""
    return guarded(message, lambda: _step("keys", message, context))


@app.train("shares")
def shares(message: Message, context: Context) -> Message:
    """Share this node's secrets of a secure aggregation out to its neighbours."""
    return guarded(message, lambda: _step("shares", message, context))


@app.train("reveal")
def reveal(message: Message, context: Context) -> Message:
    """Give out the shares that take the masks off the sum."""
    return guarded(message, lambda: _step("reveal", message, context))


def lend(run_id: int, port: MarketPort) -> None:
    """Let the nodes of a run read through a port that is open already, where one process stands for all parties.

    Rows of thousands of merchants are then decided on, read and turned into nodes once, not twice.
    """
    _lent[run_id] = port


def forget() -> None:
    """Drop what the last run kept in this process: its nodes and what tasks remembered for them."""
    _prepare.cache_clear()
    _lent.clear()


def guarded(message: Message, answer: Callable[[], RecordDict]) -> Message:
    """Reply with an answer; with a fixed text instead of whatever went wrong."""
    try:
        return Message(answer(), reply_to=message)
    except Exception as error:
        _log.error("%s: %s", FAILURE, error, exc_info=_log.isEnabledFor(logging.DEBUG))
        return Message(Error(code=0, reason=FAILURE), reply_to=message)


def _step(step: str, message: Message, context: Context) -> RecordDict:
    run = _of_run(context)
    if run.config.aggregation != "secure":
        raise PrivacyError("a step of a secure aggregation was asked for, and this run has none")
    return answer_step(step, message, context, run.config, _asked(message, run.rounds)[1])


def _answer(message: Message, context: Context) -> RecordDict:
    run = _of_run(context)
    config, port = run.config, run.port
    index, round_ = _asked(message, run.rounds)
    if config.private:
        _answer_once(context, round_)
    place = _whole(context.node_config["partition-id"])
    if not 0 <= place < len(port.merchants):
        raise PrivacyError(f"node {place} is not in the list of {len(port.merchants)} merchants")
    model = from_record(_held(message, "model", ArrayRecord))
    total = node_sum(
        run.task,
        model,
        round_,
        port.own(place, round_=index),
        clip_norm=config.clip_norm,
        weight=config.weight,
        step=step_of_run(config) if config.adds_steps else None,
        canaries=config.mode == "simulation" and type(run.task) is CanaryTask,
    )
    if config.noise != "aggregator":
        cost = _whole(_held(message, "round", ConfigRecord)["cost"])
        if cost > run.planned[round_.name]:
            raise PrivacyError(
                f"round {round_.name!r} may cost {run.planned[round_.name]} nano-rho, the server asks for {cost}"
            )
        total = total + _noise(config, cost, size=total.size, nodes=len(port.merchants), index=index, place=place)
    if config.aggregation == "secure":
        return answer_masked(message, context, config, round_, to_ring(total))
    return RecordDict({KEY: ArrayRecord({KEY: to_array(to_ring(total) if config.adds_steps else total)})})


def noise_of_nodes(
    config: FederationConfig, cost: int, *, size: int, nodes: int, index: int, places: Iterable[int]
) -> NDArray[np.float64]:
    """Return the sum of what nodes add to their messages of a round: for an engine that sends no messages.

    With a seed it is what the nodes' messages would carry; without one, fresh noise of the same law.

    Args:
        config: of the run.
        cost: of the round, nano-rho.
        size: of the round.
        nodes: how many nodes the public list of merchants has.
        index: of the round.
        places: of the nodes that answer.
    """
    total = np.zeros(size)
    for place in places:
        total += _noise(config, cost, size=size, nodes=nodes, index=index, place=place)
    return total


def _noise(
    config: FederationConfig, cost: int, *, size: int, nodes: int, index: int, place: int
) -> NDArray[np.float64] | NDArray[np.int64]:
    """Draw this node's noise: all that its message needs, or its share of what the sum needs."""
    rng = (
        simulated_noise(config.seed, now=config.now, round_index=index, sender=place + 1)
        if config.seeded_noise
        else None
    )
    if config.noise == "distributed":
        return discrete_gaussian(size, scale=noise_share(config, cost=cost, nodes=nodes), rng=rng)
    noise = gaussian(size, scale=noise_multiplier(cost) * config.bounds.per_message, rng=rng)
    return np.rint(noise / step_of_run(config)) if config.adds_steps else noise


@dataclass(frozen=True, eq=False)
class _Run:
    """What a node knows of a run, the same in all its rounds."""

    config: FederationConfig
    task: Task
    rounds: tuple[Round, ...]
    planned: Mapping[str, int]
    port: MarketPort


def _of_run(context: Context) -> _Run:
    settings, rules = str(context.run_config["tradefair"]), str(context.node_config.get("access", ""))
    return _prepare(context.run_id, settings, rules)


def _asked(message: Message, rounds: tuple[Round, ...]) -> tuple[int, Round]:
    """Read which round a message is about."""
    asked = _held(message, "round", ConfigRecord)
    index = _whole(asked["index"])
    round_ = rounds[index]
    if round_.name != asked["name"]:
        raise PrivacyError(f"round {index} is {round_.name!r} here, not {asked['name']!r}; server and node differ")
    return index, round_


@lru_cache(maxsize=1)
def _prepare(run_id: int, settings: str, rules: str) -> _Run:
    """Read the settings of a run and open its port; kept for its other rounds (and nodes) in this process."""
    config = FederationConfig.from_json(settings)
    nodes.check_public(config)
    task = load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config))
    port = _lent[run_id] if run_id in _lent else MarketPort(config, Access.from_json(rules))
    port.sums()  # the node asks its own rules, whatever the server's say
    rounds = tuple(task.rounds())
    planned = planned_costs(config, rounds)  # refuses rounds that no guarantee covers
    return _Run(config, task, rounds, planned, port)


def _answer_once(context: Context, round_: Round) -> None:
    """Refuse a round answered before: fresh noise on the same sum would average out."""
    before = context.state.config_records.get("answered")
    names = [] if before is None else [str(name) for name in before["rounds"]]  # type: ignore[union-attr]
    if round_.name in names:
        raise PrivacyError(f"round {round_.name!r} was answered before in this run")
    context.state["answered"] = ConfigRecord({"rounds": [*names, round_.name]})


def _held(message: Message, name: str, kind: type[_Record]) -> _Record:
    """Return one record of a message; Flower's own views by kind go through all of them."""
    record = message.content[name]
    if not isinstance(record, kind):
        raise PrivacyError(f"the message holds no {kind.__name__} under {name!r}")
    return record


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PrivacyError(f"the message holds {value!r} where a whole number belongs")
    return value
