"""A node's answers to the steps of a secure aggregation, over Flower's messages and state."""

from __future__ import annotations

from typing import Final

from flwr.app import ConfigRecord, Context, Message, RecordDict

from federation.config import FederationConfig
from federation.secagg import wire
from federation.secagg.masks import Ring
from federation.secagg.node import NodeSession
from federation.secagg.roster import read_roster
from federation.secagg.rules import session_of, terms_of
from federation.task import Round
from retail.errors import ConfigError, PrivacyError

STEPS: Final = ("keys", "shares", "reveal")
"""Actions beside the one that sends the vector."""
_STATE: Final = "secagg"
_BEGUN: Final = "secagg-begun"


def answer_step(step: str, message: Message, context: Context, config: FederationConfig, round_: Round) -> RecordDict:
    """Answer one of `STEPS`.

    Returns: public keys, sealed shares, or revealed shares.

    Raises: PrivacyError: as `NodeSession`, or a round that was begun before in this run.
    """
    session, node = _node(context, config, round_)
    if step == "keys":
        _begin(context, session)
        content = wire.keys_record([node.advertise()])
    else:
        node.restore(_kept(context, session))
        record = message.content.config_records[wire.RECORD]
        if step == "shares":
            content = wire.parcel_record(node.share(wire.read_keys(record)))
        else:
            content = wire.parcel_record(node.reveal(wire.read_survivors(record)))
    _keep(context, session, node)
    return RecordDict({wire.RECORD: content})


def answer_masked(
    message: Message, context: Context, config: FederationConfig, round_: Round, vector: Ring
) -> RecordDict:
    """Return the node's vector of the round under its masks.

    Raises: PrivacyError: as `NodeSession`.
    """
    session, node = _node(context, config, round_)
    node.restore(_kept(context, session))
    masked = node.mask(wire.read_parcels(message.content.config_records[wire.RECORD]), vector)
    _keep(context, session, node)
    return wire.masked_content(masked)


def _node(context: Context, config: FederationConfig, round_: Round) -> tuple[bytes, NodeSession]:
    roster = read_roster(str(context.node_config.get("roster", "")))
    identity = str(context.node_config.get("identity", ""))
    if not identity:
        raise ConfigError("this node has no identity key; give one in its node configuration")
    place = context.node_config["partition-id"]
    if type(place) is not int:
        raise ConfigError(f"partition-id = {place!r} is no whole number")
    terms = terms_of(config, len(roster))
    session = session_of(config, terms, roster, run=str(context.run_id), round_=round_)
    return session, NodeSession(terms, roster, session, place=place, identity=bytes.fromhex(identity))


def _begin(context: Context, session: bytes) -> None:
    """Refuse a session that was begun before: with the same keys twice, two sums would tell their difference."""
    before = context.state.config_records.get(_BEGUN)
    begun: list[bytes] = [] if before is None else [bytes(one) for one in before["sessions"]]  # type: ignore[union-attr, arg-type]
    if session in begun:
        raise PrivacyError("this round was begun before in this run; it is not begun again")
    context.state[_BEGUN] = ConfigRecord({"sessions": [*begun, session]})


def _kept(context: Context, session: bytes) -> bytes:
    record = context.state.config_records.get(_STATE)
    if record is None or record["session"] != session:
        raise PrivacyError("a step of a secure aggregation came that was not begun here")
    return bytes(record["state"])  # type: ignore[arg-type]


def _keep(context: Context, session: bytes, node: NodeSession) -> None:
    context.state[_STATE] = ConfigRecord({"session": session, "state": node.dump()})
