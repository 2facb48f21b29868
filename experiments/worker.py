"""One worker process: it keeps its imports warm and executes runs one after the other.

Whatever happens to a run becomes an `Outcome`; only a store that cannot be written to ends a sweep. A worker ends
by itself when the process that started it is gone, so that `kill -9` of a sweep leaves nobody behind.
"""

from __future__ import annotations

import datetime as dt
import importlib
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, Literal

from experiments.logbook import RUN_BOOKS, log_run, sign_ledger
from experiments.provenance import provenance
from experiments.runs import FULL, ArmResult, Busy, RunStore, check_result
from experiments.spec import Spec
from retail.errors import ConfigError, TradefairError

Runner = Callable[[Any, Path, Callable[[str], None]], ArmResult]
THREAD_LIMITS: Final = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
"""One thread per worker: workers share the cores among them, and sums come out the same on every machine."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the attempt to execute a run ended.

    `refused` is a failure that Tradefair raised on purpose, `busy` means that another process has the run, `killed`
    that the worker died (the run stays unfinished), `unwritable` that the store cannot take the result.
    """

    status: Literal["finished", "failed", "refused", "busy", "killed", "unwritable"]
    message: str = ""


def load_object(dotted: str) -> Any:
    """Import `module:name`.

    Raises:
        ConfigError: there is no such module or name in it.
    """
    module, _, name = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is not None and not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ConfigError(f"cannot find module {module!r} of {dotted!r}; install it, or set PYTHONPATH") from error
    except AttributeError as error:
        raise ConfigError(f"module {module!r} has no {name!r}; write module:name of something it defines") from error


def execute(store: RunStore, spec: Spec, runner: Runner, *, retry: bool, report: Callable[[str], None]) -> Outcome:
    """Execute one run under its lock, unless it has an outcome already.

    Args:
        store: where the run lives.
        spec: the run.
        runner: does the work; gets the run, its folder and a function that takes progress texts.
        retry: execute a run that has failed before once more.
        report: takes the progress texts.
    """
    try:
        with store.claim(spec) as directory:
            status = store.status(spec)
            if status == "finished":
                return Outcome("finished")
            if status == "failed" and not retry:
                return recorded_failure(store, spec)
            store.begin(spec)
            return _attempt(store, spec, runner, directory, report)
    except Busy:
        return Outcome("busy")
    except (TradefairError, OSError) as error:
        return Outcome("unwritable", _one_line(error))


def recorded_failure(store: RunStore, spec: Spec) -> Outcome:
    """Return the outcome that `failure.json` tells."""
    failure = store.failure(spec)
    return Outcome("refused" if failure.get("refused") else "failed", str(failure.get("message", "")))


def serve(connection: Connection, root: str, runner: str) -> None:
    """Run the worker process: execute what arrives on the connection until None arrives.

    Sends ("ready", None) once imports are done or ("broken", text) if they fail, then for each run any number of
    ("progress", text) and one ("end", Outcome). Standard output goes to standard error, which belongs to results.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        run = load_object(runner)
    except Exception:
        connection.send(("broken", traceback.format_exc()))
        return
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    store = RunStore(Path(root))
    one_at_a_time = threading.Lock()

    def report(text: str) -> None:
        with one_at_a_time:
            connection.send(("progress", str(text)))

    connection.send(("ready", None))
    while (task := connection.recv()) is not None:
        spec, retry = task
        outcome = execute(store, spec, run, retry=retry, report=report)
        connection.send(("end", outcome))


def _attempt(store: RunStore, spec: Spec, runner: Runner, directory: Path, report: Callable[[str], None]) -> Outcome:
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    stage = "run"
    try:
        result = runner(spec, directory, report)
        stage = "result"
        check_result(result, str(spec.identity()["arm"]))
    except (Exception, SystemExit) as error:
        if _storage_is_full(error):
            raise OSError(f"cannot write {directory}: {_one_line(error)}; free some space and run again") from error
        refused = isinstance(error, TradefairError)
        _sign_what_was_logged(directory)
        store.fail(
            spec,
            {
                "stage": stage,
                "refused": refused,
                "error": type(error).__name__,
                "message": _one_line(error),
                "traceback": traceback.format_exc(),
                "started": started.isoformat(timespec="seconds"),
            },
        )
        return Outcome("refused" if refused else "failed", _one_line(error))
    seconds = time.perf_counter() - clock
    head = log_run(directory, result.metrics.to_dict("records"))
    if spec.ledger is not None and spec.ledger.is_file():
        sign_ledger(spec.ledger)
    story = provenance(spec, started=started, ended=dt.datetime.now(dt.UTC), log=asdict(head))
    store.finish(spec, result, seconds=seconds, provenance=story)
    return Outcome("finished")


def _sign_what_was_logged(directory: Path) -> None:
    """Sign the log of a run that failed, so that its denials are evidence; a log that is damaged stays unsigned."""
    if (directory / RUN_BOOKS).is_file():
        with suppress(TradefairError):
            log_run(directory, [])


def _storage_is_full(error: BaseException | None) -> bool:
    """Whether this error, or one that caused it, says that nothing more can be written anywhere in the store."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            return True
        error = error.__cause__ or error.__context__
    return False


def _one_line(error: BaseException) -> str:
    return " ".join((str(error) or type(error).__name__).split())


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
