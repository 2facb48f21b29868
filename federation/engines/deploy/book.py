"""What one merchant has given to runs, in its own books: a limit that nobody lifts who starts runs or serves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flwr.app import ConfigRecord

from federation.config import FederationConfig
from federation.secagg.rules import noise_share, step_of_run
from privacy.accounting import cap, epsilon_rdp, noise_multiplier
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.log import Log
from retail.errors import PrivacyError


class Book:
    """A merchant's account of one run beside all others on the same people.

    Guarantee: the rounds that this node has answered, of all runs and whatever became of them, cost together at most
        the cap of the owner's epsilon, also when its processes are killed. The cost of a round is the one that the
        message asks for: with noise in shares or at every node it decides the node's own noise, so that a lie about it
        gains nothing; with noise at the aggregator the aggregator is trusted to add it, as it is there anyway. Assumes
        what `privacy.ledger.Ledger` does.

    Args:
        path: the ledger's file, in the party's folder.
        config: of the run.
        epsilon: what the owner allows to all runs together; fixed by the first of them, with its delta.

    Raises: PrivacyError: the books hold another budget for these people, or cannot be read.
    """

    def __init__(self, path: Path, config: FederationConfig, *, epsilon: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        budget = Budget(config.dataset, epsilon, config.delta, config.budget.population)
        self._ledger = Ledger.open(path, scope="persistent", budget=budget, run=config.run_id)
        self._config = config

    def check(self) -> None:
        """Refuse a run that needs more than is left, before it begins; one that goes on may need less than its plan.

        Raises: PrivacyError: so it is.
        """
        config = self._config
        if config.epsilon is not None and self._ledger.spent_by_run == 0:
            self._ledger.require(cap(epsilon=config.epsilon, delta=config.delta))

    def charge(self, about: ConfigRecord, *, attempt: int, nodes: int) -> None:
        """Write a contribution down, before any row is read; it stays written whatever comes of the answer.

        Args:
            about: what the message says of the round.
            attempt: Flower's id of the run, another one each time that a run is begun or goes on.
            nodes: members of the federation.

        Raises: PrivacyError: the owner's budget does not cover it, or the round was answered before in this attempt:
            fresh noise on the same sum would average out.
        """
        name, cost = str(about.get("name", "")), about.get("cost")
        if isinstance(cost, bool) or not isinstance(cost, int) or cost < 1:
            raise PrivacyError(f"round {name!r} asks for a contribution that costs {cost!r}; nothing is given")
        key = f"{name}, attempt {attempt}"
        if self._ledger.is_committed(key):
            raise PrivacyError(f"round {name!r} was answered before in attempt {attempt} of this run")
        reservation = self._ledger.reserve("contribution", key, cost)
        body = self._described(name, cost, nodes)
        log = Log.open(self._ledger.books, origin=None, key=None)
        self._ledger.commit(reservation, within=lambda to: log.append_within(to, "round", body))

    def _described(self, name: str, cost: int, nodes: int) -> dict[str, Any]:
        """Say what is given: the bound on a person, this node's noise, and the epsilon of all runs so far."""
        config = self._config
        own = 0.0
        if config.noise == "distributed":
            own = noise_share(config, cost=cost, nodes=nodes) * step_of_run(config)
        elif config.noise == "every_node":
            own = noise_multiplier(cost) * config.bounds.per_message
        return {
            "dataset": config.dataset,
            "run": config.run_id,
            "round": name,
            "clip_norm": config.clip_norm,
            "noise": config.noise,
            "own_noise": own,
            "cost": cost,
            "epsilon_so_far": epsilon_rdp(self._ledger.spent, delta=config.delta),
        }


def given(path: Path) -> list[dict[str, Any]]:
    """Return what a merchant's books say it has given, a round each, oldest first; nothing where there are no books.

    Raises: PrivacyError: they cannot be read.
    """
    if not path.is_file():
        return []
    return [dict(one.body) for one in Log.open(path, origin=None, key=None).entries("round")]


def summed_up(path: Path) -> dict[str, tuple[int, float]]:
    """Return, by the name of the people's data, how many rounds a merchant has given to, and their epsilon together."""
    found: dict[str, tuple[int, float]] = {}
    for one in given(path):
        rounds, _ = found.get(one["dataset"], (0, 0.0))
        found[one["dataset"]] = rounds + 1, float(one["epsilon_so_far"])
    return found
