"""Runs that gave nothing: refused, failed or unfinished, each reason told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from apps.figure_text import count

_MOST_ARMS: Final = 6


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason why runs gave nothing.

    Attributes:
        kind: how they ended.
        arms: whose runs, each once, in the order of the runs.
        runs: how many.
        message: why.
    """

    kind: Literal["refused", "failed", "unfinished"]
    arms: tuple[str, ...]
    runs: int
    message: str

    @property
    def who(self) -> str:
        """Which runs, in words: `3 runs of arms a, b and c`."""
        shown, more = self.arms[:_MOST_ARMS], len(self.arms) - _MOST_ARMS
        if more > 0:
            named = f"arms {', '.join(shown)} and {more} more"
        elif len(shown) > 1:
            named = f"arms {', '.join(shown[:-1])} and {shown[-1]}"
        else:
            named = f"arm {shown[0]}"
        return f"{count(self.runs, 'run')} of {named}"


def troubles(failures: Iterable[Mapping[str, Any]], unfinished: Iterable[Mapping[str, Any]]) -> list[Trouble]:
    """Put runs with the same end and the same reason together.

    Args:
        failures: as in a summary, with `arm`, `refused` and `message`.
        unfinished: likewise, without `refused`.
    """
    ends = [("refused" if one.get("refused") else "failed", one) for one in failures]
    ends += [("unfinished", one) for one in unfinished]
    reasons: dict[tuple[Any, str], list[str]] = {}
    for kind, one in ends:
        reasons.setdefault((kind, str(one.get("message") or "no message")), []).append(str(one["arm"]))
    return [Trouble(kind, tuple(dict.fromkeys(arms)), len(arms), message) for (kind, message), arms in reasons.items()]
