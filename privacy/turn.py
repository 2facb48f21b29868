"""Taking turns at a ledger, so that a question asked by two processes at once is paid for once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from retail.errors import PrivacyError


@contextmanager
def spending_turn(
    ledger: Path | None, *, wait_s: float | None, waiting: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Keep others who take turns from spending for the block.

    The lock is the file beside the ledger that federated runs lock too, so a release cannot eat what a run has planned
    to spend. The system frees it when its holder dies, also when killed.

    Args:
        ledger: its file; None for one in memory, which nobody else can reach.
        wait_s: how long to wait for a turn; None for as long as it takes.
        waiting: called once when somebody else has the turn.

    Raises: PrivacyError: no turn within that time, or the lock cannot be made.

    Guarantee: nobody else who takes turns spends meanwhile. Assumes a local disk with working locks. No budget rests on
        it: a ledger refuses what passes its cap with or without turns.
    """
    if ledger is None:
        yield
        return
    lock = filelock.FileLock(ledger.with_name(f"{ledger.name}.lock"))
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            waiting()
            lock.acquire(timeout=-1 if wait_s is None else wait_s)
    except filelock.Timeout as error:
        raise PrivacyError(
            f"somebody else is spending from {ledger} (a training run, perhaps); nothing was spent, try again later"
        ) from error
    except OSError as error:
        raise PrivacyError(f"cannot lock {ledger} ({error.strerror}); check space and permissions") from error
    try:
        yield
    finally:
        lock.release()
