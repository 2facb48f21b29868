"""Time our ranking measures against ranx on the same rankings, and check that they agree.

python benchmarks/ranking_metrics.py [--quick] [--json]

Prints rows of name, ours, peer, ratio (peer over ours: above 1 means that we are faster), unit, peer_name. Both get the
finished top-10 lists; ranx is called once before the clock starts, because it compiles on first use. Needs the extra
`oracles`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from ranx import Qrels, Run, evaluate
from scipy.sparse import csr_array

from retail.metrics import ndcg, recall


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time of some calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer users")
    parser.add_argument("--json", action="store_true", help="one JSON list on standard output")
    wanted = parser.parse_args()
    users, items, k = (500 if wanted.quick else 5000), 2000, 10
    rng = np.random.default_rng(0)
    ranked = np.array([rng.choice(items, k, replace=False) for _ in range(users)])
    truth = [rng.choice(items, rng.integers(1, 60), replace=False) for _ in range(users)]
    rows = np.repeat(np.arange(users), [len(one) for one in truth])
    relevant = csr_array((np.ones(len(rows), dtype=np.float32), (rows, np.concatenate(truth))), shape=(users, items))
    qrels = Qrels({f"u{u}": {f"i{i}": 1 for i in one} for u, one in enumerate(truth)})
    run = Run({f"u{u}": {f"i{i}": float(k - p) for p, i in enumerate(one)} for u, one in enumerate(ranked)})
    table = []
    for name, ours in (("ndcg", ndcg), ("recall", recall)):
        peer = evaluate(qrels, run, f"{name}@{k}")
        gap = abs(float(np.nanmean(ours(ranked, relevant, k=k))) - float(peer))
        if gap > 1e-9:
            raise SystemExit(f"{name}@{k} differs from ranx by {gap}")
        mine = seconds(lambda ours=ours: ours(ranked, relevant, k=k), 7)
        theirs = seconds(lambda name=name: evaluate(qrels, run, f"{name}@{k}"), 7)
        table.append(
            {
                "name": f"{name}@{k}, {users} users",
                "ours": mine,
                "peer": theirs,
                "ratio": theirs / mine,
                "unit": "s",
                "peer_name": "ranx",
            }
        )
    if wanted.json:
        print(json.dumps(table))
        return
    for row in table:
        print(f"{row['name']}: ours {row['ours']:.4f} s, ranx {row['peer']:.4f} s, ratio {row['ratio']:.1f}")


if __name__ == "__main__":
    main()
