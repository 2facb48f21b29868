"""The merchant's books for consent and erasure that the app works on, opened as the commands open them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apps.command import books, erasure
from apps.command.web import BOOKS_VARIABLE
from retail.errors import ConfigError

if TYPE_CHECKING:
    from privacy.consent import ConsentRegister
    from privacy.erasure import Certificate, Erasure


@dataclass(frozen=True)
class PeopleBooks:
    """A folder with register, log, commitments, key, list of places and journal, under their usual names.

    Attributes:
        folder: where they lie.
        made_up: whether the page made them, to try it out.
    """

    folder: Path
    made_up: bool = False

    @property
    def register_file(self) -> Path:
        """The consent register."""
        return self.folder / books.REGISTER.name

    @property
    def public_key(self) -> Path:
        """What checks the certificates."""
        return (self.folder / books.KEY.name).with_suffix(".pub")

    def reading(self) -> ConsentRegister:
        """Open the register alone, to look.

        Raises:
            TradefairError: there is none, or it cannot be opened.
        """
        return books.existing_register(self.register_file)

    def writing(self) -> ConsentRegister:
        """Open the register with its log and commitments, so that what is done is logged.

        Raises:
            TradefairError: there is none, or something of it cannot be opened.
        """
        self.reading()
        return self.making()

    def making(self) -> ConsentRegister:
        """Open the register with its log and commitments, and make what is missing.

        Raises:
            TradefairError: something of it cannot be made or opened.
        """
        return books.open_books(self.register_file, *self._with_log)[0]

    def erasure(self) -> Erasure:
        """Open everything that an erasure works on.

        Raises:
            ConfigError: there is no list of places, or it is wrong.
            TradefairError: something cannot be opened.
        """
        places = self.folder / erasure.PLACES.name
        if not places.is_file():
            raise ConfigError(
                f"there is no list of places at {places}; docs/consent-and-erasure.md shows what it holds"
            )
        journal = self.folder / erasure.JOURNAL.name
        return erasure.open_erasure(places, self.register_file, *self._with_log, journal)[0]

    def keep(self, certificate: Certificate) -> Path:
        """Write a certificate beside every earlier one; return its file."""
        return certificate.keep(self.folder / erasure.CERTIFICATES.name)

    @property
    def _with_log(self) -> tuple[Path, Path, Path, str]:
        folder = self.folder
        return folder / books.LOG.name, folder / books.COMMITMENTS.name, folder / books.KEY.name, books.ORIGIN


def people_books() -> PeopleBooks:
    """Return the books that `tradefair app --books` names, else `books` in the current folder; they may not exist."""
    return PeopleBooks(Path(os.environ.get(BOOKS_VARIABLE) or "books"))
