"""Running on a federation that is up, from the server's host: start, watch, read what the server kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from federation.config import FederationConfig
from federation.engines.deploy import launch
from federation.engines.deploy.bundle import write_bundle, write_settings
from federation.engines.deploy.launch import Running
from federation.engines.deploy.party import RESULTS, SERVER, Party
from federation.engines.deploy.results import Results
from federation.plan import open_ledger
from federation.task import Model
from retail.errors import ConfigError, TradefairError


def server_of(place: Path) -> Party:
    """Return the server of a federation, from the federation's folder or the server's own.

    Raises: ConfigError: there is none.
    """
    place = place.resolve()
    party = Party.read(place / SERVER if (place / SERVER).is_dir() else place)
    if party.merchant is not None:
        raise ConfigError(f"{place} is a merchant's folder; runs are started from the server's")
    return party


def run_on(
    config: FederationConfig,
    place: Path,
    *,
    progress: Callable[[str], None] | None = None,
    trial: bool = False,
) -> tuple[Model, dict[str, Any]]:
    """Train on the nodes of a federation.

    Args:
        config: of the run; where its data and its ledger lie is each party's own business.
        place: the federation's folder, or the server's.
        progress: called with a line after every exchange.
        trial: leave the parties' limits out; only for tests on data that are nobody's.

    Returns: the model and the server's report.

    Raises:
        ConfigError: the federation is not up, or a party does not agree to the run.
        PrivacyError: as `federation.run.run`.
        TradefairError: whatever ended the run at the server, or the processes that vanished.
    """
    party = server_of(place)
    mine = party.admit(config, trial=trial)
    running = Running.read(party.folder)
    if running is None or not running.alive:
        raise ConfigError(f"the server of {place} is not up; `tradefair federate up` starts it")
    open_ledger(mine)
    control = launch.control_of(party)
    with tempfile.TemporaryDirectory() as scratch:
        bundle = write_bundle(Path(scratch) / "app", trial=trial)
        settings = write_settings(Path(scratch) / "run.toml", config.to_json())
        run = control.start(bundle, settings)
    results = Results(party.folder / RESULTS / str(run))
    said = 0

    def ended() -> bool:
        nonlocal said
        lines = results.notes()
        for line in lines[said:] if progress is not None else ():
            progress(line)  # type: ignore[misc]
        said = len(lines)
        if not running.alive:
            raise TradefairError("the server ended during the run; what was reserved stays spent, its log says more")
        return results.ended

    try:
        control.wait(run, ended=ended)
    except KeyboardInterrupt:
        control.stop(run)
        raise
    return results.read()
