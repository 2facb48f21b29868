"""The files that consent and erasure work on: their options, and how they are opened together."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from privacy.commitments import Commitments
    from privacy.consent import ConsentRegister
    from privacy.log import Log

Register = Annotated[Path, typer.Option("--register", help="The consent register; its keys lie beside it.")]
LogFile = Annotated[Path, typer.Option("--log", help="Books with the log that gets every event.")]
Salts = Annotated[Path, typer.Option("--commitments", help="File of the salts behind the log's commitments.")]
Key = Annotated[Path, typer.Option("--key", help="Private key that signs the log (PEM).")]
Origin = Annotated[str, typer.Option("--origin", help="Name of the log, when it is started here.")]
Person = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id, or - to read it from standard input.")]

REGISTER = Path("books/consent.sqlite")
LOG = Path("books/log.sqlite")
COMMITMENTS = Path("books/commitments.sqlite")
KEY = Path("books/log-key.pem")
ORIGIN = "books"


def open_books(
    register: Path, log: Path, commitments: Path, key: Path, origin: str
) -> tuple[ConsentRegister, Log, Commitments]:
    """Open register, log and commitments, and make what is missing."""
    from privacy.books import Books
    from privacy.commitments import Commitments
    from privacy.consent import ConsentRegister
    from privacy.log import Log, SigningKey
    from privacy.log.schema import has_log, read_origin

    for file in (register, log, commitments):
        _make_folder(file.parent)
    books = Books.open(log)
    with books.transaction("DEFERRED") as connection:
        if has_log(connection):
            origin = read_origin(connection, name=books.name)
    opened = Log.open(books, origin=origin, key=SigningKey.load_or_create(key))
    salts = Commitments.open(commitments)
    return ConsentRegister.open(register, log=opened, commitments=salts), opened, salts


def read_person(person: str) -> str:
    """Return the id that was typed, or the first line of standard input for "-": that keeps it out of the history."""
    return sys.stdin.readline().rstrip("\r\n") if person == "-" else person


def existing_register(register: Path) -> ConsentRegister:
    """Open a register that is there already; its log is left alone."""
    from privacy.consent import ConsentRegister
    from retail.errors import ConfigError

    if not register.is_file():
        raise ConfigError(
            f"there is no consent register at {register}; register a notice first, or name it: --register"
        )
    return ConsentRegister.open(register, log=None, commitments=None)


def _make_folder(folder: Path) -> None:
    from retail.errors import DataError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}; choose another folder") from error


def read_json(name: str) -> Any:
    """Read JSON from a file, or from standard input for "-"."""
    from retail.errors import DataError

    try:
        return json.loads(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is no JSON ({error}); write it again") from error
