"""The server's app in a deployment: its own folder in front of the app that every engine shares, and what it keeps."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from flwr.app import Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

from federation.config import FederationConfig
from federation.engines.deploy.client import REFUSALS
from federation.engines.deploy.party import RESULTS, Party
from federation.engines.deploy.results import Results
from federation.engines.deploy.versions import KEY, installed, same_version
from federation.grids import SparingGrid
from federation.server_app import serve
from retail.errors import ConfigError, TradefairError

PLACE: Final = "TRADEFAIR_PARTY"
"""Environment variable that names the server's folder; only whoever starts the server sets it."""
_WAIT_S: Final = 120.0
_POLL_S: Final = 1.0
_LOOK_S: Final = 0.5
_log = logging.getLogger(__name__)


def server_app(*, trial: bool = False) -> ServerApp:
    """Return the server's app.

    Model, report, or the one message of what went wrong are kept in the server's folder under the id of the run.

    Args:
        trial: leave the server's limits out; only for tests on data that are nobody's.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        place = Path(os.environ.get(PLACE, ""))
        results = Results(place / RESULTS / str(context.run_id))
        try:
            party = Party.read(place)
            _train(party, grid, context, results, trial=trial)
        except TradefairError as error:
            results.fail(error)
            _log.error("%s", error)
            raise
        except Exception as error:
            results.fail(TradefairError(f"the server's app broke ({type(error).__name__}); its log says where"))
            raise

    return app


def _train(party: Party, grid: Grid, context: Context, results: Results, *, trial: bool) -> None:
    if not same_version(context.run_config):
        raise ConfigError(
            f"the run was started with tradefair {context.run_config.get(KEY)}, the server has {installed()}; install "
            "one version everywhere"
        )
    config = party.admit(FederationConfig.from_json(str(context.run_config["tradefair"])), trial=trial)
    roster = {"roster": party.roster()} if config.aggregation == "secure" else {}
    own = Context(
        run_id=context.run_id,
        node_id=context.node_id,
        node_config={"timeout-s": party.timeout_s, **roster},
        state=context.state,
        run_config=context.run_config,
    )
    watched = WatchedGrid(grid, results.note)
    _ask_all(watched, party)
    serve(config, party.access(), watched, own)
    results.keep(own.state)


def _ask_all(grid: WatchedGrid, party: Party) -> None:
    """Have every node say whether it takes the run, before a round is paid for.

    Raises: ConfigError: one refuses. TradefairError: one is not connected, or gives no answer.
    """
    wanted, deadline = len(party.members), time.monotonic() + _WAIT_S
    present = sorted(grid.get_node_ids())
    while len(present) < wanted and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        present = sorted(grid.get_node_ids())
    if len(present) < wanted:
        raise TradefairError(f"{len(present)} of {wanted} nodes are connected; start the others and run again")
    out = [
        Message(RecordDict(), dst_node_id=one, message_type=MessageType.QUERY, group_id="agreement") for one in present
    ]
    replies = list(grid.send_and_receive(out, timeout=party.timeout_s))
    agreed = sum(not one.has_error() for one in replies)
    if agreed < wanted:
        raise TradefairError(
            f"{agreed} of {wanted} nodes took the run; the others' own logs say why; nothing was spent"
        )


class WatchedGrid(SparingGrid):
    """Tells after each exchange how many nodes answered, and ends a run that a node's owner refuses.

    Args:
        grid: to the nodes.
        note: takes a line.
    """

    def __init__(self, grid: Grid, note: Callable[[str], None]) -> None:
        super().__init__(grid)
        self._note = note

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Send messages and return the replies.

        Raises: ConfigError: a node refuses the run with one of `REFUSALS`.
        """
        out = list(messages)
        replies = self._exchange(out, timeout)
        said = [one.error.reason for one in replies if one.has_error()]
        for refusal in REFUSALS:
            if refusal in said:
                raise ConfigError(
                    f"{said.count(refusal)} of {len(out)} nodes refuse: {refusal}; their own logs say more"
                )
        if out:
            kind, _, step = out[0].metadata.message_type.partition(".")
            step = step or ("vectors" if kind == MessageType.TRAIN else kind)
            answered = len(replies) - len(said)
            self._note(f"{out[0].metadata.group_id}, {step}: {answered} of {len(out)} nodes answered")
        return replies

    def _exchange(self, out: list[Message], timeout: float | None) -> list[Message]:
        """Send and wait, looking twice a second: Flower's own wait looks every three."""
        waiting, replies = set(self.push_messages(out)), list[Message]()
        deadline = None if timeout is None else time.monotonic() + timeout
        while waiting and (deadline is None or time.monotonic() < deadline):
            found = list(self.pull_messages(waiting))
            replies += found
            waiting -= {one.metadata.reply_to_message_id for one in found}
            if waiting:
                time.sleep(_LOOK_S)
        return replies
