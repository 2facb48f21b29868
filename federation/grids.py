"""Flower's grid with Tradefair's manners around it: what a strategy and a deployed server send through."""

from __future__ import annotations

from collections.abc import Iterable

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.run import Run


class SparingGrid(Grid):
    """Hands everything to another grid, messages as a list, and asks it nothing when there is nobody to ask.

    Flower's grid over HTTP goes through the messages more than once and refuses none of them, and Flower's own loop
    sends an evaluation even where a strategy wants none.

    Args:
        grid: does the work.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def set_run(self, run: Run) -> None:
        """Set the run that messages belong to."""
        self._grid.set_run(run)

    @property
    def run(self) -> Run:
        """The run that messages belong to."""
        return self._grid.run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message from the server to one node."""
        return self._grid.create_message(content, message_type, dst_node_id, group_id, ttl)

    def get_node_ids(self) -> Iterable[int]:
        """Return the ids of all nodes that are connected."""
        return self._grid.get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Send messages; the ids fetch the replies."""
        out = list(messages)
        return self._grid.push_messages(out) if out else []

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies that have come."""
        return self._grid.pull_messages(message_ids)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Send messages and return the replies."""
        out = list(messages)
        return self._grid.send_and_receive(out, timeout=timeout) if out else []
