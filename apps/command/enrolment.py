"""`tradefair consent period` and `enrol`: accounting periods with their cap, and the slots of people at merchants."""

from __future__ import annotations

from typing import Annotated

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
    read_person,
)
from apps.command.experiment import Json


def period(
    name: Annotated[str, typer.Argument(help="That of the budget in the ledger.")],
    k_max: Annotated[int | None, typer.Option("--k-max", help="Merchants per person.")] = None,
    close: Annotated[bool, typer.Option("--close", help="End the period.")] = False,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """Open the accounting period NAME with its cap, or --close it. It lives as long as one budget of the ledger."""
    from apps.command import tables
    from retail.errors import ConfigError

    if close == (k_max is not None):
        raise ConfigError("say --k-max to open a period, or --close to end it")
    opened, _, _ = open_books(register, log, commitments, key, origin)
    if k_max is not None:
        opened.enrolment.open_period(name, k_max=k_max)
    else:
        opened.enrolment.close_period(name)
    what = "closed" if close else f"open, at most {k_max} merchants per person"
    tables.tell(f"period {name}: {what}", {"period": name, "k_max": k_max, "open": not close}, as_json)


def enrol(
    person: Person,
    merchant: str,
    leave: Annotated[bool, typer.Option("--leave", help="The person leaves; the slot stays used.")] = False,
    register: Register = REGISTER,
    log: LogFile = LOG,
    commitments: Salts = COMMITMENTS,
    key: Key = KEY,
    origin: Origin = ORIGIN,
    as_json: Json = False,
) -> None:
    """Enrol PERSON at MERCHANT, unless all slots of this accounting period are used."""
    from apps.command import tables
    from retail.errors import ConsentError

    person = read_person(person)
    existing_register(register)
    opened, _, _ = open_books(register, log, commitments, key, origin)
    token = opened.token(person)
    if leave:
        if not opened.enrolment.leave(token, merchant):
            raise ConsentError(f"this person is not enrolled at {merchant}; nothing was changed")
    else:
        opened.enrol(token, merchant)
    used, slots = opened.enrolment.slots(token)
    row = {"merchant": merchant, "present": not leave, "slots_used": used, "slots": slots}
    tables.tell(f"{'left' if leave else 'enrolled at'} {merchant}; {used} of {slots} slots used", row, as_json)
