"""Processes that start in milliseconds, for tests that race processes and kill them.

They are forked from one that has imported pandas, dp-accounting and the rooms; a fresh Python spends seconds of a core
on that. In everything that races and deaths are about (memory, files, locks, signals, exit codes) each is a process of
its own. A test of what gets imported, or of how a user starts something, needs a fresh Python instead.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOADED = [
    "dp_accounting",
    "experiments.execute",
    "federation.engines.inprocess",
    "privacy.consent",
    "privacy.erasure",
    "privacy.policy",
    "privacy.release",
]
# A process that has threads must not be forked, and pyarrow's allocator would start one.
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(LOADED)


class WarmProcess(SERVER.Process):
    """A function in a process of its own, which starts with this one's environment and folder."""

    def start(self) -> None:
        self._environment, self._folder = dict(os.environ), Path.cwd()
        with _without_main():
            super().start()

    def run(self) -> None:
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        super().run()


class WarmCode:
    """Python code in a process of its own, used much as a `subprocess.Popen` is.

    The code finds its arguments in `sys.argv[1:]`, as after `python -c`. Its output goes to files, so that it never
    waits for a reader.
    """

    def __init__(self, code: str, *arguments: object) -> None:
        self._place = tempfile.TemporaryDirectory()
        self._out, self._err = (Path(self._place.name, name) for name in ("out", "err"))
        self._process = WarmProcess(target=_run, args=(code, [*map(str, arguments)], self._out, self._err))
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float = 120) -> tuple[str, str]:
        """Wait for the end; return what was written to standard output and to standard error."""
        self._process.join(timeout)
        if self.returncode is None:
            self.kill()
            self._process.join()
            raise subprocess.TimeoutExpired("code of a test", timeout, _text(self._out), _text(self._err))
        return _text(self._out), _text(self._err)

    def first_line(self, timeout: float = 120) -> str:
        """Return the first line of standard output as soon as it is there; after an early end, whatever is."""
        deadline = time.monotonic() + timeout
        while "\n" not in (said := _text(self._out)) and self.returncode is None and time.monotonic() < deadline:
            time.sleep(0.005)
        return said.partition("\n")[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _run(code: str, arguments: list[str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.argv[:] = ["-c", *arguments]
    exec(compile(code, "<code of a test>", "exec"), {"__name__": "__main__"})


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide pytest from the new process, which would import it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
