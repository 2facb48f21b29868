"""`tradefair log`: read a log, check it offline, hand it on, and keep a head of it as a witness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from apps.command.experiment import Json

if TYPE_CHECKING:
    from privacy.log import SignedHead, Verification

app = typer.Typer(help="Read, check, export and witness a tamper-evident log.", no_args_is_help=True)

Key = Annotated[
    str | None, typer.Option("--key", metavar="PUBLIC", help="The owner's public key: 64 digits, or a .pub file.")
]
Sign = Annotated[
    Path | None, typer.Option("--sign", metavar="FILE", help="Private key (PEM): sign a head over all entries first.")
]
Witness = Annotated[
    list[Path] | None,
    typer.Option("--witness", metavar="FILE", help="A head kept since earlier. May be repeated."),
]

_REPORTS: Final = (".html", ".pdf", ".json")


@app.command(short_help="Show the newest entries of a log.")
def show(
    path: Path,
    kind: Annotated[str | None, typer.Option("--kind", help="Only entries of this kind, such as access.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many, from the end.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest entries of the log at PATH: books, or the folder of a run or scenario. Checks nothing."""
    from apps.command import tables
    from privacy.books import BOOKS
    from privacy.log.entry import KINDS, canonical
    from privacy.log.folder import find_books
    from privacy.log.schema import read_origin
    from privacy.log.store import log_size, newest_head, read_entries
    from privacy.sqlite_file import reading_safely
    from retail.errors import ConfigError

    if kind is not None and kind not in KINDS:
        raise ConfigError(f"there are no entries of kind {kind!r}; kinds are {', '.join(KINDS)}")
    books = find_books(path)
    with reading_safely(books, BOOKS) as connection:
        origin, size, head = read_origin(connection, name=str(books)), log_size(connection), newest_head(connection)
        entries = read_entries(connection, kind=kind)[-last:]
    if as_json:
        rows = [{"index": e.index, "kind": e.kind, "time": e.time, "body": e.body} for e in entries]
        signed = None if head is None else head.to_json()
        tables.print_json({"runs": [], "rows": rows, "origin": origin, "size": size, "head": signed})
        return
    tables.say(f"{_printable(origin)}: {size:,} entries, {_covered(head, size)}")
    lines = [(e.index, e.time, e.kind, _printable(canonical(e.body))) for e in entries]
    tables.print_rows(["entry", "time", "kind", "body"], lines)


@app.command(short_help="Check that nothing was tampered with; offline.")
def verify(path: Path, witness: Witness = None, key: Key = None, as_json: Json = False) -> None:
    """Check the log at PATH, offline: books, an export, a report, or the folder of a run or scenario.

    Exit code 0: nothing wrong; 1: broken, with one line per problem; 2: there is nothing to check at PATH. Give --key
    and --witness from your own keeping: without them the file is compared with what it says about itself.
    """
    from apps.command import tables
    from privacy.log import read_public, read_witness

    heads = [read_witness(file) for file in witness or []]
    found = _verify(path, heads, None if key is None else read_public(key))
    if as_json:
        rows = [{"problem": problem} for problem in found.problems]
        document = {name: getattr(found, name) for name in ("ok", "origin", "size", "root_hex", "key_hex")}
        tables.print_json({"runs": [], "rows": rows, **document, "notes": list(found.notes)})
    else:
        _say_verdict(path, found)
    if not found.ok:
        raise typer.Exit(1)


@app.command(short_help="Write a log as lines of JSON.")
def export(
    path: Path,
    out: Annotated[Path, typer.Option("--out", help="The file to write, such as log.jsonl.")],
    sign: Sign = None,
) -> None:
    """Write the log at PATH as lines of JSON: its entries, and the newest signed head, which covers all of them.

    Entries after the newest head are left out, because nothing vouches for them yet; --sign makes a new head first.
    """
    from apps.command import tables
    from apps.command.output import require_place
    from privacy.log.export import export_log
    from privacy.log.folder import find_books

    require_place(out, "--out")
    books = find_books(path)
    _sign(books, sign)
    head, left_out = export_log(books, out)
    tables.say(f"{out}: {head.size:,} entries of {_printable(head.origin)}, head signed {head.time}")
    if left_out:
        tables.say(f"left out: {left_out:,} entries after that head (sign a new one with --sign)")


@app.command(short_help="Keep a signed head, to check the log against later.")
def witness(
    path: Path,
    out: Annotated[Path, typer.Option("--out", help="The witness file; the head in it may only move forward.")],
    sign: Sign = None,
    key: Key = None,
) -> None:
    """Write the newest signed head of the log at PATH to a file, for a merchant to keep out of the owner's reach.

    The log is checked first, also against the head that the file holds already: a log that was changed in between exits
    with 1 and leaves the file as it is.
    """
    from apps.command import tables
    from apps.command.output import require_place
    from privacy.log import read_public, read_witness, verify_log, write_witness
    from privacy.log.folder import find_books, newest_stored_head

    require_place(out, "--out")
    books = find_books(path)
    _sign(books, sign)
    kept = read_witness(out) if out.exists() else None
    found = verify_log(books, head=kept, key_hex=None if key is None else read_public(key))
    if not found.ok:
        _say_verdict(path, found)
        tables.say(f"{out} was not written")
        raise typer.Exit(1)
    head = newest_stored_head(books)
    write_witness(out, head)
    tables.say(
        f"{out}: head of {head.size:,} entries of {_printable(head.origin)}, signed {head.time} by {head.key_hex}"
    )
    if head.size < found.size:
        tables.say(f"not covered: the last {found.size - head.size:,} entries (their owner signs with --sign)")


def _verify(path: Path, heads: list[SignedHead], key_hex: str | None) -> Verification:
    from privacy.log import verify_log
    from privacy.log.folder import verify_folder

    if path.is_dir():
        return verify_folder(path, head=heads, key_hex=key_hex)
    if path.suffix.lower() in _REPORTS:
        from experiments.report.verify import verify_report

        kept: list[SignedHead | None] = [*heads] or [None]
        found = [verify_report(path, key_hex=key_hex, witness=head) for head in kept]
        return next((one for one in found if not one.ok), found[-1])
    return verify_log(path, head=heads, key_hex=key_hex)


def _say_verdict(path: Path, found: Verification) -> None:
    from apps.command import tables

    if found.ok:
        tables.say(f"ok: {path}, {found.size:,} entries, root {found.root_hex}, key {found.key_hex}")
    else:
        tables.say(f"broken: {path}, {found.size:,} entries")
    for problem in found.problems:
        tables.say(f"  problem: {_printable(problem)}")
    for note in found.notes:
        tables.say(f"  note: {_printable(note)}")


def _sign(books: Path, key: Path | None) -> None:
    from privacy.books import BOOKS
    from privacy.log import Log, SigningKey
    from privacy.log.schema import read_origin
    from privacy.sqlite_file import reading_safely

    if key is None:
        return
    with reading_safely(books, BOOKS) as connection:
        origin = read_origin(connection, name=str(books))
    Log.open(books, origin=origin, key=SigningKey.load(key)).sign_head()


def _covered(head: SignedHead | None, size: int) -> str:
    if head is None:
        return "no signed head"
    return f"{head.size:,} of them under the head signed {head.time}"


def _printable(text: str) -> str:
    """Escape what could hide or reorder text on a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
