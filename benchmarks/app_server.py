"""The app as its users start it, for the scripts beside this one: `tradefair app` on a free port of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = {
    "": ("",),
    "results": ("", "metric=Total", "metric=Repeat"),
    "compare": ("",),
    "scenarios": ("",),
    "runs": ("",),
    "shoppers": ("",),
    "compliance": ("", "part=Budgets", "part=What+happened"),
    "rules": ("", "rules_start=DMA+%28EU%29", "rules_start=GDPR+%28EU%29"),
    "people": ("",),
    "store": (
        "plan=convenience&shoppers=400",
        "plan=convenience&shoppers=400&edit=swap%3Ddairy%2Cbakery",
        "plan=corner-shop&shoppers=200&edit=swap%3Ddairy%2Cbakery",
    ),
    "market": ("", "market_size=medium", "market_size=large"),
    "audiences": ("",),
    "assistant": ("",),
}
"""Every page, and the addresses between which people go there and back."""


@contextmanager
def served(store: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serve a run store; yield process and address once it answers, and end it.

    Folders of faces and books are fresh and empty, and so is the folder that it runs in.
    """
    if not store.is_dir():
        raise SystemExit(f"--store {store}: there is no such folder; `tradefair demo` makes one")
    with tempfile.TemporaryDirectory() as folder:
        process, address = _started(store.resolve(), Path(folder))
        try:
            yield process, address
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started(store: Path, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [sys.executable, "-m", "apps.command.main", "app", "--store", str(store), "--port", str(port)]
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=output
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).read()  # noqa: S310 - our own address
            return process, address
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"the app did not start: {log.read_text()}")
