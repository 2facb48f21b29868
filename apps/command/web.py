"""`tradefair app`: start the Streamlit app on this machine, for this machine."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from apps.command.experiment import Store
from retail.errors import ConfigError

STORE_VARIABLE: Final = "TRADEFAIR_STORE"
FACES_VARIABLE: Final = "TRADEFAIR_FACES"
FLAGS: Final = (
    "--server.address=127.0.0.1",
    "--server.headless=true",
    "--server.allowedHosts=127.0.0.1",
    "--server.allowedHosts=localhost",
    "--server.enableXsrfProtection=true",
    "--server.maxUploadSize=25",
    "--server.fileWatcherType=none",
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    "--theme.light.primaryColor=#0072B2",
    "--theme.dark.primaryColor=#2F86C5",
    "--theme.paddingTop=1rem",
    '--theme.headingFontSizes=["1.9rem", "1.5rem", "1.25rem", "1.1rem", "1rem", "0.9rem"]',
)
"""Streamlit reads its config file from the current folder only, so everything is passed as flags."""


def serve(
    store: Store = Path("runs"),
    faces: Annotated[
        Path, typer.Option("--faces", help="A merchant's folder for faces, for the page Assistant.")
    ] = Path("faces"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the run store in a browser. Listens on 127.0.0.1 only and contacts nobody."""
    import importlib.util

    entry = Path(__file__).resolve().parent.parent / "main.py"
    if importlib.util.find_spec("streamlit") is None or not entry.is_file():
        raise typer.BadParameter("the app is not installed; install tradefair again with pip")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(f"--port {port} cannot be used ({error.strerror}); choose another one") from error
    if not store.is_dir():
        typer.echo(f"{store} does not exist yet; the pages fill when 'tradefair demo' has run", err=True)
    environment = {**os.environ, STORE_VARIABLE: str(store.resolve()), FACES_VARIABLE: str(faces.resolve())}
    typer.echo(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", err=True)
    arguments = [sys.executable, "-m", "streamlit", "run", str(entry), f"--server.port={port}", *FLAGS]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - fixed arguments, no shell
