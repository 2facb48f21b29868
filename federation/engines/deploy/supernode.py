"""A merchant's SuperNode, started again whenever it ends without being asked to.

Flower's own ends when its server was started anew, and cannot begin while the server still takes its killed forerunner
for connected. Run as `python -m federation.engines.deploy.supernode`, with the arguments of `flower-supernode`. With
`--any-app` first it takes the app of any run: for tests on data that are nobody's.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Final

from federation.engines.deploy.launch import ANY_APP

_ONCE: Final = "--once"
_HEARTBEAT_S: Final = 15
"""A server takes a node for gone after two of these; Flower's own 30 would keep a round waiting for a minute."""
_AGAIN_S: Final = 3.0
_WELL_S: Final = 30.0
_GIVE_UP_S: Final = 90.0
"""How long a node that ends at once is started again: longer than a server takes a killed one for connected."""


def main() -> None:
    """Run until asked to end, or until the server has refused this node for long."""
    said = sys.argv[1:]
    if said[:1] == [_ONCE]:
        _once(said[1:])
    else:
        sys.exit(_keep_up(said))


def _keep_up(said: list[str]) -> int:
    ending = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ending.set())
    well = time.monotonic()
    while not ending.is_set():
        begun = time.monotonic()
        node = subprocess.Popen([sys.executable, "-m", "federation.engines.deploy.supernode", _ONCE, *said])
        while node.poll() is None and not ending.wait(0.2):
            pass
        if ending.is_set():
            return _ended(node)
        now = time.monotonic()
        if now - begun > _WELL_S:
            well = now
        elif now - well > _GIVE_UP_S:
            print("the server refuses this node; has it taken the key in, and is it up?", file=sys.stderr, flush=True)
            return 1
        ending.wait(_AGAIN_S)
    return 0


def _ended(node: subprocess.Popen[bytes]) -> int:
    """Wait for a SuperNode that `down` has asked to end; asked twice, it would not take leave of its server."""
    try:
        return node.wait(_AGAIN_S)
    except subprocess.TimeoutExpired:
        node.terminate()
        return node.wait()


def _once(said: list[str]) -> None:
    """Be a SuperNode, for as long as the process that started it is there."""
    from flwr.supernode.cli.flower_supernode import flower_supernode

    from federation.engines.deploy.pinned import pin

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    flower: Any = importlib.import_module("flwr.supernode.fleet_http_connection")
    flower.HEARTBEAT_DEFAULT_INTERVAL = min(flower.HEARTBEAT_DEFAULT_INTERVAL, _HEARTBEAT_S)
    if said[:1] == [ANY_APP]:
        del said[0]
    else:
        pin()
    sys.argv = ["flower-supernode", *said]
    flower_supernode()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
