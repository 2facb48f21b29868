"""A plan as a table that can be edited, and back; and the changes that a page offers for a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pandas as pd

from retail.errors import ConfigError
from simulation.store.plan import Fixture, StorePlan, require_sound

COLUMNS: Final = (
    "name", "kind", "x", "y", "width", "depth", "rotation", "categories", "display", "till", "servers", "max_items",
)  # fmt: skip
NUMBERS: Final = ("x", "y", "width", "depth", "rotation")


def fixture_table(plan: StorePlan) -> pd.DataFrame:
    """Write a plan's fixtures as a table, one row each, columns `COLUMNS`; categories are one text with commas."""
    rows = [
        {
            **{name: getattr(one, name) for name in COLUMNS if name != "categories"},
            "categories": ", ".join(one.categories),
        }
        for one in plan.fixtures
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"max_items": "Int64"})


def plan_from(plan: StorePlan, table: pd.DataFrame) -> StorePlan:
    """Return the plan with the fixtures of an edited table. Sides and hours of fixtures that keep their name stay.

    Raises:
        ConfigError: a row is no fixture, or nobody could shop there; one line says which and why.
    """
    before = {one.name: one for one in plan.fixtures}
    fixtures = []
    for position, row in enumerate(table.to_dict("records"), start=1):
        fixtures.append(_fixture(row, before, position))
    names = [one.name for one in fixtures]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two fixtures are named {twice[0]!r}; give each its own name")
    changed = replace(plan, fixtures=tuple(fixtures))
    require_sound(changed)
    return changed


def _fixture(row: dict[Any, Any], before: dict[str, Fixture], position: int) -> Fixture:
    values = {name: _cell(row.get(name)) for name in COLUMNS}
    name = str(values.pop("name") or "").strip()
    if not name:
        raise ConfigError(f"row {position}: the fixture has no name; give it one")
    for key in NUMBERS:
        if values[key] is None and key != "rotation":
            raise ConfigError(f"row {position} ({name}): {key} is empty; write metres")
        values[key] = float(values[key] or 0.0)
    if values["kind"] is None:
        raise ConfigError(f"row {position} ({name}): kind is empty; choose one")
    values["categories"] = tuple(one.strip() for one in str(values["categories"] or "").split(",") if one.strip())
    values["servers"] = int(values["servers"] or 1)
    values["max_items"] = None if values["max_items"] is None else int(values["max_items"])
    known = before.get(name)
    if known is not None and known.kind == values["kind"]:
        return replace(known, **values)
    return Fixture(name=name, **values)


def _cell(value: Any) -> Any:
    return None if value is None or value is pd.NA or value != value or value == "" else value
