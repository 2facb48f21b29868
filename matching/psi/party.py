"""One party of a session: its people, its policy, its ledger and its book of sessions.

Both parties put noise on the count. The answerer's is inside the reply, so that the asker never has the exact count.
The asker adds its own before the count is shown to anybody: the answerer knows its own noise, and to it the asker's
people would otherwise be bare. Each pays from the ledger of its own people.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import asdict
from typing import Final

import numpy as np
import pandas as pd

from matching.psi.answering import hide, mask_both
from matching.psi.asking import ask, checked_ids, count_matches
from matching.psi.group import fresh_key
from matching.psi.messages import Question, Reply
from matching.psi.parties import Parties, require_given
from matching.psi.pending import Pending
from matching.psi.sessions import Limit, Sessions
from matching.psi.shared_count import SharedCount, joint_error
from matching.psi.terms import Terms
from privacy.blind import BlindNoise
from privacy.ledger import Ledger
from privacy.log import Log, SigningKey
from privacy.policy import Jurisdiction, PolicyEngine
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds
from privacy.statistics.noise import CountNoise
from privacy.statistics.queries import Query
from retail import columns as c
from retail.errors import ConfigError, PrivacyError, TradefairError

LEAST_SHOWN: Final = 50
"""A noisy count below this is shown as "fewer than". A rule of display: privacy rests on the noise."""
_ONE: Final = Bounds(max_merchants=1, max_cells=1, max_rows=1)
_MOST_EPSILON: Final = 10.0


class Party:
    """A merchant or a platform that counts shared people with others.

    Guarantee: all counts that this party took part in are together (epsilon, delta)-DP for its people, for the budget
        of its ledger, towards everybody else, the other party included. Assumes that one person is one id, that both
        parties keep to the protocol (semi-honest), that decisional Diffie-Hellman is hard in ristretto255, that
        `places` was set without looking at the list, that nobody's coming or going takes a list across `LEAST_PEOPLE`
        (an answer that is refused tells so), and that everybody who publishes about these people spends from the same
        ledger. An asker that uses a key for each id learns which of them are shared, whatever the noise; an answerer
        that marks everybody many times makes one id of its choice count as often, so that a count that it is told says
        whether the asker has it. Nothing in the messages shows either. Not hidden: that a session was held, and when.
    """

    def __init__(
        self,
        name: str,
        *,
        dataset: str,
        ledger: Ledger,
        engine: PolicyEngine,
        log: Log,
        key: SigningKey,
        limit: Limit | None = None,
        jurisdiction: Jurisdiction = "none",
        regime: str | None = None,
    ) -> None:
        """Put a party together.

        Args:
            name: its id in the register of its policy.
            dataset: id, in that register, of the noisy counts of its people; owned by `name`.
            ledger: pays for its people; persistent, so that sessions of all runs add up.
            engine: its policy, which decides whether it may release such a count.
            log: in the ledger's books.
            key: signs its messages; the other party knows it by its public part.
            limit: sessions with one other party.
            jurisdiction: whose law switches on.
            regime: id of the engine's regime, for the log.
        """
        self.name = name
        self.dataset = dataset
        self.log = log
        self.key = key
        self.parties = Parties(ledger.books)
        self.sessions = Sessions(ledger.books, limit=limit or Limit())
        self._blind = BlindNoise(
            dataset=dataset, ledger=ledger, engine=engine, log=log, jurisdiction=jurisdiction, regime=regime
        )
        self._ledger = ledger
        self._matches: int | None = None
        self._gate = ReleaseGate(
            dataset=dataset,
            ledger=ledger,
            engine=engine,
            log=log,
            rows=self._matched,
            bounds=_ONE,
            jurisdiction=jurisdiction,
            regime=regime,
        )

    @property
    def remaining(self) -> int:
        """Nano-rho that this party may still spend."""
        return self._ledger.remaining

    @property
    def delta(self) -> float:
        """Of the budget."""
        return self._ledger.budget.delta

    def start(
        self, ids: Collection[str], other: str, *, places: int, purpose: str, epsilon: float
    ) -> tuple[Question, Pending]:
        """Begin a session.

        Args:
            ids: this party's people.
            other: whom to ask.
            places: public; see `Terms`.
            purpose: what for; this party's policy decides about it now, and again at the end.
            epsilon: of this party's own noise, asked for now to refuse early.

        Returns: the question for the other party, and what must be kept secret until the reply.

        Raises:
            PolicyError: the policy does not permit it.
            PrivacyError: the list cannot be used, or budget or limit is used up. Then nothing is begun.
        """
        terms = Terms.fresh(self.name, other, places=places, purpose=purpose)
        self.sessions.check(terms, "asker")
        self._blind.admit(self.name, self._query(terms, epsilon))
        pending = Pending(terms, fresh_key())
        question = ask(terms, ids, pending.key).sign(self.key)
        with self.sessions.books.transaction() as connection:
            self.sessions.open_within(connection, terms, "asker")
            self.log.append_within(connection, "session", {"role": "asker", **asdict(terms)})
        return question, pending

    def answer(
        self,
        question: Question,
        ids: Collection[str],
        *,
        places: int,
        epsilon: float,
        asker_key: str | None = None,
    ) -> Reply:
        """Answer a question about this party's people.

        Args:
            question: read from the other party's message.
            ids: this party's people.
            places: that this party agreed to. Taken from its own side, since refusals by the asker's number would
                tell the asker how long the list is.
            epsilon: of this party's noise in the count.
            asker_key: public key that the asker told by another way; None takes the key that it used before, or any
                at the first message under its name.

        Raises:
            PolicyError: the policy does not permit it.
            PrivacyError: the question is not for this party, not signed by the asker's key, on other places, was
                answered before, holds something that is no point; the list cannot be used; budget or limit is used up.
                Nothing is sent or kept then.
        """
        terms = question.terms
        checked_question(question, self.name, places=places, given=asker_key)
        asker = self.parties.find(terms.asker, question.signer, given=asker_key)
        people = checked_ids(ids, terms)
        query = self._query(terms, epsilon)
        self.sessions.check(terms, "answerer", stranger=not asker.confirmed)
        self._blind.admit(self.name, query)
        marks, own = mask_both(question, people, fresh_key())

        def within(connection: sqlite3.Connection) -> None:
            self.parties.note_within(connection, asker)
            self.sessions.open_within(connection, terms, "answerer", stranger=not asker.confirmed)

        note = ("session", {"role": "answerer", **asdict(terms), "key": asker.key, "trust": asker.trust})
        draw = self._blind.draw(self.name, query, key=f"psi-{terms.session}", note=note, within=within)
        reply = hide(question, marks, own, matching=draw.extra, spare=draw.spare, noise=draw.noise)
        return reply.sign(self.key)

    def finish(self, reply: Reply, pending: Pending, *, epsilon: float, answerer_key: str | None = None) -> SharedCount:
        """Count, add this party's noise, and end the session.

        What is refused before the count leaves the session open and costs nothing. From the count on the session has
        ended, whatever happens: no second noise is ever drawn over the same matches. Once the count was shown, asking
        again gives the same one, at no cost.

        Args:
            reply: read from the other party's message.
            pending: of `start`.
            epsilon: of this party's noise.
            answerer_key: public key that the answerer told by another way; see `answer`.

        Raises:
            PolicyError: the policy does not permit it.
            PrivacyError: the reply is of another session, not signed by the answerer's key, or a point of it is none;
                the budget is spent; or the session ended without a count.
        """
        terms = pending.terms
        if terms.asker != self.name:
            raise PrivacyError(f"the session was begun by {terms.asker!r}, and this is {self.name!r}; it must end it")
        if reply.terms != terms:
            raise PrivacyError(f"the reply is of session {reply.terms.session}, and {terms.session} was begun on other "
                               "terms; ask for the right one")  # fmt: skip
        counted = self.counted(terms.session)
        if counted is not None:
            return counted
        answerer = self.parties.find(terms.answerer, reply.signer, given=answerer_key)
        self.sessions.require_open(terms, "asker")
        query = self._query(terms, epsilon)
        self._blind.admit(self.name, query)
        matches = max(0, count_matches(reply, pending.key))
        with self.sessions.books.transaction() as connection:
            self.parties.note_within(connection, answerer)
            self.sessions.close_within(connection, terms, "asker")
        try:
            self._matches = matches
            answer = self._gate.release(self.name, query)
        except TradefairError as error:
            raise type(error)(f"{error}; session {terms.session} has ended without a count, start a new one") from error
        finally:
            self._matches = None
        noisy = answer.rows[0][0]
        if not isinstance(noisy, int):
            raise PrivacyError("the gate gave no count; nothing is shown")
        own: CountNoise = CountNoise("gaussian" if answer.noise == "gaussian" else "laplace", answer.scale)
        shown = noisy if noisy >= LEAST_SHOWN else None
        shared = SharedCount(shown, joint_error(own, reply.noise), LEAST_SHOWN, answer.cost, terms)
        self.sessions.keep(terms.session, asdict(shared))
        return shared

    def counted(self, session: str) -> SharedCount | None:
        """Return what a session of this party gave, or None where it has given nothing."""
        kept = self.sessions.kept(session)
        return None if kept is None else SharedCount(**{**kept, "terms": Terms.read(kept["terms"])})

    def _query(self, terms: Terms, epsilon: float) -> Query:
        checked_epsilon(epsilon)
        # Each session is a question of its own: about other lists, with other people's noise.
        return Query("counts", self.dataset, epsilon=float(epsilon), purpose=terms.purpose, refresh=True)

    def _matched(self, columns: tuple[str, ...]) -> pd.DataFrame:
        """Stand for the people in common: numbers that mean nobody, as many as matched."""
        matches = self._matches
        if matches is None:
            raise PrivacyError("there is no reply to count; finish a session")
        rows = {c.PERSON: np.arange(matches), c.MERCHANT: np.zeros(matches, dtype=np.int64)}
        return pd.DataFrame({**rows, c.BASKET: np.arange(matches)})[list(columns)]


def checked_epsilon(epsilon: float) -> None:
    """Refuse an epsilon that promises nothing. Raises: ConfigError: so it does, or is no number."""
    if not isinstance(epsilon, int | float) or not 0 < epsilon <= _MOST_EPSILON:
        raise ConfigError(f"epsilon of a count must be above 0 and at most {_MOST_EPSILON:g}, got {epsilon!r}")


def checked_question(question: Question, name: str, *, places: int, given: str | None) -> None:
    """Refuse a question that a party has nothing to do with, whatever its books hold.

    Args:
        question: read from a message.
        name: of the party.
        places: that it agreed to.
        given: public key of the asker, where it told one.

    Raises: PrivacyError: the question is for somebody else, on other places, not signed, or changed since, or signed by
        another key than the given one.
    """
    terms = question.terms
    if terms.answerer != name:
        raise PrivacyError(f"the question is for {terms.answerer!r}, and this is {name!r}; hand it on")
    if terms.places != places:
        raise PrivacyError(f"the question has {terms.places:,} places, and {places:,} were agreed to here; agree on "
                           "one number before any question")  # fmt: skip
    require_given(terms.asker, question.signer, given)
