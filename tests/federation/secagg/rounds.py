"""One secure aggregation among nodes in this process, with losses where a test wants them."""

from __future__ import annotations

import numpy as np

from federation.secagg.keys import new_identity, public_identity
from federation.secagg.node import NodeSession
from federation.secagg.server import ServerSession
from federation.secagg.terms import Terms, session_id


class Rehearsal:
    """Runs the four exchanges and keeps all that the server saw."""

    def __init__(self, terms: Terms, size: int, *, round_: str = "train-0") -> None:
        identities = [new_identity() for _ in range(terms.nodes)]
        roster = tuple(public_identity(one) for one in identities)
        session = session_id(terms, roster, run="run", round_=round_, size=size, step=1.0)
        self.terms, self.roster, self.session, self.identities = terms, roster, session, identities
        self.nodes = {
            place: NodeSession(terms, roster, session, place=place, identity=identity)
            for place, identity in enumerate(identities)
        }
        self.server = ServerSession(terms, roster, session, size=size)
        self.masked: dict[int, np.ndarray] = {}
        self.revealed: dict[int, dict[int, bytes]] = {}

    def run(self, vectors, *, lost_before_keys=(), lost_before_shares=(), lost_before_masks=(), lost_before_reveal=()):
        """Return the unmasked sum; `vectors` by place."""
        alive = [node for node in self.nodes if node not in lost_before_keys]
        keys = self.server.keys_for({node: self.nodes[node].advertise() for node in alive})
        alive = [node for node in alive if node not in lost_before_shares]
        shares = self.server.shares_for({node: self.nodes[node].share(keys[node]) for node in alive})
        for node in alive:
            if node not in lost_before_masks:
                self.masked[node] = self.nodes[node].mask(shares[node], vectors[node])
                assert self.server.add(node, self.masked[node])
        survivors = self.server.survivors()
        self.revealed = {
            node: self.nodes[node].reveal(survivors) for node in survivors if node not in lost_before_reveal
        }
        return self.server.unmask(self.revealed)
