"""Runs work many times, such as days or markets, on threads or in blocks on a Ray cluster; answers come in order.

What a job gives depends on its number alone, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from retail.errors import RAY_IS_MISSING, ConfigError

Where = Literal["threads", "ray"]
J = TypeVar("J")
T = TypeVar("T")

MOST_WORKERS: Final = 1024
_ELSE: Final = "run on threads: --set markets.on=threads, of a store --set days.on=threads"
_BLOCK: Final = 4
"""Jobs of one Ray task: sending a short job alone costs more than doing it."""
_CLUSTER: Final = "RAY_ADDRESS"
"""Where Ray looks for a cluster that runs already."""
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing contacts the outside
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # the first error is raised; what others say of it is not printed
}
_ALONE: Final = {
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",  # once killed, what it started gives up soon, not after a minute
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # no accelerator is used, so none needs to be hidden with a warning
}
"""How a cluster of this process's own is set."""


def run_all(
    work: Callable[[J], T], jobs: Sequence[J], *, workers: int = 2, where: Where = "threads", block: int = _BLOCK
) -> Iterator[T]:
    """Do the same work for every job.

    Args:
        work: takes a job. For Ray it must pickle, and so must what it returns.
        jobs: numbers of days, seeds of markets, or whatever names one.
        workers: how many run at once; 1 runs them in this thread. A Ray cluster that `RAY_ADDRESS` names runs as many
            as it has cores.
        where: "threads" (the engines release the interpreter's lock) or "ray".
        block: how many jobs go to Ray at a time; 1 for long ones.

    Returns: the answers in the order of `jobs`, each as soon as it and all before it are there.

    Raises: ConfigError: workers out of range, or Ray is not installed or cannot be reached.
    """
    if type(workers) is not int or not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(f"workers must be a whole number from 1 to {MOST_WORKERS}, got {workers!r}")
    if where == "ray":
        return _on_ray(work, jobs, workers, block)
    if where != "threads":
        raise ConfigError(f"work runs on threads or ray, got {where!r}")
    return map(work, jobs) if workers == 1 else _on_threads(work, jobs, workers)


def require_ray() -> Any:
    """Import Ray.

    Raises: ConfigError: it is not installed.
    """
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(RAY_IS_MISSING.format(instead=_ELSE)) from error


def _on_threads(work: Callable[[J], T], jobs: Sequence[J], workers: int) -> Iterator[T]:
    coming = iter(jobs)
    with ThreadPoolExecutor(workers) as pool:
        # Twice as many as workers are under way, so that whoever stops early waits for few.
        waiting = deque(pool.submit(work, job) for job in islice(coming, 2 * workers))
        try:
            while waiting:
                answer = waiting.popleft().result()
                waiting.extend(pool.submit(work, job) for job in islice(coming, 1))
                yield answer
        finally:
            for one in waiting:
                one.cancel()


def _on_ray(work: Callable[[J], T], jobs: Sequence[J], workers: int, block: int) -> Iterator[T]:
    ray = _started(workers)
    task = ray.remote(_block)
    shared = ray.put(work)
    coming = iter([list(jobs[first : first + block]) for first in range(0, len(jobs), block)])
    waiting = deque(task.remote(shared, part) for part in islice(coming, 2 * workers))
    try:
        while waiting:
            try:
                answers = ray.get(waiting.popleft())
            except ray.exceptions.RayTaskError as error:
                # The error itself, in place of one whose message is the traceback of another process.
                raise (error.cause or error) from error
            waiting.extend(task.remote(shared, part) for part in islice(coming, 1))
            yield from answers
    finally:
        for one in waiting:
            ray.cancel(one)


def _started(workers: int) -> Any:
    """Return Ray, connected to a cluster or with a small one of this process's own that ends with it.

    Raises: ConfigError: it is not installed, or the cluster that `RAY_ADDRESS` names does not answer.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    ray = require_ray()
    if ray.is_initialized():
        return ray
    cluster = os.environ.get(_CLUSTER)
    # A cluster that runs already has its size; without one named, another of this machine is not looked for.
    size: dict[str, Any] = {} if cluster else {"num_cpus": workers, "address": "local"}
    for name, value in () if cluster else _ALONE.items():
        os.environ.setdefault(name, value)
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(include_dashboard=False, log_to_driver=False, **size)
    except ConnectionError as error:
        raise ConfigError(f"no Ray cluster answers at {_CLUSTER}={cluster}; start it, or unset {_CLUSTER}") from error
    finally:
        if main:
            # Ray turns a SIGTERM into SystemExit, which a runner would take for a failure of the work. Its processes
            # end with this one either way.
            signal.signal(signal.SIGTERM, before)
    return ray


def _block(work: Callable[[J], T], jobs: Sequence[J]) -> list[T]:
    return [work(job) for job in jobs]
