"""Who is in an audit: which canaries take part and where, and which real shoppers are left out of training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from federation.task import NodeData
from retail.errors import ConfigError

_COINS: Final = 0xCA9A51  # keeps these draws apart from others made from the same seed
_LEFT_OUT: Final = 0x1EF70


@dataclass(frozen=True, eq=False)
class CanaryPlan:
    """Which canaries take part, and where; known to the auditor, drawn from the audit's own seed.

    The first `canaries` coordinates belong to one phantom person each. Each of the next `controls` belongs to a group
    of `group` phantom persons who take part together: a leak many times as large as one person's, which an audit must
    find.

    Attributes:
        included: (reserved,) bool, a fair coin for each coordinate.
        places: (reserved, k) indices of the merchants at which a coordinate's persons shop; k = min(k_max, merchants).
        group: persons behind each control coordinate.
        canaries: how many coordinates are canaries; the rest are controls.
        signal: what one included canary adds to the sum over all merchants when it is clipped to C, in units of C.
    """

    included: NDArray[np.bool_]
    places: NDArray[np.int64]
    group: int
    canaries: int
    signal: float

    @property
    def persons(self) -> NDArray[np.int64]:
        """(reserved,) how many persons take part at each coordinate."""
        size = np.where(np.arange(len(self.included)) < self.canaries, 1, self.group)
        found: NDArray[np.int64] = np.where(self.included, size, 0)
        return found

    def at(self, place: int) -> NDArray[np.int64]:
        """Return the coordinates of the phantom persons at one merchant, one entry a person, ascending."""
        here = (self.places == place).any(axis=1)
        return np.repeat(np.flatnonzero(here), self.persons[here])


def make_plan(
    *, canaries: int, controls: int = 100, control_group: int = 40, merchants: int, k_max: int = 1, seed: int
) -> CanaryPlan:
    """Toss the coins and choose the merchants.

    Args:
        canaries: coordinates with one person each.
        controls: coordinates with `control_group` persons each.
        control_group: persons that take part together.
        merchants: how many there are.
        k_max: at how many of them one person is.
        seed: of the coins; apart from the run's.

    Raises:
        ConfigError: a number is out of range.
    """
    whole = {"canaries": canaries, "control_group": control_group, "merchants": merchants, "k_max": k_max}
    for name, value in {**whole, "controls": controls + 1, "seed": seed + 1}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(
                f"canaries: {name} = {whole.get(name, value - 1)!r} cannot be used; give a larger whole number"
            )
    rng = np.random.default_rng(np.random.SeedSequence([_COINS, seed]))
    reserved, k = canaries + controls, min(k_max, merchants)
    included = rng.random(reserved) < 0.5
    places = np.argsort(rng.random((reserved, merchants)), axis=1)[:, :k]
    return CanaryPlan(included, places, control_group, canaries, k / k_max)


def left_out(persons: NDArray[Any], *, share: float, seed: int) -> NDArray[np.bool_]:
    """Say who is left out of training: a decision about each person's id alone, the same at every merchant."""
    if share == 0:
        return np.zeros(len(persons), dtype=bool)
    draws = [
        np.random.default_rng(np.random.SeedSequence([_LEFT_OUT, seed, *str(one).encode()])).random() for one in persons
    ]
    return np.asarray(draws) < share


def without(node: NodeData, out: NDArray[np.bool_]) -> NodeData:
    """Return a node that never had some persons.

    Args:
        node: the node.
        out: (persons,) bool, who leaves.
    """
    history = node.history
    lines = ~out[history.rows()]
    lengths = np.diff(history.indptr)[~out]
    kept = replace(
        history,
        persons=history.persons[~out],
        indptr=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)]),
        product=history.product[lines],
        day=history.day[lines],
        basket=history.basket[lines],
        quantity=history.quantity[lines],
    )
    return replace(node, history=kept, memo={})
