"""A shop's folder as a place that an erasure reaches: template, pairing, receipts and salts of a person go at once."""

from __future__ import annotations

from pathlib import Path

from experiments.assistant.shop import USES, Shop, missing_files
from privacy.consent.tombstones import Tombstones
from privacy.erasure import CommitmentsStore
from privacy.erasure.places import Guarded
from retail.errors import DataError


class ShopPlace(Guarded):
    """The folder of `tradefair faces`, with the books in it: they are the shop's own, whoever runs the erasure.

    Guarantee: after `erase` no file of the folder holds a byte of the person's templates, encrypted or not, nor the
        person's id or token, and the shop enrols the person no more until the shop's register lets the person back. The
        log keeps its entries, payments among them, which name nobody without the salts. Killed at any moment, it goes
        on when it is repeated. Assumes a disk that overwrites in place or is encrypted itself; copies of the folder
        from before are out of reach.

    Args:
        name: of the place.
        folder: of the shop.
        tombstones: of the register that the erasure runs with, which may be another than the shop's.
    """

    kind = "store"
    action = "erase"
    statement = (
        "templates, pairing, receipts and salts are deleted and overwritten, and the shop refuses the person from then "
        "on; its log, with payments, names nobody any more; copies of the folder from before are not reached"
    )

    def __init__(self, name: str, folder: Path | str, *, tombstones: Tombstones) -> None:
        super().__init__(name, tombstones=tombstones)
        self.folder = Path(folder)

    def holds(self, person: str) -> int:
        """Count templates, pairing, rows of the register and salts of the person; no byte of the folder changes.

        Raises: DataError: a file of the shop has gone. PrivacyError: one cannot be used. Nobody can say then who is in
            the folder.
        """
        shop = self._shop()
        if shop is None:
            return 0
        subject = shop.register.token(person)
        paired = int(shop.pairings.of(subject) is not None)
        return shop.vault.holds(subject) + paired + shop.register.holds(person) + _salts(shop).holds(person)

    def erase(self, person: str) -> int:
        """Take the person out of every file; see the class.

        Raises: as `holds`. PrivacyError: another process has been changing the shop for a minute.
        """
        shop = self._shop()
        if shop is None:
            return 0
        before = self.holds(person)
        subject = shop.register.token(person)
        shop.register.tombstones.add(person)  # first, so that nobody is compared or enrolled meanwhile
        with shop.changing():  # after an enrolment that had begun before, whose template goes too
            for use in USES:
                if shop.vault.bindings(use, subject):
                    body = {"event": "erased", "merchant": shop.settings.merchant, "purpose": use}
                    shop.log.append("enrolment", body | {"person": shop.commitments.known(subject) or ""})
            shop.vault.revoke(subject)
            shop.pairings.forget(subject)
            shop.register.forget(person)
            _salts(shop).erase(person)
        return before

    def check(self) -> None:
        """Make sure that nobody who was erased has a template: an old backup.

        Raises: ConsentError: how many templates are of erased people; never an id. DataError, PrivacyError: as `holds`.
        """
        shop = self._shop()
        if shop is None:
            return
        people: list[str] = []
        for use in USES:
            subjects = [one.subject for one in shop.vault.bindings(use)]
            people += shop.vault.open_templates(use, subjects).persons
        for tombstones in (self._tombstones, shop.register.tombstones):
            tombstones.refuse(people, where=self.name)

    def _shop(self) -> Shop | None:
        """Open the shop; None where its folder has gone, which holds nobody.

        A file that is missing would be made anew, with other secrets: then nobody would find anybody.
        """
        if not self.folder.exists():
            return None
        missing = missing_files(self.folder)
        if missing:
            raise DataError(
                f"{self.folder} has no {', '.join(missing)}, so nobody can say who is in it; put the files of the shop "
                "back, or take the place off the list once the folder is deleted"
            )
        return Shop.open(self.folder)


def _salts(shop: Shop) -> CommitmentsStore:
    return CommitmentsStore("salts", shop.commitments, shop.register)
