"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from experiments.pool import Event
from experiments.spec import title


@contextmanager
def shown() -> Iterator[Callable[[Event], None]]:
    """Yield a function that shows events; the bar goes away at the end."""
    if not sys.stderr.isatty():
        yield _Lines()
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


@dataclass
class _Lines:
    """Prints a line when a run starts, waits or ends; why runs gave nothing is said once."""

    reasons: set[str] = field(default_factory=set)

    def __call__(self, event: Event) -> None:
        if event.kind == "progress":
            return
        text = event.text or "starts"
        if event.kind == "end" and text in self.reasons:
            text = "gave nothing, for the same reason"
        elif event.kind == "end" and text != "finished":
            self.reasons.add(text)
        print(f"[{event.done}/{event.total}] {title(event.spec)}: {text}", file=sys.stderr, flush=True)
