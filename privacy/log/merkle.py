"""The hash tree over a log's entries: its root, and the hashes that prove what it holds.

The tree and both kinds of proof are those of RFC 9162, section 2.1 (the same as RFC 6962's): SHA-256, a leaf hashed
behind a 0 byte and an inner node behind a 1 byte, so that no node can pass for a leaf. A perfect subtree of 2^level
leaves that starts at leaf `position * 2^level` is named (level, position); its hash never changes once its last leaf is
in. Everything here is made from those hashes, so a proof takes O(log n) of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of a tree without leaves."""

Subtrees = Callable[[int, int], bytes]
"""Hash of the perfect subtree (level, position)."""


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of a leaf's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node from those of its children."""
    return sha256(b"\x01" + left + right).digest()


def completed(size: int, leaf: bytes, subtrees: Subtrees) -> list[bytes]:
    """Return the hashes of the perfect subtrees that a new leaf completes, from level 0 (the leaf itself) upwards.

    Args:
        size: leaves before it.
        leaf: its hash.
        subtrees: asked for left neighbours only, which are all complete.
    """
    hashes = [leaf]
    level = 0
    while size >> level & 1:
        hashes.append(node_hash(subtrees(level, (size >> level) - 1), hashes[-1]))
        level += 1
    return hashes


def root(size: int, subtrees: Subtrees) -> bytes:
    """Return the root of the tree over the first `size` leaves."""
    return EMPTY_ROOT if size == 0 else _range(0, size, subtrees)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    edge = RightEdge()
    for leaf in leaves:
        edge.push(leaf)
    return edge.root()


def inclusion_path(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root over `size` leaves (RFC 9162, section 2.1.3.1)."""
    return _siblings(index, 0, size, subtrees)


def consistency_path(old: int, new: int, subtrees: Subtrees) -> list[bytes]:
    """Return the hashes that show that `new` leaves begin with the first `old` ones (RFC 9162, section 2.1.4.1).

    Empty for old = 0 (every tree extends the empty one) and for old = new.
    """
    return [] if old == 0 else _differences(old, 0, new, subtrees, whole=True)


class RightEdge:
    """The root of a tree that grows leaf by leaf, from O(log n) kept hashes."""

    __slots__ = ("hashes", "size")

    def __init__(self) -> None:
        self.size = 0
        self.hashes: list[bytes] = []
        """Perfect subtrees that make up the tree, from the largest to the smallest."""

    def push(self, leaf: bytes) -> list[bytes]:
        """Add a leaf's hash. Returns: the hashes of the perfect subtrees that it completed, as `completed` does."""
        hashes, at = self.hashes, self.size
        done = [leaf]
        while at & 1:
            leaf = sha256(b"\x01" + hashes.pop() + leaf).digest()
            done.append(leaf)
            at >>= 1
        hashes.append(leaf)
        self.size += 1
        return done

    def root(self) -> bytes:
        """Return the root now."""
        if not self.hashes:
            return EMPTY_ROOT
        whole = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            whole = node_hash(left, whole)
        return whole


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range(start: int, stop: int, subtrees: Subtrees) -> bytes:
    """Hash leaves start to stop, where start is a multiple of the power of two that covers the range."""
    count = stop - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return subtrees(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range(start, middle, subtrees), _range(middle, stop, subtrees))


def _siblings(index: int, start: int, stop: int, subtrees: Subtrees) -> list[bytes]:
    if stop - start == 1:
        return []
    middle = start + _split(stop - start)
    if index < middle:
        return [*_siblings(index, start, middle, subtrees), _range(middle, stop, subtrees)]
    return [*_siblings(index, middle, stop, subtrees), _range(start, middle, subtrees)]


def _differences(old: int, start: int, stop: int, subtrees: Subtrees, *, whole: bool) -> list[bytes]:
    """Walk to where the old tree ends; `whole` while the old tree is still all that lies on the way."""
    if old == stop:
        return [] if whole else [_range(start, stop, subtrees)]
    middle = start + _split(stop - start)
    if old <= middle:
        return [*_differences(old, start, middle, subtrees, whole=whole), _range(middle, stop, subtrees)]
    return [*_differences(old, middle, stop, subtrees, whole=False), _range(start, middle, subtrees)]
