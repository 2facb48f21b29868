"""`tradefair policy`: read, check, test and compare the rules on who may do what with whose data."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from apps.command.experiment import Json

app = typer.Typer(help="Check, test and compare data-sharing policies.", no_args_is_help=True)

SHOWN: Final = 20
Alone = Annotated[bool, typer.Option("--alone", help="Leave out the pack `base`, which is added otherwise.")]
Sources = Annotated[
    list[str] | None, typer.Argument(help="Bundled packs or folders with rules.csv; all bundled packs when none.")
]


@app.command(short_help="Check rules and read them back in plain English.")
def check(sources: Sources = None, as_json: Json = False) -> None:
    """Check SOURCES: every cell of the tables, the compiled policies against the schema; then read them in English.

    A problem is told with file, line, column, value and what to do. What is printed is read from the compiled policies,
    so it is what will be enforced.
    """
    from apps.command import tables
    from privacy.policy.reading import check_sources

    found = check_sources(sources or list(_packs()))
    if as_json:
        tables.print_json(
            {"runs": [], "rows": found.rows(), "problems": found.problem_rows(), "fingerprint": found.mark}
        )
    elif not found.problems:
        for source, rules in found.rules.items():
            tables.say(f"{source} ({len(rules)} rules)")
            for rule in rules:
                tables.say(f"  {rule.id}: {rule.english} [{rule.article}]")
            tables.say("")
        tables.say(f"No problem found. Fingerprint {found.mark}")
    if found.problems:
        typer.echo("error: " + "\n".join(str(one) for one in found.problems), err=True)
        raise typer.Exit(2)


@app.command("test", short_help="Ask every request, run the cases and plant mutants.")
def run_tests(
    sources: Sources = None,
    regime: Annotated[
        list[str] | None,
        typer.Option(help='A regime to enumerate under; repeatable; "all"; federated_dp and pooled when left out.'),
    ] = None,
    alone: Alone = False,
    as_json: Json = False,
) -> None:
    """Test SOURCES: run their cases, ask the 32,400 requests of the sample world, plant mistakes and hunt them.

    Bundled packs are compared with a second writing of what they mean; folders of yours with their cases and with what
    must hold for any policy. Exit code 1 if a case fails, an answer is wrong or a planted mistake goes unnoticed.
    """
    from apps.command import policy_progress, tables
    from privacy.policy.proof import DEFAULT_REGIMES, prove
    from privacy.regimes import REGIMES

    regimes = list(REGIMES) if regime == ["all"] else regime or list(DEFAULT_REGIMES)
    with policy_progress.shown() as tell:
        proof = prove(sources or list(_packs()), regimes=regimes, alone=alone, progress=tell)
    document = proof.document()
    if as_json:
        tables.print_json(document)
    else:
        killed = document["mutants"]
        tables.say(f"cases: {proof.cases} asked, {len(proof.failures)} failed")
        for name, found in proof.enumerations.items():
            tables.say(
                f"{name or 'no regime'}: {found.requests:,} requests, {found.allowed:,} allowed, "
                f"{found.wrong_allow} wrongly, {found.wrong_deny} wrongly denied"
            )
        tables.say(f"mutants: {killed['planted']:,} planted, {killed['killed']:,} killed")
    if not proof.holds:
        complaints = proof.complaints()
        for line in complaints if len(complaints) <= SHOWN else [*complaints[: SHOWN - 1], complaints[-1]]:
            typer.echo(line, err=True)
        if len(complaints) > SHOWN:
            typer.echo(f"({len(complaints) - SHOWN} more; --json has them)", err=True)
        raise typer.Exit(1)


@app.command(short_help="Show which answers change between two policies.")
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="Regime, or packs and folders as PACK+FOLDER@REGIME.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same for the newer policy.")],
    regime: Annotated[str | None, typer.Option(help="Regime of a side that names none.")] = None,
    alone: Alone = False,
    as_json: Json = False,
) -> None:
    """Show the requests whose answer changes from policy A to policy B, grouped, with the rule behind each.

    Asked are the 32,400 requests of the sample world and up to 30,000 more about the rules that differ.

    A side is a regime (`pooled`), packs or folders joined by + (`dma+gdpr`), or both (`dma@pooled`).
    """
    from apps.command import policy_progress, tables
    from privacy.policy import diff as changes
    from privacy.policy.reading import read_side

    one, other = (read_side(side, regime=regime, alone=alone) for side in (before, after))
    with policy_progress.shown() as tell:
        found = changes.diff_policies(
            one.sources, other.sources, regime_before=one.regime, regime_after=other.regime, progress=tell
        )
    table = found.table
    if as_json:
        counts = table.groupby(changes.CHANGE)[changes.REQUESTS].sum().to_dict()
        extra = {"changed": counts, "asked": found.asked, "silent": list(found.silent)}
        tables.print_json({"runs": [], "rows": table.to_dict("records"), **extra})
        return
    if not found.asked:
        tables.say("The two policies have the same rules.")
        return
    if table.empty:
        tables.say(f"No answer changes among {found.asked:,} requests.")
    else:
        short = changes.by_rule(table)
        tables.print_rows(list(short.columns), short.itertuples(index=False), title=f"from {before} to {after}")
        changed = int(table[changes.REQUESTS].sum())
        tables.say(f"{changed:,} of {found.asked:,} answers change; --json lists them by kind and form.")
    if found.silent:
        tables.say(f"Differ, but change none of these answers: {', '.join(found.silent)}.")


@app.command("who-can", short_help="Show who may do what with whose data.")
def who_can(
    regime: Annotated[list[str] | None, typer.Option(help='A regime; repeatable; "all".')] = None,
    packs: Annotated[list[str] | None, typer.Option(help="A pack or folder; repeatable.")] = None,
    action: Annotated[list[str] | None, typer.Option(help="read, release, train, recognise, target or sell.")] = None,
    consent: Annotated[str, typer.Option(help="none, general or separate.")] = "none",
    jurisdiction: Annotated[str, typer.Option(help="none, EU, CN, US-IL or US-CA.")] = "none",
    denied: Annotated[bool, typer.Option("--denied", help="Also list what nobody may.")] = False,
    alone: Alone = False,
    as_json: Json = False,
) -> None:
    """Show the access matrix: for each role what it may do, with whose data, for which purposes, by which rule.

    What is not listed is denied.
    """
    from apps.command import tables
    from privacy.policy import matrix
    from privacy.policy.reading import check_word, with_base
    from privacy.policy.request import Context
    from privacy.policy.vocabulary import ACTIONS, CONSENTS, JURISDICTIONS
    from privacy.regimes import REGIMES

    check_word("--consent", consent, CONSENTS)
    check_word("--jurisdiction", jurisdiction, JURISDICTIONS)
    for word in action or ():
        check_word("--action", word, ACTIONS)
    found = matrix.access_matrix(
        list(REGIMES) if regime == ["all"] else regime or ["federated_dp"],
        with_base(packs or [], alone=alone),
        actions=action or ["read"],  # type: ignore[arg-type]  # checked above
        context=Context(consent, jurisdiction),  # type: ignore[arg-type]
        denied=denied,
    )
    if as_json:
        tables.print_json({"runs": [], "rows": found.to_dict("records")})
        return
    short = matrix.compact(found)
    tables.print_rows(list(short.columns), short.itertuples(index=False), title="who may do what")
    tables.say("What is not listed is denied." if not denied else "A row without purposes is denied.")


def _packs() -> tuple[str, ...]:
    from privacy.policy.sources import PACKS

    return PACKS
