"""Runs work on many days, on threads or in blocks on a Ray cluster; the answers come in the order of the days.

What a day gives depends on its number alone, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import importlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from retail.errors import ConfigError

Where = Literal["threads", "ray"]
J = TypeVar("J")
T = TypeVar("T")

MOST_WORKERS: Final = 1024
_BLOCK: Final = 4
"""Days of one Ray task: sending a day alone costs more than simulating it."""


def run_days(work: Callable[[J], T], days: Sequence[J], *, workers: int = 2, where: Where = "threads") -> Iterator[T]:
    """Do the same work for every day.

    Args:
        work: takes a day. For Ray it must pickle, and so must what it returns.
        days: numbers of days, or whatever names one.
        workers: how many run at once; 1 runs them in this thread.
        where: "threads" (the engines release the interpreter's lock) or "ray".

    Returns: the answers in the order of `days`, each as soon as it and all before it are there.

    Raises: ConfigError: workers out of range, or Ray is not installed.
    """
    if type(workers) is not int or not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(f"workers must be a whole number from 1 to {MOST_WORKERS}, got {workers!r}")
    if where == "ray":
        return _on_ray(work, days, workers)
    if where != "threads":
        raise ConfigError(f"days run on threads or ray, got {where!r}")
    return map(work, days) if workers == 1 else _on_threads(work, days, workers)


def _on_threads(work: Callable[[J], T], days: Sequence[J], workers: int) -> Iterator[T]:
    coming = iter(days)
    with ThreadPoolExecutor(workers) as pool:
        # Twice as many as workers are under way, so that whoever stops early waits for few.
        waiting = deque(pool.submit(work, day) for day in islice(coming, 2 * workers))
        try:
            while waiting:
                answer = waiting.popleft().result()
                waiting.extend(pool.submit(work, day) for day in islice(coming, 1))
                yield answer
        finally:
            for one in waiting:
                one.cancel()


def _on_ray(work: Callable[[J], T], days: Sequence[J], workers: int) -> Iterator[T]:
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError('Ray is not installed; pip install "tradefair[ray]", or run on threads') from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing contacts the outside
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    task = ray.remote(_block)
    shared = ray.put(work)
    coming = iter([list(days[first : first + _BLOCK]) for first in range(0, len(days), _BLOCK)])
    waiting = deque(task.remote(shared, block) for block in islice(coming, 2 * workers))
    try:
        while waiting:
            answers = ray.get(waiting.popleft())
            waiting.extend(task.remote(shared, block) for block in islice(coming, 1))
            yield from answers
    finally:
        for one in waiting:
            ray.cancel(one)


def _block(work: Callable[[J], T], days: Sequence[J]) -> list[T]:
    return [work(day) for day in days]
