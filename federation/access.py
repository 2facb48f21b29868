"""Who reads whose rows in one run: every party asks the data port, under the rules of the place where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import pandas as pd

from federation import nodes, shops
from federation.access_rules import MEMORY, Access
from federation.config import FederationConfig
from federation.parties import (
    AGGREGATOR,
    EVALUATOR,
    MODEL,
    PLATFORM,
    TEST_PEOPLE,
    merchant_id,
    register_of,
    rows_id,
    sums_id,
    transactions_id,
)
from privacy.consent import ConsentRegister
from privacy.log import Log
from privacy.policy import PolicyEngine, Purpose
from privacy.policy.sources import SIMULATION_PACK
from privacy.port import DataPort
from retail import columns as c
from retail.errors import ConfigError, PolicyError
from retail.interactions import Interactions

if TYPE_CHECKING:
    from retail.faces.faceset import FaceSet

__all__ = ["MEMORY", "Access", "MarketPort"]


class _Use(TypedDict):
    """What all reads of a run have in common."""

    purpose: Purpose


class MarketPort:
    """The reads and releases of one run, each decided by the policy, masked by consent, and logged.

    Guarantee: that of `privacy.port.DataPort`, for the rows of every merchant of the run. Assumes that parties are who
        the run says they are: one process stands for all of them, or in a deployment for one.
    """

    def __init__(self, config: FederationConfig, access: Access) -> None:
        """Read the rules and name the parties.

        Raises:
            ConfigError: a deployment whose log would end with the process.
            PolicyError: a pack or regime cannot be used.
            PrivacyError: the log cannot be written.
            ConsentError, PrivacyError: the register cannot be used.
            DataError, ConfigError: the public list of merchants cannot be made.
        """
        if config.mode == "deployment" and access.log == MEMORY:
            raise ConfigError("a deployment needs a log that outlives the process; name its books in Access.log")
        self.config, self.access = config, access
        held = nodes.holdings(config)
        self.merchants = held.merchants
        regime = access.regime or ("federated_dp" if config.private else "federated")
        self.consents = (
            ConsentRegister.open(_existing(access.consents), log=None, commitments=None) if access.consents else None
        )
        self._port = DataPort(
            PolicyEngine.load(("base", *access.packs), register=register_of(config, held), regime=regime),
            sources={rows_id(one, held.kind): self._source(place) for place, one in enumerate(self.merchants)},
            log=Log.open(access.log, origin=access.origin or None, key=None),
            consents=self.consents,
            regime=regime,
            jurisdiction=access.jurisdiction,
        )
        self._measuring = PolicyEngine.load((SIMULATION_PACK,), register=self._port.engine.register)
        self._use: Final = _Use(purpose=held.purpose)
        self._kind, self._columns = held.kind, held.columns
        self._held: tuple[tuple[int, int | None], dict[int, Any]] | None = None

    def own(self, place: int, *, round_: int | None = None) -> Any:
        """Return what a merchant reads of its own rows, to train with them.

        Where one process stands for all nodes, all merchants read when the first one asks. With a register of consents
        they read again in each round, since a receipt may have ended or begun, and whenever the register has changed.

        Args:
            place: of the merchant.
            round_: index of the round; None outside rounds.

        Returns: a node with the rows of the persons whom the policy admits, and an empty memo when they were read anew.

        Raises:
            PolicyError: a merchant may not use its rows for this, or this process does not stand for it.
            ConsentError: rows of people who were erased are back.
        """
        if self.access.place not in (None, place):
            raise PolicyError(f"this process stands for node {self.access.place}, not for {place}; nothing is read")
        moment = (0, None) if self.consents is None else (self.consents.version, round_)
        if self._held is None or self._held[0] != moment:
            places = self._places
            whose = [self.merchants[one] for one in places]
            tables = self._read([merchant_id(one) for one in whose], whose)
            self._held = moment, dict(zip(places, map(self._node, whose, tables), strict=True))
        return self._held[1][place]

    def pooled(self) -> Any:
        """Have the platform read the rows of every merchant, to train with them.

        Raises:
            PolicyError: the regime keeps the platform from them.
        """
        return self._node(
            "pooled", pd.concat(self._read([PLATFORM] * len(self.merchants), self.merchants), ignore_index=True)
        )

    def serve(self, place: int) -> Any:
        """Return what a merchant reads of its own rows to serve its shoppers with a finished model.

        It reads anew at every call, and no other merchant's rows are read.

        Args:
            place: of the merchant.

        Returns: as `own`.

        Raises: as `own`.
        """
        merchant = self.merchants[place]
        name = rows_id(merchant, self._kind)
        return self._node(merchant, self._port.read(merchant_id(merchant), name, columns=self._columns, **self._use))

    def declare(self, *, once: bool = False) -> None:
        """Write down which rules are in force, so that an audit can put the log to the same.

        Args:
            once: write nothing where the log says the same already: for programs that open one log many times.
        """
        outside = [SIMULATION_PACK] if self.config.mode == "simulation" else []
        body = {
            "packs": ["base", *outside, *self.access.packs],
            "regime": self._port.regime,
            "jurisdiction": self.access.jurisdiction,
            "fingerprint": self._port.engine.fingerprint,
        }
        if once and any(entry.body == body for entry in self._port.log.entries("policy")):
            return
        self._port.log.append("policy", body)

    def sums(self) -> None:
        """Ask whether the aggregator may receive what nodes send: exact sums, or noisy ones with noise at every node.

        Raises:
            PolicyError: it may not.
        """
        asked = [(AGGREGATOR, sums_id(self.merchants[one])) for one in self._places]
        self._port.admit_each(asked, columns=("sum",), action="train", **self._use)

    def publish(self) -> None:
        """Ask whether the merchants may get the aggregator's model: with noise under a privacy claim, else exact.

        Raises:
            PolicyError: they may not.
        """
        asked = [(merchant_id(one), MODEL) for one in self.merchants]
        self._port.admit_each(asked, columns=("model",), **self._use)

    def later(self, *, days: int) -> tuple[Interactions, ...]:
        """Have an evaluator read what the shoppers of each node buy in the `days` from `now` on.

        In a simulation the evaluator is no party of the market: it stands outside and measures, under the pack
        "simulation" alone. Elsewhere it is a researcher under the rules of the place.

        Raises:
            PolicyError: nobody may look at these rows to measure.
        """
        frames = shops.later_rows(self.config, days=days)
        ids = [transactions_id(one) for one in self.merchants]
        outside = self.config.mode == "simulation"
        port = DataPort(
            self._measuring if outside else self._port.engine,
            sources={name: _frame(rows) for name, rows in zip(ids, frames, strict=True)},
            log=self._port.log,
            consents=self.consents,
            regime=None if outside else self._port.regime,
            jurisdiction="none" if outside else self.access.jurisdiction,
        )
        tables = port.read_each(
            [(EVALUATOR, name) for name in ids],
            columns=shops.NEEDED,
            purpose="evaluation",
        )
        return tuple(
            shops.of_persons(self.config, rows, self.own(place).history.persons) for place, rows in enumerate(tables)
        )

    def test_people(self) -> FaceSet:
        """Have an evaluator read the faces of the people who were kept for testing, and whom no merchant holds.

        In a simulation alone, by somebody outside the market under the pack "simulation".

        Raises:
            PolicyError: nobody may look at these faces to measure.
            ConfigError: the run is about shop rows.
        """
        from federation.faces.holdings import FaceHoldings, face_set

        held = nodes.holdings(self.config)
        if not isinstance(held, FaceHoldings):
            raise ConfigError("only sources of faces keep people apart for testing; shop rows are tested in later days")
        port = DataPort(
            self._measuring,
            sources={TEST_PEOPLE: lambda columns: held.kept_apart()[list(columns)]},
            log=self._port.log,
            consents=self.consents,
        )
        rows = port.read(EVALUATOR, TEST_PEOPLE, columns=held.columns, purpose="evaluation")
        return face_set(rows, source=self.config.dataset)

    @property
    def _places(self) -> Sequence[int]:
        """Places of the merchants that this process stands for."""
        return range(len(self.merchants)) if self.access.place is None else (self.access.place,)

    def _read(self, actors: Sequence[str], merchants: Sequence[int | str]) -> list[pd.DataFrame]:
        """Have one actor for each of some merchants read that merchant's rows, to train with them."""
        ids = [rows_id(one, self._kind) for one in merchants]
        asked = list(zip(actors, ids, strict=True))
        return self._port.read_each(asked, columns=self._columns, action="train", **self._use)

    def _source(self, place: int) -> Callable[[tuple[str, ...]], pd.DataFrame]:
        """Return the reading of a merchant's rows.

        Rows of people who were erased refuse it. Where the register enrols people, only rows of those who are present
        at the merchant are read.
        """
        merchant = self.merchants[place]

        def rows(columns: tuple[str, ...]) -> pd.DataFrame:
            found = nodes.own_rows(self.config, place)
            if self.consents is not None:
                self.consents.tombstones.refuse(found[c.PERSON].unique(), where=rows_id(merchant, self._kind))
                if self.consents.enrolment.in_use:
                    present = self.consents.enrolment.present(merchant_id(merchant))
                    found = found[self.consents.among(found[c.PERSON], present)]
            return found if tuple(found.columns) == columns else found[list(columns)]

        return rows

    def _node(self, merchant: int | str, rows: pd.DataFrame) -> Any:
        return nodes.node_data(self.config, merchant, rows)


def _existing(path: str) -> Path:
    if not Path(path).is_file():
        raise ConfigError(f"there is no consent register at {path}; make one with `tradefair consent record`")
    return Path(path)


def _frame(rows: pd.DataFrame) -> Callable[[tuple[str, ...]], pd.DataFrame]:
    return lambda columns: rows[list(columns)]
