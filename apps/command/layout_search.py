"""`tradefair store search`: a better layout within a merchant's rules, judged on days that the search never saw."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.command.experiment import Json
from apps.command.store_options import Currency, Demand, Draws, Seed, Shoppers, demand_settings

if TYPE_CHECKING:
    from simulation.store.search import Found


class How(StrEnum):
    """How a layout is looked for."""

    annealed = "annealed"
    greedy = "greedy"
    random = "random"
    rule_of_thumb = "rule_of_thumb"


def search(
    plan: str,
    objective: Annotated[
        str, typer.Option("--objective", metavar="FIGURE", help="What to improve: unplanned_picks, checkout_s, ...")
    ] = "sales_visit",
    steps: Annotated[int, typer.Option("--steps", min=1, help="Layouts to simulate.")] = 60,
    fixed: Annotated[
        list[str] | None, typer.Option("--fix", metavar="CATEGORY", help="A category that stays; may be repeated.")
    ] = None,
    movable: Annotated[
        list[str] | None, typer.Option("--move", metavar="FIXTURE", help="A fixture that may move; may be repeated.")
    ] = None,
    reach_m: Annotated[float, typer.Option("--reach-m", help="How far it may move along each axis, in metres.")] = 3.0,
    swaps: Annotated[
        bool, typer.Option("--swaps/--no-swaps", help="Whether shelves of one kind may swap what they hold.")
    ] = True,
    how: Annotated[
        How, typer.Option("--strategy", help="annealed, greedy, random or rule_of_thumb, with the same budget.")
    ] = How.annealed,
    training_days: Annotated[
        int, typer.Option("--training-days", min=1, max=1000, help="Days that the search sees.")
    ] = 4,
    days: Annotated[int, typer.Option("--days", min=2, help="Other days, on which the winner is judged.")] = 32,
    draws: Draws = 16,
    shoppers: Shoppers = 2000,
    seed: Seed = 0,
    demand: Demand = None,
    currency: Currency = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write the winner's plan to this .toml file.")] = None,
    as_json: Json = False,
) -> None:
    """Search for a layout of PLAN with a better figure, then compare it with PLAN on days that the search never saw.

    What it gains on its training days is too good to be true; only the comparison counts. With Ctrl-C the best layout
    so far is printed.
    """
    from apps.command.output import require_place
    from retail.errors import ConfigError
    from simulation.store.kpi import kpi
    from simulation.store.plan import load_plan, plan_text

    # What is wrong with the input is said before anything that takes seconds: engines, statistics, baskets.
    if to is not None and to.suffix != ".toml":
        raise ConfigError(f"--to {to}: a plan is written as .toml; name such a file")
    if to is not None:
        require_place(to, "--to")
        if to.exists():
            raise ConfigError(f"--to {to} is there already; name another file, or remove it first")
    kpi(objective)
    base = load_plan(plan)
    wanted = demand_settings(demand, currency)

    from simulation.store.search import Rules, on_held_out_days, room_of, searching

    rules = Rules(tuple(fixed or ()), None if swaps else (), tuple(movable or ()), reach_m)
    room_of(base, objective=objective, strategy=how.value, rules=rules, steps=steps, training_days=training_days)

    from apps.command.store_progress import NOTHING_YET, followed, watched
    from experiments.documents import write_bytes
    from experiments.store.inputs import demand_model
    from experiments.store.layout_search import searched_so_far

    model = demand_model(wanted)

    def tried(so_far: Found) -> int:
        return so_far.tried

    trained = searching(
        base, model=model, shoppers=shoppers, seed=seed, objective=objective, strategy=how.value, rules=rules,
        steps=steps, training_days=training_days,
    )  # fmt: skip
    sought = followed(trained, total=steps, said=searched_so_far, done=tried)
    found, complete = sought
    if found is None:
        typer.echo(NOTHING_YET, err=True)
        raise typer.Exit(130)
    if complete:
        judged, complete = watched(
            on_held_out_days(
                base, found, days=days, model=model, shoppers=shoppers, seed=seed, parameter_draws=draws
            ),
            most=days, draws=draws,
        )  # fmt: skip
        found = replace(found, held_out=judged)
    if to is not None and found.edits:
        write_bytes(to, plan_text(found.plan).encode())
    again = ["--seed", str(seed + 1), "--shoppers", str(shoppers)]
    again += [] if demand is None else ["--demand", str(demand)]
    again += [] if currency is None else ["--currency", currency]
    _print(found, plan, base.name, training_days, again, as_json=as_json)
    if to is not None:
        typer.echo(f"written: {to}" if found.edits else f"not written: {to}, as nothing better was found", err=True)
    if not complete:
        typer.echo(
            f"interrupted: this is the best layout so far, after {found.tried} of {steps}. Nothing is stored: the same"
            " command begins again, and fewer --steps end sooner",
            err=True,
        )
        raise typer.Exit(130)


def _print(found: Found, plan: str, name: str, training_days: int, again: list[str], *, as_json: bool) -> None:
    """Print what the layout brings on other days once it is judged, what it changes, and only then every figure.

    `again` are the options with which the layout meets the same shoppers' habits on days of another seed.
    """
    import shlex

    from apps.command import tables
    from apps.store.edit_words import short, words
    from apps.store.search_table import answer, searched
    from experiments.store.layout_search import search_rows, searched_so_far
    from experiments.store.what_if import what_if_document
    from simulation.store.plan import edit_table

    edits: list[dict[str, Any]] = [edit_table(one) for one in found.edits]
    document: dict[str, Any] = {"results": [], "differences": []}
    if found.held_out is not None:
        rows = search_rows(found, "found", "as-is", days=training_days)
        document = what_if_document(found.held_out, arm="found", reference="as-is", title=name, more=rows)
    if as_json:
        figures = [*document["results"], *document["differences"]]
        tables.print_json({"runs": [], "rows": figures, "edits": edits})
        return
    if not edits:
        tables.say(f"{name}: {searched_so_far(found)}. No layout was better; the winner is the plan as it is.")
        return
    said = [f"{name}: {searched_so_far(found)}."]
    if found.held_out is None:
        said += ["It was not judged on other days: what it gains on the training days is too good to be true."]
    else:
        said = [f"{name}: {answer(one)}" for one in searched(document)]
    tables.say("\n".join([*said, "What the layout changes:", *(f"  {words(one)}" for one in edits)]) + "\n")
    lines = [f"tradefair store compare {shlex.quote(plan)}", *map(short, edits), shlex.join(again)]
    tables.say(" \\\n  ".join(lines) + "\n\nAnother seed, since days of this one chose the layout.")
    if found.held_out is not None:
        tables.print_summary(document)
