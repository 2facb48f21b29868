"""`tradefair run` and `tradefair demo`: execute a scenario, or what is left of it, and print its table."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
Engine = Annotated[
    str | None,
    typer.Option("--engine", help="What drives server and nodes: inprocess, cohort or ray. Of recommenders only."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 when a target is missed.")]
Check = Annotated[bool, typer.Option("--check", help="Check SCENARIO, say how many runs are left, and run nothing.")]


def run(
    scenario: str,
    overrides: Set = None,
    store: Store = Path("runs"),
    jobs: Jobs = None,
    retry_failed: RetryFailed = False,
    as_json: Json = False,
    strict: Strict = False,
    engine: Engine = None,
    check: Check = False,
) -> None:
    """Run SCENARIO, a TOML file or the name of a bundled scenario.

    The same command again resumes it: finished runs are kept, failed ones are executed only with --retry-failed.

    Bundled, with the CPU time that some took:

    \b
    recommender  demo (3 minutes), home-stores (20), shoppers (8)
    store        store_validation, store-layout, store-targeting,
                 store-checkout (half a minute or less each),
                 store-heat-map, store-search (longer)
    faces        faces-demo (half a minute), faces (45 minutes),
                 faces-people (13), faces-door, faces-public
    marketplace  market-demo (half a minute), market_regimes,
                 market-label, market_signs
    audiences    lookalike-demo (half a minute), lookalike (5 minutes),
                 targeting (2 minutes), insight,
                 campaigns (a minute), attributes (longer), measurement

    SCENARIO.toml in a run's folder is what to copy for one of your own.
    """  # noqa: D301
    from apps.command import progress, tables
    from experiments.runs import RunStore
    from experiments.scenario_file import load_scenario

    again = shlex.join(["tradefair", *(one for one in sys.argv[1:] if one != "--retry-failed")])
    loaded = load_scenario(scenario, overrides or ())
    if engine is not None:
        _check_engine(engine, loaded.kind)
        loaded = load_scenario(scenario, [*(overrides or ()), f'federation.engine="{engine}"'])
    from experiments.execute import plan_runs, run_scenario  # heavy: not before the scenario is known to be one

    if jobs is None and getattr(getattr(loaded, "federation", None), "engine", "") == "ray":
        jobs = 1  # Ray takes the cores itself
    if ":" in getattr(loaded, "task", "") and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # where a user's own task lies
    if check:
        specs = {spec.run_id: spec for spec in plan_runs(loaded, store=store)}
        _say_planned(loaded.name, [RunStore(store).status(spec) for spec in specs.values()], as_json=as_json)
        return
    try:
        with progress.shown() as show:
            summary = run_scenario(loaded, store=store, jobs=jobs, retry_failed=retry_failed, progress=show)
    except KeyboardInterrupt:
        typer.echo(f"interrupted; finished runs are kept. To go on: {again}", err=True)
        raise typer.Exit(130) from None
    document = summary.document()
    if as_json:
        tables.print_json(document_of(summary, store))
    else:
        tables.print_summary(document)
        tables.say(f"\nThe runs are in {store / loaded.name}. To look at them: tradefair app --store {store}")
    for line in trouble_lines(document, again):
        typer.echo(line, err=True)
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


def _say_planned(scenario: str, states: Sequence[str], *, as_json: bool) -> None:
    from apps.command import tables

    counts = {state: states.count(state) for state in ("finished", "failed", "unfinished")}
    if as_json:
        tables.print_json({"scenario": scenario, "runs": len(states), **counts})
        return
    tables.say(
        f"{scenario} can be run: {len(states)} run{'s' * (len(states) != 1)}, {counts['finished']} finished, "
        f"{counts['failed']} failed, {counts['unfinished']} to do"
    )


def _check_engine(engine: str, kind: str) -> None:
    from retail.errors import ConfigError

    if engine == "deploy":
        raise ConfigError("--engine deploy: a federation is brought up first; see `tradefair federate --help`")
    if kind != "recommendation":
        raise ConfigError(f"--engine {engine}: a scenario about {kind} has no engine to choose; leave it out")


def document_of(summary: Summary, store: Path) -> dict[str, object]:
    """Return the JSON document of a scenario: records of its runs, and every figure in the one result shape.

    Targets are among the figures, and once more by themselves.
    """
    from experiments.runs import RunStore

    wanted = set(summary.runs)
    records = [record for record in RunStore(store).records(summary.scenario) if record["run_id"] in wanted]
    targets = [target.record() for target in summary.targets]
    return {"runs": records, "rows": [result.record() for result in summary.results()], "targets": targets}


def exit_code(summary: Summary, *, strict: bool) -> int:
    """Return 2 when everything was refused, 1 when runs failed (or, if strict, a target was not met), else 0."""
    if not summary.runs and summary.failures and all(failure["refused"] for failure in summary.failures):
        return 2
    if summary.failures or summary.unfinished:
        return 1
    return 1 if strict and any(not target.met for target in summary.targets) else 0


def trouble_lines(document: Mapping[str, Any], again: str) -> list[str]:
    """Say which runs of a `summary.json` gave nothing, one line for each reason, and what to do.

    Args:
        document: the summary.
        again: the command that runs the scenario again.
    """
    from apps.trouble import troubles

    found = troubles(document["failures"], document["unfinished"])
    lines = [f"{one.kind}: {one.who}: {one.message}" for one in found]
    kinds = {one.kind for one in found}
    if "refused" in kinds:
        lines.append(f"refused runs keep the reason in failure.json; once it is gone: {again} --retry-failed")
    if "failed" in kinds:
        lines.append(f"failed runs keep a failure.json; to execute them once more: {again} --retry-failed")
    if "unfinished" in kinds:
        lines.append(f"to execute unfinished runs: {again}")
    return lines
