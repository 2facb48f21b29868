"""What the scripts beside this one share: options, the median of a few timings, and how a comparison is printed."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable


def options(doc: str | None) -> argparse.Namespace:
    """Read `--quick` and `--json`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    parser.add_argument("--json", action="store_true", help="one JSON list on standard output")
    return parser.parse_args()


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time of some calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def row(name: str, *, ours: float, peer: float, peer_name: str) -> dict[str, object]:
    """One comparison in seconds; `ratio` is peer over ours, so above 1 means that we are faster."""
    return {"name": name, "ours": ours, "peer": peer, "ratio": peer / ours, "unit": "s", "peer_name": peer_name}


def show(rows: list[dict[str, object]], *, as_json: bool) -> None:
    """Print comparisons."""
    if as_json:
        print(json.dumps(rows))
        return
    for one in rows:
        print("{name}: ours {ours:.4f} {unit}, {peer_name} {peer:.4f} {unit}, ratio {ratio:.2f}".format(**one))
