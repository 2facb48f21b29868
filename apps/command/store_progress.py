"""How far a comparison of two stores is, on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments.store.comparing import so_far
from simulation.store.comparison import Comparison


def watched(steps: Iterator[Comparison], *, most: int, draws: int) -> tuple[Comparison | None, bool]:
    """Go through a comparison and show how far it is.

    Args:
        steps: from `simulation.store.compare.comparing`.
        most: the most days.
        draws: draws of the parameters.

    Returns: the last result, None where Ctrl-C came before the first; and whether it is finished.
    """
    found: Comparison | None = None
    try:
        with _shown(most + draws) as show:
            for found in steps:
                show(found)
    except KeyboardInterrupt:
        return found, False
    return found, True


@contextmanager
def _shown(total: int) -> Iterator[Callable[[Comparison], None]]:
    if not sys.stderr.isatty():
        yield lambda found: print(so_far(found), file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("first days", total=total)

        def show(found: Comparison) -> None:
            done = total if found.finished else found.days + found.draws
            bar.update(task, description=so_far(found)[:110], completed=done)

        yield show
