"""`tradefair ledger`: read what has been spent on the people of a data set, and on one person over all merchants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.command.experiment import Json, Store

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(help="Read privacy budget ledgers. Nothing is spent by looking.", no_args_is_help=True)


@app.command(short_help="Show budgets and reservations.")
def show(
    path: Path,
    as_json: Json = False,
) -> None:
    """Show budgets and reservations of the ledger file PATH, or of a run's folder. Nothing is spent by looking."""
    from apps.command import tables
    from privacy.ledger_record import read_ledger
    from privacy.log.folder import find_books

    path = find_books(path)
    record = read_ledger(path)
    if as_json:
        document = {"runs": [], "rows": record.reservations.to_dict("records")}
        budgets = record.budgets.to_dict("records")
        tables.print_json({**document, "budgets": budgets, "scope": record.scope, "label": record.label})
        return
    tables.say(f"{path}: {record.label}. Costs are in nano-rho (zCDP).")
    tables.print_rows(list(record.budgets.columns), record.budgets.itertuples(index=False), title="budgets")
    reservations = record.reservations
    tables.print_rows(list(reservations.columns), reservations.itertuples(index=False), title="reservations")


@app.command(short_help="Show what is left of each data set's budget.")
def left(
    path: Path,
    release_cost: Annotated[
        int | None, typer.Option("--release-cost", help="Nano-rho of a release to count in; else the latest one's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show for each data set in the ledger PATH what is spent and left: as epsilon, and in releases of one size.

    epsilon_spent and epsilon_left do not add up to epsilon: costs add up, epsilons do not.
    """
    from apps.command import tables
    from privacy.ledger_record import read_ledger
    from privacy.ledger_views import dataset_view
    from privacy.log.folder import find_books

    record = read_ledger(find_books(path))
    view = dataset_view(record, release_cost=release_cost)
    rows = _records(view)
    if as_json:
        tables.print_json({"runs": [], "rows": rows, "scope": record.scope, "label": record.label})
        return
    tables.say(f"{path}: {record.label}. cap, spent, remaining and release_cost are in nano-rho (zCDP).")
    tables.print_rows(list(view.columns), [list(row.values()) for row in rows])


@app.command("data-sets", short_help="Add up all budgets of a run store and of books, by data set.")
def data_sets(
    store: Store = Path("runs"),
    books: Annotated[Path, typer.Option("--books", help="Folder of books; it may not be there.")] = Path("books"),
    as_json: Json = False,
) -> None:
    """Add up what all runs of the store and the books have spent on the people of each data set, and what is left.

    Exits with 1 if a ledger cannot be read: more was spent then than is shown.
    """
    from apps.command import tables
    from apps.compliance.data_set_ledger import ADDED, EXACT, MADE_UP, SIMULATED, by_data_set, without_budget
    from apps.compliance.data_set_tables import budget_table, summary_table
    from apps.compliance.found_ledgers import find_budgets
    from apps.figure_text import count
    from experiments.runs import RunStore

    found = find_budgets(RunStore(store), books)
    ledgers = by_data_set(found.parts, found.unread, found.exact)
    bare = without_budget(ledgers, found.exact)
    if as_json:
        rows = [
            {"data_set": one.name, "other_names": list(one.other_names), "spent": one.spent, "delta": one.delta,
             "epsilon_spent": one.epsilon, "remaining": one.remaining, "releases_left": one.releases_left,
             "made_up": one.made_up, "unread": one.unread, "runs_without_epsilon": one.exact,
             "budgets": _records(budget_table(one))}
            for one in ledgers
        ]  # fmt: skip
        unread = [{"where": one.where, "why": one.why, "people": one.people} for one in found.unread]
        tables.print_json({"runs": [], "rows": rows, "unread": unread, "without_budget": bare})
    else:
        view = summary_table(ledgers)
        tables.print_rows(list(view.columns), view.itertuples(index=False))
        for name, number in sorted(bare.items()):
            tables.say(f"{name}: {count(number, 'run')} without an epsilon, none with; nothing bounds what they tell.")
        for words in (ADDED, SIMULATED, EXACT, MADE_UP) if ledgers else ():
            tables.say(words)
        for one in found.unread:
            tables.say(f"NOT COUNTED: {one.where}: {one.why}")
    if found.unread:
        raise typer.Exit(1)


@app.command(short_help="Show what was spent on one person over all merchants.")
def person(
    paths: list[Path],
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", metavar="NAME", help="One in which the person takes part; repeat. All when left out."
        ),
    ] = None,
    delta: Annotated[float | None, typer.Option("--delta", help="Of the statement; else the smallest one's.")] = None,
    commitment: Annotated[
        str, typer.Option("--commitment", metavar="HEX", help="Whom the statement is for, as the log names them.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Add up what the ledgers PATHS of all merchants have spent on one person, and what it amounts to.

    The bound is the same for everybody who takes part in the same data sets, so no row about the person is read.
    """
    from apps.command import tables
    from apps.compliance.data_set_ledger import SIMULATED
    from privacy.ledger_views import person_view
    from privacy.log.folder import find_books

    books = [find_books(path) for path in paths]
    view = person_view(books, datasets=dataset or None, person=commitment, delta=delta)
    rows = _records(view.parts)
    if as_json:
        document = {"person": view.person, "spent": view.spent, "delta": view.delta, "epsilon": view.epsilon}
        tables.print_json({"runs": [], "rows": rows, **document, "assumption": view.assumption})
        return
    tables.print_rows(list(view.parts.columns), [list(row.values()) for row in rows])
    who = f"the person {view.person}" if view.person else "each person in these data sets"
    tables.say(f"together: {view.spent} nano-rho, epsilon {view.epsilon:.4g} at delta {view.delta:g} for {who}.")
    tables.say(view.assumption)
    if "run" in set(view.parts["scope"]):
        tables.say(SIMULATED)


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return a frame's rows with plain values; missing ones are None."""
    rows = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
