"""How many people an audience reaches, told with noise that is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from privacy.ledger import Ledger
from privacy.log import Log
from privacy.policy import PolicyEngine
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds
from privacy.statistics.noise import CountNoise
from privacy.statistics.queries import Key, Query
from retail import columns as c
from retail.errors import PrivacyError

LEAST_SEEDS: Final = 20
LEAST_AUDIENCE: Final = 50
PASSED_BY_LUCK: Final = 1e-6
"""Chance that noise lifts a group that is too small over its minimum."""
_ROLE: Final = "role"
_ROLES: Final = ("early", "reached")


@dataclass(frozen=True, slots=True)
class Minimums:
    """Below these nothing is shown to anybody. Attributes: seeds: early buyers; audience: people reached.

    Raises: PrivacyError: a minimum below the public floor; whoever advertises may ask for more, never for less.
    """

    seeds: int = LEAST_SEEDS
    audience: int = LEAST_AUDIENCE

    def __post_init__(self) -> None:
        """Refuse minimums under the floor."""
        for name, value, floor in (("seeds", self.seeds, LEAST_SEEDS), ("audience", self.audience, LEAST_AUDIENCE)):
            if isinstance(value, bool) or not isinstance(value, int) or value < floor:
                raise PrivacyError(f"the minimum of {name} is {value!r}, below the floor of {floor}; it may only rise")


@dataclass(frozen=True, slots=True)
class Payment:
    """What pays for telling a size, and who decides and writes down that it leaves.

    Attributes:
        ledger: of the people among whom audiences are made.
        engine: its register holds `dataset`, noisy counts of these people, with form "dp".
        log: in the ledger's books.
        actor: who is told, a party of the register.
        epsilon: of this size, read with the budget's delta; more of it is less noise.
        dataset: id in the register.
        purpose: for the policy.
    """

    ledger: Ledger
    engine: PolicyEngine
    log: Log
    actor: str
    epsilon: float
    dataset: str = "audiences"
    purpose: str = "marketing"


@dataclass(frozen=True, slots=True)
class Size:
    """What was told. Attributes: people: noisy; error: half-width within which the exact number lies with 95%."""

    people: int
    error: int


def noisy_size(seeds: int, people: int, payment: Payment, least: Minimums) -> Size:
    """Let the counts of early buyers and of people reached out through the release gate, and compare what comes out.

    A count passes where it lies so far above its minimum that noise alone lifts a smaller group there with a chance of
    at most `PASSED_BY_LUCK`. Every call asks anew and pays anew; what was paid for a refusal stays spent.

    Args:
        seeds: exact number of early buyers.
        people: exact number of people reached.
        payment: pays.
        least: the minimums.

    Raises:
        PolicyError: the policy does not let `payment.actor` have such a count.
        PrivacyError: the budget does not cover it: nothing is told then; or a noisy count is too low.

    Guarantee: that of `privacy.release.ReleaseGate`, for size and refusal together. Assumes that one person changes
        either number by at most 1: who comes or goes is an early buyer or somebody reached, and shifts the wanted share
        of all by at most one. So each person is priced as being in both cells.
    """
    roles = np.repeat(_ROLES, [seeds, people])
    numbers = np.arange(len(roles))  # stand for people whom nobody can tell
    rows = pd.DataFrame({c.PERSON: numbers, c.MERCHANT: 0, c.BASKET: numbers, _ROLE: roles})
    gate = ReleaseGate(
        dataset=payment.dataset,
        ledger=payment.ledger,
        engine=payment.engine,
        log=payment.log,
        rows=lambda names: rows[list(names)],
        bounds=Bounds(max_merchants=1, max_cells=len(_ROLES), max_rows=1),
    )
    query = Query(
        "counts", payment.dataset, keys=(Key(_ROLE, _ROLES),), epsilon=payment.epsilon, purpose=payment.purpose,
        title="early buyers and people reached of an audience", refresh=True,
    )  # fmt: skip
    answer = gate.release(payment.actor, query)
    told = dict(zip(answer.frame[_ROLE], answer.frame["count"].astype(float), strict=True))
    noise = CountNoise("laplace" if answer.noise == "laplace" else "gaussian", answer.scale)
    margin = noise.beyond(PASSED_BY_LUCK, two_sided=False)
    for role, what, minimum in zip(
        _ROLES, ("early buyers", "people reached"), (least.seeds, least.audience), strict=True
    ):
        if not told[role] >= minimum + margin:  # a count that the gate does not show is NaN
            raise PrivacyError(
                f"too few {what} for a minimum of {minimum} and noise of up to {margin}, so no audience is made; wait "
                "for more early buyers, ask for a larger share, or pay for less noise"
            )
    return Size(int(told[_ROLES[1]]), answer.error_95)
