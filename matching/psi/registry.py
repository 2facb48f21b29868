"""The registry's side of enrolment without names: it counts slots of tokens, and never learns who they are."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Final

from matching.psi.letters import Letter, Parts
from matching.psi.parties import Known, Parties
from matching.psi.tokens import MOST_POINTS, registry_points
from privacy.consent import ConsentRegister, Secret
from privacy.consent.enrolment import Period
from privacy.consent.identifiers import time_text
from privacy.log import Log, SigningKey
from retail.errors import ConfigError, ConsentError, PrivacyError

DAYS: Final = 30
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS psi_token_key (name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS psi_token_questions (session TEXT PRIMARY KEY, merchant TEXT NOT NULL, "
    "people INTEGER NOT NULL, answered_at TEXT NOT NULL)",
)


class Registry:
    """Gives tokens to people whom it does not see, and holds every token to k_max merchants.

    Guarantee: in one accounting period no token has a slot at more than k_max merchants (`privacy.consent.enrolment`),
        and no merchant has had tokens for more than `most` people in 30 days; all merchants with unconfirmed keys
        together no more than one. Assumes that merchants ask for the people they have, and use those alone whom an
        admission names: a merchant that uses others breaks the cap, and nothing in the messages shows it. What the
        registry learns, and what whoever has its key could test: see `matching.psi.tokens`.
    """

    def __init__(
        self, name: str, *, register: ConsentRegister, log: Log, key: SigningKey, secret: Path, most: int = MOST_POINTS
    ) -> None:
        """Put a registry together.

        Args:
            name: of this party.
            register: holds the slots.
            log: gets every request.
            key: signs messages.
            secret: file of the key that makes tokens; made where there is none, and refused when it is another one.
            most: people, for one merchant in 30 days.

        Raises: PrivacyError: the secret is gone or another. ConfigError: `most` is no such number.
        """
        if type(most) is not int or not 1 <= most <= 100 * MOST_POINTS:
            raise ConfigError(f"people for one merchant in {DAYS} days are a whole number of at least 1, got {most!r}")
        self.name, self.register, self.log, self.key, self.most = name, register, log, key, most
        self.parties = Parties(log.books)
        with log.books.transaction() as connection:
            for statement in _TABLES:
                connection.execute(statement)
            self._secret = _secret(connection, secret)

    def answer(self, question: Letter, *, merchant_key: str | None = None) -> Letter:
        """Put the registry's key on a merchant's points.

        Args:
            question: of a merchant.
            merchant_key: public key that the merchant told by another way; see `Parties.find`.

        Raises:
            ConsentError: no accounting period is open.
            PrivacyError: it is for somebody else, not signed by the merchant's key, was answered before, asks about
                too many people, or holds something that is no point. Nothing is sent or kept then.
        """
        merchant = self._from(question, merchant_key)
        self.open_period()
        points = registry_points(question.items, key=self._secret)
        terms = question.terms
        with self.log.books.transaction() as connection:
            self.parties.note_within(connection, merchant)
            self._note(connection, terms, len(points), merchant)
            body = {"role": "registry", "step": "tokens", **asdict(terms), "people": len(points)}
            self.log.append_within(connection, "session", {**body, "key": merchant.key, "trust": merchant.trust})
        return Letter("token_reply", terms, tuple(points)).sign(self.key)

    def admit(self, claim: Letter, *, merchant_key: str | None = None) -> Letter:
        """Give slots at a merchant to those tokens that have one left. Doing it again changes nothing.

        Args:
            claim: of a merchant.
            merchant_key: see `answer`.

        Raises:
            ConsentError: no accounting period is open.
            PrivacyError: it is for somebody else, not signed by the merchant's key, or about more people than the
                registry answered for. No slot is taken then.
        """
        merchant = self._from(claim, merchant_key)
        period, terms = self.open_period(), claim.terms
        with self.log.books.transaction() as connection:
            row = connection.execute(
                "SELECT people FROM psi_token_questions WHERE session = ? AND merchant = ?",
                (terms.session, terms.merchant),
            ).fetchone()
            if row is None:
                raise PrivacyError(f"no tokens were given for request {terms.session} of {terms.merchant!r}; it starts "
                                   "with a question")  # fmt: skip
            if len(claim.items) > row[0]:
                raise PrivacyError(f"the claim names {len(claim.items):,} tokens, and {row[0]:,} were given for that "
                                   "request; refuse it")  # fmt: skip
            self.parties.note_within(connection, merchant)
        present = self.register.enrolment.enrol_many([one.hex() for one in claim.items], terms.merchant)
        admitted = tuple(one for one in claim.items if one.hex() in present)
        body = {"role": "registry", "step": "admission", **asdict(terms), "people": len(claim.items)}
        self.log.append("session", {**body, "admitted": len(admitted), "period": period.name})
        return Letter("admission", terms, admitted, period.name, period.k_max).sign(self.key)

    def open_period(self) -> Period:
        """Return the open accounting period. Raises: ConsentError: there is none."""
        period = self.register.enrolment.period
        if period is None:
            raise ConsentError(
                "no accounting period is open at this registry; open one: tradefair consent period NAME --k-max N"
            )
        return period

    def _from(self, letter: Letter, given: str | None) -> Known:
        if letter.terms.registry != self.name:
            raise PrivacyError(f"the message is for {letter.terms.registry!r}, and this is {self.name!r}; hand it on")
        return self.parties.find(letter.terms.merchant, letter.signer, given=given)

    def _note(self, connection: sqlite3.Connection, terms: Parts, people: int, merchant: Known) -> None:
        """Note a question as answered, unless it was before, or is one too many."""
        held = connection.execute("SELECT 1 FROM psi_token_questions WHERE session = ?", (terms.session,)).fetchone()
        if held is not None:
            raise PrivacyError(f"request {terms.session} was answered before; a question counts once, so ask anew")
        now = dt.datetime.now(dt.UTC)
        had = connection.execute(
            "SELECT COALESCE(SUM(people), 0) FROM psi_token_questions WHERE answered_at > ? AND (merchant = ? "
            "OR (? AND merchant IN (SELECT name FROM psi_parties WHERE NOT confirmed)))",
            (time_text(now - dt.timedelta(days=DAYS)), terms.merchant, not merchant.confirmed),
        ).fetchone()[0]
        if had + people > self.most:
            whom = terms.merchant if merchant.confirmed else "all merchants whose keys nobody confirmed, together,"
            raise PrivacyError(
                f"{whom} had tokens for {had:,} people in {DAYS} days, {terms.merchant} asks for {people:,} more, and "
                f"{self.most:,} are allowed, for each point is a guess at somebody; wait, confirm its key, or allow "
                "more"
            )
        connection.execute(
            "INSERT INTO psi_token_questions (session, merchant, people, answered_at) VALUES (?, ?, ?, ?)",
            (terms.session, terms.merchant, people, time_text(now)),
        )


def _secret(connection: sqlite3.Connection, path: Path) -> Secret:
    """Read the secret, or make one where the books know of none."""
    row = connection.execute("SELECT fingerprint FROM psi_token_key").fetchone()
    secret = Secret.load_or_create(path) if row is None else Secret.load(path)
    if row is None:
        connection.execute("INSERT INTO psi_token_key (name, fingerprint) VALUES ('tokens', ?)", (secret.check,))
    elif row[0] != secret.check:
        raise PrivacyError(
            f"{path} is not the key that this registry's tokens were made with; with another one everybody would get "
            "new slots, so put the right file back"
        )
    return secret
