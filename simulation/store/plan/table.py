"""How a plan is written in TOML: the keys, their types, and the JSON Schema for editors."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from simulation.store.plan.fixture import Fixture, Zone
from simulation.store.plan.kinds import SIDES, DisplayKind, FixtureKind, Side, TillKind


class _Table(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class LegendTable(_Table):
    """What a letter of the map stands for."""

    kind: FixtureKind
    name: str | None = Field(
        None, min_length=1, description="first part of the names of the fixtures; else by contents"
    )
    category: str | None = Field(None, description="the one category that it sells, or shows if it is a display")
    categories: list[str] | None = Field(None, description="instead of category, several of them")
    sides: list[Side] | None = Field(None, description="sides that shoppers use; all four if not given")
    display: DisplayKind | None = Field(None, description="for displays")
    till: TillKind | None = Field(None, description="for tills")
    servers: int = Field(1, description="for tills: how many shoppers are served at once")
    max_items: int | None = Field(None, description="for tills: the most items accepted")
    open_h: list[list[float]] | None = Field(
        None, description="for tills: staffed [from, to] hours; always if not given"
    )

    def fixture(self, *, name: str, x: float, y: float, width: float, depth: float, rotation: float = 0.0) -> Fixture:
        """Return the fixture that stands there.

        Raises: ConfigError: the contents do not fit the kind. ValueError: category and categories, or hours, are off.
        """
        if self.category is not None and self.categories is not None:
            raise ValueError(f"{self.kind} {name!r}: give category or categories, not both")
        if any(len(pair) != 2 for pair in self.open_h or ()):
            raise ValueError(f"{self.kind} {name!r}: open_h = {self.open_h} must be a list of [from, to] hours")
        return Fixture(
            name=name,
            kind=self.kind,
            x=float(x),
            y=float(y),
            width=float(width),
            depth=float(depth),
            rotation=float(rotation),
            categories=tuple(self.categories or ([] if self.category is None else [self.category])),
            sides=tuple(SIDES if self.sides is None else self.sides),
            display=self.display,
            till=self.till,
            servers=self.servers,
            max_items=self.max_items,
            open_h=tuple((float(pair[0]), float(pair[1])) for pair in self.open_h or ()),
        )


class FixtureTable(LegendTable):
    """A fixture in metres from the upper left corner."""

    name: str = Field(min_length=1)
    x: float = Field(description="left edge, in metres")
    y: float = Field(description="upper edge, in metres")
    width: float = Field(gt=0, description="metres from west to east")
    depth: float = Field(gt=0, description="metres from north to south")
    rotation: float = Field(0.0, description="degrees, clockwise, about the middle")


class ZoneTable(_Table):
    """A named part of the floor, in metres."""

    name: str = Field(min_length=1)
    x: float
    y: float
    width: float = Field(gt=0)
    depth: float = Field(gt=0)

    def zone(self) -> Zone:
        """Return the zone."""
        return Zone(self.name, float(self.x), float(self.y), float(self.width), float(self.depth))


class PlanTable(_Table):
    """A store plan: a map of letters with its legend, or fixtures in metres, or both."""

    name: str = Field(min_length=1)
    opens_h: float = Field(8.0, ge=0, lt=24, description="hour of the day")
    closes_h: float = Field(22.0, gt=0, le=24, description="hour of the day")
    width: float | None = Field(None, gt=0, description="metres from west to east; the map tells it if there is one")
    depth: float | None = Field(None, gt=0, description="metres from north to south; the map tells it if there is one")
    cell_m: float = Field(0.5, ge=0.1, le=5, description="edge of one letter of the map, in metres")
    map: str | None = Field(None, description="one letter for each square; '.' and blank are floor, '#' is a wall")
    legend: dict[str, LegendTable] = Field(default_factory=dict)
    fixtures: list[FixtureTable] = Field(default_factory=list)
    zones: list[ZoneTable] = Field(default_factory=list)


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan, as bundled in `schema.json`."""
    schema = PlanTable.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Tradefair store plan"}
