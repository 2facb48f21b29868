"""Who may have a release of one data set, and whose rows it counts: policy first, then consent; denials are logged."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from privacy.access.consented import Consents, allowed
from privacy.access.level import judge, settle
from privacy.access.schema import KIND_OF_ENTRY, event_body
from privacy.log import Log
from privacy.policy import Context, Decision, Jurisdiction, PolicyEngine, Request
from privacy.statistics.queries import Query
from retail import columns as c
from retail.errors import ConsentError, PolicyError, PrivacyError
from retail.problems import shown


@dataclass(frozen=True, slots=True)
class Grant:
    """A release that the policy permits.

    Attributes:
        request: as asked, at the level of consent that was accepted.
        decision: the policy's.
        masked: whether receipts or objections say whose rows count.
    """

    request: Request
    decision: Decision
    masked: bool

    @property
    def audience(self) -> str:
        """Whose rows were counted, as far as that depends on who asks: an answer is stored for this audience.

        Receipts name a controller, a purpose and a law, so answers that were counted by them never cross from one
        actor, purpose or jurisdiction to another. Where all rows count it is the same for everybody.
        """
        if not self.masked:
            return "none"
        context = self.request.context
        return json.dumps([context.consent, self.request.actor, self.request.purpose, context.jurisdiction])


@dataclass(frozen=True, slots=True)
class ReleaseAccess:
    """Decides about releases of one data set.

    Attributes:
        engine: the policy, with the register of parties and data sets.
        log: gets denials, and what `note` is told.
        dataset: id of the data set in the register, whose rows are at hand.
        consents: receipts and objections; None where there is no register of them.
        jurisdiction: whose law switches on.
        regime: id of the engine's regime, for the log.
    """

    engine: PolicyEngine
    log: Log
    dataset: str
    consents: Consents | None
    jurisdiction: Jurisdiction
    regime: str | None

    def admit(self, actor: str, query: Query) -> Grant:
        """Ask with the least consent that the policy accepts.

        Raises:
            PrivacyError: the query names another data set than the rows at hand; logged as a denial.
            PolicyError: the policy does not permit it; logged as a denial.
        """
        asked = self._request(actor, query)
        if query.dataset != self.dataset:
            text = self.other(query)
            with self.log.books.transaction() as connection:
                self.note(connection, asked, Decision(False, "", "", text))
            raise PrivacyError(text)
        request, decision = self._settle(asked)
        if not decision.allowed:
            with self.log.books.transaction() as connection:
                self.note(connection, request, decision)
            refuse(request, decision)
        return self._grant(request, decision)

    def audience_of(self, actor: str, query: Query) -> str | None:
        """Tell for whom an answer to this actor would be stored; None where there would be none. Logs nothing."""
        request, decision = self._settle(self._request(actor, query))
        return self._grant(request, decision).audience if decision.allowed else None

    def ask_again(self, grant: Grant) -> tuple[Request, Decision]:
        """Ask about a granted request as the register stands now: of children too, where rows about people count."""
        if self._of_persons():
            return judge(self.engine, grant.request)
        return grant.request, self.engine.decide(grant.request)

    def note(self, connection: sqlite3.Connection, request: Request, decision: Decision) -> None:
        """Write a decision into the log, inside a transaction on its books."""
        register = self.engine.register
        party, dataset = register.find_party(request.actor), register.find_dataset(request.dataset)
        body = event_body(request, decision, party=party, dataset=dataset, regime=self.regime)
        self.log.append_within(connection, KIND_OF_ENTRY, body)

    def agreed(self, rows: pd.DataFrame, grant: Grant) -> pd.DataFrame:
        """Keep the rows of persons who agreed; where nobody is asked, of all but those who objected.

        Raises: ConsentError: the register of consents answered for other persons than asked.
        """
        if self.consents is None or not grant.masked:
            return rows
        column: Any = rows[c.PERSON]
        if column.dtype == object:  # True and 1 are equal and not the same person
            person, persons = np.arange(len(rows)), column
        else:
            person, persons = pd.factorize(column)
        kind = self.engine.register.dataset(self.dataset).kind
        mask = allowed(persons, grant.request, self.consents, kind=kind)
        if len(mask) != len(persons):
            raise ConsentError(f"the register answered for {len(mask)} of {len(persons)} persons; nothing is released")
        return rows[np.append(mask, False)[person]]  # the last is for rows that name nobody

    def other(self, query: Query) -> str:
        """Say that a query names another data set."""
        return (
            f"this gate holds the rows of {shown(self.dataset)}, and the query names {shown(query.dataset)}; "
            "ask the gate of that data set"
        )

    def _request(self, actor: str, query: Query) -> Request:
        purpose: Any = query.purpose  # any text; the policy denies an unknown one
        context = Context(jurisdiction=self.jurisdiction)
        return Request(actor, "release", query.dataset, purpose, query.columns, context)

    def _settle(self, asked: Request) -> tuple[Request, Decision]:
        return settle(self.engine, asked, has_consents=self.consents is not None)

    def _grant(self, request: Request, decision: Decision) -> Grant:
        return Grant(request, decision, masked=self.consents is not None and self._of_persons())

    def _of_persons(self) -> bool:
        dataset = self.engine.register.find_dataset(self.dataset)
        return dataset is not None and dataset.about_persons and dataset.form == "raw"


def refuse(request: Request, decision: Decision) -> NoReturn:
    """Raise the PolicyError of a denial."""
    because = f" ({decision.article})" if decision.article and decision.article not in decision.text else ""
    raise PolicyError(f"{shown(request.actor)} may not have this release: {decision.text}{because}")
