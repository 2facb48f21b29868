"""Leaving a shop that cannot be opened, because its settings or its vault's key are damaged: that needs neither."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from experiments.assistant.customers import Farewell, revoke
from experiments.assistant.pairings import Pairings
from experiments.assistant.setup import switch
from experiments.assistant.shop import COMMITMENTS, LOG, PAIRINGS, REGISTER, VAULT, Shop, missing_files
from matching.face.vault_rows import VaultFile
from privacy.books import Books
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.log import Log
from retail.errors import ConfigError, DataError, PrivacyError, TradefairError

_NEEDED: Final = (VAULT, PAIRINGS, REGISTER, COMMITMENTS, LOG)
_BROKEN: Final = (DataError, PrivacyError, ConfigError)


def leave(folder: Path | str, person: str, *, withdraw: bool) -> Farewell:
    """Let a customer leave a shop, also one whose settings or key are damaged.

    Of such a shop nothing else works: nobody is compared, enrolled or charged, until its files are put right.

    Args:
        folder: of the shop.
        person: id.
        withdraw: end what the person agreed to, too.

    Raises: ConsentError: no usable id. DataError, PrivacyError: there is no shop, or the register of consents, the
        log, the pairings or the vault's file itself cannot be used.
    """
    folder = Path(folder)
    try:
        shop = Shop.open(folder)
    except _BROKEN:
        if any(name in _NEEDED for name in missing_files(folder)):
            raise
        return _leave_by_files(folder, person, withdraw=withdraw)
    return revoke(shop, person, withdraw=withdraw)


def close(folder: Path | str, *, erase: bool) -> int | None:
    """Switch a shop off; with `erase` also one that is damaged, whose templates, keys and pairings are then deleted.

    Returns: how many templates went; None where they went with their file and nobody could count them.

    Raises: DataError, PrivacyError: there is no shop, or it is damaged and nothing was to be erased: nobody is
        compared, enrolled or charged there as it is.
    """
    folder = Path(folder)
    try:
        shop = Shop.open(folder)
        return switch(shop, on=False, erase=erase)
    except _BROKEN:
        if not erase or not (folder / VAULT).is_file():
            raise
    for name in (f"{VAULT}.key", f"{VAULT}.key.next", VAULT, PAIRINGS):
        _overwrite_and_delete(folder / name)
    return None


def _leave_by_files(folder: Path, person: str, *, withdraw: bool) -> Farewell:
    log = Log.open(Books.open(folder / LOG), origin=None, key=None)
    commitments = Commitments.open(folder / COMMITMENTS)
    register = ConsentRegister.open(folder / REGISTER, log=log, commitments=commitments)
    subject = register.token(person)
    ended = 0
    if withdraw:
        for controller, purpose in dict.fromkeys((one.controller, one.purpose) for one in register.status(person)):
            ended += register.withdraw(person, controller=controller, purpose=purpose)  # type: ignore[arg-type]
    templates = VaultFile.open(folder / VAULT).forget(subject)
    if templates:
        body = {"event": "revoked", "purpose": "all", "person": commitments.commitment(subject)}
        log.append("enrolment", body)
    return Farewell(templates, ended, Pairings.open(folder / PAIRINGS).forget(subject))


def _overwrite_and_delete(path: Path) -> None:
    try:
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise TradefairError(f"cannot erase {path} ({error.strerror}); make it writable and try again") from error
