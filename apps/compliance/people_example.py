"""Books of made-up people, to try agreements, withdrawals and erasures on before one has people of one's own."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from apps.command import erasure
from apps.command.receipt_form import receipt_form
from apps.compliance.people_books import PeopleBooks
from privacy.consent import ConsentRegister, Notice
from privacy.policy.vocabulary import Purpose
from retail.errors import DataError
from retail.generator import Settings, generate_tables

PEOPLE: Final = 60
_AGREED: Final[dict[tuple[str, Purpose], tuple[range, range]]] = {
    ("corner-shop", "recommendation"): (range(1, 41), range(3, 41, 9)),
    ("corner-shop", "marketing"): (range(1, 25), range(5, 25, 8)),
    ("bakery", "recommendation"): (range(20, 61), range(0)),
}
"""Of controller and purpose: who agreed, and who of them took it back."""
_TEXT: Final = "Made-up notice of {controller}: we use what you buy for {purpose}. You may end this at any time."


def make_example(folder: Path) -> PeopleBooks:
    """Make a folder with a made-up shop, the agreements of its people, and a list of places for erasures.

    Nothing is left of it when it fails half-way.

    Args:
        folder: is made; the books lie in `books` below it, the shop's tables in `shop`.

    Raises:
        DataError: it exists already, or cannot be made.
    """
    folder = folder.absolute()
    if folder.exists():
        raise DataError(f"{folder} exists already; name a folder that does not")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as made:
            new = Path(made) / "example"
            _fill(new, final=folder)
            os.rename(new, folder)
    except OSError as error:
        raise DataError(f"cannot make {folder}: {error.strerror}; choose another folder") from error
    return PeopleBooks(folder / "books")


def _fill(folder: Path, *, final: Path) -> None:
    """Make the files; the list of places names them where they will lie."""
    generate_tables(folder / "shop", Settings(shoppers=PEOPLE, seed=1, merchants=3, products=40))
    place = folder / "books"
    register = PeopleBooks(place).making()
    for (controller, purpose), (agreed, ended) in _AGREED.items():
        _agree(register, controller, purpose, agreed)
        for person in ended:
            register.withdraw(str(person), controller=controller, purpose=purpose)
    path = json.dumps((final / "shop").as_posix(), ensure_ascii=False)  # quoted as TOML quotes it, too
    text = f'[[place]]\nname = "tables"\nkind = "tables"\npath = {path}\n'
    (place / erasure.PLACES.name).write_text(text, encoding="utf-8")


def _agree(register: ConsentRegister, controller: str, purpose: Purpose, people: range) -> None:
    text = _TEXT.format(controller=controller, purpose=purpose)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    notice = Notice(controller, f"{purpose}-1", "en", sha256, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    register.notices.add(notice)
    for person in people:
        register.record(replace(receipt_form(notice, purpose), principal=register.token(str(person))))
