"""How fast the index of vectors searches, how many it misses, how much memory it takes; beside hnswlib and usearch.

python benchmarks/matching.py [--quick] [--json]

Identification: one probe against a gallery of templates, exactly, on random unit vectors, beside numpy. Enrolment: one
template into a vault, in memory and safe on the disk, beside what the disk takes to keep 4 KB. Scale: 500 shoppers
looked up together among a million (with --quick 30,000) in 64 dimensions, on made-up tastes: 16 directions of falling
weight and some noise, as learned embeddings have; and once on vectors without any structure, which no index can cut
short. Each contender runs in a process of its own, on all cores. A peer is timed at the smallest `ef` that
finds at least the stated share of the true ten nearest. Peers that are not installed are left out with one line; so
that they need not enter the project's environment:

pip install --target peers --no-deps hnswlib usearch numkong tqdm
PYTHONPATH=peers python benchmarks/matching.py

Ratios above 1 are to our favour. A row with the peer "limit" compares with the limit that we set.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # this file is called like the room that it measures

import numpy as np
from timing import options, row, seconds, show

from matching.embeddings import Embeddings
from matching.face.sealed import Binding
from matching.face.vault import Vault
from matching.index import VectorIndex

TEMPLATES_MS, ENROL_MS = 10.0, 5.0
SCALE = {32: (0.95, 0.2), 64: (0.995, 0.6)}
"""Cells that are read: wanted recall@10 and limit in ms a query."""
EFS = (10, 20, 40, 80, 160, 320, 640)
PEERS = ("hnswlib", "usearch")
INSTALL = "pip install --target peers --no-deps hnswlib usearch numkong tqdm, then PYTHONPATH=peers,"


def tastes(count: int, seed: int) -> np.ndarray:
    """Unit vectors in 64 dimensions with 16 directions that matter less and less, and noise in all."""
    weights = np.random.default_rng(7).standard_normal((16, 64)) / np.sqrt(np.arange(1, 17))[:, None]
    rng = np.random.default_rng(seed)
    raw = rng.standard_normal((count, 16), dtype="f4") @ weights.astype("f4")
    raw += 0.1 * rng.standard_normal((count, 64), dtype="f4")
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def structureless(count: int, seed: int, dimension: int = 64) -> np.ndarray:
    """Unit vectors in every direction alike."""
    raw = np.random.default_rng(seed).standard_normal((count, dimension), dtype="f4")
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def memory_mb() -> float:
    """Memory of this process that no file backs."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) / 1024


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of the true nearest that were found."""
    return float(np.mean([len(set(one) & set(other)) for one, other in zip(found, truth, strict=True)]) / len(truth[0]))


def each_ms(work: Callable[[], object], count: int, repeats: int) -> float:
    """Milliseconds for one of `count` things that `work` does together."""
    return 1000 * seconds(work, repeats) / count


def built(build: Callable[[], object]) -> tuple[object, dict[str, float]]:
    """Build an index; return it with the seconds and the memory that it took."""
    memory, start = memory_mb(), time.perf_counter()
    index = build()
    return index, {"build_s": time.perf_counter() - start, "memory_mb": memory_mb() - memory}


def ours(folder: str, exact_below: int, repeats: int) -> dict[str, object]:
    """Recall and time for each number of cells; the truth of an exact search goes into the folder for the peers.

    Without repeats, recall alone.
    """
    queries = Embeddings(np.load(f"{folder}/queries.npy"), "m")

    def build() -> VectorIndex:
        index = VectorIndex("m", queries.dimension, exact_below=exact_below)
        vectors = np.load(f"{folder}/vectors.npy")
        index.add(np.arange(len(vectors)), Embeddings(vectors, "m"))
        return index

    index, cost = built(build)
    assert index.approximate
    start = time.perf_counter()
    truth = index.search(queries, 10, cells=2**31).ids
    exact = 1000 * (time.perf_counter() - start) / len(queries)
    np.save(f"{folder}/truth.npy", truth)
    if not repeats:
        return {"searched": {cells: (recall(index.search(queries, 10, cells=cells).ids, truth),) for cells in SCALE}}
    one = Embeddings(queries.vectors[:1], "m")
    searched = {}
    for cells in SCALE:
        found = recall(index.search(queries, 10, cells=cells).ids, truth)
        together = each_ms(lambda cells=cells: index.search(queries, 10, cells=cells), len(queries), repeats)
        alone = each_ms(lambda cells=cells: index.search(one, 10, cells=cells), 1, 20 * repeats)
        searched[cells] = (found, together, alone)
    half = np.arange(0, len(index), 2)
    filtered = each_ms(lambda: index.search(queries, 10, allowed=half), len(queries), repeats)
    start = time.perf_counter()
    index.erase([17])
    return {**cost, "searched": searched, "filtered": filtered, "exact": exact, "erase_s": time.perf_counter() - start}


def hnswlib(folder: str, repeats: int) -> dict[str, object]:
    """A graph of hnswlib."""
    from hnswlib import Index

    vectors, queries = np.load(f"{folder}/vectors.npy", mmap_mode="r"), np.load(f"{folder}/queries.npy")

    def build() -> object:
        index = Index(space="ip", dim=vectors.shape[1])
        index.init_index(max_elements=len(vectors), M=16, ef_construction=100)
        index.set_num_threads(os.cpu_count())
        index.add_items(vectors)
        return index

    index, cost = built(build)

    def search(ef: int) -> np.ndarray:
        index.set_ef(ef)
        return index.knn_query(queries, 10)[0]

    return {**cost, "searched": until_found(search, np.load(f"{folder}/truth.npy"), repeats)}


def usearch(folder: str, repeats: int) -> dict[str, object]:
    """A graph of usearch."""
    from usearch.index import Index

    vectors, queries = np.load(f"{folder}/vectors.npy", mmap_mode="r"), np.load(f"{folder}/queries.npy")

    def build() -> object:
        index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=16, expansion_add=100)
        index.add(np.arange(len(vectors)), vectors)
        return index

    index, cost = built(build)

    def search(ef: int) -> np.ndarray:
        index.expansion_search = ef
        return index.search(queries, 10).keys

    return {**cost, "searched": until_found(search, np.load(f"{folder}/truth.npy"), repeats)}


def until_found(search: Callable[[int], np.ndarray], truth: np.ndarray, repeats: int) -> dict[int, object]:
    """For each wanted recall the first `ef` that reaches it: recall and ms a query."""
    found = {}
    for cells, (wanted, _) in SCALE.items():
        for ef in EFS:
            reached = recall(search(ef), truth)
            if reached >= wanted or ef == EFS[-1]:
                found[cells] = (reached, each_ms(lambda ef=ef: search(ef), len(truth), repeats), ef)
                break
    return found


def apart(work: Callable[..., object], *arguments: object) -> object:
    """Run work in a process of its own, so that memory is its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(work, arguments)


