"""The apps of a simulation on Ray: one folder of the run in front of the apps that every engine shares."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

from federation.access import Access
from federation.client_app import app as shared_app
from federation.config import FederationConfig
from federation.engines.deploy.results import Results
from federation.engines.deploy.server import WatchedGrid
from federation.secagg.answers import STEPS
from federation.server_app import serve
from retail.errors import TradefairError

FOLDER: Final = "TRADEFAIR_SIMULATION"
"""Environment variable that names the run's folder; Ray's workers inherit it."""
_FILE: Final = "simulation.json"


@dataclass(frozen=True, slots=True, repr=False)
class Simulated:
    """What the one machine that stands for all parties holds for them.

    Attributes:
        access: rules of every party, as JSON.
        roster: public identities; empty without secure aggregation.
        identities: secret identities by place; likewise.
    """

    access: str
    roster: str = ""
    identities: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it to the run's folder, which only its owner may open."""
        (folder / _FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls) -> Simulated:
        """Read it from the run's folder."""
        return cls(**json.loads((_folder() / _FILE).read_text(encoding="utf-8")))


def results_of(folder: Path) -> Results:
    """Return what the server's app keeps in the run's folder."""
    return Results(folder / "result")


def node_app() -> ClientApp:
    """Return the app of every node."""

    def answer(message: Message, context: Context) -> Message:
        held = Simulated.read()
        place = int(context.node_config["partition-id"])
        secrets = {"roster": held.roster, "identity": held.identities[place]} if held.roster else {}
        own = Context(
            run_id=context.run_id,
            node_id=context.node_id,
            node_config={"partition-id": place, "access": held.access, **secrets},
            state=context.state,
            run_config=context.run_config,
        )
        return shared_app(message, own)

    app = ClientApp()
    app.train()(answer)
    for step in STEPS:
        app.train(step)(answer)
    return app


def server_app() -> ServerApp:
    """Return the app of the server."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        held, results = Simulated.read(), results_of(_folder())
        own = Context(
            run_id=context.run_id,
            node_id=context.node_id,
            node_config={"roster": held.roster} if held.roster else {},
            state=context.state,
            run_config=context.run_config,
        )
        try:
            config = FederationConfig.from_json(str(context.run_config["tradefair"]))
            serve(config, Access.from_json(held.access), WatchedGrid(grid, results.note), own)
            results.keep(own.state)
        except TradefairError as error:
            results.fail(error)
            raise
        except Exception as error:
            results.fail(TradefairError(f"the server's app broke ({type(error).__name__}: {error})"))
            raise

    return app


def _folder() -> Path:
    return Path(os.environ[FOLDER])
