"""`tradefair ledger`: read what has been spent on the people of a data set."""

from __future__ import annotations

from pathlib import Path

import typer

from apps.command.experiment import Json

app = typer.Typer(help="Read a privacy budget ledger.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `show` a sub-command although it is the only one."""


@app.command(short_help="Show budgets and reservations.")
def show(
    path: Path,
    as_json: Json = False,
) -> None:
    """Show budgets and reservations of the ledger file PATH. Nothing is spent by looking."""
    from apps.command import tables
    from privacy.ledger_record import read_ledger

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
