"""The node's app in a deployment: the party's own folder in front of the app that every engine shares."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp

from federation.client_app import FAILURE
from federation.client_app import app as shared_app
from federation.config import FederationConfig
from federation.engines.deploy.party import Party
from federation.engines.deploy.versions import OTHER_VERSION, same_version
from federation.secagg.answers import STEPS
from retail.errors import ConfigError

NOT_AGREED: Final = "the owner of this node has not agreed to such runs"
OTHER_APP: Final = "The FAB could not be verified."
"""Flower's own words where `pinned` finds an app that is not ours."""
REFUSALS: Final = (OTHER_VERSION, NOT_AGREED, OTHER_APP)
"""With `FAILURE` all that a server learns of why a node does not answer."""
_log = logging.getLogger(__name__)


def node_app(*, trial: bool = False) -> ClientApp:
    """Return a node's app.

    It answers whether the owner agrees to a run ("query"), and then as the shared app does. Each answer comes from the
    folder that the node's own configuration names under "place": its tables, its rules, its identity, its limits. Of
    the run's settings the path of the data is not used.

    Args:
        trial: leave the party's limits out; only for tests on data that are nobody's.
    """

    def agree(message: Message, context: Context) -> Message:
        return prepared(message, context, lambda own: Message(RecordDict(), reply_to=message))

    def answer(message: Message, context: Context) -> Message:
        return prepared(message, context, lambda own: shared_app(message, own))

    def prepared(message: Message, context: Context, reply: Callable[[Context], Message]) -> Message:
        try:
            if not same_version(context.run_config):
                return _refuse(message, OTHER_VERSION)
            try:
                own = _own(context, trial=trial)
            except ConfigError as error:
                _log.error("%s: %s", NOT_AGREED, error)
                return _refuse(message, NOT_AGREED)
        except Exception as error:
            _log.error("%s: %s", FAILURE, error)
            return _refuse(message, FAILURE)
        return reply(own)

    app = ClientApp()
    app.query()(agree)
    app.train()(answer)
    for step in STEPS:
        app.train(step)(answer)
    return app


def _own(context: Context, *, trial: bool) -> Context:
    """Return the context that the shared app gets; what it keeps between messages stays in the node's state."""
    party = Party.read(Path(str(context.node_config.get("place", ""))))
    config = FederationConfig.from_json(str(context.run_config["tradefair"]))
    mine = party.admit(config, trial=trial)
    secrets = party.secrets() if config.aggregation == "secure" else {}
    return Context(
        run_id=context.run_id,
        node_id=context.node_id,
        node_config={"partition-id": party.place, "access": party.access().to_json(), **secrets},
        state=context.state,
        run_config={"tradefair": mine.to_json()},
    )


def _refuse(message: Message, reason: str) -> Message:
    return Message(Error(code=0, reason=reason), reply_to=message)
