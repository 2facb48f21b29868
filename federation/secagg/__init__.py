"""Secure aggregation: the server learns the sum of the nodes' vectors, and no vector.

Enters: one vector of whole numbers from each node (`ring.to_ring`). Leaves: their sum modulo 2^64, or nothing.

    terms = Terms(nodes=10, dropouts=3, colluders=2)
    node = NodeSession(terms, roster, session, place=0, identity=key)
    server = ServerSession(terms, roster, session, size=1000)

Four exchanges: keys, shares of secrets, masked vectors, shares that take the masks of the sum off. `node` and `server`
speak in plain dataclasses; `rounds` and `answers` carry them over Flower's messages.

Source: Bonawitz et al. 2017 (masks and shares); Bell et al. 2020 (few neighbours instead of all).
"""

__all__ = [
    "answers",
    "graph",
    "keys",
    "masks",
    "node",
    "ring",
    "roster",
    "rounds",
    "rules",
    "server",
    "shamir",
    "terms",
    "wire",
]
