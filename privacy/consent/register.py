"""The register of consents: which receipts are on record, who has withdrawn, and who may be used for what now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from privacy.commitments import Commitments
from privacy.consent.admission import admit
from privacy.consent.allowed import Mask, among, check_use, spelt_among, tokens_of_use
from privacy.consent.enrolment import Enrolment
from privacy.consent.events import Events
from privacy.consent.forgetting import count_rows, delete_rows, receipt_hashes
from privacy.consent.identifiers import checked_time, person_text, time_text
from privacy.consent.notices import Notices
from privacy.consent.receipt import Receipt
from privacy.consent.recording import is_on_record, put_on_record
from privacy.consent.register_file import RegisterFile, fact, next_version
from privacy.consent.standing import GRANTS, Standing, now_utc, standing, summarise
from privacy.consent.tombstones import Tombstones
from privacy.consent.vocabulary import Jurisdiction, Kind, Level, Purpose
from privacy.consent.withdrawing import end_use
from privacy.log import Log
from privacy.sqlite_file import MEMORY
from retail.errors import ConsentError


class ConsentRegister:
    """One register in one file; make it with `ConsentRegister.open`.

    Safe to use from several processes: every call is one SQLite transaction.

    Guarantee: `mask` is True only for people with a receipt on record that is in force, for this controller and
        purpose, and not withdrawn; a withdrawal acts on every call that starts after it returned. Assumes an honest
        clock, that whoever writes to the file goes through this class, and that a receipt says what the person did (a
        controller whose key is registered must sign; without a key, a receipt is the word of whoever records it).

    Attributes:
        notices: texts and keys of controllers.
        enrolment: slots of people at merchants.
        tombstones: who was erased.
    """

    def __init__(self, file: RegisterFile, events: Events, clock: Callable[[], dt.datetime]) -> None:
        self._file, self._events, self._clock = file, events, clock
        self.notices = Notices(file, events, clock)
        self.tombstones = Tombstones(file, events, clock)
        self.enrolment = Enrolment(file, events, self.tombstones, clock)
        events.deliver()

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        log: Log | None,
        commitments: Commitments | None,
        clock: Callable[[], dt.datetime] = now_utc,
    ) -> ConsentRegister:
        """Open a register, and start it where there is none.

        Args:
            path: the SQLite file, in a folder that exists; ":memory:" for one that ends with the process. Its secrets
                lie beside it (`.key`, `.tombstones.key`): back them up apart from it.
            log: gets every event; None writes none.
            commitments: stands in for people in the log; needed with a log.
            clock: for tests.

        Raises: PrivacyError: another file, a lost key, or a log without commitments.
        """
        file = RegisterFile.open(path) if str(path) != MEMORY else RegisterFile(None)
        return cls(file, Events(file, log=log, commitments=commitments), clock)

    @property
    def version(self) -> int:
        """Number of events so far; an open use that kept an older one asks again."""
        with self._file.transaction("DEFERRED") as connection:
            return int(fact(connection, "version") or 0)

    def token(self, person: object) -> str:
        """Return the person's pseudonym: the same at all merchants, useless without this register's secret.

        Raises: ConsentError: no usable id.
        """
        return self._file.secret.mark("person", person_text(person))

    def check(self, receipt: Receipt) -> None:
        """Refuse what `record` would refuse now, without writing anything. Raises: see `record`."""
        mark = self._file.secret.mark("record", receipt.record_id)
        with self._file.transaction("DEFERRED") as connection:
            admit(connection, receipt, mark=mark, now=self._clock(), tombstones=self.tombstones)

    def has(self, receipt: Receipt) -> bool:
        """Tell whether this very receipt is on record; whether it still holds is for `status` to say."""
        mark = self._file.secret.mark("record", receipt.record_id)
        with self._file.transaction("DEFERRED") as connection:
            return is_on_record(connection, receipt, mark=mark)

    def record(self, receipt: Receipt) -> None:
        """Put a receipt on record.

        Raises: ConsentError: it must not go on record, see `admit`. Nothing is written then.
        """
        mark = self._file.secret.mark("record", receipt.record_id)
        with self._file.transaction() as connection:
            now = self._clock()
            admit(connection, receipt, mark=mark, now=now, tombstones=self.tombstones)
            put_on_record(connection, receipt, mark=mark, now=now)
            # Salts only for a receipt that was taken: of somebody who was erased, nothing may come back.
            person, named = self._events.commitment(receipt.principal), self._events.commitment(receipt.sha256)
            body: dict[str, Any] = {"event": "recorded", "person": person, "receipt": named}
            body.update(controllers=list(receipt.controllers), purposes=list(receipt.purposes), level=receipt.level)
            body.update(jurisdiction=receipt.jurisdiction, notice_sha256=receipt.notice_sha256)
            next_version(connection)
            self._events.add(connection, "consent", body)
        self._events.deliver()

    def withdraw(self, person: object, *, controller: str, purpose: Purpose, at: dt.datetime | None = None) -> int:
        """End everything that the person agreed to up to now, for one controller and purpose.

        What counts is the moment of recording: receipts issued before it are void, those on record and those that
        turn up later, also when the clock has been set back since they were issued. It also stands where there was no
        receipt, as an objection. Of an erased person nothing is written: there is nothing to end.

        Args:
            person: id.
            controller: party id.
            purpose: what for.
            at: when the person said so, for the record only (a letter that took two days); not in the future.

        Returns: how many receipts it ended.

        Raises: ConsentError: no usable id, an unknown purpose, or a time in the future or without a zone.
        """
        token = self.token(person)
        check_use(controller, purpose)
        with self._file.transaction() as connection:
            now = self._clock()
            said_at = now if at is None else checked_time("at", at)
            if said_at > now:
                raise ConsentError(f"at is {said_at}, in the future; a withdrawal acts at once, leave `at` out")
            if self.tombstones.surely_has_token(connection, token):
                return 0
            ended = end_use(connection, (token, controller, purpose), said_at=said_at, now=now)
            commitment = self._events.commitment(token)
            body = {"event": "withdrawn", "person": commitment, "controller": controller, "purpose": purpose}
            self._events.add(connection, "withdrawal", {**body, "said_at": time_text(said_at), "ended": ended})
        self._events.deliver()
        return ended

    def mask(
        self,
        persons: Iterable[object],
        *,
        controller: str,
        purpose: Purpose,
        level: Level,
        at: dt.datetime | None = None,
        data: Kind | None = None,
        jurisdiction: Jurisdiction | None = None,
    ) -> Mask:
        """Say for each person whether a receipt allows this use.

        Args:
            persons: ids (whole numbers or texts), in any order, repeated or not. What can be no id (None, NaN, a float,
                text with hidden characters) is never allowed.
            controller: who wants to use the data.
            purpose: what for.
            level: "separate" takes separate consents only, "general" takes both.
            at: moment at which receipts must be in force and on record; None is now. A receipt that was recorded later
                allows nothing then, whatever its dates. A withdrawal on record counts at every `at`.
            data: kind of data that is used; None asks for no kind, so give it wherever it is known.
            jurisdiction: take only receipts asked under this law; None takes all.

        Returns: (persons,) bool.

        Raises: ConsentError: a word that is not in the vocabulary, or a time without a zone.
        """
        tokens = self.valid_tokens(
            controller=controller, purpose=purpose, level=level, at=at, data=data, jurisdiction=jurisdiction
        )
        return self.among(persons, tokens)

    def valid_tokens(
        self,
        *,
        controller: str,
        purpose: Purpose,
        level: Level,
        at: dt.datetime | None = None,
        data: Kind | None = None,
        jurisdiction: Jurisdiction | None = None,
    ) -> set[str]:
        """Return the tokens of everybody whom `mask` would allow. Arguments and errors: see `mask`."""
        with self._file.transaction("DEFERRED") as connection:
            return tokens_of_use(
                connection,
                controller=controller,
                purpose=purpose,
                level=level,
                at=self._clock() if at is None else at,
                data=data,
                jurisdiction=jurisdiction,
            )

    def objected(
        self,
        persons: Iterable[object],
        *,
        controller: str,
        purpose: Purpose,
        data: Kind | None = None,
        jurisdiction: Jurisdiction | None = None,
    ) -> Mask:
        """Say for each person whether a withdrawal stands against this use, or an erasure against every use.

        A withdrawal stands until the person agrees again. Ids count as a file may spell them: 17.0 and "17" are 17.

        Args:
            persons: ids.
            controller: who wants to use the data.
            purpose: what for.
            data: kind of data that is used: agreeing again to another kind lifts nothing. None: any kind does.
            jurisdiction: agreeing again lifts it only under this law; None: under any.

        Returns: (persons,) bool; what can be no id has not objected.

        Raises: ConsentError: a word that is not in the vocabulary.
        """
        withdrawn = {token for token, _ in self.withdrawals(controller=controller, purpose=purpose)}
        if withdrawn:
            withdrawn -= self.valid_tokens(
                controller=controller, purpose=purpose, level="general", data=data, jurisdiction=jurisdiction
            )
        values = list(persons)
        mask = spelt_among(values, withdrawn, self.token)
        mask[self.tombstones.which(values)] = True
        return mask

    def among(self, persons: Iterable[object], tokens: set[str]) -> Mask:
        """Return (persons,) bool: whose token is in a set. What can be no id is not."""
        return among(persons, tokens, self.token)

    def status(self, person: object) -> list[Standing]:
        """List what a person agreed to, and how each agreement stands now; oldest first."""
        now = time_text(self._clock())
        with self._file.transaction("DEFERRED") as connection:
            asked = f"{GRANTS} WHERE g.token = ? ORDER BY g.issued_at, g.purpose"
            return [standing(row, now) for row in connection.execute(asked, (self.token(person),)).fetchall()]

    def summary(self) -> list[tuple[str, str, str, str, int]]:
        """Count people for each controller, purpose, level and state; no row of it is about one person by name."""
        now = time_text(self._clock())
        with self._file.transaction("DEFERRED") as connection:
            return summarise(connection, now)

    def withdrawals(self, *, controller: str, purpose: Purpose) -> list[tuple[str, int]]:
        """List the withdrawals for one use: token, and the version of the register from which it acts."""
        with self._file.transaction("DEFERRED") as connection:
            asked = "SELECT token, version FROM withdrawals WHERE controller = ? AND purpose = ? ORDER BY version"
            return connection.execute(asked, (controller, purpose)).fetchall()

    def enrol(self, token: str, merchant: str) -> None:
        """Take a slot for a person at a merchant; see `Enrolment.enrol`."""
        self.enrolment.enrol(token, merchant)

    def holds(self, person: object) -> int:
        """Count the rows about a person: receipts (as guardian too), withdrawals and enrolments."""
        token = self.token(person)
        with self._file.transaction("DEFERRED") as connection:
            return count_rows(connection, token)

    def forget(self, person: object) -> int:
        """Delete everything about a person; part of an erasure, which leaves a tombstone first.

        The salts of the person's receipts go too, so that the log's entries about them name nobody. A child's receipt
        for which the person agreed as guardian goes as a whole: without a guardian it allows nothing.

        Returns: how many rows were deleted.

        Raises: ConsentError: the person has no tombstone. Enrolments would be forgotten while the person could enrol
            anew, beyond k_max.
        """
        token = self.token(person)
        with self._file.transaction() as connection:
            if not self.tombstones.has_token(connection, token):
                raise ConsentError("this person is not on the list of erased people; add them first (tombstones.add)")
            hashes = receipt_hashes(connection, token)
        if self._events.commitments is not None:
            for each in hashes:
                self._events.commitments.forget(each)
        with self._file.transaction() as connection:
            deleted = delete_rows(connection, token)
            if deleted:
                next_version(connection)
        return deleted
