"""What scenarios of every kind have in common: a name, a sweep, targets, and strict tables.

A scenario is read from TOML by `experiments.scenario_file`, which also turns pydantic's complaints into one line.
Every model refuses unknown keys and wrong types, so that a typing mistake never becomes a default. The
description of a field is the hint that a user sees when its value is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SLUG: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""How scenarios and arms are named."""
MOST_POINTS: Final = 1_000
"""Of a sweep: each is a scenario of its own, which is checked whole before anything runs."""


def _flat(table: Any) -> Any:
    """Write nested tables as one table with dotted keys: `federation.rounds` may be quoted in TOML or not."""
    if not isinstance(table, Mapping):
        return table
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": deep for inner, deep in _flat(value).items()})
        else:
            flat[str(key)] = value
    return flat


def finite(value: Any, path: str) -> None:
    """Refuse infinity and NaN, however deep.

    Raises:
        ValueError: with the path of the number.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path} = {value} is not a finite number; write a finite one")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            finite(inner, f"{path}.{key}")
    if isinstance(value, list | tuple):
        for inner in value:
            finite(inner, path)


class Settings(BaseModel):
    """A table of a scenario: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class BaseScenario(Settings):
    """What every kind of experiment has: a name, a sweep and targets."""

    kind: ClassVar[str]
    name: str = Field(pattern=SLUG, description="lower-case letters, digits, dots and dashes; names the result folder")
    title: str = Field("", description="one line for people")
    description: str = Field("", description="a few lines for people")
    sweep: Annotated[dict[str, list[Any]], BeforeValidator(_flat)] = Field(
        default_factory=dict, description='dotted keys with lists of values: "federation.rounds" = [10, 40]'
    )
    targets: Annotated[dict[str, str], BeforeValidator(_flat)] = Field(
        default_factory=dict, description='"ratio(explore_ndcg10, federated, popularity)" = ">= 1.15"'
    )

    @classmethod
    def read_beside(cls, raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return the table of a scenario's file with the paths that it gives from its own folder; here there are none.

        Args:
            raw: the nested table, not checked yet.
            folder: where the file lies.
        """
        return dict(raw)

    def packed(self) -> tuple[Self, dict[str, bytes]]:
        """Return the scenario as it stands in a parcel, and the files by name that must lie beside it there."""
        return self, {}

    @property
    def data_place(self) -> str:
        """Where the data come from, in words."""
        raise NotImplementedError

    @property
    def runs_wanted(self) -> int:
        """How many runs one point of the sweep has."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _sweeps_over_values(self) -> Self:
        finite(self.sweep, "sweep")
        for key, values in self.sweep.items():
            if not values:
                raise ValueError(f"sweep.{key} lists no value; list at least one")
        points = math.prod(map(len, self.sweep.values()))
        if points > MOST_POINTS:
            raise ValueError(f"sweep has {points:,} points, more than {MOST_POINTS:,}; list fewer values")
        return self
