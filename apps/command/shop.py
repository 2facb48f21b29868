"""`tradefair store`: plans, their checks, what-ifs on them, a search, and heat maps."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from apps.command import layout_search
from apps.command.experiment import Json
from apps.command.store_options import Currency, Demand, Draws, Seed, Shoppers, demand_settings

app = typer.Typer(
    help="Look at store plans, change them, search for better ones, draw heat maps.", no_args_is_help=True
)
app.command("search", short_help="Look for a better layout within your rules.")(layout_search.search)

Edits = Annotated[
    list[str] | None,
    typer.Option(
        "--edit",
        metavar="EDIT",
        help="A change; may be repeated: swap=A,B  move=FIXTURE,x=1,y=2  "
        "add_till=KIND,x=1,y=2  remove=FIXTURE  show=DISPLAY,category=A  (metres from the upper left corner).",
    ),
]


class PlanFormat(StrEnum):
    """How a plan is printed."""

    text = "text"
    geojson = "geojson"
    svg = "svg"
    schema = "schema"


class HeatKind(StrEnum):
    """What a heat map shows."""

    visits = "visits"
    dwell = "dwell"
    flow = "flow"


@app.command(short_help="List the bundled plans.")
def plans(as_json: Json = False) -> None:
    """List the bundled plans; a name stands for the plan in every command and scenario."""
    from apps.command import tables
    from apps.store import plan_picture
    from simulation.store.plan import bundled_plans, load_plan

    found = plan_picture.overview((name, load_plan(name)) for name in bundled_plans())
    columns = ("plan", "size", "m2", "categories", "displays", "tills")
    if as_json:
        tables.print_json({"runs": [], "rows": [dict(zip(columns, row, strict=True)) for row in found]})
    else:
        tables.print_rows(columns, found)


@app.command(short_help="Show a plan: text, GeoJSON, SVG or the schema.")
def show(
    plan: Annotated[str | None, typer.Argument(help="Not needed for the schema.")] = None,
    form: Annotated[PlanFormat, typer.Option("--format", help="text, geojson, svg or schema.")] = PlanFormat.text,
) -> None:
    """Show PLAN, a bundled name or a TOML file. With --format schema and no PLAN: the JSON Schema of plans.

    `--format svg > plan.svg` makes a drawing; `--format geojson` has metres as coordinates, not degrees.
    """
    import json

    from apps.command import tables
    from apps.store import plan_picture
    from retail.errors import ConfigError
    from simulation.store.plan import bundled_plans, load_plan, plan_schema, to_geojson

    if form is PlanFormat.schema:
        print(json.dumps(plan_schema(), indent=1))
        return
    if plan is None:
        raise ConfigError(f"name a plan: a TOML file or one of {', '.join(bundled_plans())}")
    loaded = load_plan(plan)
    if form is PlanFormat.geojson:
        print(json.dumps(to_geojson(loaded), indent=1))
    elif form is PlanFormat.svg:
        print(plan_picture.svg(loaded), end="")
    else:
        tables.print_rows(("field", "value"), plan_picture.facts(loaded).items())
        tables.say(plan_picture.letters(loaded))
        named = [[one.name, one.kind, ", ".join(one.categories)] for one in loaded.fixtures if one.kind != "wall"]
        tables.print_rows(("fixture", "kind", "holds"), named, title="fixtures, as edits name them")


@app.command(short_help="Look for narrow ways, long ways out, short queues.")
def check(plan: str, as_json: Json = False) -> None:
    """Check PLAN, a bundled name or a TOML file. What is found is advice and no certificate: the exit code stays 0.

    A plan that cannot be simulated at all is refused with exit code 2, in one line that names the place.
    """
    from apps.command import tables
    from apps.figure_text import count
    from simulation.store.categories import CATEGORIES
    from simulation.store.checks import check_demand, check_plan
    from simulation.store.plan import load_plan

    loaded = load_plan(plan)
    unknown = (one for one in check_demand(loaded, CATEGORIES) if one.code == "shelf-without-demand")
    found = (*check_plan(loaded), *unknown)  # a small store need not sell everything
    if as_json:
        rows = [
            {"code": one.code, "severity": one.severity, "message": one.message, "place_m": one.place,
             "fixtures": list(one.fixtures)}
            for one in found
        ]  # fmt: skip
        tables.print_json({"runs": [], "rows": rows})
        return
    if found:
        tables.print_rows(("severity", "code", "finding"), ((one.severity, one.code, one.message) for one in found))
    warnings = sum(one.severity == "warning" for one in found)
    many = f"{count(warnings, 'warning')}, {count(len(found) - warnings, 'note')}"
    tables.say(f"{loaded.name}: {many}. Advice, not a certificate.")


@app.command(short_help="Try a change: every figure with both intervals.")
def compare(
    plan: str,
    edits: Edits = None,
    shoppers: Shoppers = 2000,
    days: Annotated[int, typer.Option("--days", min=2, help="The most paired days.")] = 64,
    draws: Draws = 16,
    seed: Seed = 0,
    demand: Demand = None,
    currency: Currency = None,
    as_json: Json = False,
) -> None:
    """Compare PLAN with PLAN after the edits, on the same shoppers of the same days. Nothing is stored.

    With Ctrl-C what is known so far is printed.
    """
    from apps.store.edit_words import read_words, words
    from retail.errors import ConfigError
    from simulation.store.plan import apply_edits, load_plan

    # What is wrong with the input is said before anything that takes seconds: engines, statistics, baskets.
    if not edits:
        raise ConfigError("say what to change with --edit; write for example --edit swap=dairy,bakery")
    changes = [read_words(edit) for edit in edits]
    base = load_plan(plan)
    other = apply_edits(base, changes)
    wanted = demand_settings(demand, currency)

    from apps.command import tables
    from apps.command.store_progress import NOTHING_YET, watched
    from apps.figure_text import count
    from experiments.store.inputs import demand_model
    from experiments.store.what_if import what_if_document
    from simulation.store.compare import comparing

    model = demand_model(wanted)
    steps = comparing(
        base, other, model=model, shoppers=shoppers, seed=seed, block=min(8, days), most=days, parameter_draws=draws
    )
    found, complete = watched(steps, most=days, draws=draws)
    if found is None:
        typer.echo(NOTHING_YET, err=True)
        raise typer.Exit(130)
    title = f"{base.name}: {', '.join(words(change) for change in changes)}"
    document = what_if_document(found, arm="changed", reference="as-is", title=title)
    if as_json:
        tables.print_json({"runs": [], "rows": [*document["results"], *document["differences"]]})
    else:
        tables.print_summary(document)
    if not complete:
        typer.echo(
            f"interrupted after {count(found.days, 'day')} and {count(found.draws, 'draw')} of the parameters: these"
            " are the figures so far. Nothing is stored: the same command begins again, and with"
            f" --days {found.days} it ends there",
            err=True,
        )
        raise typer.Exit(130)


@app.command(short_help="Where shoppers walk: simulated, or from traces.")
def heat(
    context: typer.Context,
    plan: str,
    traces: Annotated[
        Path | None, typer.Option("--traces", help="CSV of visit, time, x, y in metres; simulated days when left out.")
    ] = None,
    what: Annotated[HeatKind, typer.Option("--what", help="visits, dwell (seconds) or flow.")] = HeatKind.visits,
    shoppers: Annotated[
        int, typer.Option("--shoppers", min=1, max=1_000_000, help="Simulated: on an average day.")
    ] = 2000,
    days: Annotated[int, typer.Option("--days", min=1, max=1000, help="Simulated: how many days.")] = 4,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Simulated: other seeds draw other days.")] = 0,
    to: Annotated[Path | None, typer.Option("--to", help="Write a drawing to this .svg file.")] = None,
    as_json: Json = False,
) -> None:
    """Make the heat map of PLAN on squares of 1 m and print its busiest places.

    The map is exact. Of real people, release it with noise before it leaves the house: see docs/store.md.
    """
    from apps.command.output import require_place
    from retail.errors import ConfigError
    from simulation.store.plan import load_plan

    if to is not None and to.suffix != ".svg":
        raise ConfigError(f"--to {to}: a heat map is written as .svg; name such a file")
    if to is not None:
        require_place(to, "--to")
    if traces is not None:
        _refuse_simulated(context)
    loaded = load_plan(plan)

    from apps.command import tables
    from apps.store.heat import found_heat, kinds, simulated_maps, traced_maps
    from experiments.documents import write_bytes

    wanted = kinds(what.value)
    if traces is None:
        maps, about = simulated_maps(loaded, wanted, shoppers=shoppers, days=days, seed=seed)
    else:
        maps, about = traced_maps(loaded, wanted, traces)
    found = found_heat(maps)
    if to is not None:
        write_bytes(to, found.drawn(loaded).encode())
    rows = found.busiest(most=None if as_json else 10)
    if about.off_floor:
        typer.echo(about.warning(), err=True)
    if as_json:
        tables.print_json({"runs": [], "rows": rows, "about": about.record()})
        return
    columns = [*(name for name in rows[0] if name != "unit"), "unit"] if rows else ["x_m", "y_m", "value", "unit"]
    tables.say(about.sentence())
    tables.print_rows(columns, ([row[name] for name in columns] for row in rows), title="busiest places, a day")
    if to is not None:
        tables.say(f"written: {to}")


def _refuse_simulated(context: typer.Context) -> None:
    """Refuse options of simulated days beside traces, which have days, shoppers and chance of their own."""
    from click.core import ParameterSource

    from retail.errors import ConfigError

    for name in ("days", "shoppers", "seed"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise ConfigError(f"--{name} is for simulated days, and --traces brings its own; leave one of them out")
