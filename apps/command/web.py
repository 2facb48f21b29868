"""`tradefair app`: start the Streamlit app, on this machine's own address unless people log in."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from apps.command.experiment import Store
from apps.login import LOGIN_VARIABLE, read_login
from retail.errors import ConfigError

STORE_VARIABLE: Final = "TRADEFAIR_STORE"
FACES_VARIABLE: Final = "TRADEFAIR_FACES"
BOOKS_VARIABLE: Final = "TRADEFAIR_BOOKS"
FLAGS: Final = (
    "--server.headless=true",
    "--server.enableXsrfProtection=true",
    "--server.maxUploadSize=25",
    "--server.fileWatcherType=none",
    "--runner.postScriptGC=false",
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    "--theme.light.primaryColor=#0072B2",
    "--theme.light.textColor=#0A0A0A",
    "--theme.light.codeTextColor=#003B12",
    "--theme.light.codeBackgroundColor=#FFFFFF",
    "--theme.dark.codeBackgroundColor=#000000",
    "--theme.dark.primaryColor=#6CB4EE",
    "--theme.paddingTop=1rem",
    '--theme.headingFontSizes=["1.9rem", "1.5rem", "1.25rem", "1.1rem", "1rem", "0.9rem"]',
)
"""Streamlit reads its config file from the current folder only, so everything is passed as flags."""
_NAME: Final = re.compile(r"[A-Za-z0-9.:-]{1,253}")
OWN_ADDRESSES: Final = ("127.0.0.1", "localhost")


def serve(
    store: Store = Path("runs"),
    faces: Annotated[
        Path, typer.Option("--faces", help="A merchant's folder for faces, for the page Assistant.")
    ] = Path("faces"),
    books: Annotated[
        Path, typer.Option("--books", help="A folder with the consent register, for the page People.")
    ] = Path("books"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; any but 127.0.0.1 needs --login.")
    ] = OWN_ADDRESSES[0],
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="HOST", help="Name under which browsers reach the app. Repeatable."),
    ] = None,
    login: Annotated[
        Path | None,
        typer.Option(
            "--login", metavar="FILE", help="TOML with [auth] of an OpenID provider and [roles]; see docs/app.md."
        ),
    ] = None,
) -> None:
    """Open the run store in a browser. Listens on 127.0.0.1 unless people log in; contacts only their provider."""
    import importlib.util

    entry = Path(__file__).resolve().parent.parent / "main.py"
    if importlib.util.find_spec("streamlit") is None or not entry.is_file():
        raise typer.BadParameter("the app is not installed; install tradefair again with pip")
    more = _login_flags(host, names or [], login)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"--host {host} --port {port} cannot be used ({error.strerror}); choose another one"
            ) from error
    if not store.is_dir():
        typer.echo(f"{store} does not exist yet; the pages fill when 'tradefair demo' has run", err=True)
    environment = {**os.environ, STORE_VARIABLE: str(store.resolve()), FACES_VARIABLE: str(faces.resolve())}
    environment[BOOKS_VARIABLE] = str(books.resolve())
    environment.pop(LOGIN_VARIABLE, None)
    if login is not None:
        environment[LOGIN_VARIABLE] = str(login.resolve())
    typer.echo(f"http://{names[0] if names else host}:{port}  (Ctrl-C ends it)", err=True)
    arguments = [sys.executable, "-m", "apps.served", "run", str(entry), f"--server.port={port}", *more, *FLAGS]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - fixed arguments, no shell


def _login_flags(host: str, names: list[str], login: Path | None) -> list[str]:
    """Return the flags of address and login.

    Raises:
        ConfigError: others could reach the app without a login, or the login cannot work.
    """
    import importlib.util

    for one in (host, *names):
        if not _NAME.fullmatch(one):
            raise ConfigError(f"{one!r} is no address or name of a host; write one such as 192.0.2.7 or shop.example")
    if login is None:
        if host not in OWN_ADDRESSES or set(names) - set(OWN_ADDRESSES):
            raise ConfigError(
                f"--host {host}: others could reach the app, so people must log in; give --login FILE (docs/app.md)"
            )
    elif importlib.util.find_spec("authlib") is None:
        raise ConfigError("--login needs the extra `login`: .venv/bin/pip install 'Authlib>=1.6,<2'")
    flags = [f"--server.address={host}"]
    # The name of "every address of this machine" is none that a browser sends.
    own = OWN_ADDRESSES if host in (*OWN_ADDRESSES, "0.0.0.0") else (host,)  # noqa: S104 - compared, not bound
    flags += [f"--server.allowedHosts={one}" for one in dict.fromkeys((*own, *names))]
    if login is not None:
        read_login(login)
        # A traceback would show others paths of this machine; the server's own output still has it.
        flags += [f"--secrets.files={login.resolve()}", "--client.showErrorDetails=none"]
    return flags
