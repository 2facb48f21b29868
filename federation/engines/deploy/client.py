"""The node's app in a deployment: the party's own folder in front of the app that every engine shares."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from retail.errors import ConfigError, PrivacyError

NOT_AGREED: Final = "the owner of this node has not agreed to such runs"
SPENT: Final = "the owner of this node allows these people no more runs"
OTHER_APP: Final = "The FAB could not be verified."
"""Flower's own words where `pinned` finds an app that is not ours."""
REFUSALS: Final = (OTHER_VERSION, NOT_AGREED, SPENT, OTHER_APP)
"""With `FAILURE` all that a server learns of why a node does not answer."""
_log = logging.getLogger(__name__)


def node_app(*, trial: bool = False) -> ClientApp:
    """Return a node's app.

    It answers whether the owner agrees to a run ("query"), and then as the shared app does, after what it gives is
    written into its own books. Each answer comes from the folder that the node's own configuration names under
    "place": its data, its rules, its identity, its limits. Of the run's settings the path of the data is not used.

    Args:
        trial: leave the party's limits and books out; only for tests on data that are nobody's.
    """

    def agree(message: Message, context: Context) -> Message:
        def agreed(own: _Own) -> Message:
            if not trial:
                with _refusing(SPENT, PrivacyError):
                    own.party.book(own.config).check()
            return Message(RecordDict(), reply_to=message)

        return _guarded(message, context, agreed, trial=trial)

    def step(message: Message, context: Context) -> Message:
        return _guarded(message, context, lambda own: shared_app(message, own.context), trial=trial)

    def vector(message: Message, context: Context) -> Message:
        def paid(own: _Own) -> Message:
            if not trial:
                about, members = message.content.config_records["round"], len(own.party.members)
                with _refusing(SPENT, PrivacyError):
                    own.party.book(own.config).charge(about, attempt=context.run_id, nodes=members)
            return shared_app(message, own.context)

        return _guarded(message, context, paid, trial=trial)

    app = ClientApp()
    app.query()(agree)
    app.train()(vector)
    for name in STEPS:
        app.train(name)(step)
    return app


@dataclass(frozen=True, slots=True, repr=False)
class _Own:
    """A run as this party sees it: its settings, and the context that the shared app gets."""

    party: Party
    config: FederationConfig
    context: Context


class _RefusalError(Exception):
    """One of `REFUSALS`; why stands in its cause."""


@contextmanager
def _refusing(reason: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise _RefusalError(reason) from error


def _guarded(message: Message, context: Context, reply: Callable[[_Own], Message], *, trial: bool) -> Message:
    """Reply as the party's owner allows; with one fixed text instead of anything else, whose reason is logged here."""
    try:
        if not same_version(context.run_config):
            raise _RefusalError(OTHER_VERSION)
        with _refusing(NOT_AGREED, ConfigError):
            own = _own(context, trial=trial)
        return reply(own)
    except _RefusalError as refusal:
        reason, why = str(refusal), refusal.__cause__
    except Exception as error:
        reason, why = FAILURE, error
    _log.error("%s: %s", reason, why)
    return Message(Error(code=0, reason=reason), reply_to=message)


def _own(context: Context, *, trial: bool) -> _Own:
    """Make this party's run of a message; what the shared app keeps between messages stays in the node's state."""
    party = Party.read(Path(str(context.node_config.get("place", ""))))
    config = FederationConfig.from_json(str(context.run_config["tradefair"]))
    mine = party.admit(config, trial=trial)
    secrets = party.secrets() if config.aggregation == "secure" else {}
    own = Context(
        run_id=context.run_id,
        node_id=context.node_id,
        node_config={"partition-id": party.place, "access": party.access().to_json(), **secrets},
        state=context.state,
        run_config={"tradefair": mine.to_json()},
    )
    return _Own(party, mine, own)
