"""What each round of a run may cost, decided before any data is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from federation.checkpoint import checkpoint_path
from federation.config import FederationConfig
from federation.settings_check import MEMORY
from federation.task import Round
from privacy.accounting import cap, split_budget
from privacy.ledger import Ledger
from retail.errors import ConfigError, DataError, PrivacyError

_LEAST_SHARE: Final = 0.1  # of the planned cost; below it a resumed run would publish little but noise


def check_rounds(rounds: Sequence[Round], *, private: bool) -> None:
    """Refuse rounds that cannot be run, or that no person-level guarantee covers.

    Raises:
        ConfigError: there are none, two share a name, or a size is below 1.
        PrivacyError: the run claims privacy, and what persons contribute to a round depends on other persons.
    """
    if not rounds:
        raise ConfigError("the task has no rounds; it needs at least one")
    names = [one.name for one in rounds]
    for one in rounds:
        if not one.name or names.count(one.name) > 1:
            raise ConfigError(f"round {one.name!r}: every round needs a name of its own; rename it")
        if isinstance(one.size, bool) or not isinstance(one.size, int) or one.size < 1:
            raise ConfigError(f"round {one.name!r} has size {one.size!r}; give a whole number of at least 1")
        if one.contribution not in ("person", "merchant"):
            raise ConfigError(f'round {one.name!r}: contribution = {one.contribution!r}; write "person" or "merchant"')
        if private and one.contribution != "person":
            raise PrivacyError(
                f'round {one.name!r} has contribution "{one.contribution}": what one shopper adds to it depends on '
                "other shoppers of the merchant, so clipping bounds nobody's influence; compute it from each "
                "shopper's own rows, or run this arm without epsilon"
            )


def planned_costs(config: FederationConfig, rounds: Sequence[Round]) -> dict[str, int]:
    """Divide what this run may spend over the rounds by their shares.

    Returns: nano-rho by round name; empty without a privacy claim. The same at every party.

    Raises:
        ConfigError: as `check_rounds`.
        PrivacyError: as `check_rounds`, or a share buys nothing.
    """
    check_rounds(rounds, private=config.private)
    if config.epsilon is None:
        return {}
    return split_budget(_whole_plan(config), {one.name: one.share for one in rounds})


def open_ledger(config: FederationConfig) -> Ledger | None:
    """Open the ledger of a run and refuse at once when too little is left; reads no data and reserves nothing.

    A new run needs all of its own plan, the cap of its (epsilon, delta). A run that has spent before may go on with
    what is left of that plan and of the ledger. A new run does not wait for an interrupted one to come back, and may
    spend what that one had planned.

    Returns: the ledger; None without a privacy claim.

    Raises:
        PrivacyError: the budget of all runs does not cover this one, or the ledger cannot be used.
        DataError: the ledger's folder cannot be made.
    """
    if not config.private:
        return None
    if str(config.ledger) != MEMORY:
        folder = Path(config.ledger).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make {folder} for the ledger ({error.strerror}); choose another place") from error
    ledger = Ledger.open(config.ledger, scope=config.ledger_scope, budget=config.budget, run=config.run_id)
    mine = ledger.entries()
    mine = mine[mine["run"] == config.run_id]
    if mine.empty:
        ledger.require(_whole_plan(config))
    elif mine["committed_at"].isna().all() and not _has_stored_model(config):
        _require_enough(ledger, config, needed=_whole_plan(config))
    return ledger


def costs_left(
    ledger: Ledger, config: FederationConfig, planned: Mapping[str, int], *, done: Collection[str]
) -> dict[str, int]:
    """Price the rounds that are still to run.

    A crash leaves its reservation spent. What is left of the run's own plan, or of the ledger when that is less, is
    then divided in the planned proportions, so that the rounds left get more noise.

    Args:
        ledger: says what is spent.
        config: says what this run may spend.
        planned: nano-rho by round name, in the order of the rounds.
        done: names of committed rounds.

    Raises:
        PrivacyError: less than a tenth of the planned cost of these rounds is left.

    Guarantee: the returned costs and what the run has spent before sum to at most the cap of its own epsilon, and the
        returned costs to at most what the ledger has left. They depend on earlier costs and crashes; the ledger's bound
        also holds when crashes depend on data, the one by `privacy.epsilon_pld` assumes they do not.
    """
    left = {name: cost for name, cost in planned.items() if name not in done}
    if not left:
        return left
    needed = sum(left.values())
    remaining = _require_enough(ledger, config, needed=needed)
    if needed <= remaining:
        return left
    return split_budget(remaining, {name: float(cost) for name, cost in left.items()})


def _whole_plan(config: FederationConfig) -> int:
    """Nano-rho that one run of these settings may spend; 0 without a privacy claim."""
    return 0 if config.epsilon is None else cap(epsilon=config.epsilon, delta=config.delta)


def _require_enough(ledger: Ledger, config: FederationConfig, *, needed: int) -> int:
    """Return the nano-rho that a run that was interrupted may still spend; refuse when they are too few."""
    remaining = max(0, min(ledger.remaining, _whole_plan(config) - ledger.spent_by_run))
    if remaining < max(1, _LEAST_SHARE * needed):
        raise PrivacyError(
            f"run {ledger.run!r} has {remaining} nano-rho of {ledger.budget.dataset!r} left, the rounds still to run "
            f"were to cost {needed}; interrupted rounds stay spent, so this run cannot go on"
        )
    return remaining


def _has_stored_model(config: FederationConfig) -> bool:
    path = checkpoint_path(config)
    return path is not None and path.is_file()
