"""`tradefair audit --attacks`: what an attacker finds out from a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from privacy.attacks import AttackResult


def audit_attacks(target: str, store: Path, *, quick: bool, as_json: bool) -> tuple[list[Any], dict[str, Any]]:
    """Attack the run that TARGET names, print what was found, and return the results and the run's record.

    Raises:
        ConfigError: there is no such run, or it cannot be attacked.
    """
    from apps.command import tables
    from experiments.attacking import attack_run
    from experiments.logbook import KEY, RUN_BOOKS, run_log
    from experiments.runs import RunStore
    from retail.errors import ConfigError

    if not store.is_dir():
        raise ConfigError(f"there is no run store at {store}; run a scenario first, or name the store with --store")
    runs = RunStore(store)
    if Path(target).is_file():
        raise ConfigError(f"{target} is a file, and --attacks needs a run: the first digits of its id (`runs list`)")
    record = runs.find(target)
    directory = Path(record["path"])
    log = run_log(directory) if (directory / RUN_BOOKS).is_file() and (store / KEY).is_file() else None

    def progress(line: str) -> None:
        typer.echo(line, err=True)

    results = attack_run(runs, f"{record['scenario']}/{record['run_id']}", progress=progress, quick=quick, log=log)
    if log is None:
        progress(f"not logged: there is no log in {directory / RUN_BOOKS}, or no key in {store / KEY} to sign it with")
    else:
        log.sign_head()
    if not as_json:
        columns = ("attack", "outcome", "estimate", "interval", "ceiling", "unit", "n", "control")
        rows = (
            [
                result.name,
                result.outcome,
                result.estimate,
                f"[{result.lo:.4g}, {result.hi:.4g}]",
                result.ceiling,
                result.unit,
                result.n,
                "seen" if result.control.fired else "NOT SEEN",
            ]
            for result in results
        )
        tables.print_rows(columns, rows, title=f"attacks on run {record['run_id']}")
        for result in results:
            tables.say(f"{result.name}: {result.statement}")
            tables.say(f"  control: {result.control.statement}")
        tables.say(summary(results))
    return results, record


def summary(results: Sequence[AttackResult]) -> str:
    """Return the last lines: breaches, and how many results are no verdict, so that silence is not read as one."""
    outcomes = [result.outcome for result in results]
    found = sum(result.breach for result in results)
    lines = [f"{found} of {len(results)} attacks found a breach." if found else "No breach found."]
    unsure, guessed = outcomes.count("inconclusive"), outcomes.count("estimate")
    if unsure or guessed:
        counts = f"{unsure} of {len(results)} results inconclusive, {guessed} only estimates"
        lines.append(f"{counts}: these say neither that the claim holds nor that it fails.")
    return "\n".join(lines)
