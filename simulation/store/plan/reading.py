"""Plans as files: reading TOML, writing it back, and one clear line for whatever is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import tomli_w
from pydantic import BaseModel, ValidationError

from retail.errors import ConfigError
from retail.toml_text import parsed
from simulation.store.plan.fixture import Fixture
from simulation.store.plan.kinds import SIDES
from simulation.store.plan.map import read_map
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.sound import require_sound
from simulation.store.plan.table import PlanTable

_SUFFIX: Final = ".toml"
_LARGEST_BYTES: Final = 4_000_000


def bundled_plans() -> tuple[str, ...]:
    """Return the names of the plans that come with Tradefair, sorted."""
    folder = resources.files("simulation.store") / "plans"
    return tuple(sorted(one.name.removesuffix(_SUFFIX) for one in folder.iterdir() if one.name.endswith(_SUFFIX)))


def load_plan(source: str | Path) -> StorePlan:
    """Read a plan that can be simulated.

    Args:
        source: a TOML file, or the name of a bundled plan such as `supermarket`. A file wins over a name.

    Raises: ConfigError: there is no such plan, it is not TOML, a value is refused, or nobody could shop there; one
        line says where.
    """
    path = Path(source)
    if path.is_file():
        if path.stat().st_size > _LARGEST_BYTES:
            raise ConfigError(f"{source}: {path.stat().st_size} bytes are more than {_LARGEST_BYTES}; is it a plan?")
        try:
            return read_plan(path.read_text(encoding="utf-8"), source=str(source))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source}: cannot be read as text ({error}); plans are TOML in UTF-8") from None
    if str(source) in bundled_plans():
        text = (resources.files("simulation.store") / "plans" / f"{source}{_SUFFIX}").read_text(encoding="utf-8")
        return read_plan(text, source=str(source))
    raise ConfigError(f"{source}: is no file and no bundled plan; take one of {', '.join(bundled_plans())}")


def read_plan(text: str, *, source: str = "plan") -> StorePlan:
    """Read a plan from the text of its TOML; `source` is what messages call it.

    Raises: ConfigError: as `load_plan`.
    """
    try:
        raw = parsed(text)
    except ValueError as error:
        raise ConfigError(f"{source}: is not TOML: {error}; correct it there") from None
    return plan_from_table(raw, source=source)


def plan_from_table(raw: Mapping[str, Any], *, source: str = "plan") -> StorePlan:
    """Read a plan from the nested table of its TOML.

    Raises: ConfigError: as `load_plan`.
    """
    try:
        table = PlanTable.model_validate(raw)
        plan, map_cell_m = _plan(table)
        require_sound(plan, map_cell_m=map_cell_m)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_describe(error)}") from None
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{source}: {error}") from None
    return plan


def plan_table(plan: StorePlan) -> dict[str, Any]:
    """Return the nested table that `plan_from_table` reads back as the same plan."""
    table: dict[str, Any] = {key: getattr(plan, key) for key in ("name", "opens_h", "closes_h")}
    table |= {"width": plan.width, "depth": plan.depth}
    table["fixtures"] = [_fixture_table(one) for one in plan.fixtures]
    if plan.zones:
        table["zones"] = [
            {key: getattr(one, key) for key in ("name", "x", "y", "width", "depth")} for one in plan.zones
        ]
    return table


def plan_text(plan: StorePlan) -> str:
    """Return the TOML that reads back as the same plan, its fixtures in metres."""
    return tomli_w.dumps(plan_table(plan))


def _fixture_table(one: Fixture) -> dict[str, Any]:
    table: dict[str, Any] = {key: getattr(one, key) for key in ("name", "kind", "x", "y", "width", "depth")}
    if one.rotation:
        table["rotation"] = one.rotation
    if len(one.categories) == 1:
        table["category"] = one.categories[0]
    elif one.categories:
        table["categories"] = list(one.categories)
    if one.sides != SIDES:
        table["sides"] = list(one.sides)
    table |= {key: getattr(one, key) for key in ("display", "till", "max_items") if getattr(one, key) is not None}
    if one.servers != 1:
        table["servers"] = one.servers
    if one.open_h:
        table["open_h"] = [list(pair) for pair in one.open_h]
    return table


def _plan(table: PlanTable) -> tuple[StorePlan, float | None]:
    width, depth = table.width, table.depth
    drawn: tuple[Fixture, ...] = ()
    if table.map is not None:
        if width is not None or depth is not None:
            raise ConfigError("width and depth follow from the map; drop them")
        width, depth, drawn = read_map(table.map, table.legend, cell_m=table.cell_m)
    elif table.legend:
        raise ConfigError("there is a legend but no map; add the map or drop the legend")
    if width is None or depth is None:
        raise ConfigError("needs a map, or width and depth in metres")
    if not drawn and not table.fixtures:
        raise ConfigError("holds no fixtures; draw a map or add [[fixtures]]")
    placed = tuple(
        one.fixture(name=one.name, x=one.x, y=one.y, width=one.width, depth=one.depth, rotation=one.rotation)
        for one in table.fixtures
    )
    plan = StorePlan(
        name=table.name,
        width=float(width),
        depth=float(depth),
        fixtures=(*drawn, *placed),
        opens_h=float(table.opens_h),
        closes_h=float(table.closes_h),
        zones=tuple(one.zone() for one in table.zones),
    )
    return plan, table.cell_m if table.map is not None else None


def _describe(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    first = problems[0]
    key = ""
    for part in first["loc"]:
        step = str(part + 1) if isinstance(part, int) else str(part)  # counted from 1, as lines and arms are
        key += f".{step}" if key else step
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "missing":
        return f"{key} is missing; add it{more}"
    if first["type"] == "extra_forbidden":
        known = ", ".join(_keys_at(first["loc"]))
        return f"{key} is no key of a plan; drop it, or use one of {known}{more}"
    wanted = first["msg"].removeprefix("Input ")
    value = first["input"] if not isinstance(first["input"], dict | list) else type(first["input"]).__name__
    return f"{key} = {value!r} {wanted}; correct it{more}"


def _keys_at(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Keys that the table at this place may have."""
    model: type[BaseModel] = PlanTable
    if len(location) > 1 and location[0] in ("legend", "fixtures", "zones"):
        (model,) = (one for one in _arguments(PlanTable.model_fields[str(location[0])].annotation))
    return tuple(model.model_fields)


def _arguments(annotation: Any) -> tuple[type[BaseModel], ...]:
    return tuple(one for one in annotation.__args__ if isinstance(one, type) and issubclass(one, BaseModel))
