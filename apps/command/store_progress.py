"""How far a search or a comparison of two stores is, on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from experiments.store.comparing import so_far
from simulation.store.comparison import Comparison

T = TypeVar("T")
NOTHING_YET: Final = (
    "interrupted before the first days were done: no figure is known yet, and nothing is stored. The same command"
    " begins again; fewer --shoppers give a first answer sooner"
)
"""What a command says when Ctrl-C came before anything could be shown."""


def watched(steps: Iterator[Comparison], *, most: int, draws: int) -> tuple[Comparison | None, bool]:
    """Go through a comparison and show how far it is.

    Args:
        steps: from `simulation.store.compare.comparing`.
        most: the most days.
        draws: draws of the parameters.

    Returns: the last result, None where Ctrl-C came before the first; and whether it is finished.
    """
    return followed(
        steps,
        total=most + draws,
        said=so_far,
        done=lambda found: most + draws if found.finished else found.days + found.draws,
    )


def followed(
    steps: Iterator[T], *, total: int, said: Callable[[T], str], done: Callable[[T], int]
) -> tuple[T | None, bool]:
    """Go through whatever comes step by step and show how far it is.

    Args:
        steps: what is known after each step.
        total: how many there may be.
        said: one line about what is known.
        done: how many of the total that is.

    Returns: the last of them, None where Ctrl-C came before the first; and whether all came.
    """
    found: T | None = None
    try:
        with _shown(total) as show:
            for found in steps:
                show(said(found), done(found))
    except KeyboardInterrupt:
        return found, False
    return found, True


@contextmanager
def _shown(total: int) -> Iterator[Callable[[str, int], None]]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("first days", total=total)
        yield lambda text, done: bar.update(task, description=text[:110], completed=done)


class _Lines:
    """Prints what there is to say, once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, text: str, done: int) -> None:
        if text != self._last:
            print(text, file=sys.stderr, flush=True)
        self._last = text
