"""Formulas that a simulation must agree with: queues in steady state, and what holds in any store.

People walking in a crowd are in `speed`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.speed import weidmann


def erlang_c(servers: int, load: float) -> float:
    """Chance that a customer has to wait, in a queue with exponential arrivals and services (M/M/c).

    Args:
        servers: c, at least 1.
        load: arrival rate times mean service time, in [0, servers).

    Returns: from 0 to 1.

    Raises: ConfigError: no server, a negative load, or one that the servers cannot handle.
    Source: A. K. Erlang 1917, by the recursion of the Erlang B formula, which cannot overflow.

    >>> round(erlang_c(2, 1.0), 4)
    0.3333
    """
    _check(servers, load)
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mmc_wait_s(servers: int, arrivals_per_s: float, service_s: float) -> float:
    """Mean wait in an M/M/c queue.

    Args:
        servers: c, at least 1.
        arrivals_per_s: rate.
        service_s: mean service time.

    Raises: ConfigError: the servers cannot handle the load.

    >>> round(mmc_wait_s(1, 0.5, 1.0), 6)
    1.0
    """
    load = arrivals_per_s * service_s
    return erlang_c(servers, load) * service_s / (servers - load)


def mgc_wait_s(servers: int, arrivals_per_s: float, service_s: float, service_cv: float) -> float:
    """Mean wait in a queue with any service times (M/G/c), approximately; exact for one server.

    Args:
        servers: c, at least 1.
        arrivals_per_s: rate.
        service_s: mean service time.
        service_cv: standard deviation of service times over their mean.

    Raises: ConfigError: the servers cannot handle the load, or the cv is negative.
    Source: A. M. Lee and P. A. Longton 1959, Queueing processes associated with airline passenger check-in: the wait of
        M/M/c times (1 + cv^2) / 2; for one server the formula of Pollaczek and Khinchine.
    """
    if not service_cv >= 0:
        raise ConfigError(f"service_cv = {service_cv} must be 0 or more")
    return mmc_wait_s(servers, arrivals_per_s, service_s) * (1 + service_cv**2) / 2


def mean_present(enter_s: NDArray[np.float64], leave_s: NDArray[np.float64], *, start_s: float, end_s: float) -> float:
    """People inside on average, as Little's law gives it: the time that they spend inside, over the time observed.

    Args:
        enter_s: (n,) seconds.
        leave_s: (n,) seconds.
        start_s: begin of the observation.
        end_s: its end.

    Raises: ConfigError: the observation has no length.
    Source: J. D. C. Little 1961, L = lambda W, with times cut to the observation.
    """
    if not end_s > start_s:
        raise ConfigError(f"observed from {start_s} to {end_s} s: give an end after the start")
    inside = np.minimum(leave_s, end_s) - np.maximum(enter_s, start_s)
    return float(np.maximum(inside, 0).sum() / (end_s - start_s))


def flow_per_m_s(density: float, free_speed: float) -> float:
    """People who pass a metre of width in a second at a density, by Weidmann's curve.

    Raises: ConfigError: a negative density or speed.
    """
    if density < 0 or free_speed < 0:
        raise ConfigError(f"density = {density}, free_speed = {free_speed}: must be 0 or more")
    return float(density * free_speed * weidmann(density))


def _check(servers: int, load: float) -> None:
    if servers < 1 or not math.isfinite(load) or load < 0:
        raise ConfigError(f"servers = {servers}, load = {load}: must be at least 1 and at least 0")
    if load >= servers:
        raise ConfigError(f"load {load:g} is too much for {servers} servers: the queue grows for ever; add servers")
