"""One secure aggregation among nodes in this process: CPU time of all nodes and the server together, no network.

    python benchmarks/secagg.py [--nodes 100] [--size 100000] [--repeats 5]

Prints the median of some rounds, with nobody lost and with three of ten nodes lost, of which it checks the sum.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a neighbour is called like the room `federation`

from federation.secagg.keys import new_identity, public_identity
from federation.secagg.node import NodeSession
from federation.secagg.server import ServerSession
from federation.secagg.terms import Terms, session_id


def aggregate(terms: Terms, vectors: np.ndarray, lost: frozenset[int], number: int) -> np.ndarray:
    """Run the four exchanges; some nodes are lost after the second. Returns the sum that the server gets."""
    identities = [new_identity() for _ in range(terms.nodes)]
    roster = tuple(public_identity(one) for one in identities)
    size = vectors.shape[1]
    session = session_id(terms, roster, run="benchmark", round_=f"round {number}", size=size, step=1.0)
    nodes = [NodeSession(terms, roster, session, place=at, identity=one) for at, one in enumerate(identities)]
    server = ServerSession(terms, roster, session, size=size)
    keys = server.keys_for({at: node.advertise() for at, node in enumerate(nodes)})
    shares = server.shares_for({at: node.share(keys[at]) for at, node in enumerate(nodes)})
    for at, node in enumerate(nodes):
        if at not in lost:
            server.add(at, node.mask(shares[at], vectors[at]))
    survivors = server.survivors()
    return server.unmask({at: nodes[at].reveal(survivors) for at in survivors})


def measure(nodes: int, size: int, lost: int, repeats: int) -> float:
    """Return the median CPU seconds of a round. Raises: SystemExit: a sum is wrong."""
    rng, taken = np.random.default_rng(0), []
    vectors = rng.integers(0, 2**64, (nodes, size), dtype=np.uint64)
    for number in range(repeats):
        gone = frozenset(rng.choice(nodes, lost, replace=False).tolist())
        wanted = vectors[[at for at in range(nodes) if at not in gone]].sum(axis=0, dtype=np.uint64)
        begun = time.process_time()
        found = aggregate(Terms(nodes, dropouts=lost), vectors, gone, number)
        taken.append(time.process_time() - begun)
        if (found != wanted).any():
            raise SystemExit(f"round {number}: the sum is wrong")
    return median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    said = parser.parse_args()
    for nodes, lost in ((said.nodes, 0), (10, 0), (10, 3)):
        seconds = measure(nodes, said.size, lost, said.repeats)
        print(f"{nodes} nodes, {said.size} numbers, {lost} lost: {seconds:.2f} s of a core a round, the sum is right")


if __name__ == "__main__":
    main()
