"""What one node adds to a round: the clipped, weighted sum of its persons' contributions."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from federation.batches import BatchedTask, NodeBatch
from federation.task import Model, Node, Round, Task
from privacy.clipping import OuterRows, Updates, clipped_sum
from privacy.steps import stepped_sum
from retail.errors import ConfigError


@runtime_checkable
class CarriesCanaries(Protocol):
    """A task that puts phantom persons into its rounds, see `federation.canaries`.

    The first `reserved` coordinates of every round are theirs. Blocks of persons leave them out; blocks of the
    round's full length hold phantom persons and nothing but those coordinates.
    """

    reserved: int

    def extra_persons(self, node: Any) -> int:
        """Return how many phantom persons a node has."""


def node_sum(
    task: Task,
    model: Model,
    round_: Round,
    node: Node,
    *,
    clip_norm: float | None,
    weight: float,
    step: float | None = None,
    canaries: bool = False,
) -> NDArray[np.float64]:
    """Add up a node's contributions to one round.

    Args:
        task: says what each person contributes.
        model: as broadcast.
        round_: the round.
        node: the merchant's rows.
        clip_norm: C, the L2 bound of one person's contribution; None adds them up as they are.
        weight: public factor, 1 / k_max.
        step: cut each person's weighted contribution to whole multiples of this, towards zero, before adding; None
            adds floats.
        canaries: let a task that carries canaries add phantom persons: in simulations only, and never for a task that
            somebody else wrote, since it says itself how many there are.

    Returns: (d,) float64; zeros for a node without persons. With a step, whole numbers of steps.

    Raises:
        ConfigError: the task yields rows of another length than the round says, or more rows than there are persons.
            Phantom persons: more than the task announced, or one that touches the task's own coordinates.
        PrivacyError: rows of a kind that cannot be clipped; without a bound also NaN or infinity.

    Guarantee: one person more or less changes the result by at most weight * C in L2: with a step exactly, without one
        up to the rounding of float64 addition. A row with NaN or infinity counts as zero, so that one person's rows
        cannot stop everybody's sum.
        Assumes that the task yields one row per person, each a function of the broadcast model, public constants and
        that person's rows alone, and that whether it raises depends on no single person's rows.
    """
    total = np.zeros(round_.size)
    reserved, phantoms = (
        (task.reserved, task.extra_persons(node)) if canaries and isinstance(task, CarriesCanaries) else (0, 0)
    )
    own = total[reserved:]
    rows = phantom_rows = 0
    for updates in task.person_updates(model, round_, node):
        persons, width = _shape(updates)
        if reserved and width == round_.size:
            phantom_rows += persons
            if phantom_rows > phantoms:
                raise ConfigError(f"round {round_.name!r} got more than the node's {phantoms} phantom persons")
            part = _block_sum(updates, round_, clip_norm, weight, step)
            if part[reserved:].any():
                raise ConfigError(f"round {round_.name!r}: a phantom person contributed to the task's own coordinates")
            total += part
            continue
        rows += persons
        if width != len(own):
            raise ConfigError(f"round {round_.name!r} got contributions of length {width}, not {len(own)}")
        if rows > len(node.persons):
            raise ConfigError(f"round {round_.name!r} got more contributions than the node has persons; yield one each")
        own += _block_sum(updates, round_, clip_norm, weight, step)
    return total


def batch_sum(
    task: BatchedTask,
    model: Model,
    round_: Round,
    batch: NodeBatch,
    *,
    clip_norm: float | None,
    weight: float,
    step: float | None = None,
) -> NDArray[np.float64]:
    """Add up what a batch of nodes contributes to a round whose contribution is "merchant", one row for each node.

    Args: see `node_sum`; a row is clipped, weighted and cut as the one row of its node is there.

    Returns: (d,) float64, the sum of what `node_sum` returns for each node, up to rounding.

    Raises:
        ConfigError: rows of another length than the round says, or another number of them than there are nodes.
        PrivacyError: as `node_sum`. No privacy may be claimed for such a round.
    """
    total, rows = np.zeros(round_.size), 0
    for updates in task.node_updates(model, round_, batch):
        count, width = _shape(updates)
        rows += count
        if width != round_.size or rows > len(batch.nodes):
            raise ConfigError(
                f"round {round_.name!r} got {rows} or more rows of length {width} from node_updates for "
                f"{len(batch.nodes)} nodes; yield one row of length {round_.size} for each"
            )
        total += _block_sum(updates, round_, clip_norm, weight, step)
    if rows < len(batch.nodes):
        raise ConfigError(f"round {round_.name!r} got {rows} rows from node_updates for {len(batch.nodes)} nodes")
    return total


def _block_sum(
    updates: Updates, round_: Round, clip_norm: float | None, weight: float, step: float | None
) -> NDArray[np.float64]:
    if step is not None:
        return stepped_sum(_without_broken_rows(updates), norm_bound=clip_norm, weight=weight, step=step)
    if clip_norm is None:
        return _plain_sum(updates, round_) * weight
    return clipped_sum(_without_broken_rows(updates), norm_bound=clip_norm, weight=weight)


def _shape(updates: Updates) -> tuple[int, int]:
    if isinstance(updates, OuterRows):
        return int(updates.left.shape[0]), int(updates.left.shape[1] * updates.right.shape[1])
    if len(updates.shape) != 2:
        raise ConfigError(f"contributions must be (persons, d), got shape {updates.shape}")
    return int(updates.shape[0]), int(updates.shape[1])


def _plain_sum(updates: Updates, round_: Round) -> NDArray[np.float64]:
    if isinstance(updates, OuterRows):
        total = (updates.right.T.astype(np.float64) @ updates.left.astype(np.float64)).T
    else:
        total = updates.sum(axis=0, dtype=np.float64)
    flat: NDArray[np.float64] = np.asarray(total, dtype=np.float64).ravel()
    if not np.isfinite(flat).all():
        raise ConfigError(f"round {round_.name!r} sums to NaN or infinity; lower the learning rate")
    return flat


def _without_broken_rows(updates: Updates) -> Updates:
    """Replace every row that holds NaN or infinity by zeros; a decision about each row on its own."""
    if isinstance(updates, OuterRows):
        left, right = _canonical(updates.left), _canonical(updates.right)
        broken = _broken(left) | _broken(right)
        return OuterRows(_zeroed(left, broken), _zeroed(right, broken)) if broken.any() else updates
    rows = _canonical(updates)
    broken = _broken(rows)
    return _zeroed(rows, broken) if broken.any() else updates


def _canonical(rows: Any) -> Any:
    """Add up entries of a sparse row that name the same column: two finite ones may overflow together."""
    if not isinstance(rows, sparse.csr_array):
        return rows
    fresh = sparse.csr_array((rows.data, rows.indices, rows.indptr), shape=rows.shape)
    if not fresh.has_canonical_format:
        fresh = fresh.copy()
        fresh.sum_duplicates()
    return fresh


def _broken(rows: Any) -> NDArray[np.bool_]:
    if sparse.issparse(rows):
        bad = ~np.isfinite(rows.data)
        owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        return np.bincount(owner[bad], minlength=rows.shape[0]).astype(bool)
    return np.asarray(~np.isfinite(rows).all(axis=1))


def _zeroed(rows: Any, broken: NDArray[np.bool_]) -> Any:
    fixed = rows.copy()
    if sparse.issparse(rows):
        fixed.data[np.repeat(broken, np.diff(rows.indptr))] = 0
    else:
        fixed[broken] = 0
    return fixed
