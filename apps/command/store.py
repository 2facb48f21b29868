"""`tradefair runs`: look at a run store, compare two runs, and hand one on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.command.experiment import Json, Store, trouble_lines

app = typer.Typer(help="List, show, compare and export what has run.", no_args_is_help=True)


@app.command("list", short_help="List all runs.")
def list_runs(
    scenario: Annotated[str | None, typer.Argument()] = None,
    store: Store = Path("runs"),
    as_json: Json = False,
) -> None:
    """List all runs with their status, or those of one SCENARIO."""
    from apps.command import tables

    records = _open(store).records(scenario)
    if scenario is not None and not records:
        _unknown(scenario, store)
    if as_json:
        tables.print_json({"runs": records, "rows": []})
        return
    columns = ("run_id", "scenario", "arm", "epsilon", "origin", "seed", "sweep", "status", "seconds", "ended")
    shown = [{**record, "sweep": _swept(record), "ended": _ended(record)} for record in records]
    some = [column for column in columns if column == "run_id" or any(one.get(column) is not None for one in shown)]
    tables.print_rows(some, ([one.get(column) for column in some] for one in shown))


@app.command(short_help="Show a scenario's table, or one run.")
def show(key: str, store: Store = Path("runs"), as_json: Json = False) -> None:
    """Show the table of a scenario, or the record, figures and provenance of one run.

    KEY is a scenario's name, or the first digits of a run's id; SCENARIO/RUN where two scenarios have such an id.
    """
    from apps.command import tables
    from apps.figure_text import unit_text
    from experiments.documents import read_json
    from experiments.runs import METRIC_COLUMNS

    runs = _open(store)
    if key in runs.scenarios():
        summary = read_json(store / key / "summary.json")
        if summary is None:
            _unknown(key, store, "has no summary yet; run it to the end")
        if as_json:
            rows = [*summary["results"], *summary["differences"], *summary["targets"]]
            tables.print_json({"runs": runs.records(key), "rows": rows})
        else:
            tables.print_summary(summary)
            again = shlex.join(["tradefair", "run", str(store / key / "scenario.toml"), "--store", str(store)])
            for line in trouble_lines(summary, again):
                tables.say(line)
        return
    record = runs.find(key)
    provenance = read_json(Path(record["path"]) / "provenance.json")
    finished = record["status"] == "finished"
    metrics = runs.run_metrics(record["scenario"], record["run_id"]) if finished else None
    if as_json:
        rows = [] if metrics is None else [_row(row, record) for row in metrics.to_dict("records")]
        tables.print_json({"runs": [{**record, "provenance": provenance}], "rows": rows})
        return
    tables.print_rows(("field", "value"), ((name, value) for name, value in record.items() if name != "traceback"))
    if record.get("traceback"):
        tables.say(record["traceback"])
    if metrics is not None:
        figures = metrics[list(METRIC_COLUMNS)].assign(unit=[unit_text(unit) for unit in metrics["unit"]])
        tables.print_rows(list(figures.columns), figures.itertuples(index=False), title="figures")
    if provenance:
        tables.print_rows(("field", "value"), provenance.items(), title="provenance")


@app.command(short_help="Compare two runs.")
def diff(first: str, second: str, store: Store = Path("runs"), as_json: Json = False) -> None:
    """Compare two finished runs: settings that differ, and figures with paired intervals.

    FIRST and SECOND are the first digits of their ids.
    """
    from apps.command import tables
    from experiments.comparison import compare

    runs = _open(store)
    comparison = compare(runs, runs.find(first), runs.find(second))
    if as_json:
        rows = [result.record() for result in comparison.figures]
        tables.print_json({"runs": list(comparison.records), "rows": rows, "settings": comparison.settings})
        return
    ids = [record["run_id"] for record in comparison.records]
    tables.print_rows(("setting", *ids), ((key, *values) for key, values in comparison.settings.items()))
    shown = ((result.name, tables.interval(result.value, result.lo, result.hi)) for result in comparison.figures)
    tables.print_rows(("figure", "value"), shown)


@app.command(short_help="Write a parcel that repeats a run.")
def export(
    key: str,
    to: Annotated[Path, typer.Option("--to", help="A new folder, or a file that ends in .zip.")],
    store: Store = Path("runs"),
) -> None:
    """Write what somebody else needs to run it again: scenario, versions, figures, a README.

    KEY is a scenario's name, or the first digits of a run's id. Rows about shoppers stay behind.
    """
    from apps.command.output import require_place
    from experiments.export import export_runs

    if not to.exists():  # else the export says so
        require_place(to, "--to")
    typer.echo(f"written: {export_runs(_open(store), key, to)}")


def _open(store: Path) -> Any:
    from experiments.runs import RunStore
    from retail.errors import ConfigError

    if not store.is_dir():
        raise ConfigError(f"there is no run store at {store}; run a scenario first, or name the store with --store")
    return RunStore(store)


def _swept(record: dict[str, Any]) -> str | None:
    """Return the swept values that are in no column of their own."""
    swept = {key: value for key, value in record.get("sweep", {}).items() if record.get(key) != value}
    return ", ".join(f"{key} = {value}" for key, value in swept.items()) or None


def _ended(record: dict[str, Any]) -> str | None:
    """Return when a run ended, in local time: runs of other settings or code have the same arm and seed."""
    from datetime import datetime

    for name in ("run.json", "failure.json"):
        path = Path(record["path"]) / name
        if path.is_file():
            return datetime.fromtimestamp(path.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return None


def _row(row: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Bring a line of `metrics.parquet` into the one shape of a figure."""
    from experiments.runs import METRIC_COLUMNS

    about = {key: value for key, value in row.items() if key not in METRIC_COLUMNS}
    figure = {key: row[key] for key in METRIC_COLUMNS}
    return {**figure, "target": None, "met": None, "provenance": {"runs": [record["run_id"]], **about}}


def _unknown(scenario: str, store: Path, what: str = "is not in the store; see `tradefair runs list`") -> None:
    from retail.errors import ConfigError

    raise ConfigError(f"scenario {scenario!r} {what} (store: {store})")
