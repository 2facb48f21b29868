"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments.pool import Event


@contextmanager
def shown() -> Iterator[Callable[[Event], None]]:
    """Yield a function that shows events; the bar goes away at the end."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        running: dict[str, str] = {}

        def show(event: Event) -> None:
            if event.kind == "end":
                running.pop(event.spec.run_id, None)
            else:
                running[event.spec.run_id] = f"{name(event)} {event.text}".strip()
            text = " | ".join(running.values()) or "putting results together"
            bar.update(task, description=text[:100], completed=event.done, total=event.total)

        yield show


def name(event: Event) -> str:
    """Name a run for people: arm, origin, seed and the swept values."""
    sweep = "".join(f" {key}={value}" for key, value in event.spec.sweep.items())
    return f"{event.spec.arm.name} origin {event.spec.origin} seed {event.spec.seed}{sweep}"


def _print_line(event: Event) -> None:
    if event.kind != "progress":
        print(
            f"[{event.done}/{event.total}] {name(event)}: {event.text or 'starts'}",
            file=sys.stderr,
            flush=True,
        )
