"""What the server does in one secure aggregation: it carries messages, adds up, and takes masks off the sum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from federation.secagg import keys, shamir
from federation.secagg.graph import Graph
from federation.secagg.keys import Advertisement
from federation.secagg.masks import Ring, add_mask, pair_sign
from federation.secagg.node import MASK
from federation.secagg.terms import Terms
from retail.errors import PrivacyError


class ServerSession:
    """The server's side of one aggregation. Answers that cannot be used are as good as none: that node is lost.

    Args:
        terms: of the aggregation.
        roster: public identity keys by place.
        session: from `terms.session_id`.
        size: numbers in a vector.
    """

    def __init__(self, terms: Terms, roster: tuple[bytes, ...], session: bytes, *, size: int) -> None:
        self._terms, self._roster, self._session = terms, roster, session
        self._graph = Graph(terms, session)
        self._keys: dict[int, Advertisement] = {}
        self._shared: set[int] = set()
        self.size = size
        self._total = np.zeros(size, dtype=np.uint64)
        self._masked: set[int] = set()

    def keys_for(self, advertised: Mapping[int, Advertisement | None]) -> dict[int, list[Advertisement]]:
        """Take the keys of all nodes; return what each is to hear of its neighbours.

        Args:
            advertised: by place; None for a node that gave no usable answer.

        Raises: PrivacyError: fewer than the quorum.
        """
        for node, one in advertised.items():
            if one is not None and one.node == node and one.signed_by(self._roster, self._session):
                self._keys[node] = one
        self._quorum(len(self._keys), "gave a key that the roster knows")
        return {
            node: [self._keys[peer] for peer in self._graph.neighbours(node) if peer in self._keys]
            for node in sorted(self._keys)
        }

    def shares_for(self, shared: Mapping[int, Mapping[int, bytes] | None]) -> dict[int, dict[int, bytes]]:
        """Take the sealed shares of all nodes; return what each is to receive.

        Raises: PrivacyError: fewer than the quorum.
        """
        given = {
            node: blobs
            for node, blobs in shared.items()
            if blobs is not None and node in self._keys and set(blobs) == self._present(node)
        }
        self._shared = set(given)
        self._quorum(len(given), "shared their secrets out")
        return {
            node: {peer: given[peer][node] for peer in sorted(self._present(node)) if peer in given}
            for node in sorted(given)
        }

    def add(self, node: int, vector: Ring | None) -> bool:
        """Add a masked vector; tell whether it counts."""
        right = vector is not None and vector.dtype == np.uint64 and vector.shape == self._total.shape
        if vector is None or not right or node not in self._shared or node in self._masked:
            return False
        np.add(self._total, vector, out=self._total)
        self._masked.add(node)
        return True

    def survivors(self) -> tuple[int, ...]:
        """Return the nodes whose vectors are in the sum.

        Raises: PrivacyError: fewer than the quorum.
        """
        self._quorum(len(self._masked), "sent a vector")
        return tuple(sorted(self._masked))

    def unmask(self, revealed: Mapping[int, Mapping[int, bytes] | None]) -> Ring:
        """Take the masks off.

        Args:
            revealed: by node that answered, its shares by the node they are of.

        Returns: (d,) uint64, the sum of the survivors' vectors.

        Raises: PrivacyError: too few shares, or wrong ones.
        """
        total = self._total.copy()
        for node in sorted(self._shared):
            holders = self._present(node) | {node}
            shares = {
                holder: blobs[node]
                for holder, blobs in revealed.items()
                if blobs is not None and holder in holders and holder in self._masked and node in blobs
            }
            try:
                secret = shamir.combine(shares, self._terms.threshold)
            except PrivacyError as error:
                raise PrivacyError(
                    f"the sum cannot be unmasked: node {node}: {error}; the round gives nothing"
                ) from error
            if node in self._masked:
                add_mask(total, secret, sign=-1)
            else:
                self._without(total, node, secret)
        return total

    def _without(self, total: Ring, lost: int, secret: bytes) -> None:
        """Subtract what a lost node's neighbours added for masks that it never took off."""
        if keys.public_key(secret) != self._keys[lost].mask_key:
            raise PrivacyError(f"the shares of lost node {lost} are wrong; the round gives nothing")
        for peer in self._present(lost) & self._masked:
            key = keys.agreed(
                secret,
                self._keys[peer].mask_key,
                purpose=MASK,
                session=self._session,
                between=(min(lost, peer), max(lost, peer)),
            )
            add_mask(total, key, sign=-pair_sign(peer, lost))

    def _present(self, node: int) -> set[int]:
        return {peer for peer in self._graph.neighbours(node) if peer in self._keys}

    def _quorum(self, there: int, what: str) -> None:
        if there < self._terms.quorum:
            raise PrivacyError(
                f"{there} of {self._terms.nodes} nodes {what} and {self._terms.quorum} must; the round gives nothing"
            )