def against(limit: float, value: float, name: str, *, unit: str = "ms", least: bool = False) -> dict[str, object]:
    """A row that compares with a limit; `least` where more is better."""
    made = row(name, ours=value, peer=limit, peer_name="limit")
    return {**made, "unit": unit, "ratio": value / limit if least else made["ratio"]}


def say(what: str) -> None:
    """Tell what is measured now, and how busy the machine is."""
    print(f"{what} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)", file=sys.stderr)


def identification(quick: bool) -> list[dict[str, object]]:
    """One probe among all templates; enrolling and erasing one."""
    count, repeats = (20_000, 20) if quick else (100_000, 100)
    vectors, probe = structureless(count, 0, 128), Embeddings(structureless(1, 1, 128), "m")
    index = VectorIndex("m", 128)
    index.add(np.arange(count), Embeddings(vectors, "m"))
    allowed, name = np.arange(0, count, 2), f"1 among {count:,} templates of 128"
    plain = each_ms(lambda: int((vectors @ probe.vectors[0]).argmax()), 1, repeats)
    exact = each_ms(lambda: index.search(probe, 1), 1, repeats)
    half = each_ms(lambda: index.search(probe, 1, allowed=allowed), 1, repeats)
    newcomers = iter(range(count, 10 * count))
    enrol = each_ms(lambda: index.add([next(newcomers)], probe), 1, repeats)
    leavers = iter(range(count, 10 * count))
    erase = each_ms(lambda: index.erase([next(leavers)]), 1, min(repeats, 20))
    return [
        against(TEMPLATES_MS, exact, name),
        {**row(name, ours=exact, peer=plain, peer_name="numpy"), "unit": "ms"},
        against(TEMPLATES_MS, half, f"{name}, half of them allowed"),
        against(ENROL_MS, enrol, "adding one to them"),
        {**row("adding one to them", ours=enrol, peer=erase, peer_name="erasing one"), "unit": "ms"},
    ]


