"""`tradefair erasure`: plan what leaves, erase a person, and check the certificate offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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

if TYPE_CHECKING:
    from privacy.erasure import Erasure

app = typer.Typer(help="Answer an erasure request, place by place, with a signed certificate.", no_args_is_help=True)

Places = Annotated[Path, typer.Option("--places", help="TOML file that lists every place with people's data.")]
Journal = Annotated[Path, typer.Option("--journal", help="File that remembers how far each erasure is.")]
Assume = Annotated[
    list[str] | None, typer.Option("--assume", metavar="PLACE", help="A place that held the person once. Repeatable.")
]

PLACES = Path("books/places.toml")
JOURNAL = Path("books/erasure.sqlite")
CERTIFICATES = Path("books/certificates")


@app.command(short_help="Say what would be done; change nothing.")
def plan(
    person: Person,
    places: Places = PLACES,
    assume: Assume = None,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    journal: Journal = JOURNAL,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """List each place that holds PERSON, or may, and what an erasure would do there. Nothing is changed."""
    from dataclasses import asdict

    from apps.command import tables
    from privacy.erasure.places import MEANING

    erasure, _ = open_erasure(places, register, log, commitments, key, origin, journal)
    found = erasure.plan(read_person(person), assumed=assume or ())
    if as_json:
        rows = [{**asdict(step), "meaning": MEANING[step.action]} for step in found.steps]
        tables.print_json({"runs": [], "rows": rows, "untouched": list(found.untouched)})
        return
    if not found.steps:
        tables.say("No registered place holds this person. `erasure run` would still refuse a later import.")
        return
    lines = ((step.place, step.action, step.found, ", ".join(step.because) or None) for step in found.steps)
    tables.print_rows(("place", "action", "records", "built from"), lines)
    _explain([(step.place, step.action, step.statement, step.command) for step in found.steps])
    if found.untouched:
        tables.say(f"does not hold the person: {', '.join(found.untouched)}")


@app.command(short_help="Erase a person, or go on; write the certificate.")
def run(
    person: Person,
    places: Places = PLACES,
    delete_models: Annotated[
        list[str] | None,
        typer.Option("--delete-model", metavar="PLACE", help='Delete an open model; "all" for every one. Repeatable.'),
    ] = None,
    notified: Annotated[
        list[str] | None,
        typer.Option("--notified", metavar="PLACE", help="The recipient of this export was told. Repeatable."),
    ] = None,
    assume: Assume = None,
    to: Annotated[Path | None, typer.Option("--to", help="File for the certificate.")] = None,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    journal: Journal = JOURNAL,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """Erase PERSON from every registered place and write a signed certificate. After a crash, run it again.

    An earlier certificate in books/certificates stays: the next gets a number. A file named with --to is overwritten.

    Exit code 0 also where places stay open; the last lines, and `status` of --json, say which.
    """
    from apps.command import tables
    from apps.command.output import require_place
    from retail.files import atomic_write

    if to is not None:
        require_place(to, "--to")
    erasure, public = open_erasure(places, register, log, commitments, key, origin, journal)
    certificate = erasure.run(
        read_person(person), delete_models=delete_models or (), notified=notified or (), assumed=assume or ()
    )
    document = certificate.document
    if to is None:
        file = certificate.keep(CERTIFICATES)
    else:
        file = to
        atomic_write(file, lambda temporary: temporary.write_text(certificate.to_json(), encoding="utf-8"))
    if as_json:
        rows = list(document["places"])
        tables.print_json({"runs": [], "rows": rows, "status": certificate.status, "certificate": str(file)})
        return
    _print_places(document["places"])
    if certificate.status == "open":
        tables.say(f"OPEN: {', '.join(certificate.open_places)}. Settle these and run the same command again.")
    else:
        tables.say("CLOSED: nothing is left to do.")
    tables.say(f"certificate: {file}\nto check it: tradefair erasure verify {file} --key {public}")


@app.command(short_help="Check a certificate offline.")
def verify(
    certificate: Path,
    key: Annotated[str, typer.Option("--key", metavar="PUBLIC", help="Issuer's public key: 64 digits or a .pub file.")],
    as_json: Json = False,
) -> None:
    """Check CERTIFICATE offline with the issuer's public key: signature, statement, and its proof in the log.

    Exit code 0: good, also when places are still open; 1: not good.
    """
    from apps.command import tables
    from privacy.erasure import Certificate, check_certificate
    from privacy.log import read_public
    from retail.errors import DataError

    document: Any = read_json(str(certificate))
    if not isinstance(document, dict) or "key_hex" not in document:
        raise DataError(f"{certificate} is no erasure certificate; `tradefair erasure run` writes them")
    problems = check_certificate(document, key_hex=read_public(key))
    good = Certificate(document) if not problems else None
    if as_json:
        status = None if good is None else good.status
        rows = [{"problem": problem} for problem in problems]
        tables.print_json({"runs": [], "rows": rows, "ok": good is not None, "status": status})
    elif good is None:
        for problem in problems:
            tables.say(f"NOT GOOD: {problem}")
    else:
        head = document["log"]["head"]
        tables.say(f"good: signed by {document['key_hex']}")
        tables.say(f"request {document['request']}, {document['status']}, issued {document['issued_at']}")
        tables.say(f"entry {document['log']['entry']['index']} of the log {head['origin']!r}, {head['size']} entries")
        _print_places(document["places"])
        tables.say("not covered:\n" + "\n".join(f"- {line}" for line in document["not_covered"]))
    if problems:
        raise typer.Exit(1)


@app.command(short_help="Find erased people who came back.")
def check(places: Places = PLACES, register: Register = REGISTER, as_json: Json = False) -> None:
    """Look into every registered folder of tables, index of vectors and shop for faces for people who were erased.

    They are back when somebody restored an old backup.

    Exit code 1 when there are some; rows are named, ids are not.
    """
    from apps.command import tables
    from apps.command.place_kinds import place_kinds
    from privacy.erasure import Checked, TableFolder, read_registry
    from retail.errors import ConsentError

    tombstones = existing_register(register).tombstones
    problems = []
    registry = read_registry(places, tombstones=tombstones, others=place_kinds())
    looked_into = [one.store for one in registry if isinstance(one.store, Checked)]
    for place in looked_into:
        try:
            place.check()
        except ConsentError as error:
            problems.append(str(error))
        if place.unsearched:
            problems.append(f"{place.name}: nobody searched {', '.join(place.unsearched)}, which may hold people")
    folders = sum(isinstance(place, TableFolder) for place in looked_into)
    indexes = sum(place.kind == "index" for place in looked_into)
    shops = len(looked_into) - folders - indexes
    if as_json:
        rows = [{"problem": problem} for problem in problems]
        tables.print_json(
            {"runs": [], "rows": rows, "ok": not problems, "folders": folders, "indexes": indexes, "shops": shops}
        )
    else:
        and_indexes = f" and {indexes} indexes of vectors" if indexes else ""
        and_shops = f" and {shops} shops for faces" if shops else ""
        for line in problems or [f"{folders} folders of tables{and_indexes}{and_shops}: nobody in them was erased"]:
            tables.say(line)
    if problems:
        raise typer.Exit(1)


@app.command("let-back", short_help="Take a person off the list of the erased.")
def let_back(
    person: Person,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
) -> None:
    """Take PERSON off the list, who came back on their own wish. Receipts from before stay void."""
    existing_register(register)
    opened, _, _ = open_books(register, log, commitments, key, origin)
    opened.tombstones.let_back(read_person(person))
    typer.echo("taken off the list: the person may be recorded and imported again; receipts from before stay void")


@app.command("destroy-list", short_help="Forget who was erased, for good.")
def destroy_list(
    yes: Annotated[bool, typer.Option("--yes", help="Do it: afterwards nobody is refused any more.")] = False,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
) -> None:
    """Delete the list of erased people and its key. Nobody can say any more who was erased, and nobody is refused."""
    from retail.errors import ConfigError

    if not yes:
        raise ConfigError("this cannot be undone: erased people may be imported again afterwards; say --yes to do it")
    existing_register(register)
    opened, _, _ = open_books(register, log, commitments, key, origin)
    count = opened.tombstones.destroy_key()
    typer.echo(f"destroyed: {count} marks and their key")


def open_erasure(
    places: Path, register: Path, log: Path, commitments: Path, key: Path, origin: str, journal: Path
) -> tuple[Erasure, Path]:
    """Open what an erasure works on, with its log and journal; return also the file of the public key.

    Raises:
        TradefairError: something is missing or cannot be opened.
    """
    from apps.command.place_kinds import place_kinds
    from privacy.erasure import Erasure, read_registry

    opened, book, salts = open_books(register, log, commitments, key, origin)
    registry = read_registry(places, tombstones=opened.tombstones, must_exist=True, others=place_kinds())
    erasure = Erasure(registry, register=opened, log=book, commitments=salts, journal=journal)
    return erasure, key.with_suffix(".pub")


def _print_places(rows: Sequence[Mapping[str, Any]]) -> None:
    from apps.command import tables

    columns = ("place", "action", "state", "found", "left", "at")
    tables.print_rows(columns, ([*(row[column] for column in columns[:5]), row["at"][:19]] for row in rows))
    _explain([(row["place"], row["action"], _statement(row), row["command"]) for row in rows])


def _statement(row: Mapping[str, Any]) -> str:
    return ". Now: ".join(part for part in (row["statement"], row["note"]) if part)


def _explain(places: Sequence[tuple[str, str, str, str]]) -> None:
    from apps.command import tables
    from privacy.erasure.places import MEANING

    meanings: Mapping[str, str] = MEANING
    for action in dict.fromkeys(action for _, action, _, _ in places):
        tables.say(f"{action}: {meanings.get(action, '')}")
    for place, _, statement, command in places:
        if statement:
            tables.say(f"- {place}: {statement}")
        if command:
            tables.say(f"  then: {command}")
    tables.say("")
