"""`tradefair audit --access`: every event of a log, judged by a policy once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from privacy.access.audit import Replay
    from privacy.access.file import AccessFile
    from privacy.policy import Register

_MOST_REASONS: Final = 20


def audit_access(
    target: str, policies: list[str], regime: str | None, parties: Path | None, store: Path, *, as_json: bool
) -> dict[str, Any]:
    """Replay the events that TARGET names, print what was found, and return it for `--json`.

    Raises:
        TradefairError: the file, the policy or the register cannot be used.
        typer.Exit: with code 2, some cells cannot be used; each is reported.
    """
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