def enrolment(quick: bool) -> list[dict[str, object]]:
    """Enrolling one person in a vault once the template is there: encrypted, rotated, and safe on the disk."""
    repeats, templates = (20 if quick else 200), iter(structureless(1_000, 2, 128))
    number = iter(range(1_000))

    def enrol(vault: Vault) -> None:
        one = f"person {next(number)}"
        use = {"purpose": "payment", "merchant": "m1", "model": "m"}
        binding = Binding(subject=one, receipt="0" * 64, expires_at="2100-01-01T00:00:00Z", consent_version=1, **use)
        vault.enrol(one, binding, Embeddings(next(templates)[None], "m"))

    with tempfile.TemporaryDirectory() as folder:
        kept, passing = (
            Vault.of(place, merchant="m1", model="m", dimension=128) for place in (f"{folder}/vault.sqlite", ":memory:")
        )
        on_disk = each_ms(lambda: enrol(kept), 1, repeats)
        in_memory = each_ms(lambda: enrol(passing), 1, repeats)
        with open(f"{folder}/block", "wb", buffering=0) as file:

            def sync() -> None:
                file.write(bytes(4096))
                os.fsync(file.fileno())

            disk = each_ms(sync, 1, repeats)
    name = "enrolling one in a vault"
    return [
        against(ENROL_MS, in_memory, f"{name}, in memory"),
        against(ENROL_MS, on_disk, f"{name}, on disk"),
        {**row(f"{name}, on disk", ours=on_disk, peer=disk, peer_name="one sync of that disk"), "unit": "ms"},
    ]


def scale(quick: bool) -> list[dict[str, object]]:
    """Many queries in a large index, beside its peers."""
    count, exact_below, repeats = (30_000, 10_000, 3) if quick else (1_000_000, 200_000, 5)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/vectors.npy", tastes(count, 0))
        np.save(f"{folder}/queries.npy", tastes(500, 1))
        say(f"{count:,} of 64: ours")
        mine = apart(ours, folder, exact_below, repeats)
        peers = {}
        for name in PEERS:
            if importlib.util.find_spec(name) is None:
                print(f"{name} is not installed; {INSTALL} adds its rows", file=sys.stderr)
                continue
            say(f"{count:,} of 64: {name}")
            peers[name] = apart(globals()[name], folder, repeats)
        np.save(f"{folder}/vectors.npy", structureless(count, 0))
        np.save(f"{folder}/queries.npy", structureless(500, 1))
        say(f"{count:,} of 64 without structure: ours")
        worst = apart(ours, folder, exact_below, 0)
    rows = []
    for cells, (wanted, limit) in SCALE.items():
        found, together, alone = mine["searched"][cells]
        name = f"10 among {count:,} of 64, {cells} cells read"
        rows += [
            against(limit, together, f"{name}, 500 queries together, each"),
            against(wanted, found, f"{name}, recall", unit="share", least=True),
            {**row(f"{name}, a query alone", ours=alone, peer=mine["exact"], peer_name="exact search"), "unit": "ms"},
            against(wanted, worst["searched"][cells][0], f"{name}, recall without structure", unit="share", least=True),
        ]
        for peer, theirs in peers.items():
            reached, each, ef = theirs["searched"][cells]
            made = row(f"{name}, each", ours=together, peer=each, peer_name=f"{peer} ef={ef}, recall {reached:.4f}")
            rows.append({**made, "unit": "ms"})
    name = f"{count:,} of 64"
    made = row(f"half of {name} allowed, each", ours=mine["filtered"], peer=mine["exact"], peer_name="exact search")
    rows.append({**made, "unit": "ms"})
    rows.append(row(f"erasing one of {name}", ours=mine["erase_s"], peer=mine["build_s"], peer_name="building it"))
    for peer, theirs in peers.items():
        rows.append(row(f"building {name}", ours=mine["build_s"], peer=theirs["build_s"], peer_name=peer))
        made = row(f"memory of {name}", ours=mine["memory_mb"], peer=theirs["memory_mb"], peer_name=peer)
        rows.append({**made, "unit": "MB"})
    plain_mb = count * 64 * 4 / 2**20
    made = row(f"memory of {name}", ours=mine["memory_mb"], peer=plain_mb, peer_name="the vectors alone")
    rows.append({**made, "unit": "MB"})
    return rows


def main() -> None:
    wanted = options(__doc__)
    say("identification")
    first = identification(wanted.quick)
    say("enrolment")
    show([*first, *enrolment(wanted.quick), *scale(wanted.quick)], as_json=wanted.json)


if __name__ == "__main__":
    main()
