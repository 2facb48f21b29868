"""Time our ranking measures against ranx on the same rankings, and check that they agree.

python benchmarks/ranking_metrics.py [--quick] [--json]

Both get the finished top-10 lists; ranx is called once before the clock starts, because it compiles on first use. Needs
the extra `oracles`.
"""

from __future__ import annotations

import numpy as np
from ranx import Qrels, Run, evaluate
from scipy.sparse import csr_array
from timing import options, row, seconds, show

from retail.metrics import ndcg, recall


def main() -> None:
    wanted = options(__doc__)
    users, items, k = (500 if wanted.quick else 5000), 2000, 10
    rng = np.random.default_rng(0)
    ranked = np.array([rng.choice(items, k, replace=False) for _ in range(users)])
    truth = [rng.choice(items, rng.integers(1, 60), replace=False) for _ in range(users)]
    rows = np.repeat(np.arange(users), [len(one) for one in truth])
    relevant = csr_array((np.ones(len(rows), dtype=np.float32), (rows, np.concatenate(truth))), shape=(users, items))
    qrels = Qrels({f"u{u}": {f"i{i}": 1 for i in one} for u, one in enumerate(truth)})
    run = Run({f"u{u}": {f"i{i}": float(k - p) for p, i in enumerate(one)} for u, one in enumerate(ranked)})
    table = []
    for name, measure in (("ndcg", ndcg), ("recall", recall)):
        gap = abs(float(np.nanmean(measure(ranked, relevant, k=k))) - float(evaluate(qrels, run, f"{name}@{k}")))
        if gap > 1e-9:
            raise SystemExit(f"{name}@{k} differs from ranx by {gap}")
        ours = seconds(lambda measure=measure: measure(ranked, relevant, k=k), 7)
        peer = seconds(lambda name=name: evaluate(qrels, run, f"{name}@{k}"), 7)
        table.append(row(f"{name}@{k}, {users} users", ours=ours, peer=peer, peer_name="ranx"))
    show(table, as_json=wanted.json)


if __name__ == "__main__":
    main()
