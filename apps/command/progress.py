"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments.pool import Event
from experiments.spec import title


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
                running[event.spec.run_id] = f"{title(event.spec)} {event.text}".strip()
            text = " | ".join(running.values()) or "putting results together"
            bar.update(task, description=text[:100], completed=event.done, total=event.total)

        yield show


def _print_line(event: Event) -> None:
    if event.kind != "progress":
        print(
            f"[{event.done}/{event.total}] {title(event.spec)}: {event.text or 'starts'}",
            file=sys.stderr,
            flush=True,
        )
