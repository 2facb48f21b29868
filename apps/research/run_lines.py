"""What `tradefair run` says while it runs, read back: how far it is, and what each of its runs does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_LINE: Final = re.compile(r"\[(\d+)/(\d+)\] (.*?): (.*)")
_STATES: Final = {"starts": "running", "finished": "finished", "another runner has this run": "runs elsewhere"}
GAVE_NOTHING: Final = "gave nothing"
PREFIX: Final = "error: "


@dataclass(frozen=True, slots=True)
class Said:
    """What the lines of a log amount to.

    Attributes:
        done: runs with an outcome, those of earlier processes counted.
        total: all runs; 0 before the first line.
        states: by name of a run: running, finished, gave nothing, or runs elsewhere; in the order in which they began.
        reasons: by name of a run, why it gave nothing.
        other: the other lines, without blank ones.
    """

    done: int = 0
    total: int = 0
    states: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    other: tuple[str, ...] = ()

    @property
    def error(self) -> str:
        """The one line by which a command was refused; empty where there is none."""
        found = (line.removeprefix(PREFIX) for line in reversed(self.other) if line.startswith(PREFIX))
        return next(found, "")

    def running(self) -> list[str]:
        """Return the names of runs that began and did not end."""
        return [name for name, state in self.states.items() if state == "running"]


def read_lines(text: str) -> Said:
    """Read a log, or its end."""
    done = total = 0
    states: dict[str, str] = {}
    reasons: dict[str, str] = {}
    other = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            if line.strip():
                other.append(line.rstrip())
            continue
        done, total = int(found[1]), int(found[2])
        states[found[3]] = _STATES.get(found[4], GAVE_NOTHING)
        if found[4] not in _STATES:
            reasons[found[3]] = found[4]
    return Said(done, total, states, reasons, tuple(other))
