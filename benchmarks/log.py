"""What the tamper-evident log costs: appending, checking 100,000 entries, proofs.

Peers: appending beside an SQLite table with an index and no hashes, once inside an open transaction (what a release
pays, which commits anyway) and once as a transaction of its own (four flushes of the disk for both: how long they take
is the disk's); checking beside a plain hash chain over the same bytes in memory, which finds edits but no cut-off end
and gives no proofs; a proof beside hashing the whole tree for it.

Run `python benchmarks/log.py [--quick] [--json]`.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from timing import options, row, seconds, show

from privacy.log import Log, SigningKey, verify_log
from privacy.log.entry import canonical
from privacy.log.merkle import RightEdge, leaf_hash

BODY = {
    "time": "2026-03-01T09:30:00.000000+00:00",
    "actor": "merchant-17",
    "role": "merchant",
    "unit": "merchant-17",
    "action": "read",
    "dataset": "orders-17",
    "owner": "merchant-17",
    "kind": "orders",
    "form": "raw",
    "public": False,
    "about_persons": True,
    "purpose": "own_business",
    "columns": ["person_id", "product_id", "day"],
    "consent": "none",
    "jurisdiction": "EU",
    "minor": False,
    "guardian": False,
    "alternative": False,
    "regime": "firewall",
    "decision": "allow",
    "rule": "own-data",
    "article": "GDPR 6(1)(b)",
}


class PlainTable:
    """Events in an SQLite file, one durable transaction each, with nothing that would show a change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE events (event INTEGER PRIMARY KEY, kind TEXT, body TEXT)")
            connection.execute("CREATE INDEX by_kind ON events (kind)")

    def append(self, body: dict[str, object], times: int = 1) -> None:
        """Write an event, or the same several times in one transaction."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(times):
                connection.execute("INSERT INTO events (kind, body) VALUES ('access', ?)", (canonical(body),))
            connection.execute("COMMIT")


def chain(leaves: list[bytes]) -> bytes:
    """Hash each event together with the hash before it."""
    last = b""
    for leaf in leaves:
        last = hashlib.sha256(last + leaf).digest()
    return last


def whole_tree(leaves: list[bytes]) -> bytes:
    """Hash the tree over all events, as a reader who keeps no inner nodes has to for one proof."""
    edge = RightEdge()
    for leaf in leaves:
        edge.push(leaf_hash(leaf))
    return edge.root()


def many(work, times: int):
    """Return a function that does something several times."""

    def repeated() -> None:
        for _ in range(times):
            work()

    return repeated


def each(taken: float, count: int) -> float:
    return taken / count


def main() -> None:
    chosen = options(__doc__)
    entries, appended, repeats = (20_000, 100, 3) if chosen.quick else (100_000, 400, 5)
    with tempfile.TemporaryDirectory() as folder:
        key = SigningKey.generate()
        log = Log.open(Path(folder) / "books.sqlite", origin="benchmark", key=key)
        peer = PlainTable(Path(folder) / "plain.sqlite")
        ours_append = each(seconds(many(lambda: log.append("access", BODY), appended), repeats), appended)
        peer_append = each(seconds(many(lambda: peer.append(BODY), appended), repeats), appended)

        batch = 2000

        def within() -> None:
            with log.books.transaction() as connection:
                for _ in range(batch):
                    log.append_within(connection, "access", BODY)

        ours_within = each(seconds(within, repeats), batch)
        peer_within = each(seconds(lambda: peer.append(BODY, batch), repeats), batch)
        log.append_many([("access", BODY)] * (entries - log.size))
        head = log.sign_head()
        assert head.size == entries
        leaves = [entry.leaf for entry in log.entries()]
        found = []
        ours_verify = seconds(lambda: found.append(verify_log(log.books.path, head=head)), repeats)
        assert all(verdict.ok and verdict.size == entries for verdict in found)
        peer_verify = seconds(lambda: chain(leaves), repeats)
        ours_proof = each(seconds(many(lambda: log.inclusion(entries // 3), 50), repeats), 50)
        assert log.inclusion(entries // 3).verify(head.root_hex)
        peer_proof = seconds(lambda: whole_tree(leaves), repeats)

    size = f"{entries:,} entries"
    rows = [
        row("append within a transaction", ours=ours_within, peer=peer_within, peer_name="SQLite table without hashes"),
        row("append and flush", ours=ours_append, peer=peer_append, peer_name="SQLite table without hashes"),
        row(f"verify {size}", ours=ours_verify, peer=peer_verify, peer_name="plain hash chain in memory"),
        row(f"one inclusion proof of {size}", ours=ours_proof, peer=peer_proof, peer_name="hashing the whole tree"),
    ]
    show(rows, as_json=chosen.json)


if __name__ == "__main__":
    main()
