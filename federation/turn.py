"""Runs on one persistent ledger take turns, so that a run that was admitted finds its whole plan there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federation.config import FederationConfig
from privacy.turn import spending_turn
from retail.errors import DataError

_log = logging.getLogger(__name__)


@contextmanager
def ledger_turn(config: FederationConfig) -> Iterator[None]:
    """Wait until no other run spends from this run's persistent ledger, and keep others waiting for the block.

    The lock is a file beside the ledger. The system releases it when its holder dies, also when killed.

    Raises:
        DataError: the lock cannot be made.

    Guarantee: between what `plan.open_ledger` saw within the block and the end of the block, no other run has spent
        from the ledger. Assumes a local disk with working locks. Budgets do not rest on this: whoever spends without
        taking a turn may make a run end half-way, with its rounds spent, and never makes a ledger pass its cap.
    """
    if not config.private or config.ledger_scope != "persistent":
        yield
        return
    path = Path(config.ledger)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot lock {path} ({error.strerror}); check space and permissions") from error

    def waiting() -> None:
        _log.warning("another run spends from ledger %s; waiting until it has ended", path)

    with spending_turn(path, wait_s=None, waiting=waiting):
        yield
