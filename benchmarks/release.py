"""What a release costs in time: a heat map of 1,200 cells through the whole gate, and the same answer from the store.

Peer: plain numpy, which counts persons per cell and adds rounded normal noise. It bounds nothing over merchants, asks
no policy, keeps no ledger, log or answer, and its noise can be predicted by whoever learns its state.

Run `python benchmarks/release.py [--quick] [--json]`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from timing import options, row, seconds, show

from privacy import Budget, Ledger
from privacy.log import Log, SigningKey
from privacy.mechanisms import statistics
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds
from privacy.statistics.query_file import parse_query

HEAT_MAP = {
    "kind": "heat_map",
    "x": {"column": "x_m", "start": 0, "stop": 40, "step": 1},
    "y": {"column": "y_m", "start": 0, "stop": 30, "step": 1},
    "epsilon": 0.05,
}
CELLS = 1200


def walks(lines: int) -> pd.DataFrame:
    """Made-up positions in a shop of 40 by 30 metres: 40 a person."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "person_id": np.arange(lines) // 40,
            "merchant_id": rng.integers(0, 8, lines),
            "basket_id": np.arange(lines) // 10,
            "x_m": rng.uniform(0, 40, lines),
            "y_m": rng.uniform(0, 30, lines),
        }
    )


def plain(rows: pd.DataFrame, scale: float) -> np.ndarray:
    """Count persons per cell and add noise, as a notebook would."""
    cell = rows["x_m"].to_numpy().astype(int) * 30 + rows["y_m"].to_numpy().astype(int)
    pairs = pd.unique(rows["person_id"].to_numpy() * CELLS + cell)
    counts = np.bincount(pairs % CELLS, minlength=CELLS)
    return np.rint(counts + np.random.default_rng().normal(0, scale, CELLS))


def make_gate(folder: Path, rows: pd.DataFrame) -> ReleaseGate:
    ledger = Ledger.open(
        folder / f"{len(rows)}.sqlite", scope="persistent", budget=Budget("shop", 8.0, 1e-5, 36_000), run="benchmark"
    )
    register = Register([Party("shop", "aggregator")], [Dataset("transactions", "shop", "movement", "dp", True)])
    return ReleaseGate(
        dataset="transactions",
        ledger=ledger,
        engine=PolicyEngine.load(["base"], register=register),
        log=Log.open(ledger.books, origin="benchmark", key=SigningKey.load_or_create(folder / "key.pem")),
        rows=lambda columns: rows[list(columns)],
        bounds=Bounds(max_merchants=4, max_cells=12, max_rows=1),
    )


def main() -> None:
    chosen = options(__doc__)
    repeats = 5 if chosen.quick else 15
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for lines in (100_000, 1_440_000):
            rows = walks(lines)
            gate = make_gate(Path(folder), rows)
            anew, again = parse_query(HEAT_MAP | {"refresh": True}), parse_query(HEAT_MAP)
            scale = gate.release("shop", anew).scale
            peer = seconds(lambda rows=rows, scale=scale: plain(rows, scale), repeats)
            released = seconds(lambda gate=gate, query=anew: gate.release("shop", query), repeats)
            stored = seconds(lambda gate=gate, query=again: gate.release("shop", query), repeats)
            name = f"heat map of {CELLS:,} cells, {lines:,} rows"
            found.append(row(f"{name}: release", ours=released, peer=peer, peer_name="plain numpy"))
            found.append(row(f"{name}: stored answer", ours=stored, peer=released, peer_name="releasing anew"))
            previewed = seconds(lambda gate=gate, query=anew: gate.preview(query), repeats)
            found.append(row(f"{name}: preview", ours=previewed, peer=released, peer_name="releasing"))
    plan = statistics.plan_counts(cells=CELLS, keys=12, per_key=1, cost=10**6)
    zeros = np.zeros(CELLS, dtype=np.int64)
    found.append(
        row(
            f"noise alone for {CELLS:,} cells",
            ours=seconds(lambda: statistics.draw_counts(zeros, plan), repeats),
            peer=seconds(lambda: np.rint(np.random.default_rng().normal(0, plan.noise.scale, CELLS)), repeats),
            peer_name="numpy normal, not discrete",
        )
    )
    show(found, as_json=chosen.json)


if __name__ == "__main__":
    main()
