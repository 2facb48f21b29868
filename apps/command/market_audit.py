"""`tradefair audit LOG --rules`: verdicts on a marketplace's log of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from privacy.rules import Power, Verdict

Rules = Annotated[
    str | None,
    typer.Option("--rules", metavar="RULE,...|all", help="Audit a market's log: ranking, data, access, targeting."),
]
Quality = Annotated[
    str | None,
    typer.Option("--quality", metavar="NAME,...", help="Logged qualities a ranking may use; all others not."),
]
Unlogged = Annotated[bool, typer.Option("--unlogged", help="The ranking also uses quality that the log lacks.")]
Depth = Annotated[
    int | None,
    typer.Option("--depth", help="Places of each list that count, from the first; all when left out."),
]
Margins = Annotated[
    list[str] | None,
    typer.Option("--margin", metavar="RULE=X", help="Effect of a rule that is no breach yet. May be repeated."),
]
OwnArms = Annotated[
    list[str] | None,
    typer.Option("--own-arm", metavar="ID", help="Actor in reads that is the own-label arm. May be repeated."),
]
Powers = Annotated[
    list[str] | None,
    typer.Option(
        "--power",
        metavar="RULE=EFFECT",
        help="Chance to find such an effect in a log of this size; not for targeting. May be repeated.",
    ),
]
Report = Annotated[Path | None, typer.Option("--report", help="Also write FILE.html, FILE.md or FILE.json.")]

_MOST_ROWS: Final = 20
_SUFFIXES: Final = (".html", ".md", ".json")


@dataclass(frozen=True, slots=True)
class Options:
    """What belongs to `--rules`."""

    quality: str | None
    unlogged: bool
    depth: int | None
    margins: list[str]
    powers: list[str]
    report: Path | None
    own_arms: list[str] = field(default_factory=list)

    @property
    def given(self) -> bool:
        """Whether any of them was used."""
        named = (self.quality, self.depth, self.report)
        return any(one is not None for one in named) or bool(
            self.unlogged or self.margins or self.powers or self.own_arms
        )


def audit_log(target: str, rules: str, options: Options, *, store: Path, as_json: bool) -> bool:
    """Audit a log by rules, print the verdicts and write the report; return whether a breach was found.

    Args:
        target: a folder of tables, or a run of `store` that kept a log.
        rules: their names with commas between them, or "all".
        options: what else was declared.
        store: the run store.
        as_json: print one JSON document.

    Raises: ConfigError, DataError: an option or the log cannot be used; then nothing is written.
    """
    from apps.command import tables
    from apps.command.log_folder import log_folder
    from apps.command.market_options import names_in, pair, require_actors, require_asked
    from apps.command.output import require_place
    from apps.market.power import log_power
    from apps.market.report import declared_lines
    from privacy.rules import NAMES, Design, all_rules, audit_market
    from privacy.rules.design import DATA, RANKING, TARGETING
    from privacy.rules.rule import can_audit
    from retail.errors import ConfigError
    from retail.market_log import read_log

    report = options.report
    if report is not None:
        if report.suffix.lower() not in _SUFFIXES:
            raise ConfigError(f"--report {report} ends in none of {', '.join(_SUFFIXES)}; name such a file")
        require_place(report, "--report")
        if report.exists():
            raise ConfigError(f"--report {report} is there already; name another file, or remove it first")
    names = None if rules.strip() == "all" else names_in(rules, "--rules")
    for name in names or ():
        if name not in NAMES:
            raise ConfigError(f"--rules {rules}: there is no rule {name!r}; choose among {', '.join(NAMES)}, or all")
    margins = {name: value for name, value in map(pair("--margin"), options.margins)}
    qualities = None if options.quality is None else tuple(names_in(options.quality, "--quality"))
    if not all(one.strip() for one in options.own_arms):
        raise ConfigError("--own-arm '': give the id that the actor has in reads, such as --own-arm retail-arm")
    design = Design(
        qualities=qualities,
        unlogged=options.unlogged,
        margins=margins,
        depth=options.depth,
        own_arm=("platform_retail", *options.own_arms),
    )
    wanted = [*map(pair("--power"), options.powers)]
    for name, effect in wanted:
        if name == TARGETING:
            raise ConfigError(
                f"--power {name}={effect:g}: how much scores differ between periods and advertisers is not estimated "
                "from a log; plan from Python with `FairTargeting().power` and a `Plan` that says it"
            )
        if name == RANKING and options.unlogged:
            raise ConfigError(
                f"--power {name}={effect:g}: --unlogged leaves every verdict on a ranking inconclusive, so no log "
                "finds it; leave one of the two out"
            )
    said = {
        "--margin": [(name, f"{name}={value:g}") for name, value in margins.items()],
        "--power": [(name, f"{name}={effect:g}") for name, effect in wanted],
        "--own-arm": [(DATA, one) for one in options.own_arms],
    }
    for option, asked in said.items():
        require_asked(option, asked, names, "")
    folder = log_folder(target, store)
    target = str(folder)
    log = read_log(folder)
    able = [rule.name for rule in all_rules() if can_audit(rule, log) and (names is None or rule.name in names)]
    if able:
        for option, asked in said.items():
            require_asked(option, asked, able)
    require_actors(options.own_arms, log)
    verdicts = audit_market(log, design, names)
    powers = [log_power(name, effect, design, log, verdicts) for name, effect in wanted]
    declared = declared_lines(design, log, verdicts, every=names is None)
    record = {
        "runs": [],
        "rows": [one.to_json() for one in verdicts],
        "folder": target,
        "declared": declared,
        "power": [_plain(one) for one in powers],
        "breaches": sum(one.outcome == "breach" for one in verdicts),
    }
    if report is not None:
        _write(report, target, declared, verdicts, powers, record)
    if as_json:
        tables.print_json(record)
    else:
        _show(target, declared, verdicts, powers)
        if report is not None:
            tables.say(f"written: {report}")
    return bool(record["breaches"])


def _show(folder: str, declared: Sequence[str], verdicts: Sequence[Verdict], powers: Sequence[Power]) -> None:
    from apps.command import tables
    from apps.market.report import CURVE_HEADS, HEADS, MEANING, WORDS, cells, number, power_text
    from privacy.rules.verdict import counted

    tables.say(f"{folder}: {counted(len(verdicts), 'rules')} audited.")
    for line in declared:
        tables.say(line)
    tables.print_rows(HEADS, (cells(one) for one in verdicts))
    for one in verdicts:
        tables.say(f"{one.rule}: {WORDS[one.outcome]}. {one.reason}")
        for name, inner in (("from rows", one.exact), ("from outside", one.statistical)):
            if inner is not None and inner.reason != one.reason:
                tables.say(f"  {name}: {WORDS[inner.outcome]}. {inner.reason}")
        if one.rule == "ranking":
            tables.say(f"  {_lists(one)}")
        if one.curve:
            lines = [
                [row.name, number(row.effect), f"[{number(row.lo)}, {number(row.hi)}]", number(row.p)]
                for row in one.curve
            ]
            tables.print_rows(CURVE_HEADS, lines, title=f"{one.rule}, asked in other ways ({one.unit})")
        if one.rows:
            heads = list(one.rows[0])
            rows = ([_cell(row[name]) for name in heads] for row in one.rows[:_MOST_ROWS])
            tables.print_rows(heads, rows, title=f"{one.rule}: rows that prove it")
            if len(one.rows) > _MOST_ROWS:
                tables.say(f"... and {len(one.rows) - _MOST_ROWS:,} more rows; --json and --report have them all")
    for power in powers:
        tables.say(power_text(power))
    tables.say(MEANING)
    count = {word: sum(one.outcome == word for one in verdicts) for word in WORDS}
    tables.say(
        f"{count['breach']} of {len(verdicts)} rules breached."
        if count["breach"]
        else f"No breach found: {count['no_evidence']} without evidence, {count['inconclusive']} inconclusive."
    )


def _lists(verdict: Verdict) -> str:
    """Say how many lists a verdict on a ranking rests on, and why the others were left out."""
    seen = dict(verdict.observations)
    return (
        f"lists: {seen['lists with own and other products']:,} of {seen['lists in the log']:,} hold own and other "
        f"products and are compared; left out: {seen['lists of one product']:,} of one product, "
        f"{seen['lists all own or all other']:,} all own or all other."
    )


def _cell(value: object) -> object:
    from retail.problems import shown

    return value if isinstance(value, bool | int | float) else shown(value, most=60)


def _write(
    path: Path,
    folder: str,
    declared: Sequence[str],
    verdicts: Sequence[Verdict],
    powers: Sequence[Power],
    record: dict[str, Any],
) -> None:
    from apps.market.report import document, html, markdown
    from experiments.documents import write_bytes, write_json

    if path.suffix.lower() == ".json":
        write_json(path, record)
        return
    content = document(folder, declared, verdicts, powers)
    write_bytes(path, html(content) if path.suffix.lower() == ".html" else markdown(content))


def _plain(power: Power) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(power)
