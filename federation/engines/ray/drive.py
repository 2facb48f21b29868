"""One simulation on Ray, from the start of a SuperLink to its end."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from federation.access import MEMORY, Access
from federation.config import FederationConfig
from federation.engines.deploy import processes
from federation.engines.deploy.bundle import write_bundle, write_settings
from federation.engines.deploy.control import Control, write_home
from federation.engines.ray.apps import FOLDER, Simulated, results_of
from federation.secagg.roster import Identities
from federation.task import Model
from retail.datasource import DataSource
from retail.errors import RAY_IS_MISSING, ConfigError, TradefairError

_SERVER: Final = "from federation.engines.ray.apps import server_app\n\napp = server_app({})\n"
_CLIENT: Final = "from federation.engines.ray.apps import node_app\n\napp = node_app({})\n"
_UP_S: Final = 90.0


def drive(
    config: FederationConfig,
    *,
    nodes: int,
    access: Access | None = None,
    progress: Callable[[str], None] | None = None,
    workers: int | None = None,
) -> tuple[Model, dict[str, Any]]:
    """Run the apps on Flower's simulation.

    Args:
        config: of the run.
        nodes: number of nodes; node i has partition-id i.
        access: the rules of every party, since one machine stands for all of them; None for the defaults.
        progress: called with a line after every exchange.
        workers: processes of Ray; one per core when None.

    Returns: the model and the server's report.

    Raises:
        ConfigError: Ray is not installed, or a ledger in memory was to outlive the run.
        TradefairError: whatever the server's app refuses, or Flower's processes ended.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError(RAY_IS_MISSING.format(instead="use the engine inprocess: --engine inprocess"))
    mark = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="tradefair-") as scratch:
        folder = Path(scratch)
        known = Identities.new(nodes) if config.aggregation == "secure" else None
        Simulated(
            access=_kept(access or Access(), folder).to_json(),
            roster="" if known is None else known.roster,
            identities=() if known is None else tuple(one.hex() for one in known.secrets),
        ).write(folder)
        env = processes.environment(mark, folder / "home", {FOLDER: scratch, "PYTHONPATH": os.pathsep.join(sys.path)})
        env |= {"RAY_TMPDIR": scratch} if len(scratch) < 40 else {}  # Ray's sockets need short paths
        env.pop("RAY_ADDRESS", None)
        try:
            return _run(_everywhere(config), folder, env, nodes, workers or _cores(), progress)
        finally:
            left = processes.stop(mark)
            if left:
                raise TradefairError(f"processes {left} of a simulation cannot be ended; end them by hand")


def _run(
    config: FederationConfig,
    folder: Path,
    env: dict[str, str],
    nodes: int,
    workers: int,
    progress: Callable[[str], None] | None,
) -> tuple[Model, dict[str, Any]]:
    port, log = processes.free_port(), folder / "log.txt"
    command = ["flower-superlink", "--insecure", "--simulation", "--host", "127.0.0.1", "--port", str(port)]
    pid = processes.start([*command, "--disable-runtime-dependency-installation"], env=env, log=log)
    deadline = time.monotonic() + _UP_S
    while not processes.listens(port):
        if not processes.alive(pid, env[processes.MARK]) or time.monotonic() > deadline:
            raise TradefairError(f"Flower's simulation did not come up: {_end_of(log)}")
        time.sleep(0.3)
    write_home(folder / "home", server=f"127.0.0.1:{port}", authority=None)
    control = Control(folder / "home", env)
    bundle = write_bundle(folder / "app", server=_SERVER, client=_CLIENT)
    settings = write_settings(folder / "run.toml", config.to_json())
    size = (
        f"num-supernodes={nodes} client-resources-num-cpus=1 init-args-num-cpus={workers} init-args-log-to-driver=false"
    )
    run, results, said = control.start(bundle, settings, federation=size), results_of(folder), 0

    def ended() -> bool:
        nonlocal said
        lines = results.notes()
        for line in lines[said:] if progress is not None else ():
            progress(line)  # type: ignore[misc]
        said = len(lines)
        if not processes.alive(pid, env[processes.MARK]):
            raise TradefairError(f"Flower's simulation ended: {_end_of(log)}")
        return results.ended

    how = control.wait(run, ended=ended)
    if not results.ended:
        said_how = how.how if how is not None else ""
        raise TradefairError(f"Flower's simulation {said_how or 'ended'} without a result: {_end_of(log)}")
    return results.read()


def _everywhere(config: FederationConfig) -> FederationConfig:
    """The same settings with paths that hold in every process."""
    source = config.source
    if isinstance(source, DataSource) and source.path is not None:
        config = replace(config, source=replace(source, path=str(Path(source.path).resolve())))
    return config if str(config.ledger) == MEMORY else replace(config, ledger=Path(config.ledger).resolve())


def _kept(access: Access, folder: Path) -> Access:
    """The same rules with books that several processes can write to."""
    log = str(folder / "log.sqlite") if access.log == MEMORY else str(Path(access.log).resolve())
    return replace(access, log=log, consents=str(Path(access.consents).resolve()) if access.consents else "")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_of(log: Path) -> str:
    try:
        return " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-300:]
    except OSError:
        return "it wrote no log"
