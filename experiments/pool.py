"""Warm worker processes that execute runs side by side.

Processes are spawned, never forked: threads and locks of the parent do not follow. A worker that dies takes one run
with it and is replaced; Ctrl-C ends all of them and leaves finished runs finished.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final, Literal

from experiments.runs import RunStore
from experiments.spec import Spec
from experiments.worker import THREAD_LIMITS, Outcome, serve
from retail.errors import ConfigError, TradefairError

BUSY_WAIT_S: Final = 0.5
_FALSE_STARTS: Final = 3
Kind = Literal["start", "progress", "wait", "end"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something to show while a sweep runs: a run starts, says something, waits for another runner, or ends."""

    kind: Kind
    spec: Spec
    text: str
    done: int
    total: int


@dataclass(eq=False, slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    ready: bool = False
    task: _Task | None = None
    group: str = ""


@dataclass(eq=False, slots=True)
class _Task:
    spec: Spec
    retry: bool
    seen_busy: bool = False
    not_before: float = 0.0


@dataclass(eq=False)
class Pool:
    """Executes runs in worker processes.

    Attributes:
        store: where the runs live.
        runner: dotted path `module:function` of what executes one run.
        jobs: how many worker processes, at least 1.
    """

    store: RunStore
    runner: str
    jobs: int
    _workers: list[_Worker] = field(default_factory=list)
    _false_starts: int = 0

    def run(
        self,
        specs: Sequence[Spec],
        *,
        retry: bool = False,
        done: int = 0,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> dict[str, Outcome]:
        """Execute runs and return the outcome of each, by run id.

        Args:
            specs: the runs; those of one group preferably go to one worker, which has read their rows already.
            retry: execute runs once more that have failed before.
            done: runs that were finished before, for the count in events.
            on_event: called in this process for everything worth showing.

        Raises:
            ConfigError: the store cannot be written to, or the runner cannot be found.
            TradefairError: worker processes cannot start.
            KeyboardInterrupt: after all workers have ended.
        """
        waiting = [_Task(spec, retry) for spec in specs]
        outcomes: dict[str, Outcome] = {}

        def tell(kind: Kind, spec: Spec, text: str = "") -> None:
            on_event(Event(kind, spec, text, done + len(outcomes), done + len(specs)))

        try:
            while len(outcomes) < len(specs):
                while len(self._workers) < min(self.jobs, len(specs) - len(outcomes)):
                    self._start()
                for worker in self._workers:
                    task = self._choose(worker, waiting)
                    if task is not None and self._assign(worker, task):
                        waiting.remove(task)
                        if not task.seen_busy:
                            tell("start", task.spec)
                for worker in self._listen():
                    task = worker.task
                    message = self._receive(worker)
                    if task is None or message is None:
                        continue
                    if isinstance(message, str):
                        tell("progress", task.spec, message)
                    elif message.status == "unwritable":
                        raise ConfigError(message.message)
                    elif message.status == "busy":
                        # Whatever the other runner makes of it is the outcome, a failure included.
                        waiting.append(_Task(task.spec, False, True, time.monotonic() + BUSY_WAIT_S))
                        if not task.seen_busy:
                            tell("wait", task.spec, "another runner has this run")
                    else:
                        outcomes[task.spec.run_id] = message
                        tell("end", task.spec, message.message or message.status)
        finally:
            self._stop()
        return outcomes

    def _start(self) -> None:
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=serve, args=(there, str(self.store.root), self.runner))
        with _single_threaded(), _without_main():
            process.start()
        there.close()
        self._workers.append(_Worker(process, here))

    def _choose(self, worker: _Worker, waiting: Sequence[_Task]) -> _Task | None:
        """Pick a run over rows that the worker has read, else over rows that nobody works on, else any."""
        if not worker.ready or worker.task is not None:
            return None
        now = time.monotonic()
        able = [task for task in waiting if task.not_before <= now]
        taken = {other.group for other in self._workers if other is not worker}
        return min(able, key=lambda task: (task.spec.group != worker.group, task.spec.group in taken), default=None)

    def _assign(self, worker: _Worker, task: _Task) -> bool:
        """Send a run to a worker; False when the worker died meanwhile, which `_listen` will notice."""
        try:
            worker.connection.send((task.spec, task.retry))
        except OSError:
            return False
        worker.task, worker.group = task, task.spec.group
        return True

    def _listen(self) -> list[_Worker]:
        """Wait for messages or deaths; return at least twice a second, so that busy runs are tried again."""
        heard = wait([worker.connection for worker in self._workers], timeout=BUSY_WAIT_S)
        return [worker for worker in self._workers if worker.connection in heard]

    def _receive(self, worker: _Worker) -> Outcome | str | None:
        """Take one message; a closed connection is a dead worker, which takes its run with it."""
        try:
            kind, content = worker.connection.recv()
        except (EOFError, ConnectionError):
            return self._bury(worker)
        if kind == "broken":
            raise TradefairError(f"the runner {self.runner} cannot be imported; its error follows\n{content}")
        if kind == "ready":
            worker.ready, self._false_starts = True, 0
        if kind == "end":
            worker.task = None
        return content  # type: ignore[no-any-return]

    def _bury(self, worker: _Worker) -> Outcome | None:
        worker.process.join(10)
        self._workers.remove(worker)
        code = worker.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts >= _FALSE_STARTS:
                raise TradefairError(
                    f"worker processes end before they are ready ({how}); check memory and try --jobs 1"
                )
        if worker.task is None:
            return None
        return Outcome("killed", f"the worker process died ({how}, often too little memory); the run is unfinished")

    def _stop(self) -> None:
        for worker in self._workers:
            if worker.task is None and worker.ready:
                try:
                    worker.connection.send(None)
                except OSError:
                    continue
            else:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._workers.clear()


def default_jobs() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let processes started within inherit one thread each; numerical libraries read this when they load."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(THREAD_LIMITS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the caller's script from processes started within.

    Workers need nothing of it, so it needs no `if __name__ == "__main__"` and may come from standard input.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
