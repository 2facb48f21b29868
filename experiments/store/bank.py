"""The tills of an arm of `method = "checkout"`: one bank, without a store around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.store.scenario import StoreArm
from retail.errors import ConfigError
from simulation.store.tills import TillSpec


def bank(arm: StoreArm, tills: int) -> tuple[TillSpec, ...]:
    """Return an arm's tills; lanes where it names none.

    Raises:
        ConfigError: they are not as many as there should be.
    """
    mix: Mapping[Any, int] = arm.till_mix or {"lane": tills}
    if sum(mix.values()) != tills:
        raise ConfigError(
            f"arm {arm.name}: till_mix has {sum(mix.values())} tills and checkout.tills = {tills}; make them equal"
        )
    return tuple(TillSpec(kind) for kind, count in mix.items() for _ in range(count))


def require_one_speed(reference: StoreArm, tills: int) -> None:
    """Refuse a reference whose service times depend on who goes where: no number of shoppers keeps it as busy as asked.

    Express lanes scan and charge as other lanes do, so they may stand among them.

    Raises:
        ConfigError: its tills serve at different speeds, or are not as many as there should be.
    """
    kinds = dict.fromkeys("lane" if till.kind == "express" else till.kind for till in bank(reference, tills))
    if len(kinds) > 1:
        raise ConfigError(
            f"arm {reference.name}: the reference has {' and '.join(kinds)} tills, which serve at different speeds, so"
            ' no utilisation can be set; give it one kind, or compare whole stores with method = "compare"'
        )
