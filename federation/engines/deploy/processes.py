"""Processes of a federation on this machine: started apart from their parent, and found again to be stopped.

Flower's processes start others in sessions of their own. So everything that is started here carries a mark in its
environment, which all that it starts inherits, and is found by that.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from retail.errors import ConfigError, TradefairError

MARK: Final = "TRADEFAIR_FEDERATION"
_GRACE_S: Final = 6.0
_POLL_S: Final = 0.2
_SHOWN: Final = Path("/proc/self/environ").exists()
_SETTINGS: Final = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.2",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def environment(mark: str, home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process of ours.

    Args:
        mark: by which it is found again.
        home: where Flower keeps what it keeps.
        more: of this process alone.
    """
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {MARK: mark, "FLWR_HOME": str(home), "PATH": tools}
    return {**os.environ, **_SETTINGS, **own, **(more or {})}


def start(command: Sequence[str], *, env: Mapping[str, str], log: Path) -> int:
    """Start a process that outlives this one; returns its id.

    Raises: TradefairError: it cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("ab") as out:
            started = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise TradefairError(f"cannot start {command[0]} ({error.strerror}); install tradefair again") from error
    return started.pid


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as tried:
        tried.bind((host, 0))
        return int(tried.getsockname()[1])


def check_free(port: int, host: str = "127.0.0.1") -> None:
    """Refuse a port that something listens on.

    Raises: ConfigError: so it is.
    """
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise ConfigError(f"port {port} of {host} cannot be used ({error.strerror}); name another port") from error


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something listens on a port."""
    with socket.socket() as tried:
        tried.settimeout(1.0)
        return tried.connect_ex((host, port)) == 0


def alive(pid: int, mark: str) -> bool:
    """Tell whether a process that was started with a mark runs; another that has its number now is not taken for it."""
    _reap(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if _state(pid) == "Z":
        return False
    # Empty for a moment after a start, before the kernel has put the environment in its place.
    return not _SHOWN or not _environment_of(pid) or _carries(pid, mark)


def marked(mark: str, roots: Sequence[int] = ()) -> list[int]:
    """List the processes that carry a mark, and what they have started.

    Where the system shows no environments (there is no /proc), `roots` stand for those that carry it.
    """
    parents = _parents()
    found = {pid for pid in parents if _carries(pid, mark)} if _SHOWN else set(roots) & set(parents)
    grown = True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in found} - found
        found |= children
        grown = bool(children)
    return sorted(pid for pid in found - {os.getpid()} if _state(pid) != "Z")


def stop(mark: str, roots: Sequence[int] = ()) -> list[int]:
    """End all processes that carry a mark; first asked to, then killed.

    Returns: those that are still there.
    """
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE_S
        left = marked(mark, roots)
        for pid in left:
            _send(pid, signal_)
        while left and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            for pid in (*left, *roots):
                _reap(pid)
            left = marked(mark, roots)
            for pid in left if signal_ == signal.SIGKILL else ():
                _send(pid, signal_)
        if not left:
            time.sleep(_POLL_S)  # one that was just being started shows its mark by now
            left = marked(mark, roots)
        if not left:
            return []
    return left


def _send(pid: int, signal_: signal.Signals) -> None:
    try:
        os.kill(pid, signal_)
    except (ProcessLookupError, PermissionError):
        return


def _reap(pid: int) -> None:
    """Take the exit code of a child of ours that has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return


def _parents() -> dict[int, int]:
    """Return the parent of every process of this user that can be seen."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {int(row[0]): int(row[1]) for row in rows if len(row) == 2}


def _carries(pid: int, mark: str) -> bool:
    return f"{MARK}={mark}".encode() in _environment_of(pid).split(b"\0")


def _environment_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _state(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]
