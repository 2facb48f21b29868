"""Starting one party's process on its own host, from its own folder."""

from __future__ import annotations

import json
import secrets
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from federation.engines.deploy import keys, processes
from federation.engines.deploy.control import Control, write_home
from federation.engines.deploy.party import Party
from federation.engines.deploy.server import PLACE
from retail.errors import ConfigError, DataError, TradefairError
from retail.files import atomic_write

STATE: Final = "running.json"
HOME: Final = "flower"
LOG: Final = "log.txt"
MEMBERS: Final = "members"
ANY_APP: Final = "--any-app"
"""First argument of a SuperNode that runs whatever app it is sent."""
_SHARED: Final = "executor.key"
_UP_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Running:
    """What was started for a party.

    Attributes:
        mark: by which its processes are found.
        pid: of the first of them.
        port: that it listens on.
        beside: of the second: at a server the gate that nodes talk to, at a merchant what answers messages; 0 for none.
        inner: of a server, the port of the SuperLink behind the gate.
    """

    mark: str
    pid: int
    port: int
    beside: int = 0
    inner: int = 0

    @classmethod
    def read(cls, folder: Path) -> Running | None:
        """Return what was started from a party's folder; None when nothing was.

        Raises: DataError: the note cannot be read.
        """
        try:
            return cls(**json.loads((folder / STATE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{folder / STATE} cannot be read ({error}); end its processes by hand") from error

    @property
    def alive(self) -> bool:
        """Whether its own processes run."""
        return self.pid > 0 and all(processes.alive(one, self.mark) for one in (self.pid, self.beside) if one)


def start_server(party: Party, *, bind: str = "127.0.0.1") -> Running:
    """Start the SuperLink, have the keys of all members admitted, then open the gate to nodes.

    Args:
        party: the server.
        bind: address to listen on.

    Raises:
        ConfigError: it runs already, its port is taken, or a member's key is missing.
        TradefairError: it does not come up; nothing of it is left.
    """
    port = _port(party)
    public = [party.folder / MEMBERS / f"{index}.pub" for index in range(len(party.members))]
    for path, member in zip(public, party.members, strict=True):
        if not path.is_file():
            raise ConfigError(f"{path}, the public key of merchant {member}, is missing; `tradefair federate add` it")
    party.roster()
    _clear(party)
    processes.check_free(port, bind)
    folder, inner = party.folder, processes.free_port()
    command = [
        *("flower-superlink", "--host", "127.0.0.1", "--port", str(inner)),
        *("--ssl-certfile", str(folder / keys.SERVER_CERTIFICATE), "--ssl-keyfile", str(folder / keys.SERVER_KEY)),
        *("--ssl-ca-certfile", str(folder / keys.CA), "--enable-supernode-auth"),
        "--disable-runtime-dependency-installation",
    ]
    running = _start(party, command, port, more={PLACE: str(folder)}, inner=inner)
    try:
        _wait(lambda: processes.listens(inner), running, folder)
        control = control_of(party)
        for path in public:
            control.register(path)
        gate = [*_module("gate"), "--folder", str(folder), "--bind", bind, "--port", str(port), "--inner", str(inner)]
        running = _beside(folder, running, gate)
        reached = "127.0.0.1" if bind in ("0.0.0.0", "") else bind  # noqa: S104
        _wait(lambda: processes.listens(port, reached), running, folder)
    except BaseException:
        stop(folder)
        raise
    return running


def start_node(party: Party, *, pinned: bool = True, wait: bool = True) -> Running:
    """Start a merchant's SuperNode, and what answers its messages.

    Args:
        party: the merchant.
        pinned: whether it runs the shims of the installed Tradefair alone; only tests leave that out.
        wait: until it listens; otherwise `await_node` does.

    Raises:
        ConfigError: it runs already, or something in its folder is missing.
        TradefairError: it does not come up; nothing of it is left.
    """
    folder, port = party.folder, processes.free_port()
    for name in (keys.CA, keys.NODE_KEY):
        if not (folder / name).is_file():
            raise ConfigError(f"{folder / name} is missing; see docs/deploy.md for who hands it out")
    party.secrets()
    _clear(party)
    shared = keys.private_folder(folder / HOME) / _SHARED
    shared.unlink(missing_ok=True)
    keys.write_private(shared, secrets.token_hex(32).encode())
    known = ("--superexec-auth-secret-file", str(shared))
    command = [
        *(*_module("supernode"), *(() if pinned else (ANY_APP,))),
        *("--superlink", party.server, "--root-certificates", str(folder / keys.CA)),
        *("--auth-supernode-private-key", str(folder / keys.NODE_KEY), "--host", "127.0.0.1", "--port", str(port)),
        *("--isolation", "process", *known, "--node-config", f"place={json.dumps(str(folder))}"),
    ]
    running = _start(party, command, port)
    try:
        answering = [*_module("executor"), "--insecure", "--runtime-api-address", f"127.0.0.1:{port}"]
        running = _beside(folder, running, [*answering, *known, "--parent-pid", str(running.pid)])
    except BaseException:
        stop(folder)
        raise
    if wait:
        await_node(running, folder)
    return running


def await_node(running: Running, folder: Path) -> None:
    """Wait until a SuperNode listens.

    Raises: TradefairError: it does not come up; nothing of it is left.
    """
    try:
        _wait(lambda: processes.listens(running.port), running, folder)
    except BaseException:
        stop(folder)
        raise


def stop(folder: Path) -> bool:
    """End what was started from a party's folder, also when only parts of it are left; tell whether there was any.

    Raises: TradefairError: a process cannot be ended.
    """
    running = Running.read(folder)
    if running is None:
        return False
    left = processes.stop(running.mark, [one for one in (running.pid, running.beside) if one])
    if left:
        raise TradefairError(f"processes {left} of {folder} cannot be ended; end them by hand")
    (folder / STATE).unlink(missing_ok=True)
    return True


def control_of(party: Party) -> Control:
    """Return a connection to the SuperLink, on the server's host and from its own folder.

    Raises: ConfigError: it is not up.
    """
    running = Running.read(party.folder)
    if running is None:
        raise ConfigError(f"the server of {party.folder} is not up; `tradefair federate up` starts it")
    home = party.folder / HOME / "control"
    write_home(home, server=f"127.0.0.1:{running.inner}", authority=(party.folder / keys.CA).resolve())
    return Control(home, processes.environment(running.mark, home))


def _start(
    party: Party, command: list[str], port: int, *, more: dict[str, str] | None = None, inner: int = 0
) -> Running:
    folder = party.folder
    mark = secrets.token_hex(16)
    home = keys.private_folder(folder / HOME)
    env = processes.environment(mark, home, more)
    running = Running(mark, 0, port, inner=inner)
    # Written before anything is started, so that `down` finds it whatever happens in between.
    _note(folder, running)
    running = replace(running, pid=processes.start(command, env=env, log=folder / LOG))
    _note(folder, running)
    return running


def _clear(party: Party) -> None:
    """End what a crash has left of a party's processes.

    Raises: ConfigError: it runs.
    """
    before = Running.read(party.folder)
    if before is not None and before.alive:
        raise ConfigError(f"{party.name} runs already (process {before.pid}); `tradefair federate down` ends it")
    stop(party.folder)


def _beside(folder: Path, running: Running, command: list[str]) -> Running:
    """Start the second process of a party."""
    env = processes.environment(running.mark, folder / HOME)
    running = replace(running, beside=processes.start(command, env=env, log=folder / LOG))
    _note(folder, running)
    return running


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"federation.engines.deploy.{name}"]


def _note(folder: Path, running: Running) -> None:
    atomic_write(folder / STATE, lambda path: path.write_text(json.dumps(asdict(running)), encoding="utf-8"))


def _wait(ready: object, running: Running, folder: Path) -> None:
    assert callable(ready)
    deadline = time.monotonic() + _UP_S
    while not ready():
        if not running.alive or time.monotonic() > deadline:
            raise TradefairError(f"{folder.name} did not come up; {folder / LOG} says why")
        time.sleep(0.3)


def _port(party: Party) -> int:
    _, _, port = party.server.rpartition(":")
    if not port.isdigit():
        raise ConfigError(f"server = {party.server!r} is no host:port; put it right in {party.folder}")
    return int(port)
