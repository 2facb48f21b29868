"""The app that Flower ships to all parties: two shims that call what each party has installed itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from federation.engines.deploy.versions import KEY, installed

SERVER: Final = "from federation.engines.deploy.server import server_app\n\napp = server_app({})\n"
CLIENT: Final = "from federation.engines.deploy.client import node_app\n\napp = node_app({})\n"
_PROJECT: Final = """\
[project]
name = "tradefair-run"
version = "{version}"
description = "Shims that call the installed Tradefair"
license = "Apache-2.0"
dependencies = ["flwr"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["shim"]

[tool.flwr.app]
publisher = "tradefair"

[tool.flwr.app.components]
serverapp = "shim.server:app"
clientapp = "shim.client:app"

[tool.flwr.app.config]
tradefair = ""
{key} = ""
"""


def write_bundle(folder: Path, *, trial: bool = False, server: str = SERVER, client: str = CLIENT) -> Path:
    """Write the app's files.

    Args:
        folder: for them; made here.
        trial: call the apps without the parties' limits; only for tests on data that are nobody's, and refused by
            every node that `launch` starts.
        server: text of the server's shim.
        client: text of the nodes' shim.

    Returns: the folder.
    """
    arguments = "trial=True" if trial else ""
    files = {
        "pyproject.toml": _PROJECT.format(version=installed(), key=KEY),
        "shim/__init__.py": '"""Calls the installed Tradefair."""\n',
        "shim/server.py": server.format(arguments),
        "shim/client.py": client.format(arguments),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_settings(path: Path, settings: str) -> Path:
    """Write the run's own part of the configuration, as TOML: its settings and the version it was started with."""
    text = f"tradefair = {json.dumps(settings)}\n{KEY} = {json.dumps(installed())}\n"
    path.write_text(text, encoding="utf-8")
    return path
