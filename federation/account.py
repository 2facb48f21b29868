"""What pays for the rounds of one run: the ledger's side of a strategy, and going on after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from federation import checkpoint as checkpoints
from federation.checkpoint import Checkpoint
from federation.config import FederationConfig
from federation.plan import costs_left, planned_costs
from federation.task import Model, Round
from privacy.accounting import noise_multiplier
from privacy.ledger import Ledger, Reservation
from privacy.log import Log
from retail.errors import ConfigError, PrivacyError


class Account:
    """What one run may spend. For each round: `reserve`, then ask the nodes, then `settle`, then publish.

    Attributes:
        done: names of the rounds that an earlier attempt has settled, in order.
        model: after the last of them; None when there are none.
        dropped: answers that the earlier attempt left out.
        costs: nano-rho of each round that is left, by name.

    Guarantee: no round is asked whose cost is not in the ledger, and no model is returned that is not committed. A
        round interrupted before its model was stored stays spent and is paid again; one interrupted after that is
        committed by its own reservation and not asked again.
    """

    def __init__(self, ledger: Ledger, config: FederationConfig, rounds: Sequence[Round]) -> None:
        """Compare the ledger with the run, and find out where an earlier attempt stopped.

        Raises:
            PrivacyError: the ledger is of another budget, disagrees with the stored model, or has too little left.
            ConfigError: the stored model belongs to other settings.
            DataError: the stored model cannot be read.
        """
        _check_same(ledger, config)
        self.ledger = ledger
        self.log = Log.open(ledger.books, origin=None, key=None)
        self._write_down_budget()
        self.done: tuple[str, ...] = ()
        self.model: Model | None = None
        self.dropped = 0
        self._settings = config.fingerprint_of_training()
        self._path = checkpoints.checkpoint_path(config)
        self._resume([one.name for one in rounds])
        self.costs = costs_left(ledger, config, planned_costs(config, rounds), done=self.done)

    def _write_down_budget(self) -> None:
        """Log what may be spent on the data set, once for its ledger."""
        budget = self.ledger.budget
        if all(entry.body.get("dataset") != budget.dataset for entry in self.log.entries("budget")):
            self.log.append("budget", {**asdict(budget), "cap": self.ledger.cap})

    def reserve(self, round_: Round) -> Reservation:
        """Spend a round's cost, before any node is asked.

        Raises:
            PrivacyError: the budget does not cover it any more.
        """
        return self.ledger.reserve(round_.purpose, round_.name, self.costs[round_.name])

    def settle(self, reservation: Reservation, model: Model, *, done: Sequence[str], dropped: int) -> None:
        """Store the model that a round made, then commit the round.

        Raises:
            DataError: the model cannot be stored; nothing is committed.
            PrivacyError: the round cannot be committed; its model must not be published.
        """
        if self._path is not None:
            checkpoints.save(self._path, Checkpoint(tuple(done), model, reservation, dropped, self._settings))
        self._commit(reservation)

    def _commit(self, reservation: Reservation) -> None:
        """Mark a round as released and write it down, both or neither."""
        r = reservation
        body = {
            "dataset": r.dataset,
            "run": r.run,
            "purpose": r.purpose,
            "key": r.key,
            "cost": r.cost,
            "noise_multiplier": noise_multiplier(r.cost),
            "delta": self.ledger.budget.delta,
        }
        self.ledger.commit(r, within=lambda connection: self.log.append_within(connection, "round", body))

    def _resume(self, names: Sequence[str]) -> None:
        run = self.ledger.run
        committed = {name for name in names if self.ledger.is_committed(name)}
        kept = None if self._path is None else checkpoints.load(self._path)
        if kept is None:
            if committed:
                raise PrivacyError(
                    f"run {run!r} has committed {', '.join(sorted(committed))}, but no stored model was found at "
                    f"{self._path}; restore it, or start a run under another id"
                )
            return
        if kept.settings != self._settings or list(kept.done) != list(names[: len(kept.done)]):
            raise ConfigError(f"run {run!r} was begun with other settings; use them again, or another run id")
        last = kept.done[-1]
        if last not in committed:  # paid for and stored, then interrupted: nothing was published
            self._commit(kept.reservation)
            committed.add(last)
        if committed != set(kept.done):
            raise PrivacyError(
                f"ledger and stored model of run {run!r} disagree: {sorted(committed)} are committed, "
                f"{sorted(kept.done)} are stored; restore both from one copy"
            )
        self.done, self.model, self.dropped = kept.done, kept.model, kept.dropped


def _check_same(ledger: Ledger, config: FederationConfig) -> None:
    held_for, wanted_for = ledger.budget, config.budget
    pairs = {
        "data set": (held_for.dataset, wanted_for.dataset),
        "epsilon for all runs": (held_for.epsilon, wanted_for.epsilon),
        "delta": (held_for.delta, wanted_for.delta),
        "population": (held_for.population, wanted_for.population),
        "scope": (ledger.scope, config.ledger_scope),
        "run": (ledger.run, config.run_id),
    }
    for name, (held, wanted) in pairs.items():
        if held != wanted:
            raise PrivacyError(f"the ledger's {name} is {held!r}, the run's is {wanted!r}; open the right ledger")
