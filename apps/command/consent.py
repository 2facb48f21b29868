"""`tradefair consent`: record receipts, take withdrawals, and say who may be used for what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.command import enrolment
from apps.command.books import (
    COMMITMENTS,
    KEY,
    LOG,
    ORIGIN,
    REGISTER,
    Key,
    LogFile,
    Origin,
    Person,
    Register,
    Salts,
    existing_register,
    open_books,
    read_json,
    read_person,
)
from apps.command.experiment import Json

app = typer.Typer(help="Record consent receipts and withdrawals; enrol people at merchants.", no_args_is_help=True)

Controller = Annotated[str, typer.Option("--controller", help="Party id of whoever uses the data.")]
Purpose = Annotated[str, typer.Option("--purpose", help="What for, such as recommendation.")]


@app.command(short_help="Make books of made-up people, to try things on.")
def example(folder: Path) -> None:
    """Make FOLDER with a small shop of made-up people, their agreements and a list of places, to try things on."""
    from apps.command import tables
    from apps.compliance.people_example import make_example

    books = make_example(folder)
    tables.say(f"made {folder}: 60 made-up people, whose ids are 1 to 60. To look at them, and to erase one:")
    tables.say(f"  tradefair app --books {books.folder}")


@app.command(short_help="Register the text of a privacy notice.")
def notice(
    file: Path,
    controller: Controller,
    reference: Annotated[str, typer.Option("--reference", help="What the controller calls it.")],
    language: Annotated[str, typer.Option("--language", help="BCP 47, such as en.")],
    published: Annotated[str | None, typer.Option("--published", help="ISO 8601 with zone; now when left out.")] = None,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """Register FILE, the text that people are shown. A receipt counts only when it names such a text by its hash."""
    import datetime as dt

    from apps.command import tables
    from privacy.consent import Notice
    from privacy.consent.identifiers import read_time
    from retail.files import sha256_file

    at = dt.datetime.now(dt.UTC) if published is None else read_time("--published", published)
    known = Notice(controller, reference, language, sha256_file(file), at)
    opened, _, _ = open_books(register, log, commitments, key, origin)
    opened.notices.add(known)
    row = {"controller": controller, "reference": reference, "language": language, "sha256": known.sha256}
    tables.tell(f"registered: {reference} ({language}) of {controller}, SHA-256 {known.sha256}", row, as_json)


@app.command(short_help="Print a receipt to be filled in.")
def template(
    controller: Controller,
    purpose: Purpose,
    notice: Annotated[str, typer.Option("--notice", help="Reference of a registered notice.")],
    level: Annotated[str, typer.Option("--level", help="general or separate.")] = "general",
    data: Annotated[list[str] | None, typer.Option("--data", help="Kind of data; transactions when left out.")] = None,
    jurisdiction: Annotated[str, typer.Option("--jurisdiction", help="Whose law it is asked under.")] = "EU",
    days: Annotated[int, typer.Option("--days", min=1, help="For how long it holds.")] = 365,
    register: Register = REGISTER,
) -> None:
    """Print a receipt as JSON, issued now, without a person. Change what differs, and record it with --person."""
    from apps.command.receipt_form import receipt_form
    from privacy.consent.document import to_document
    from retail.errors import ConsentError

    found = [
        one
        for one in existing_register(register).notices.all()
        if (one.controller, one.reference) == (controller, notice)
    ]
    if not found:
        raise ConsentError(f"{controller} has no registered notice {notice!r}; see `tradefair consent list`")
    kinds = data or ("transactions",)
    receipt = receipt_form(found[-1], purpose, level=level, data=kinds, jurisdiction=jurisdiction, days=days)
    typer.echo(json.dumps({**to_document(receipt), "pii_principal_id": ""}, indent=1, ensure_ascii=False))


@app.command(short_help="Put a receipt on record.")
def record(
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="JSON file, or - for standard input.")],
    person: Annotated[
        str | None, typer.Option("--person", help="Id of the person, when the receipt holds no token.")
    ] = None,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """Put RECEIPT on record, unless it is back-dated, replayed, expired, on a wrong notice, or otherwise unfit."""
    from apps.command import tables
    from privacy.consent.document import from_document
    from retail.errors import ConsentError

    document = read_json(receipt)
    opened, _, _ = open_books(register, log, commitments, key, origin)
    if person is not None and isinstance(document, dict):
        token = opened.token(person)
        if document.get("pii_principal_id", "") not in ("", token):
            raise ConsentError("the receipt holds the token of somebody else than --person; leave one of them out")
        document = {**document, "pii_principal_id": token} if "pii_principal_id" in document else document
    if person is None and isinstance(document, dict) and document.get("pii_principal_id") == "":
        raise ConsentError("the receipt names nobody; say whose it is with --person")
    read = from_document(document)
    opened.record(read)
    row = {
        "controllers": read.controllers,
        "purposes": read.purposes,
        "level": read.level,
        "expires_at": read.expires_at,
        "version": opened.version,
    }
    uses = f"{', '.join(read.controllers)} may use {', '.join(read.data)} for {', '.join(read.purposes)}"
    tables.tell(f"recorded: {uses} ({read.level}) until {read.expires_at:%Y-%m-%d %H:%M} UTC", row, as_json)


@app.command(short_help="Take a withdrawal.")
def withdraw(
    person: Person,
    controller: Annotated[str | None, typer.Option("--controller", help="From whom.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="For what.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that the person agreed to.")] = False,
    at: Annotated[str | None, typer.Option("--at", help="When the person said so; for the record only.")] = None,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """End what PERSON agreed to: for one --controller and --purpose, or --all. It acts at once.

    Exit code 0: something ended; 1: recorded, but this person had nothing valid that could end; 2: not recorded.
    """
    from apps.command import tables
    from privacy.consent.identifiers import read_time
    from retail.errors import ConfigError, ConsentError

    if everything == bool(controller or purpose) or bool(controller) != bool(purpose):
        raise ConfigError("say --controller and --purpose, or --all")
    when = None if at is None else read_time("--at", at)
    person = read_person(person)
    existing_register(register)
    opened, _, _ = open_books(register, log, commitments, key, origin)
    if not everything and controller not in {one.controller for one in opened.notices.all()}:
        raise ConsentError(
            f"{controller} has no registered notice, so nobody can have agreed; see `tradefair consent list`"
        )
    uses: Any = [(controller, purpose)]
    if everything:
        uses = dict.fromkeys((one.controller, one.purpose) for one in opened.status(person))
        if not uses:
            raise ConsentError("nothing was ever on record for this person, so nothing was withdrawn; check the id")
    ended = {use: opened.withdraw(person, controller=use[0], purpose=use[1], at=when) for use in uses}
    rows = [{"controller": use[0], "purpose": use[1], "ended": count} for use, count in ended.items()]
    text = "; ".join(f"{row['purpose']} at {row['controller']}, receipts ended: {row['ended']}" for row in rows)
    if not any(ended.values()):  # recorded all the same: a receipt may be on its way
        tables.tell(
            f"nothing ended: this person had no valid receipt ({text}); check the id and the words. The withdrawal is "
            "recorded: a receipt issued before now will not count.",
            rows,
            as_json,
        )
        raise typer.Exit(1)
    tables.tell(f"withdrawn: {text}. Rounds and reads from now on leave the person out.", rows, as_json)


@app.command(short_help="Show how a person's agreements stand.")
def status(person: Person, register: Register = REGISTER, as_json: Json = False) -> None:
    """Show what PERSON agreed to, and whether it is valid, withdrawn or expired."""
    from dataclasses import asdict

    from apps.command import tables

    opened, person = existing_register(register), read_person(person)
    rows = [asdict(one) for one in opened.status(person)]
    used, slots = opened.enrolment.slots(opened.token(person))
    if as_json:
        tables.print_json({"runs": [], "rows": rows, "slots_used": used, "slots": slots, "version": opened.version})
        return
    columns = ("controller", "purpose", "level", "jurisdiction", "state", "issued_at", "expires_at", "withdrawn_at")
    tables.print_rows(columns, ([str(row[column])[:19] or None for column in columns] for row in rows))
    if slots:
        tables.say(f"slots at merchants: {used} of {slots} used in this accounting period")


@app.command("list", short_help="Count agreements; show the notices.")
def list_(register: Register = REGISTER, as_json: Json = False) -> None:
    """Count people by controller, purpose, level and state, and show the registered notices. Names nobody."""
    from apps.command import tables

    opened = existing_register(register)
    columns = ("controller", "purpose", "level", "state", "people")
    rows = [dict(zip(columns, row, strict=True)) for row in opened.summary()]
    texts = ("controller", "reference", "language", "published_at", "sha256")
    notices = [{name: getattr(one, name) for name in texts} for one in opened.notices.all()]
    if as_json:
        tables.print_json({"runs": [], "rows": rows, "notices": notices, "version": opened.version})
        return
    tables.print_rows(columns, (list(row.values()) for row in rows), title="people")
    tables.print_rows(texts, ([str(value)[:19] for value in one.values()] for one in notices), title="notices")


app.command("period", short_help="Open an accounting period with its cap.")(enrolment.period)
app.command("enrol", short_help="Enrol a person at a merchant.")(enrolment.enrol)
