"""Talking to a SuperLink through Flower's own command, and reading what it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retail.errors import ConfigError, TradefairError
from retail.files import atomic_write

_NAME: Final = "here"
_LIMIT_S: Final = 120.0
_POLL_S: Final = 0.3
_LOOK_S: Final = 10.0
_SILENT: Final = 3


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands.

    Attributes:
        status: "pending", "starting", "running" or "finished".
        how: of a finished run "completed", "failed" or "stopped"; else empty.
    """

    status: str
    how: str


class Control:
    """A connection to a SuperLink.

    Args:
        home: where Flower finds its settings; see `write_home`.
        env: of the commands.
    """

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self._env = {**env, "FLWR_HOME": str(home)}

    def register(self, public_key: Path) -> None:
        """Have a node's key admitted; one that is admitted already stays so.

        Raises: TradefairError: the SuperLink refuses.
        """
        try:
            self._ask("supernode", "register", str(public_key))
        except TradefairError as error:
            if "already" not in str(error):
                raise

    def nodes(self) -> list[dict[str, Any]]:
        """List the registered nodes, with "status"."""
        found = self._ask("supernode", "list").get("nodes", [])
        return [dict(one) for one in found]

    def online(self) -> int:
        """Count the nodes that are connected."""
        return sum(str(one.get("status", "")).lower() == "online" for one in self.nodes())

    def start(self, app: Path, settings: Path, *, federation: str = "") -> int:
        """Start a run; returns its id."""
        more = ("--federation-config", federation) if federation else ()
        return int(self._ask("run", str(app), _NAME, "--run-config", str(settings), *more)["run-id"])

    def state(self, run: int) -> RunState:
        """Return where a run stands."""
        runs = self._ask("ls", _NAME, "--run-id", str(run)).get("runs", [])
        if not runs:
            raise TradefairError(f"the SuperLink does not know run {run}; it may have been started anew")
        status, _, how = str(runs[0].get("status", "")).partition(":")
        return RunState(status.lower(), (how or str(runs[0].get("status-details", ""))).lower())

    def stop(self, run: int) -> None:
        """End a run."""
        self._ask("stop", str(run), _NAME)

    def wait(self, run: int, *, ended: Callable[[], bool]) -> RunState | None:
        """Wait until a run has ended.

        Args:
            run: its id.
            ended: called at each look, tells whether the run has left its result; may raise to give up. Flower itself,
                each of whose answers takes a second of a core, is asked now and then alone.

        Returns: how the run ended; None where only its result said so.

        Raises: TradefairError: the SuperLink gave no answer several times in a row.
        """
        silent, next_look = 0, time.monotonic() + _LOOK_S
        while not ended():
            if time.monotonic() < next_look:
                time.sleep(_POLL_S)
                continue
            try:
                found, silent = self.state(run), 0
            except TradefairError:
                silent += 1
                if silent == _SILENT:
                    raise
                continue
            if found.status == "finished":
                ended()
                return found
            next_look = time.monotonic() + _LOOK_S
        return None

    def _ask(self, *arguments: str) -> dict[str, Any]:
        command = [str(Path(sys.executable).parent / "flwr"), *arguments, "--format", "json"]
        try:
            done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
            found = json.loads(done.stdout[done.stdout.find("{") :])
        except subprocess.TimeoutExpired as error:
            raise TradefairError(f"the SuperLink did not answer `flwr {arguments[0]}`; is it up?") from error
        except (OSError, ValueError) as error:
            said = " ".join((done.stderr or done.stdout).split())[-300:] if "done" in locals() else str(error)
            raise TradefairError(f"`flwr {arguments[0]}` failed: {said}") from error
        if not found.get("success", True):
            why = " ".join(str(found.get("error-message", found)).split())
            raise TradefairError(f"`flwr {arguments[0]}` was refused: {why[:300]}")
        return dict(found)


def write_home(home: Path, *, server: str, authority: Path | None) -> None:
    """Write the settings by which Flower's command finds a SuperLink.

    Args:
        home: folder for them.
        server: host and port.
        authority: certificate that the SuperLink's is checked with; None for one on this machine without TLS.
    """
    if authority is not None and not authority.is_file():
        raise ConfigError(f"{authority} is not there; the server's owner hands it out")
    said = "insecure = true" if authority is None else f"root-certificates = {json.dumps(str(authority))}"
    text = f'[superlink]\ndefault = "{_NAME}"\n\n[superlink.{_NAME}]\naddress = {json.dumps(server)}\n{said}\n'
    atomic_write(home / "config.toml", lambda path: path.write_text(text, encoding="utf-8"))
