"""Processes that run a scenario for the app: started, found again by any tab, and ended.

`<store>/.started/<scenario>/` holds `process.json` (command, process id, begin), `log.txt`, and `end.json` once the
process has ended by itself. A process holds a lock on the file `lock` from its birth until its death, whatever kills
it: whether it lives is asked of that lock and never of its number, which another process may bear by then. The lock
also keeps a scenario from being run twice.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from apps.login import USERS
from experiments.base_scenario import SLUG
from experiments.documents import read_json, write_json
from experiments.runs import RunStore
from retail.errors import ConfigError, DataError

State = Literal["starting", "running", "ending", "ended", "cancelled", "died"]
FOLDER: Final = ".started"
MOST: Final = 2
"""So many processes may run at once, those of all users together: each takes all cores."""
GRACE_S: Final = 10.0
_LOG_END: Final = 64_000
_LOCK, _PROCESS, _END, _CANCEL = "lock", "process.json", "end.json", "cancel.json"
_TURN: Final = ".turn"  # no name of a scenario, whose folders stand beside it


@dataclass(frozen=True, slots=True)
class Process:
    """What is known of the newest process that the app started for a scenario.

    Attributes:
        scenario: its name.
        state: `ended` by itself, with a code; `cancelled` by somebody; `died` without a word.
        words: what was run, after `tradefair`.
        begun: when it started, in UTC; None while it is starting.
        code: exit code of `tradefair run`; None while it runs, or where it died.
        log: file of all that it said.
    """

    scenario: str
    state: State
    words: tuple[str, ...]
    begun: dt.datetime | None
    code: int | None
    log: Path

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.state in ("starting", "running", "ending")

    @property
    def checks_only(self) -> bool:
        """Whether it was to check the scenario and to run nothing."""
        return "--check" in self.words


def start(
    store: RunStore, scenario: str, source: str | Path, *, retry_failed: bool = False, check: bool = False
) -> None:
    """Start `tradefair run SOURCE` in a process of its own, which outlives the page and the app.

    Args:
        store: where the runs go.
        scenario: the scenario's name.
        source: its file, or the name of a bundled one.
        retry_failed: execute failed runs once more.
        check: check the scenario and run nothing.

    Raises:
        ConfigError: the scenario runs already, as many others do as may, or the store cannot be written to.
        DataError: a file cannot be written.
    """
    if not re.fullmatch(SLUG, scenario):
        raise ConfigError(f"{scenario!r} is no name of a scenario; use lower-case letters, digits, dots and dashes")
    root = RunStore.open(store.root).root.resolve()
    words = ["run", str(source), "--store", str(root)]
    words += ["--retry-failed"] * retry_failed + ["--check"] * check
    folder = root / FOLDER / scenario
    shared = _shared_root(root)
    with _one_at_a_time(shared):
        others = [path for path in _lock_folders(shared) if path != folder and _is_held(path)]
        if len(others) >= MOST:
            mine = [path.name for path in others if path.parent.parent == root]
            theirs = len(others) - len(mine)
            who = [*mine, *([f"{theirs} of other people"] if theirs else [])]
            raise ConfigError(
                f"{' and '.join(who)} run already, and at most {MOST} may run at once; wait, or cancel one of them"
            )
        with _locked(folder) as lock:
            if lock is None:
                raise ConfigError(f"{scenario} runs already; wait until it has ended, or cancel it")
            for name in (_PROCESS, _END, _CANCEL):
                (folder / name).unlink(missing_ok=True)
            process = _spawn(folder, words, lock)
            begun = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            write_json(folder / _PROCESS, {"pid": process.pid, "words": words, "begun": begun})
    threading.Thread(target=process.wait, daemon=True).start()  # else it stays in the process table when it has ended


def forget(store: RunStore, scenario: str, delete: Callable[[], object]) -> None:
    """Delete something of a scenario while nothing can start it here, and then what its processes left.

    Raises:
        ConfigError: it runs.
        DataError: a file cannot be written.
    """
    root = store.root.resolve()
    folder = root / FOLDER / scenario
    with _one_at_a_time(_shared_root(root)), _locked(folder) as lock:
        if lock is None:
            raise ConfigError(f"{scenario} runs; wait until it has ended, or cancel it")
        delete()
        shutil.rmtree(folder, ignore_errors=True)


def newest(store: RunStore, scenario: str) -> Process | None:
    """Return the newest process of a scenario, alive or not; None where the app never started one."""
    folder = store.root / FOLDER / scenario
    if not (folder / _LOCK).is_file():
        return None
    held = _is_held(folder)  # asked first: a process that ends meanwhile has written its end
    record = read_json(folder / _PROCESS) or {}
    end = read_json(folder / _END) or {}
    asked = (folder / _CANCEL).is_file()
    if not held and not record:
        return None
    state: State = "starting" if held and not record else "ending" if held and asked else "running"
    if not held:
        state = "cancelled" if asked else "ended" if end else "died"
    begun = dt.datetime.fromisoformat(record["begun"]) if record else None
    code = None if held else end.get("code")
    return Process(scenario, state, tuple(record.get("words", ())), begun, code, folder / "log.txt")


def alive(store: RunStore) -> list[Process]:
    """Return the processes that run now, by name of their scenario."""
    folders = sorted((store.root / FOLDER).glob("*/")) if (store.root / FOLDER).is_dir() else []
    found = (newest(store, folder.name) for folder in folders)
    return [one for one in found if one is not None and one.alive]


def stopped(store: RunStore) -> list[Process]:
    """Return the newest processes that somebody cancelled or that died, by name of their scenario; no mere checks."""
    folders = sorted((store.root / FOLDER).glob("*/")) if (store.root / FOLDER).is_dir() else []
    found = (newest(store, folder.name) for folder in folders)
    return [one for one in found if one is not None and one.state in ("cancelled", "died") and not one.checks_only]


def cancel(store: RunStore, scenario: str) -> None:
    """End a process as Ctrl-C does, and harder after ten seconds; finished runs stay. Returns at once.

    Raises:
        DataError: that it was cancelled cannot be written.
    """
    folder = store.root / FOLDER / scenario
    record = read_json(folder / _PROCESS)
    if record is None or not _is_held(folder):
        return
    write_json(folder / _CANCEL, {"asked": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")})
    threading.Thread(target=_end, args=(folder, int(record["pid"])), daemon=True).start()


def log_text(process: Process) -> str:
    """Return the end of what a process said, at most 64,000 bytes, from the beginning of a line."""
    try:
        with process.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_END))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DataError(f"cannot read {process.log}: {error.strerror}; check its permissions") from error
    return text if size <= _LOG_END else text.partition("\n")[2]


def _shared_root(root: Path) -> Path:
    """Return the folder that all users of one app share: their stores lie below it, and they share its cores."""
    return root.parent.parent if root.parent.name == USERS else root


def _lock_folders(shared: Path) -> list[Path]:
    return sorted(path.parent for where in ("", f"{USERS}/*/") for path in shared.glob(f"{where}{FOLDER}/*/{_LOCK}"))


def _spawn(folder: Path, words: Sequence[str], lock: int) -> subprocess.Popen[bytes]:
    """Start the process in a session of its own, with the lock in its hands."""
    arguments = [sys.executable, "-m", "apps.research.kept", str(folder / _END), str(lock), *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
    try:
        with (folder / "log.txt").open("wb") as log:
            return subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, pass_fds=(lock,),
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise DataError(f"cannot start a process ({error.strerror}); see whether memory and disk are full") from error


def _end(folder: Path, pid: int) -> None:
    """Ask a process group to end, then tell it, then kill it, as long as its lock is held."""
    for wanted, wait_s in ((signal.SIGINT, GRACE_S), (signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
        if not _is_held(folder):
            return
        with suppress(ProcessLookupError):
            os.killpg(pid, wanted)
        deadline = time.monotonic() + wait_s
        while _is_held(folder) and time.monotonic() < deadline:
            time.sleep(0.1)


def _is_held(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: looks do not get in each other's way
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """Yield a locked descriptor, None where a process holds the lock; children that inherit it hold it, too."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise DataError(f"cannot write {folder}: {error.strerror}; check space and permissions") from error
    try:
        yield descriptor if _taken(descriptor) else None
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take a lock; a look at it by somebody else takes no longer than a moment."""
    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.01)
    return False


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Let one page of one app at a time start something."""
    try:
        (root / FOLDER).mkdir(exist_ok=True)
        file = (root / FOLDER / _TURN).open("wb")
    except OSError as error:
        raise DataError(f"cannot write {root / FOLDER}: {error.strerror}; check space and permissions") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
