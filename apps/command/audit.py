"""`tradefair audit`: what was read that should not have been, and what an attacker finds out from a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from apps.command import access_audit, attack_audit, market_audit
from apps.command.experiment import Json, Store

Access = Annotated[bool, typer.Option("--access", help="Replay every access event against a policy.")]
Attacks = Annotated[bool, typer.Option("--attacks", help="Attack a finished run and say what was found.")]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME|DIR",
        help="Bundled pack or folder of rules; those that the log names when left out. May be repeated.",
    ),
]
Regime = Annotated[
    str | None, typer.Option("--regime", help="Judge every line under this regime, whatever the line says.")
]
Parties = Annotated[
    Path | None, typer.Option("--parties", help="CSV of parties and data sets; without it the log is believed.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Smaller attacks: faster, and with wider intervals.")]


def audit(
    target: str,
    access: Access = False,
    attacks: Attacks = False,
    policies: Policies = None,
    regime: Regime = None,
    parties: Parties = None,
    store: Store = Path("runs"),
    quick: Quick = False,
    as_json: Json = False,
    rules: market_audit.Rules = None,
    quality: market_audit.Quality = None,
    unlogged: market_audit.Unlogged = False,
    depth: market_audit.Depth = None,
    margins: market_audit.Margins = None,
    own_arms: market_audit.OwnArms = None,
    powers: market_audit.Powers = None,
    report: market_audit.Report = None,
) -> None:
    """Audit TARGET. Exit code: 0 nothing found, 1 a breach was found, 2 bad input.

    With --access TARGET is a log, the folder of a run, a CSV or Parquet in the schema of docs/access-audit.md, or the
    first digits of a run's id; with --attacks it is such an id. With --rules it is a folder of tables in the schema of
    docs/market-audit.md, or the folder or id of a market scenario's run, which kept such a log; --quality, --unlogged,
    --depth, --margin, --own-arm, --power and --report belong to it. SCENARIO/RUN tells runs with one id apart.
    """
    from apps.command import tables
    from retail.errors import ConfigError

    options = market_audit.Options(quality, unlogged, depth, margins or [], powers or [], report, own_arms or [])
    if rules is None and options.given:
        raise ConfigError(
            "--quality, --unlogged, --depth, --margin, --own-arm, --power and --report belong to --rules; add it"
        )
    if rules is not None:
        if access or attacks or policies or regime is not None or parties is not None:
            raise ConfigError("--rules audits a market's log by itself; ask for --access and --attacks apart")
        if market_audit.audit_log(target, rules, options, store=store, as_json=as_json):
            raise typer.Exit(1)
        return
    if not access and not attacks:
        raise ConfigError("say what to audit: --access, --attacks or both, or --rules")
    if not access and (policies or regime is not None or parties is not None):
        raise ConfigError("--policy, --regime and --parties belong to --access; add it")
    document: dict[str, Any] = {"runs": [], "rows": []}
    breach = False
    if access:
        found = access_audit.audit_access(target, policies or [], regime, parties, store, as_json=as_json)
        document.update(found)
        breach = bool(found["breaches"])
    if attacks:
        results, record = attack_audit.audit_attacks(target, store, quick=quick, as_json=as_json)
        document["runs"].append(record)
        document["attacks"] = [result.to_json() for result in results]
        document["rows"] = document["rows"] if access else document["attacks"]
        breach = breach or any(result.breach for result in results)
    if as_json:
        tables.print_json(document)
    if breach:
        raise typer.Exit(1)
