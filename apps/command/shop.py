"""`tradefair store`: plans, their checks, what-ifs on them, and heat maps."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from apps.command.experiment import Json

app = typer.Typer(help="Look at store plans, try changes on them, and draw heat maps.", no_args_is_help=True)


class PlanFormat(StrEnum):
    """How a plan is printed."""

    text = "text"
    geojson = "geojson"
    svg = "svg"
    schema = "schema"


@app.command(short_help="List the bundled plans.")
def plans(as_json: Json = False) -> None:
    """List the bundled plans; a name stands for the plan in every command and scenario."""
    from apps import plan_picture
    from apps.command import tables
    from simulation.store.plan import bundled_plans, load_plan

    found = plan_picture.overview((name, load_plan(name)) for name in bundled_plans())
    columns = ("plan", "size", "m2", "categories", "displays", "tills")
    if as_json:
        tables.print_json({"runs": [], "rows": [dict(zip(columns, row, strict=True)) for row in found]})
    else:
        tables.print_rows(columns, found)


@app.command(short_help="Show a plan: text, GeoJSON, SVG or the schema.")
def show(
    plan: str,
    form: Annotated[PlanFormat, typer.Option("--format", help="text, geojson, svg or schema.")] = PlanFormat.text,
) -> None:
    """Show PLAN, a bundled name or a TOML file. With --format schema: the JSON Schema of plans.

    `--format svg > plan.svg` makes a drawing; `--format geojson` has metres as coordinates, not degrees.
    """
    import json

    from apps import plan_picture
    from apps.command import tables
    from simulation.store.plan import load_plan, plan_schema, to_geojson

    loaded = load_plan(plan)
    if form is PlanFormat.schema:
        print(json.dumps(plan_schema(), indent=1))
    elif form is PlanFormat.geojson:
        print(json.dumps(to_geojson(loaded), indent=1))
    elif form is PlanFormat.svg:
        print(plan_picture.svg(loaded), end="")
    else:
        tables.print_rows(("field", "value"), plan_picture.facts(loaded).items())
        tables.say(plan_picture.letters(loaded))
        named = [[one.name, one.kind, ", ".join(one.categories)] for one in loaded.fixtures if one.kind != "wall"]
        tables.print_rows(("fixture", "kind", "holds"), named, title="fixtures, as edits name them")
