"""Attacks on the sums of the first round: two that differ by one shopper, and a message of a small merchant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from federation.config import FederationConfig
from federation.task import NodeData, Task
from privacy.accounting import NANO, epsilon_rdp
from privacy.attacks import AttackResult, differencing_attack, inversion_attack
from privacy.clipping import OuterRows, clip_rows

Floats = NDArray[np.float64]
_CANDIDATES: Final = 400
_EXACT: Final = "Only the aggregator sees it, without noise: the guarantee trusts the aggregator with it."
_NOISED: Final = (
    "The attack drew the noise itself, as strong as a merchant must add before sending; the run's noise is not tested."
)
_DRAWS: Final = 20
_HALF: Final = 10
"""Fewest shoppers of a merchant behind its message, and fewest left out of it to compare with."""


def message_attacks(
    config: FederationConfig, task: Task, held: Sequence[NodeData], *, costs: dict[str, int], seed: int, trials: int
) -> list[AttackResult]:
    """Attack the first round of a task.

    Args:
        config: of the run.
        task: of the run.
        held: its nodes.
        costs: nano-rho by round; empty without a claim.
        seed: of everything drawn here.
        trials: how often one shopper is taken out.

    Returns: differencing and inversion; nothing where there are too few shoppers for them.
    """
    rows, owner = _first_round(task, held)
    found = _differencing(config, rows, costs, task, seed=seed, trials=trials)
    return found + _inversion(config, rows, owner, costs, task, seed=seed)


def _first_round(task: Task, held: Sequence[NodeData]) -> tuple[Any, NDArray[np.int64]]:
    """Return the contributions of all persons to the first round, (rows, d) CSR, and the node of each row."""
    round_, model = task.rounds()[0], task.initial()
    sent = task.broadcast(model, round_)
    blocks, owner = [], []
    for index, node in enumerate(held):
        for block in task.person_updates(sent, round_, node):
            rows = _sparse(block)
            blocks.append(rows)
            owner.append(np.full(rows.shape[0], index, dtype=np.int64))
    return sparse.csr_array(sparse.vstack(blocks)), np.concatenate(owner)


def _sparse(block: Any) -> Any:
    if isinstance(block, OuterRows):
        right = block.right if isinstance(block.right, np.ndarray) else block.right.toarray()
        block = (block.left[:, :, None] * right[:, None, :]).reshape(len(block.left), -1)
    return sparse.csr_array(block).astype(np.float64)


def _dense(rows: Any, config: FederationConfig) -> Floats:
    """Clip, and leave out the coordinates that are zero in all of these rows."""
    clipped = rows if config.clip_norm is None else clip_rows(rows, norm_bound=config.clip_norm)
    used = np.unique(clipped.indices)
    found: Floats = clipped[:, used].toarray()
    return found


def _differencing(
    config: FederationConfig, rows: Any, costs: dict[str, int], task: Task, *, seed: int, trials: int
) -> list[AttackResult]:
    rng = np.random.default_rng(np.random.SeedSequence([0xD1F, seed]))
    filled = np.flatnonzero(np.diff(rows.indptr) > 0)
    if len(filled) < 2:
        return []
    chosen = rng.permutation(filled)[:_CANDIDATES]
    table = np.unique(_dense(rows[np.sort(chosen)], config), axis=0)
    if len(table) < 2:
        return []
    name = task.rounds()[0].name
    scale = float(config.clip_norm or 0.0) * _multiplier(costs, name)
    total = table.sum(axis=0)

    def exact(mask: NDArray[np.bool_], trial: int) -> Floats:
        found: Floats = total - table[~mask].sum(axis=0)
        return found

    def release(mask: NDArray[np.bool_], trial: int) -> Floats:
        drawn = np.random.default_rng(np.random.SeedSequence([0xD1FE, seed, trial]))
        found: Floats = exact(mask, trial) + scale * drawn.standard_normal(table.shape[1])
        return found

    claim = (epsilon_rdp(costs[name], delta=config.delta), config.delta) if costs else None
    return [differencing_attack(release, exact, table, trials=trials, seed=seed, claim=claim)]


def _inversion(
    config: FederationConfig, rows: Any, owner: NDArray[np.int64], costs: dict[str, int], task: Task, *, seed: int
) -> list[AttackResult]:
    """Look at a message of a merchant with few shoppers, as whoever receives it sees it.

    Half of the merchant's shoppers, drawn at random, are behind the message, and the other half are who they are
    compared with: one population, so that what tells the halves apart is the message. With distributed noise masks hide
    the message from everybody, and there is nothing to look at.
    """
    if config.noise == "distributed":
        return []
    filled = np.diff(rows.indptr) > 0
    counts = np.bincount(owner[filled])
    enough = np.flatnonzero(counts >= 2 * _HALF)
    if not len(enough):
        return []
    smallest = int(enough[np.argmin(counts[enough])])
    rng = np.random.default_rng(np.random.SeedSequence([0x16, seed]))
    own = rng.permutation(np.flatnonzero(filled & (owner == smallest)))[: 2 * _CANDIDATES]
    rest = rng.permutation(np.flatnonzero(filled & (owner != smallest)))[:_CANDIDATES]
    table = _dense(rows[np.concatenate([own, rest])], config)
    inside, others = np.array_split(table[: len(own)], 2)
    noised = config.noise == "every_node" and bool(costs)
    multiplier = _multiplier(costs, task.rounds()[0].name) if noised else 0.0
    scale = float(config.clip_norm or 0.0) * multiplier / np.sqrt(config.k_max)

    def exact(some: Floats) -> Floats:
        found: Floats = some.sum(axis=0) * config.weight
        return found

    def message(some: Floats) -> Floats:
        found: Floats = exact(some) + scale * rng.standard_normal(some.shape[1])
        return found

    return [
        inversion_attack(
            message,
            inside,
            others,
            public=table[len(own) :].mean(axis=0) if len(rest) else None,
            exact=exact,
            draws=_DRAWS if noised else 1,
            note=_NOISED if noised else _EXACT,
        )
    ]


def _multiplier(costs: dict[str, int], name: str) -> float:
    """Noise multiplier that a round's cost stands for; 0 without a claim."""
    return float(np.sqrt(NANO / (2 * costs[name]))) if costs else 0.0
