"""The server's exchanges of a secure aggregation, over a Flower grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import Grid

from federation.config import FederationConfig
from federation.secagg import wire
from federation.secagg.masks import Ring
from federation.secagg.roster import read_roster
from federation.secagg.rules import session_of, terms_of
from federation.secagg.server import ServerSession
from federation.task import Round
from retail.errors import ConfigError, PrivacyError


class SecureRounds:
    """Carries the steps of each round's aggregation between the nodes.

    Args:
        config: of the run.
        roster: identity keys as text.
        run: Flower's id of the run.
        nodes: on the public list of merchants.
        timeout_s: how long each exchange waits for answers.

    Raises: ConfigError: a roster of another length, or terms that cannot be had.
    """

    def __init__(self, config: FederationConfig, *, roster: str, run: int, nodes: int, timeout_s: float) -> None:
        self._config, self._roster, self._run = config, read_roster(roster), str(run)
        if len(self._roster) != nodes:
            raise ConfigError(
                f"the roster has {len(self._roster)} keys and the list of merchants {nodes}; give each its own"
            )
        self._terms = terms_of(config, nodes)
        self._timeout_s = timeout_s
        self._session: ServerSession | None = None
        self._place: dict[int, int] = {}

    def open(self, grid: Grid, asked: Sequence[int], round_: Round, about: ConfigRecord) -> dict[int, ConfigRecord]:
        """Have keys and shares exchanged.

        Args:
            grid: to the nodes.
            asked: Flower's ids of the nodes.
            round_: the round.
            about: what every message says of the round.

        Returns: by Flower's id, what the message that asks for the vector must carry; nodes that are lost already
            are left out.

        Raises: PrivacyError: fewer than the quorum answered.
        """
        session = session_of(self._config, self._terms, self._roster, run=self._run, round_=round_)
        self._session = ServerSession(self._terms, self._roster, session, size=round_.size)
        replies = self._ask(grid, "keys", {node: None for node in asked}, about, round_)
        self._place.clear()
        advertised = {}
        for node, record in replies.items():
            found = _parsed(wire.read_keys, record)
            if found is None or len(found) != 1 or found[0].node in advertised:
                continue
            if found[0].signed_by(self._roster, session):
                advertised[found[0].node] = found[0]
                self._place[node] = found[0].node
        heard = self._session.keys_for(advertised)
        out = {node: wire.keys_record(heard[place]) for node, place in self._place.items()}
        replies = self._ask(grid, "shares", out, about, round_)
        shared = {self._place[node]: _parsed(wire.read_parcels, record) for node, record in replies.items()}
        given = self._session.shares_for(shared)
        return {node: wire.parcel_record(given[place]) for node, place in self._place.items() if place in given}

    def add(self, reply: Message) -> bool:
        """Add a masked vector; tell whether it counts."""
        session = self._current()
        place = self._place.get(reply.metadata.src_node_id)
        size = session.size
        return place is not None and session.add(place, wire.read_masked(reply, size=size))

    def close(self, grid: Grid, round_: Round, about: ConfigRecord) -> tuple[Ring, int]:
        """Have the masks of the sum taken off.

        Returns: (d,) uint64, and how many vectors are in it.

        Raises: PrivacyError: too few vectors or shares came.
        """
        session = self._current()
        survivors = session.survivors()
        record = wire.survivors_record(survivors)
        out = {node: record for node, place in self._place.items() if place in survivors}
        replies = self._ask(grid, "reveal", out, about, round_)
        revealed = {self._place[node]: _parsed(wire.read_parcels, one) for node, one in replies.items()}
        total = session.unmask(revealed)
        self._session = None
        return total, len(survivors)

    def _current(self) -> ServerSession:
        if self._session is None:
            raise PrivacyError("no secure aggregation is open")
        return self._session

    def _ask(
        self,
        grid: Grid,
        step: str,
        out: Mapping[int, ConfigRecord | None],
        about: ConfigRecord,
        round_: Round,
    ) -> dict[int, ConfigRecord]:
        """Send one step to some nodes; return the records of those that answered, each once."""
        messages = [
            Message(
                RecordDict({"round": about, **({} if record is None else {wire.RECORD: record})}),
                dst_node_id=node,
                message_type=f"{MessageType.TRAIN}.{step}",
                group_id=round_.name,
            )
            for node, record in out.items()
        ]
        found: dict[int, ConfigRecord] = {}
        replies: Iterable[Message] = grid.send_and_receive(messages, timeout=self._timeout_s)
        for reply in replies:
            record = wire.reply_record(reply)
            node = reply.metadata.src_node_id
            if record is not None and node in out and node not in found:
                found[node] = record
        return found


def with_parcels(content: RecordDict, parcels: ConfigRecord) -> RecordDict:
    """Return a round's content with what one node must hear of the others."""
    return RecordDict({**content, wire.RECORD: parcels})


def _parsed(read: Any, record: ConfigRecord) -> Any:
    """Read a node's answer; None for one that cannot be used."""
    try:
        return read(record)
    except PrivacyError:
        return None
