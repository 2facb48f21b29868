"""Proofs that a signed root holds an entry, and that a later root extends an earlier one; checked without the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from privacy.log.merkle import EMPTY_ROOT, node_hash
from retail.errors import PrivacyError


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That a leaf is entry `index` of the first `size`.

    Attributes:
        index: of the entry, from 0.
        size: entries under the root that the proof leads to.
        leaf_hex: hash of the entry's leaf bytes (`LogEntry.leaf_hash`), 64 hexadecimal digits.
        path: hashes from the leaf's sibling up, 64 hexadecimal digits each.
    """

    index: int
    size: int
    leaf_hex: str
    path: tuple[str, ...]

    def verify(self, root_hex: str) -> bool:
        """Tell whether the proof leads to this root; False too for anything that is no hash.

        Guarantee: True for a root that was signed over `size` entries means that entry `index` has this leaf hash.
            Assumes that nobody finds two inputs with one SHA-256. The caller compares `leaf_hex` with the hash of the
            entry it was shown: the proof alone says nothing about an entry's content.

        Source: RFC 9162, section 2.1.3.2.
        """
        try:
            found = _hash_of(self.leaf_hex)
            path = [_hash_of(each) for each in self.path]
            wanted = _hash_of(root_hex)
        except ValueError:
            return False
        if not 0 <= self.index < self.size:
            return False
        position, last = self.index, self.size - 1
        for sibling in path:
            if last == 0:
                return False
            if position & 1 or position == last:
                found = node_hash(sibling, found)
                while not position & 1 and position:
                    position, last = position >> 1, last >> 1
            else:
                found = node_hash(found, sibling)
            position, last = position >> 1, last >> 1
        return last == 0 and found == wanted

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON can hold."""
        return {**asdict(self), "path": list(self.path)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` made.

        Raises: PrivacyError: it is no such mapping.
        """
        values = _fields(document, {"index": int, "size": int, "leaf_hex": str, "path": list}, "an inclusion proof")
        return cls(**{**values, "path": _texts(values["path"])})


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the first `new_size` entries begin with the first `old_size`, unchanged and in the same order.

    Attributes:
        old_size: entries under the earlier root.
        new_size: entries under the later root.
        path: 64 hexadecimal digits each; empty when the sizes are equal, or when old_size is 0.
    """

    old_size: int
    new_size: int
    path: tuple[str, ...]

    def verify(self, old_root: str, new_root: str) -> bool:
        """Tell whether the proof leads to both roots; False too for anything that is no hash.

        Guarantee: True for two signed roots means that nothing in the earlier log was edited, moved, removed or slipped
            in. Assumes that nobody finds two inputs with one SHA-256.

        Source: RFC 9162, section 2.1.4.2.
        """
        try:
            path = [_hash_of(each) for each in self.path]
            before, after = _hash_of(old_root), _hash_of(new_root)
        except ValueError:
            return False
        if not 0 <= self.old_size <= self.new_size:
            return False
        if self.old_size == self.new_size or self.old_size == 0:
            same = before == after if self.old_size == self.new_size else before == EMPTY_ROOT
            return same and not path and (self.new_size == 0) == (after == EMPTY_ROOT)
        if self.old_size & (self.old_size - 1) == 0:  # the old tree is a node of the new one
            path = [before, *path]
        if not path:
            return False
        position, last = self.old_size - 1, self.new_size - 1
        while position & 1:
            position, last = position >> 1, last >> 1
        old = new = path[0]
        for sibling in path[1:]:
            if last == 0:
                return False
            if position & 1 or position == last:
                old, new = node_hash(sibling, old), node_hash(sibling, new)
                while not position & 1 and position:
                    position, last = position >> 1, last >> 1
            else:
                new = node_hash(new, sibling)
            position, last = position >> 1, last >> 1
        return last == 0 and old == before and new == after

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON can hold."""
        return {**asdict(self), "path": list(self.path)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` made.

        Raises: PrivacyError: it is no such mapping.
        """
        values = _fields(document, {"old_size": int, "new_size": int, "path": list}, "a consistency proof")
        return cls(**{**values, "path": _texts(values["path"])})


def _hash_of(text: str) -> bytes:
    """Raises: ValueError: not 64 hexadecimal digits in lower case, the one way in which a hash is written here."""
    if not isinstance(text, str) or len(text) != 64:
        raise ValueError(text)
    value = bytes.fromhex(text)
    if value.hex() != text:
        raise ValueError(text)
    return value


def _fields(document: Mapping[str, Any], kinds: Mapping[str, type], what: str) -> dict[str, Any]:
    if not isinstance(document, Mapping) or set(document) != set(kinds):
        raise PrivacyError(f"{what} has the fields {', '.join(kinds)}, got {document!r}")
    for name, kind in kinds.items():
        if type(document[name]) is not kind:
            raise PrivacyError(f"{name} of {what} must be {kind.__name__}, got {document[name]!r}")
    return dict(document)


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
