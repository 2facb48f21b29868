"""Person-level private averaging: reserve, ask every node, add up, add noise once, store, commit, go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy
from numpy.typing import NDArray

from federation.account import Account
from federation.config import FederationConfig
from federation.grids import SparingGrid
from federation.noise_seed import AGGREGATOR, simulated_noise
from federation.plan import check_rounds
from federation.records import from_record, to_record
from federation.replies import KEY, OrderedSum, longest_sum, read_sum, read_vector
from federation.secagg.ring import from_ring
from federation.secagg.rounds import SecureRounds, with_parcels
from federation.secagg.rules import check_sums, noise_share, step_of_run, terms_of
from federation.task import Model, Round, Task
from privacy.accounting import noise_multiplier
from privacy.ledger import Ledger, Reservation
from privacy.mechanisms.gaussian import gaussian
from retail.errors import ConfigError, PrivacyError, TradefairError

_log = logging.getLogger(__name__)
_POLL_S: Final = 1.0


class PersonLevelDPAvg(Strategy):
    """Averages what persons contribute over a public number of persons, with noise that hides each of them.

    Guarantee: with an epsilon, all models that leave the server (and with noise "every_node" all messages that reach
        it) are together (epsilon, delta)-DP for one shopper's rows at all merchants; the ledger holds the costs. Noise
        "aggregator" has standard deviation z C in each entry of the sum, noise "every_node" z C / sqrt(k_max) in each
        entry of each message; of noise "distributed" at least z C is in each entry of the sum, a share from each node.
        Assumes the trust that `privacy.units.shopper_unit` states, the assumptions of
        `contributions.node_sum`, `nodes.load_nodes` and `privacy.mechanisms.gaussian`, one node for each merchant, and
        that no single shopper decides which nodes fail. Noise from a seed hides nobody from those who know the seed:
        then epsilon says what the same run would guarantee with secret noise.

    A missing node takes contributions away and nothing else; the denominator stays the public population. Nodes are
    never asked to evaluate: a metric about persons would leave uncharged.
    """

    def __init__(
        self,
        task: Task,
        config: FederationConfig,
        *,
        population: int,
        nodes: int,
        ledger: Ledger | None = None,
        noise_seed: int | None = None,
        secure: SecureRounds | None = None,
        wait_s: float = 60.0,
    ) -> None:
        """Check that the run can keep what it claims, and find out where an earlier attempt stopped.

        Args:
            task: what to learn.
            config: of the run.
            population: what sums are divided by; public under privacy.
            nodes: how many nodes the public list of merchants has.
            ledger: pays for every round; needed with an epsilon.
            noise_seed: makes the noise repeatable; only in a simulation accounted within the run.
            secure: carries secure aggregations; needed where the run asks for them.
            wait_s: how long the first round waits for all nodes.

        Raises:
            PrivacyError: no ledger, one of another budget, a seed outside simulation, a round that no guarantee
                covers, or too little budget left.
            ConfigError: the rounds or numbers cannot be used, or the stored model is of other settings.
            DataError: the stored model cannot be read.
        """
        if population < 1 or nodes < 1:
            raise ConfigError(f"a run needs a population and nodes, got population {population}, {nodes} nodes")
        if noise_seed is not None and not config.seeded_noise:
            raise PrivacyError(
                "a seed for the noise is refused outside a simulation accounted within the run: whoever knows it can "
                "subtract the noise; leave it out"
            )
        if (config.aggregation == "secure") != (secure is not None):
            raise PrivacyError(
                f'aggregation = "{config.aggregation}" and the means for secure aggregation do not go together; give '
                "the roster of identity keys"
            )
        self.task, self.config = task, config
        self._secure = secure
        self._grid: Grid | None = None
        self.population, self.nodes = population, nodes
        self.rounds = tuple(task.rounds())
        check_rounds(self.rounds, private=config.private)
        if config.private and population != config.population:
            raise PrivacyError(f"sums must be divided by the public population {config.population}, got {population}")
        if config.private != (ledger is not None):
            raise PrivacyError(
                f"epsilon {config.epsilon!r} with ledger {ledger!r}: a run that claims privacy needs a ledger that "
                "reserves every round, and a run that claims none must not have one"
            )
        self.account = None if ledger is None else Account(ledger, config, self.rounds)
        self.dropped = 0
        self._model, self._done = task.initial(), list[str]()
        if self.account is not None and self.account.model is not None:
            self._model, self._done = self.account.model, list(self.account.done)
            self.dropped = self.account.dropped
        self._left = [one for one in self.rounds if one.name not in self._done]
        self._noise_seed, self._wait_s = noise_seed, wait_s
        self._reservation: Reservation | None = None
        self._asked: tuple[int, ...] = ()
        self._about = ConfigRecord()
        if config.adds_steps:
            terms_of(config, nodes)
            for round_ in self._left:
                cost = (
                    None if self.account is None or config.noise != "distributed" else self.account.costs[round_.name]
                )
                check_sums(config, nodes=nodes, cost=cost)

    def train(self, grid: Grid, *, timeout_s: float = 3600.0) -> Model:
        """Run the rounds that are left and return the model after the last one.

        Raises:
            PrivacyError: the ledger refused a round.
            TradefairError: nodes are missing at the start, or no node gave a usable answer in some round.
        """
        if self._left:
            self.start(SparingGrid(grid), to_record(self._model), num_rounds=len(self._left), timeout=timeout_s)
        return self._model

    @property
    def left(self) -> tuple[Round, ...]:
        """Rounds that are still to run."""
        return tuple(one for one in self._left if one.name not in self._done)

    @property
    def model(self) -> Model:
        """After the last round that is done."""
        return self._model

    def begin(self, round_: Round) -> Model:
        """Reserve a round's cost; return what nodes need for it. Nobody may be asked before.

        Raises: PrivacyError: the ledger refused the round.
        """
        self._reservation = None if self.account is None else self.account.reserve(round_)
        return self.task.broadcast(self._model, round_)

    def finish(self, round_: Round, total: NDArray[np.float64], *, answered: int) -> Model:
        """Add noise, divide by the population, store, commit; return the next model.

        Args:
            round_: that `begin` opened.
            total: (d,) sum over the nodes that answered, with their own noise in it where they add some.
            answered: how many they are.
        """
        noise, scale = self._noise(round_, answered)
        mean = (total + noise) / self.population
        model = self.task.advance(self._model, round_, mean, noise_scale=scale / self.population)
        self._done.append(round_.name)
        if self.account is not None and self._reservation is not None:
            self.account.settle(self._reservation, model, done=self._done, dropped=self.dropped)
        self._model = model
        return model

    def check_answered(self, round_: Round, answered: int) -> None:
        """Refuse a round in which more nodes are missing than shares of noise may be.

        Raises: PrivacyError: so it is; the round gives nothing.
        """
        if self.config.adds_steps and answered < self.nodes - self.config.dropouts:
            raise PrivacyError(
                f"round {round_.name!r}: {answered} of {self.nodes} nodes answered, and the noise needs "
                f"{self.nodes - self.config.dropouts}; the round gives nothing"
            )

    def count_missing(self, round_: Round, *, missing: int, asked: int) -> None:
        """Count answers that were missing or unusable, and warn of them."""
        self.dropped += missing
        if missing:
            _log.warning("round %r: %d of %d answers were left out", round_.name, missing, asked)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Reserve the round's cost, then address every node."""
        round_ = self._left[server_round - 1]
        self._model = from_record(arrays)
        self._asked = self._present(grid, first=server_round == 1)
        self._about = ConfigRecord({"index": self.rounds.index(round_), "name": round_.name})
        sent = self.begin(round_)
        if self._reservation is not None:
            self._about["cost"] = self._reservation.cost
        content = RecordDict({"model": to_record(sent), "round": self._about})
        if self._secure is None:
            return self._messages({node: content for node in self._asked}, round_)
        self._grid = grid
        parcels = self._secure.open(grid, self._asked, round_, self._about)
        return self._messages({node: with_parcels(content, one) for node, one in parcels.items()}, round_)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Add up, add noise, divide by the population, store, commit; returns the next model and no metrics."""
        round_ = self._left[server_round - 1]
        total, answered = self._add_up(replies, round_)
        return to_record(self.finish(round_, total, answered=answered)), None

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Ask nobody: figures about persons would leave without being charged."""
        return []

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """There is nothing to aggregate."""
        return None

    def summary(self) -> None:
        """Log what is about to run."""
        claim = "no privacy claim" if self.config.epsilon is None else f"epsilon {self.config.epsilon:g}"
        _log.info("%d rounds, %d nodes, population %d, %s", len(self._left), self.nodes, self.population, claim)

    def _present(self, grid: Grid, *, first: bool) -> tuple[int, ...]:
        deadline = time.monotonic() + self._wait_s
        present = tuple(sorted(grid.get_node_ids()))
        while first and len(present) < self.nodes and time.monotonic() < deadline:
            time.sleep(min(_POLL_S, self._wait_s))
            present = tuple(sorted(grid.get_node_ids()))
        if len(present) > self.nodes:
            raise PrivacyError(
                f"{len(present)} nodes are connected, the list of merchants has {self.nodes}; a merchant with two "
                "nodes would count its shoppers twice: disconnect one"
            )
        if not present or (first and len(present) < self.nodes):
            raise TradefairError(f"{len(present)} of {self.nodes} nodes are connected; start the others and run again")
        return present

    def _messages(self, contents: Mapping[int, RecordDict], round_: Round) -> Iterator[Message]:
        for node, content in contents.items():
            yield Message(content, dst_node_id=node, message_type=MessageType.TRAIN, group_id=round_.name)

    def _add_up(self, replies: Iterable[Message], round_: Round) -> tuple[NDArray[np.float64], int]:
        if self._secure is not None and self._grid is not None:
            for reply in replies:
                self._secure.add(reply)
            ring, answered = self._secure.close(self._grid, round_, self._about)
            self._count_missing(len(self._asked) - answered, round_)
            return from_ring(ring, step=step_of_run(self.config)), answered
        if self.config.adds_steps:
            return self._add_steps(replies, round_)
        adding, surplus = OrderedSum(self._asked, size=round_.size), 0
        cost = None if self.account is None else self.account.costs[round_.name]
        most = longest_sum(self.config, population=self.population, cost=cost, size=round_.size)
        for reply in replies:
            values = read_sum(reply, size=round_.size, most=most)
            surplus += values is not None and not adding.put(reply.metadata.src_node_id, values)
            if values is None:
                adding.put(reply.metadata.src_node_id, None)
        total = adding.total()
        if adding.accepted == 0:
            raise TradefairError(
                f"round {round_.name!r}: none of {len(self._asked)} nodes gave a usable answer; their own logs say why"
            )
        self._count_missing(len(self._asked) - adding.accepted + surplus, round_)
        return total, adding.accepted

    def _add_steps(self, replies: Iterable[Message], round_: Round) -> tuple[NDArray[np.float64], int]:
        """Add whole numbers that no mask hides, in a simulation where nobody looks at them: the sum is the same."""
        total, heard = np.zeros(round_.size, dtype=np.uint64), set[int]()
        for reply in replies:
            node, ring = reply.metadata.src_node_id, read_vector(reply, KEY, size=round_.size, dtype=np.uint64)
            if ring is not None and node in self._asked and node not in heard:
                np.add(total, ring, out=total)
                heard.add(node)
        self.check_answered(round_, len(heard))
        self._count_missing(len(self._asked) - len(heard), round_)
        return from_ring(total, step=step_of_run(self.config)), len(heard)

    def _count_missing(self, missing: int, round_: Round) -> None:
        self.count_missing(round_, missing=missing, asked=len(self._asked))

    def _noise(self, round_: Round, answered: int) -> tuple[NDArray[np.float64] | float, float]:
        """Return what to add to the sum, and the standard deviation of all noise in it."""
        if self.account is None:
            return 0.0, 0.0
        z = noise_multiplier(self.account.costs[round_.name])
        if self.config.noise == "every_node":  # each answer came with noise of its own
            return 0.0, float(z * self.config.bounds.per_message * np.sqrt(answered))
        if self.config.noise == "distributed":
            share = noise_share(self.config, cost=self.account.costs[round_.name], nodes=self.nodes)
            return 0.0, float(share * step_of_run(self.config) * np.sqrt(answered))
        scale = z * self.config.bounds.joint
        rng = None
        if self._noise_seed is not None:
            index = self.rounds.index(round_)
            rng = simulated_noise(self._noise_seed, now=self.config.now, round_index=index, sender=AGGREGATOR)
        return gaussian(round_.size, scale=scale, rng=rng), scale
