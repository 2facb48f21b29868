"""`tradefair data`: check a folder of tables before anything is trained on it."""

from __future__ import annotations

from pathlib import Path

import typer

from apps.command.experiment import Json

app = typer.Typer(help="Check your own tables.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `check` a sub-command although it is the only one."""


@app.command(short_help="Check a folder of tables.")
def check(
    folder: Path,
    as_json: Json = False,
) -> None:
    """Check FOLDER: read every CSV or Parquet table and name what is wrong.

    A problem is told with file, column, number of rows and the first of them; docs/data.md has the schema.
    """
    import dataclasses

    from apps.command import tables
    from retail.folder import check_folder

    report = check_folder(folder)
    if as_json:
        problems = [dataclasses.asdict(problem) for problem in report.problems]
        summary = {"tables": report.tables, "table_rows": report.rows, "notes": list(report.notes)}
        tables.print_json({"runs": [], "rows": problems, **summary})
    elif report.ok:
        rows = [(name, file, report.rows.get(name)) for name, file in report.tables.items()]
        tables.print_rows(("table", "file", "rows"), rows)
        for note in report.notes:
            tables.say(f"note: {note}")
        tables.say("The folder can be loaded.")
    if not report.ok:
        typer.echo(f"error: {report.message}", err=True)
        raise typer.Exit(2)
