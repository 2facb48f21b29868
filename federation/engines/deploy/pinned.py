"""A SuperNode that runs nothing but the shims of the Tradefair that is installed beside it.

Flower ships the app of a run to every node, and whoever can reach the SuperLink can start a run. So this compares the
files that came with the ones that the installed version writes, before any of them is unpacked.
"""

from __future__ import annotations

import importlib
import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from flwr.cli.build import build_fab_from_disk

from federation.engines.deploy.bundle import write_bundle

_ABOUT: Final = ".info/"  # what Flower adds when it packs an app: lists and sums of the other files
_ENTITY: Final = {"tradefair": ""}


def unpacked(content: bytes) -> list[tuple[str, bytes]] | None:
    """Return the files of a packed app, sorted; None for what is no packed app."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = [name for name in packed.namelist() if not name.startswith(_ABOUT)]
            return sorted((name, packed.read(name)) for name in names)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError):
        return None


def own_app() -> list[tuple[str, bytes]] | None:
    """Return the files of the app that the installed Tradefair writes."""
    with tempfile.TemporaryDirectory() as folder:
        return unpacked(build_fab_from_disk(write_bundle(Path(folder) / "app")))


def pin() -> None:
    """Make Flower's SuperNode in this process refuse every other app.

    Guarantee: no file of a run's app is unpacked or run unless all of them are those of `own_app`, byte by byte.
        Assumes Flower 1.41 to 1.42, where these two functions decide; where they are missing this fails at once.
    """
    # Flower verifies apps against its own hub only; there is no public place for another check.
    flower: Any = importlib.import_module("flwr.supernode.start_client_internal")
    expected = own_app()
    pull: Callable[..., Any] = flower._pull_and_store_message
    if expected is None or not callable(flower._verify_fab):
        raise RuntimeError("this version of Flower packs or checks apps in another way; install flwr>=1.41,<1.43")

    def pull_checked(**arguments: Any) -> Any:
        get_fab = arguments.pop("get_fab")
        # Flower looks at an app only where somebody is trusted and the app says that it can be verified.
        licensed = {"valid_license": "checked here"}
        arguments["trusted_entities"] = _ENTITY
        return pull(**arguments, get_fab=lambda *of: replace(get_fab(*of), verifications=licensed))

    flower._verify_fab = lambda fab, trusted: unpacked(fab.content) == expected
    flower._pull_and_store_message = pull_checked
