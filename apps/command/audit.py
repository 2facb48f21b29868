"""`tradefair audit`: what was read that should not have been, and what an attacker finds out from a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from apps.command import market_audit
from apps.command.experiment import Json, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from privacy.access.audit import Replay
    from privacy.access.file import AccessFile
    from privacy.attacks import AttackResult
    from privacy.policy import Register

_MOST_REASONS: Final = 20

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
        found = _audit_access(target, policies or [], regime, parties, store, as_json=as_json)
        document.update(found)
        breach = bool(found["breaches"])
    if attacks:
        results, record = _audit_attacks(target, store, quick=quick, as_json=as_json)
        document["runs"].append(record)
        document["attacks"] = [result.to_json() for result in results]
        document["rows"] = document["rows"] if access else document["attacks"]
        breach = breach or any(result.breach for result in results)
    if as_json:
        tables.print_json(document)
    if breach:
        raise typer.Exit(1)


def _audit_access(
    target: str, policies: list[str], regime: str | None, parties: Path | None, store: Path, *, as_json: bool
) -> dict[str, Any]:
    from privacy.access.audit import replay
    from privacy.access.file import check_events
    from privacy.access.parties import read_parties
    from privacy.policy import PolicyEngine, Register
    from retail.errors import DataError

    register = None if parties is None else read_parties(parties)
    file = check_events(_file(target, store))
    if file.bad:
        _refuse(file, as_json=as_json)
    if file.events.empty and not file.log_problems:
        raise DataError(f"{file.path} holds no access event, so there is nothing to judge; name another file")
    said, policies = _in_force(file, policies)

    def engine(regime: str | None) -> PolicyEngine:
        return PolicyEngine.load(policies, register=Register(), regime=regime)

    if regime is not None:
        engine(regime)  # so that an unknown one is refused also where there is no event
    found = replay(file.events, engine, register=register, regime=regime)
    notes = [*said, *file.notes, *found.notes]
    if not as_json:
        _show(file, found, register, policies, notes)
    rows = found.findings.assign(time=found.findings["time"].map(str)).to_dict("records")
    return {
        "rows": rows,
        "file": str(file.path),
        "source": file.source,
        "events": found.events,
        "distinct_requests": found.distinct,
        "breaches": len(found.breaches) + len(file.log_problems),
        "log_problems": list(file.log_problems),
        "register": None if parties is None else str(parties),
        "policies": policies,
        "regimes": list(found.regimes),
        "notes": notes,
    }


def _in_force(file: AccessFile, named: list[str]) -> tuple[list[str], list[str]]:
    """Return what to say about the policy, and its sources: those named, else those that the log says were in force."""
    from privacy.access.declared import check_unchanged, packs_of
    from retail.errors import ConfigError

    logged = packs_of(file.policies)
    if not named and not logged:
        raise ConfigError(
            f"{file.path} does not say which rules were in force; name them with --policy (`tradefair policy --help`)"
        )
    if not named:
        check_unchanged(file.policies)
        return ["the rules are those that the log says were in force; name others with --policy"], list(logged)
    missing = [pack for pack in logged if pack not in named]
    if missing:
        return [f"the log says that {', '.join(missing)} was in force too; without --policy it is judged by all"], named
    return [], named


def _file(target: str, store: Path) -> Path:
    """Return the path that TARGET names, or the folder of the run whose id begins with it."""
    path = Path(target)
    if path.exists() or not store.is_dir():
        return path
    from experiments.runs import RunStore
    from retail.errors import ConfigError

    try:
        return Path(RunStore(store).find(target)["path"])
    except ConfigError as error:
        raise ConfigError(f"{target} is no file, no folder, and {error}") from None


def _refuse(file: AccessFile, *, as_json: bool) -> None:
    """Report every cell that cannot be used, and judge nothing: half a log proves nothing."""
    from dataclasses import asdict

    from apps.command import tables

    if as_json:
        tables.print_json({"runs": [], "rows": [asdict(cell) for cell in file.bad], "file": str(file.path)})
    typer.echo(f"error: {file.message}", err=True)
    raise typer.Exit(2)


def _show(
    file: AccessFile, found: Replay, register: Register | None, policies: Sequence[str], notes: Sequence[str]
) -> None:
    from apps.command import tables
    from privacy.access.audit import BREACH, FINDING, MEANINGS
    from privacy.access.cells import LINE

    believed = "as the log itself describes them; name a register with --parties to check that"
    basis = believed if register is None else "as the register describes them"
    regimes = ", ".join(name or "none" for name in found.regimes) or "none"
    tables.say(f"{file.path}: {found.events:,} events, {found.distinct:,} different requests.")
    tables.say(f"Policy: {', '.join(policies)}; regime: {regimes}. Parties and data sets {basis}.")
    for note in notes:
        tables.say(f"note: {note}")
    for problem in file.log_problems:
        tables.say(f"BREACH: the log is not intact: {problem}")
    for kind, meaning in MEANINGS.items():
        rows = found.findings[found.findings[FINDING] == kind]
        for grave, part in rows.groupby(BREACH, sort=False):
            _show_findings(part, f"{'BREACH' if grave else 'For information'}: {meaning} ({kind}: {len(part):,})")
    breaches = len(found.breaches) + len(file.log_problems)
    lines = found.breaches[LINE].nunique()
    tables.say(f"{breaches:,} breaches, in {lines:,} events." if breaches else "No breach found.")


def _show_findings(part: DataFrame, title: str) -> None:
    """Print findings of one kind, and below them each different reason once."""
    from apps.command import tables
    from privacy.access.audit import WHY
    from privacy.access.cells import LINE

    columns = (LINE, "time", "actor", "role", "action", "dataset", "purpose", "consent", "jurisdiction")
    lines = part.assign(time=part["time"].dt.strftime("%Y-%m-%d %H:%M:%SZ"))[list(columns)]
    tables.print_rows(columns, ([_cell(cell) for cell in row] for row in lines.to_numpy().tolist()), title=title)
    reasons = list(part.groupby(WHY, sort=False))
    for why, group in reasons[:_MOST_REASONS]:
        first, others = group[LINE].iloc[0], len(group) - 1
        tables.say(f"  {first}{f' and {others:,} more' if others else ''}: {_cell(why, most=1000)}")
    if len(reasons) > _MOST_REASONS:
        tables.say(f"  ... and {len(reasons) - _MOST_REASONS:,} more reasons; --json gives each line its own")
    tables.say("")


def _cell(value: object, *, most: int = 120) -> object:
    """Return a cell for the terminal: foreign text is escaped, so that it cannot move the cursor."""
    from retail.problems import shown

    if isinstance(value, int):
        return value
    text = str(value)
    return text if text.isprintable() and len(text) <= most else shown(text, most=most)


def _audit_attacks(target: str, store: Path, *, quick: bool, as_json: bool) -> tuple[list[Any], dict[str, Any]]:
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
        tables.say(_summary(results))
    return results, record


def _summary(results: Sequence[AttackResult]) -> str:
    """Return the last lines: breaches, and how many results are no verdict, so that silence is not read as one."""
    outcomes = [result.outcome for result in results]
    found = sum(result.breach for result in results)
    lines = [f"{found} of {len(results)} attacks found a breach." if found else "No breach found."]
    unsure, guessed = outcomes.count("inconclusive"), outcomes.count("estimate")
    if unsure or guessed:
        counts = f"{unsure} of {len(results)} results inconclusive, {guessed} only estimates"
        lines.append(f"{counts}: these say neither that the claim holds nor that it fails.")
    return "\n".join(lines)
