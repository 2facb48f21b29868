"""The held-out days of arms, kept so that any two that met the same shoppers can be compared with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.documents import read_frame, write_frame
from experiments.store.comparing import compared_rows
from experiments.store.scenario import StoreScenario
from experiments.targets import Target
from simulation.store.comparison import Figures, Measured, compared

DAYS: Final = "days.parquet"
"""In a run's artifacts: draw (`_CENTRAL` or its number), day, figure, value of the arm's store."""
_CENTRAL: Final = -1


def save_days(measured: Measured, artifacts: Path) -> None:
    """Keep the days of a comparison's other layout."""
    sides = [(_CENTRAL, measured.other), *((number, other) for number, (_, other) in enumerate(measured.drawn))]
    rows = [
        (draw, day, figure, value)
        for draw, days in sides
        for day, figures in enumerate(days)
        for figure, value in figures.items()
    ]
    write_frame(artifacts / DAYS, pd.DataFrame(rows, columns=["draw", "day", "figure", "value"]))


def rows_of_targets(
    scenario: StoreScenario, artifacts: Mapping[str, Path], record: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield both arms, and the rows, of each figure for which a target compares two arms with each other.

    Args:
        scenario: with its targets.
        artifacts: of the arms that have run, by name, with days that `save_days` kept.
        record: `run.json` of one of them: `varied` and `currency` are the same in all.

    Raises:
        DataError: a folder has no such days, or they cannot be read.
    """
    targets = [Target.parse(expression, condition) for expression, condition in scenario.targets.items()]
    wanted = {(one.arm, one.reference, one.metric): None for one in targets if one.reference is not None}
    for arm, reference, metric in wanted:
        if arm in artifacts and reference in artifacts:
            for one in between_arms(arm, reference, artifacts, record):
                if one["figure"] == metric:
                    yield (arm, reference), one


def between_arms(
    arm: str, reference: str, artifacts: Mapping[str, Path], record: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the differences of every figure of two arms, as `compared_rows` does; arguments as of `rows_of_targets`."""
    base, other = (_days(artifacts[name]) for name in (reference, arm))
    found = compared(
        base[0],
        other[0],
        drawn=list(zip(base[1:], other[1:], strict=True)),
        maps=(),
        findings=({}, {}),
        leading="",
        half_width=None,
        varied=frozenset(record["varied"]),
        currency=str(record["currency"]),
        finished=True,
    )
    for one in compared_rows(found, arm, reference):
        if one["statistic"] != "value":  # the arms' own runs say those
            yield one


def _days(artifacts: Path) -> list[Figures]:
    """Return the central days, then those of each draw."""
    frame = read_frame(artifacts / DAYS)
    return [_figures(days) for _, days in frame.groupby("draw", sort=True)]


def _figures(days: pd.DataFrame) -> Sequence[Mapping[str, float]]:
    return [dict(zip(one["figure"], one["value"], strict=True)) for _, one in days.groupby("day", sort=True)]
