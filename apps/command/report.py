"""`tradefair report`: write what a scenario or run did as HTML, PDF or JSON, with its signature."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from apps.command.experiment import Json, Store


class Format(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    PDF = "pdf"
    JSON = "json"


As = Annotated[Format, typer.Option("--format", help="html, pdf (needs the extra `report`), or json.")]
Out = Annotated[Path | None, typer.Option("--out", help="The file to write; <target>-report.<format> when left out.")]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy", metavar="NAME|DIR", help="Judge by this pack or folder instead of the run's. May be repeated."
    ),
]
Since = Annotated[
    list[str] | None,
    typer.Option("--since", metavar="NAME|DIR", help="List what changed since this older policy. May be repeated."),
]
Regimes = Annotated[
    list[str] | None,
    typer.Option("--regime", help="Compare these regimes in the access matrix, not all. May be repeated."),
]
Consent = Annotated[Path | None, typer.Option("--consent", help="The file of a consent register.")]
Certificates = Annotated[Path | None, typer.Option("--certificates", help="A folder of erasure certificates.")]


def report(
    target: str,
    as_format: As = Format.HTML,
    out: Out = None,
    store: Store = Path("runs"),
    policies: Policies = None,
    since: Since = None,
    regimes: Regimes = None,
    consent: Consent = None,
    certificates: Certificates = None,
    as_json: Json = False,
) -> None:
    """Write a report on TARGET, a scenario or the first digits of a run's id, and its signature (FILE.sig).

    Exit code 0: written; 1: written, and it reports a broken rule or a log that does not verify; 2: nothing written.
    """
    from apps.command import tables
    from apps.command.output import require_place
    from experiments.logbook import KEY
    from experiments.report import build_report, render_html, render_json, render_pdf, write_report
    from experiments.report.plain import file_name, verify_command
    from privacy.log import SigningKey
    from retail.errors import ConfigError

    if out is not None and out.suffix.lower() != f".{as_format.value}":
        raise ConfigError(f"--out {out} does not end in .{as_format.value}; name such a file, or change --format")
    if out is not None:
        require_place(out, "--out")
    model = build_report(
        store,
        target,
        policy=policies or None,
        since=since or None,
        regimes=regimes or None,
        consent=consent,
        certificates=certificates,
    )
    render = {Format.HTML: render_html, Format.PDF: render_pdf, Format.JSON: render_json}[as_format]
    content = render(model)
    document = model.document()
    path = out or Path(file_name(document, as_format.value))
    if not (store / KEY).is_file():
        raise ConfigError(f"there is no key at {store / KEY} to sign with; run the scenario again, which makes one")
    signature = write_report(path, content, key=SigningKey.load(store / KEY), model=model)
    outcomes = {word: sum(one.outcome == word for one in model.verdicts)
                for word in ("pass", "fail", "not tested", "not applicable")}  # fmt: skip
    verify = verify_command(document, path)
    if as_json:
        rows = [{"rule": one.rule, "article": one.article, "outcome": one.outcome} for one in model.verdicts]
        runs = [row[0] for row in model.runs.rows]
        tables.print_json(
            {"runs": runs, "rows": rows, "file": str(path), "signature": str(signature), "bytes": len(content),
             "rules": outcomes, "problems": list(model.problems), "key": model.key, "verify": verify}
        )  # fmt: skip
    else:
        tables.say(f"written: {path} and {signature}")
        tables.say("rules: " + ", ".join(f"{count} {word}" for word, count in outcomes.items()))
        for problem in model.problems:
            tables.say(f"PROBLEM: {problem}")
        tables.say(f"to verify it, offline: {verify}")
    if model.failed():
        raise typer.Exit(1)
