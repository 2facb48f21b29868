"""Server and nodes in one process, on Flower's Message API: for simulations, tests and the demo.

The apps are the very ones that `[tool.flwr.app]` names. Only the transport differs: messages are handed over as
objects, one node after the other.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Final

from flwr.app import ArrayRecord, ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.run import Run

# Flower fills a message's sender from here and offers no public way to set it.
from flwr.supercore.task_identity import TaskIdentity

from federation.access import Access, MarketPort
from federation.client_app import FAILURE, forget, lend
from federation.client_app import app as client_app
from federation.config import FederationConfig
from federation.secagg.roster import Identities
from federation.server_app import app as server_app

_SERVER: Final = 1
_FIRST_NODE: Final = 2
_one_run_at_a_time: Final = Lock()  # the sender's identity above is global to the process

Client = Callable[[Message, Context], Message]


class InProcessGrid(Grid):
    """Hands messages to node apps in this process, in the order given.

    Args:
        client: the app of every node.
        contexts: by node id.
        run_id: of the Flower run.
        progress: called with a line after every round.
    """

    def __init__(
        self,
        client: Client,
        contexts: Mapping[int, Context],
        *,
        run_id: int,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._client, self._contexts, self._progress = client, contexts, progress
        self._run = Run.create_empty(run_id)
        self._replies: dict[str, Message] = {}

    def set_run(self, run: Run) -> None:
        """Set the run that messages belong to."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run that messages belong to."""
        return self._run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message from the server to one node."""
        return Message(content, dst_node_id=dst_node_id, message_type=message_type, group_id=group_id, ttl=ttl)

    def get_node_ids(self) -> Iterable[int]:
        """Return the ids of all nodes, ascending."""
        return sorted(self._contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Have messages answered; the ids fetch the replies."""
        ids = []
        for message in messages:
            ids.append(secrets.token_hex(8))
            self._replies[ids[-1]] = self._deliver(message)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies to pushed messages, each once."""
        return [self._replies.pop(one) for one in message_ids if one in self._replies]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterator[Message]:
        """Yield each reply as soon as its node has answered, so that only one is held at a time."""
        asked, group = 0, ""
        for message in messages:
            asked, group = asked + 1, message.metadata.group_id
            yield self._deliver(message)
        if asked and self._progress is not None:
            self._progress(f"{group}: asked {asked} nodes")

    def _deliver(self, message: Message) -> Message:
        received = Message(
            _copy(message.content),
            dst_node_id=message.metadata.dst_node_id,
            message_type=message.metadata.message_type,
            group_id=message.metadata.group_id,
        )
        try:
            return self._client(received, self._contexts[message.metadata.dst_node_id])
        except Exception:
            return Message(Error(code=0, reason=FAILURE), reply_to=received)


def drive(
    config: FederationConfig,
    *,
    nodes: int,
    access: Access | None = None,
    progress: Callable[[str], None] | None = None,
    client: Client = client_app,
    port: MarketPort | None = None,
) -> Context:
    """Run the server's app against `nodes` nodes.

    Args:
        config: of the run.
        nodes: number of nodes; node i has partition-id i.
        access: the rules of every party, since one process stands for all of them; None for the defaults.
        progress: called with a line after every round.
        client: what answers at the nodes; another one only to test how the server bears bad answers.
        port: what the nodes read through, opened under `access`; None opens one.

    Returns: the server's context, with the records "model" and "report" in its state.

    Raises:
        TradefairError: whatever the server's app refuses.
    """
    run_id = secrets.randbits(63)
    settings, rules = config.to_json(), (access or Access()).to_json()
    known = Identities.new(nodes) if config.aggregation == "secure" else None
    roster = {} if known is None else {"roster": known.roster}
    contexts = {
        _FIRST_NODE + index: Context(
            run_id=run_id,
            node_id=_FIRST_NODE + index,
            node_config={"partition-id": index, "num-partitions": nodes, "access": rules, **_of_node(known, index)},
            state=RecordDict(),
            run_config={"tradefair": settings},
        )
        for index in range(nodes)
    }
    server = Context(
        run_id=run_id,
        node_id=_SERVER,
        node_config={"access": rules, **roster},
        state=RecordDict(),
        run_config={"tradefair": settings},
    )
    with _sending_as_server(run_id), _quiet_flower():
        if port is not None:
            lend(run_id, port)
        try:
            server_app(InProcessGrid(client, contexts, run_id=run_id, progress=progress), server)
        finally:
            forget()
    return server


def _of_node(known: Identities | None, index: int) -> dict[str, str]:
    return {} if known is None else {"roster": known.roster, "identity": known.secrets[index].hex()}


def _copy(content: RecordDict) -> RecordDict:
    """Records of the recipient's own; serialised arrays are immutable bytes and are shared."""
    copied = RecordDict()
    for name, record in content.items():
        if isinstance(record, ArrayRecord):
            copied[name] = ArrayRecord.from_array_dict(dict(record))
        elif isinstance(record, ConfigRecord):
            copied[name] = ConfigRecord(dict(record))
        else:
            copied[name] = MetricRecord(dict(record))
    return copied


@contextmanager
def _sending_as_server(run_id: int) -> Iterator[None]:
    with _one_run_at_a_time:
        before = (TaskIdentity._run_id, TaskIdentity._node_id, TaskIdentity._task_id)
        TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = run_id, _SERVER, 1
        try:
            yield
        finally:
            TaskIdentity._run_id, TaskIdentity._node_id, TaskIdentity._task_id = before


@contextmanager
def _quiet_flower() -> Iterator[None]:
    """Keep Flower's banners off the terminal; warnings and errors stay."""
    logger = logging.getLogger("flwr")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
