"""`tradefair run` and `tradefair demo`: execute a scenario, or what is left of it, and print its table."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.summary import Summary

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value: federation.rounds=20. May be repeated."),
]
Store = Annotated[Path, typer.Option("--store", help="Folder of the run store.")]
Jobs = Annotated[int | None, typer.Option("--jobs", help="Worker processes; one per core when left out.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Execute failed runs once more.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 when a target is missed.")]


def run(
    scenario: str,
    overrides: Set = None,
    store: Store = Path("runs"),
    jobs: Jobs = None,
    retry_failed: RetryFailed = False,
    as_json: Json = False,
    strict: Strict = False,
) -> None:
    """Run SCENARIO, a TOML file or the name of a bundled scenario such as demo.

    The same command again resumes it: finished runs are kept, failed ones are executed only with --retry-failed.
    """
    from apps.command import progress, tables
    from experiments.execute import run_scenario
    from experiments.scenario_file import load_scenario

    loaded = load_scenario(scenario, overrides or ())
    if ":" in getattr(loaded, "task", "") and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # where a user's own task lies
    try:
        with progress.shown() as show:
            summary = run_scenario(loaded, store=store, jobs=jobs, retry_failed=retry_failed, progress=show)
    except KeyboardInterrupt:
        again = ["tradefair", *sys.argv[1:]]
        typer.echo(f"interrupted; finished runs are kept. To go on: {shlex.join(again)}", err=True)
        raise typer.Exit(130) from None
    document = summary.document()
    if as_json:
        tables.print_json(document_of(summary, store))
    else:
        tables.print_summary(document)
        tables.say(f"\nThe runs are in {store / loaded.name}. To look at them: tradefair app --store {store}")
    _report_trouble(summary)
    raise typer.Exit(exit_code(summary, strict=strict))


def demo(
    overrides: Set = None,
    store: Store = Path("runs"),
    jobs: Jobs = None,
    retry_failed: RetryFailed = False,
    as_json: Json = False,
    strict: Strict = False,
) -> None:
    """Run the bundled scenario demo: 99 stores learn together, with and without noise."""
    run("demo", overrides, store, jobs, retry_failed, as_json, strict)


def document_of(summary: Summary, store: Path) -> dict[str, object]:
    """Return the JSON document of a scenario: records of its runs, and every figure in the one result shape."""
    from experiments.runs import RunStore

    wanted = set(summary.runs)
    records = [record for record in RunStore(store).records(summary.scenario) if record["run_id"] in wanted]
    return {"runs": records, "rows": [result.record() for result in summary.results()]}


def exit_code(summary: Summary, *, strict: bool) -> int:
    """Return 2 when everything was refused, 1 when runs failed (or, if strict, a target was not met), else 0."""
    if not summary.runs and summary.failures and all(failure["refused"] for failure in summary.failures):
        return 2
    if summary.failures or summary.unfinished:
        return 1
    return 1 if strict and any(not target.met for target in summary.targets) else 0


def _report_trouble(summary: Summary) -> None:
    """Say on standard error which runs gave nothing, one line for each reason."""
    reasons: dict[tuple[str, str, str], int] = {}
    for failure in summary.failures:
        key = ("refused" if failure["refused"] else "failed", str(failure["arm"]), str(failure["message"]))
        reasons[key] = reasons.get(key, 0) + 1
    for run in summary.unfinished:
        key = ("unfinished", str(run["arm"]), str(run["message"]))
        reasons[key] = reasons.get(key, 0) + 1
    for (what, arm, message), count in reasons.items():
        runs = f"{count} run" + ("s" if count > 1 else "")
        typer.echo(f"{what}: {runs} of arm {arm}: {message}", err=True)
    words = [word for word, _, _ in reasons]
    if "refused" in words:
        typer.echo("refused runs keep the reason in failure.json; once it is gone, --retry-failed runs them", err=True)
    if "failed" in words:
        typer.echo("failed runs keep a failure.json; --retry-failed executes them once more", err=True)
    if summary.unfinished:
        typer.echo("the same command again executes unfinished runs", err=True)
