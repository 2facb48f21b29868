"""The one way to read another party's data: policy, then consent, then the log, and only then the rows.

port = DataPort(engine, sources={"orders-17": read_orders}, log=log, consents=consents)
rows = port.read("m17", "orders-17", columns=("product_id", "day"), purpose="own_business")
with_every_read = port.open("m17", "orders-17", columns=("product_id",), purpose="own_business")
rows = with_every_read.read()                                  # decided again, each time
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from privacy.access.consented import Consents, consented
from privacy.access.level import judge, settle
from privacy.access.rows import detached
from privacy.access.schema import KIND_OF_ENTRY, event_body
from privacy.log import Log
from privacy.policy import Action, Context, Decision, Jurisdiction, Kind, PolicyEngine, Purpose, Request
from retail import columns as c
from retail.errors import ConfigError, DataError, PolicyError
from retail.problems import shown

Source = Callable[[tuple[str, ...]], pd.DataFrame]
"""Names of columns -> a frame that has them; asked only after the policy has said yes."""


@dataclass(frozen=True, slots=True)
class OpenUse:
    """A use that goes on: the right to ask again, not the data. Make it with `DataPort.open`.

    Every `read` is decided, masked and logged anew, so a party that moved to the platform's retail arm, or a person who
    withdrew, is noticed at the next one.
    """

    _port: DataPort
    _request: Request

    def read(self) -> pd.DataFrame:
        """Read as `DataPort.read` does. Raises: see there."""
        return self._port._read([self._request])[0]


class DataPort:
    """Reads parties' data for other parties.

    Guarantee: rows are returned only if the policy allowed the request when it was asked and still did when the rows
        were ready, after the decision was written to the log; where the policy asks for consent, only rows of persons
        with a valid receipt for the actor as controller and this purpose at that moment. A refusal is logged as well.
        Assumes that all reads of parties' data go through a port (a test walks the code), that the register says who is
        who, and that the person column names the person whom a row is about. What was returned earlier is out of its
        reach: read again instead of keeping copies.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        *,
        sources: Mapping[str, Source],
        log: Log,
        consents: Consents | None,
        person_column: str = c.PERSON,
        regime: str | None = None,
        jurisdiction: Jurisdiction = "none",
    ) -> None:
        """Put a port together.

        Args:
            engine: decides, with the register of parties and data sets.
            sources: id of a data set -> how to read its columns.
            log: gets one entry for each decision.
            consents: receipts; without it nothing that needs consent is read.
            person_column: whom a row is about, in every data set about persons.
            regime: id of the regime that `engine` was loaded with, for the log; None when it was loaded without one.
            jurisdiction: of the place where the port stands: readers cannot leave its law out.
        """
        self.engine = engine
        self.log = log
        self.consents = consents
        self.person_column = person_column
        self.regime = regime
        self.jurisdiction = jurisdiction
        self._sources = dict(sources)

    def read(
        self,
        actor: str,
        dataset: str,
        *,
        columns: Sequence[str],
        purpose: Purpose,
        action: Action = "read",
        jurisdiction: Jurisdiction | None = None,
        alternative: bool = False,
    ) -> pd.DataFrame:
        """Read some columns of a data set, if that is allowed, of the persons for whom it is.

        The least level of consent that the policy accepts is used: none gives all rows; general and separate give the
        rows of persons with a receipt of that level (or above). Aggregates carry no persons whose receipts could be
        looked up, so they are read without consent or not at all.

        Args:
            actor: id of the party who reads, and the controller whom receipts must name.
            dataset: id of the data set.
            columns: what is needed, no more; at least one.
            purpose: what for.
            action: what is to be done with the rows.
            jurisdiction: whose law applies to the persons; None for the port's. Where the port has one, no other.
            alternative: whether people who refuse are served in another way.

        Returns: a copy with exactly these columns in this order and rows numbered from 0; it may be empty.

        Raises:
            PolicyError: the policy does not permit it; the message has rule, article and sentence.
            ConsentError: receipts kept changing while the rows were read.
            PrivacyError: the log cannot be written.
            DataError: the data set has no such column, or the source returned no table.
            ConfigError: columns, or a name, cannot be used; no source is known for the data set.
        """
        request = self._request(
            actor, dataset, columns, purpose, action=action, place=jurisdiction, alternative=alternative
        )
        return self._read([request])[0]

    def read_each(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        columns: Sequence[str],
        purpose: Purpose,
        action: Action = "read",
        jurisdiction: Jurisdiction | None = None,
        alternative: bool = False,
    ) -> list[pd.DataFrame]:
        """Read several data sets, each decided by itself; all decisions are logged at once, before the first row.

        Args:
            pairs: (actor, dataset) of each read; the rest as for `read`.
            columns: see `read`.
            purpose: see `read`.
            action: see `read`.
            jurisdiction: see `read`.
            alternative: see `read`.

        Returns: one table for each pair. Raises: see `read`; one refusal refuses all.
        """
        requests = [
            self._request(actor, dataset, columns, purpose, action=action, place=jurisdiction, alternative=alternative)
            for actor, dataset in pairs
        ]
        return self._read(requests)

    def admit_each(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        columns: Sequence[str],
        purpose: Purpose,
        action: Action = "read",
        jurisdiction: Jurisdiction | None = None,
    ) -> None:
        """Decide and log what moves by another way than a table, such as a sum over the network; see `read_each`.

        Raises: PolicyError, PrivacyError, ConfigError: see `read`; one refusal refuses all.
        """
        self._decide(
            [
                self._request(actor, dataset, columns, purpose, action=action, place=jurisdiction, alternative=False)
                for actor, dataset in pairs
            ]
        )

    def open(
        self,
        actor: str,
        dataset: str,
        *,
        columns: Sequence[str],
        purpose: Purpose,
        action: Action = "read",
        jurisdiction: Jurisdiction | None = None,
        alternative: bool = False,
    ) -> OpenUse:
        """Begin a use that reads several times; arguments as for `read`.

        The opening is decided and logged like a read, so that a use which is not permitted fails here.

        Raises: PolicyError, PrivacyError, ConfigError: see `read`.
        """
        request = self._request(
            actor, dataset, columns, purpose, action=action, place=jurisdiction, alternative=alternative
        )
        self._decide([request])
        return OpenUse(self, request)

    def _request(
        self,
        actor: str,
        dataset: str,
        columns: Sequence[str],
        purpose: Purpose,
        *,
        action: Action,
        place: Jurisdiction | None,
        alternative: bool,
    ) -> Request:
        if place is not None and self.jurisdiction not in ("none", place):
            raise ConfigError(f"jurisdiction = {shown(place)}: this port reads under the law of {self.jurisdiction}")
        names = (columns,) if isinstance(columns, str) else tuple(columns)
        if not names or len(set(names)) != len(names) or not all(isinstance(name, str) and name for name in names):
            raise ConfigError(f"columns = {shown(names)}: name at least one column, each of them once")
        for what, text in (("actor", actor), ("dataset", dataset), ("purpose", purpose), ("action", action)):
            if not isinstance(text, str):
                raise ConfigError(f"{what} = {text!r}: give its id as text")
        context = Context(jurisdiction=place or self.jurisdiction, alternative=bool(alternative))
        return Request(actor, action, dataset, purpose, names, context)

    def _read(self, requests: Sequence[Request]) -> list[pd.DataFrame]:
        return [self._rows(granted) for granted in self._decide(requests)]

    def _rows(self, granted: Request) -> pd.DataFrame:
        source = self._sources.get(granted.dataset)
        if source is None:
            raise ConfigError(f"no source is known for data set {shown(granted.dataset)}; give the port one")
        masked = self.consents is not None and self._of_persons(granted)
        asked = granted.columns
        if masked and self.person_column not in asked:
            asked = (*asked, self.person_column)
        frame = source(asked)
        _check_columns(frame, asked, granted.dataset)
        if masked and self.consents is not None:
            rows = consented(frame, granted, self.consents, kind=self._kind(granted), person_column=self.person_column)
        else:
            rows = detached(frame, granted.columns)
        asked_again, again = self._ask_again(granted)  # the register may have changed while the source was read
        if not again.allowed:
            self._log([(asked_again, again)])
            raise _refused(asked_again, again)
        return rows

    def _decide(self, requests: Sequence[Request]) -> list[Request]:
        """Decide requests, log the decisions, and return the requests at the level of consent that was accepted."""
        decided = [settle(self.engine, request, has_consents=self.consents is not None) for request in requests]
        self._log(decided)
        for asked, decision in decided:
            if not decision.allowed:
                raise _refused(asked, decision)
        return [asked for asked, _ in decided]

    def _ask_again(self, granted: Request) -> tuple[Request, Decision]:
        """Ask about a request as it was granted."""
        if self._of_persons(granted):
            return judge(self.engine, granted)
        return granted, self.engine.decide(granted)

    def _kind(self, request: Request) -> Kind:
        return self.engine.register.dataset(request.dataset).kind

    def _of_persons(self, request: Request) -> bool:
        dataset = self.engine.register.find_dataset(request.dataset)
        return dataset is not None and dataset.about_persons and dataset.form == "raw"

    def _log(self, decided: Sequence[tuple[Request, Decision]]) -> None:
        register = self.engine.register
        events = []
        for request, decision in decided:
            party, dataset = register.find_party(request.actor), register.find_dataset(request.dataset)
            body = event_body(request, decision, party=party, dataset=dataset, regime=self.regime)
            events.append((KIND_OF_ENTRY, body))
        self.log.append_many(events)


def _check_columns(frame: object, asked: Sequence[str], dataset: str) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"the source of {shown(dataset)} returned {type(frame).__name__}; it must return a table")
    names = list(frame.columns)
    for name in asked:
        if names.count(name) != 1:
            what = "no column" if name not in names else "more than one column"
            raise DataError(f"data set {shown(dataset)} has {what} {shown(name)}; ask for columns that it has once")


def _refused(request: Request, decision: Decision) -> PolicyError:
    asked = f"{shown(request.action)} {shown(request.dataset)} for {shown(request.purpose)}"
    named = [part for part in (decision.rule, decision.article) if part and part not in decision.text]
    because = f" ({', '.join(named)})" if named else ""
    return PolicyError(f"{shown(request.actor)} may not {asked}: {decision.text}{because}")
