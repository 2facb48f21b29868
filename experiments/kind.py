"""What differs between kinds of scenarios; everything else of the spine is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.runs import RunStore
from experiments.summary import Summary


@dataclass(frozen=True)
class Kind:
    """How one kind of scenario is checked, expanded, executed and put together.

    Attributes:
        runner: dotted path of `(spec, directory, report) -> ArmResult`, imported by the workers.
        fingerprint: dotted path of what returns the identity of the data that some settings name.
        check: refuses `(scenario, store)` for what can be told before any run.
        expand: lists the runs of `(scenario, runner=, fingerprint=)`; one with a runner of its own is checked less,
            since only the kind's own runner is known to need what is checked.
        summarise: puts `(scenario, specs, store, notes)` together.
    """

    runner: str
    fingerprint: str
    check: Callable[[Any, Path], None]
    expand: Callable[..., Sequence[Any]]
    summarise: Callable[[Any, Sequence[Any], RunStore, Mapping[str, str]], Summary]
