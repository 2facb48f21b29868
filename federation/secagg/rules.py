"""What a run's settings mean for its secure aggregations; the same at server and nodes."""

from __future__ import annotations

from typing import Final

from federation.config import FederationConfig
from federation.secagg.ring import check_room
from federation.secagg.terms import Terms, session_id
from federation.task import Round
from privacy.accounting import noise_multiplier
from privacy.noise_shares import share_scale
from privacy.steps import step_of

_STEP_WITHOUT_BOUND: Final = 2.0**-32
"""Where nobody is clipped: sums up to 2^30 fit, and the step is far below what float32 models tell apart."""


def terms_of(config: FederationConfig, nodes: int) -> Terms:
    """Return the terms of a run over so many nodes.

    Raises: ConfigError: the settings do not go with so many nodes.
    """
    return Terms(nodes, dropouts=config.dropouts, colluders=config.colluders)


def step_of_run(config: FederationConfig) -> float:
    """Return the step that contributions are cut to."""
    return _STEP_WITHOUT_BOUND if config.clip_norm is None else step_of(config.clip_norm * config.weight)


def session_of(config: FederationConfig, terms: Terms, roster: tuple[bytes, ...], *, run: str, round_: Round) -> bytes:
    """Return the session of a round; a message of other settings belongs to another one."""
    name = f"{config.fingerprint_of_training()} {round_.name}"
    return session_id(terms, roster, run=run, round_=name, size=round_.size, step=step_of_run(config))


def noise_share(config: FederationConfig, *, cost: int, nodes: int) -> float:
    """Return the standard deviation of one node's noise, in steps, where all nodes draw the noise together.

    Args:
        config: of the run.
        cost: of the round, nano-rho.
        nodes: on the public list.

    Raises: PrivacyError: noise that does not fit, or too little of it.

    Guarantee: that of `share_scale`, for the shares of the fewest nodes whose vectors make a sum, without those that
        may tell the server their noise.
    """
    needed = noise_multiplier(cost) * config.bounds.joint / step_of_run(config)
    return share_scale(needed, senders=nodes - config.dropouts - config.colluders)


def check_sums(config: FederationConfig, *, nodes: int, cost: int | None) -> None:
    """Refuse a run whose sums could wrap around the ring.

    Raises: PrivacyError: they could.
    """
    if config.clip_norm is None or config.population is None:
        return
    step = step_of_run(config)
    share = 0.0 if cost is None else noise_share(config, cost=cost, nodes=nodes) * step
    check_room(people=config.population, bound=config.clip_norm, noise=share * nodes**0.5, step=step)
