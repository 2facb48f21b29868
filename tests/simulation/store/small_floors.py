"""Floors made by hand for the tests of the engines: fields by scipy, so that no code under test makes its own input."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from simulation.store.floor import CELL_M, OUTSIDE, Floor
from simulation.store.itinerary import Itinerary

# Straight vertical moves first, then straight horizontal ones, then diagonals.
HOPS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def neighbours(walkable):
    rows, columns = walkable.shape
    for row in range(rows):
        for column in range(columns):
            if not walkable[row, column]:
                continue
            for down, across in HOPS:
                r, c = row + down, column + across
                if not (0 <= r < rows and 0 <= c < columns and walkable[r, c]):
                    continue
                if down and across and not (walkable[row, c] and walkable[r, column]):
                    continue
                yield row * columns + column, r * columns + c, CELL_M * (2**0.5 if down and across else 1.0)


def make_floor(walkable, targets, *, tills, entrance, displays=()):
    """Build a floor.

    `targets` maps a category to its cells; `displays` holds (category, lift, kind, cells that see it).
    """
    walkable = np.asarray(walkable, dtype=bool)
    cells = walkable.size
    edges = list(neighbours(walkable))
    a, b, metres = (np.array(column) for column in zip(*edges, strict=True)) if edges else (np.zeros(0, int),) * 3
    graph = coo_array((metres.astype(float), (a, b)), shape=(cells, cells)).tocsr()
    names = tuple(sorted(targets))
    places = [list(targets[name]) for name in names] + [list(tills), list(tills)]
    distance = np.stack([dijkstra(graph, indices=place, min_only=True) for place in places])
    onward = np.full(distance.shape, OUTSIDE, dtype=np.int32)
    best = np.full(distance.shape, np.inf)
    for one, other, hop in edges:
        through = distance[:, other] + hop
        closer = through < best[:, one] - 1e-9
        best[closer, one] = through[closer]
        onward[closer, one] = other
    onward[(distance == 0) | ~np.isfinite(distance)] = OUTSIDE
    padded = np.pad(walkable, 2).astype(np.int32)
    rows, columns = walkable.shape
    window = sum(padded[r : r + rows, c : c + columns] for r in range(5) for c in range(5))
    seen = [sorted({k for k, (_, _, _, where) in enumerate(displays) if cell in set(where)}) for cell in range(cells)]
    return Floor(
        walkable=walkable,
        categories=names,
        distance_m=distance,
        next_cell=onward,
        entrance=np.array(sorted(entrance), dtype=np.int32),
        display_category=np.array([names.index(one[0]) for one in displays], dtype=np.int32),
        display_lift=np.array([one[1] for one in displays], dtype=float),
        display_kind=tuple(one[2] for one in displays),
        seen_start=np.concatenate([[0], np.cumsum([len(one) for one in seen])]).astype(np.int64),
        seen=np.array([k for one in seen for k in one], dtype=np.int32),
        zone=np.where(walkable.ravel(), 0, OUTSIDE).astype(np.int32),
        zones=("store",),
        window_cells=window.ravel().astype(np.int32),
    )


def random_case(rng, *, rows=12, columns=14, shoppers=30, categories=4, displays=5):
    """A floor with walls at random, and shoppers who come in within a minute; everything is reachable."""
    walkable = rng.random((rows, columns)) > 0.25
    edges = [(a, b) for a, b, _ in neighbours(walkable)]
    if not edges:
        return random_case(rng, rows=rows, columns=columns, shoppers=shoppers)
    a, b = np.array(edges).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(walkable.size,) * 2).tocsr()
    origin = int(a[rng.integers(len(a))])
    room = np.flatnonzero(np.isfinite(dijkstra(graph, indices=origin)))
    place = lambda most: rng.choice(room, rng.integers(1, most + 1)).tolist()  # noqa: E731
    targets = {f"c{number}": place(3) for number in range(categories)}
    shown = [(f"c{rng.integers(categories)}", 1.4, "side", place(6)) for _ in range(displays)]
    floor = make_floor(walkable, targets, tills=place(2), entrance=place(2), displays=shown)
    counts = rng.integers(0, 5, shoppers)
    stops = int(counts.sum())
    itinerary = Itinerary(
        enter_s=np.sort(np.round(rng.random(shoppers) * 60, rng.integers(0, 4))),
        entrance=rng.choice(floor.entrance, shoppers).astype(np.int32),
        speed=rng.uniform(0.2, 2.5, shoppers),
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        target=rng.integers(0, categories, stops).astype(np.int32),
        dwell_s=rng.choice([0.0, 0.4, 3.0, 17.25], stops),
        items=rng.integers(0, 4, stops).astype(np.int32),
        tempted=rng.random((shoppers, displays)) < 0.5,
        pause_s=float(rng.choice([0.0, 0.7, 12.0])),
    )
    return floor, itinerary


def aisles(*, rows=56, columns=90, categories=35, displays=20):
    """A supermarket without a plan: shelves in rows, tills along the bottom, the entrance at the lower left."""
    walkable = np.ones((rows, columns), dtype=bool)
    shelves = []
    for left in range(6, columns - 6, 6):
        for top, bottom in ((5, rows // 2 - 2), (rows // 2 + 2, rows - 9)):
            walkable[top:bottom, left : left + 2] = False
            shelves.append((left, top, bottom))
    targets = {}
    for number in range(categories):
        left, top, bottom = shelves[number * len(shelves) // categories]
        side = left - 1 if number % 2 else left + 2
        half = (top + bottom) // 2
        span = range(top, half) if number % 4 < 2 else range(half, bottom)
        targets[f"c{number:02d}"] = [row * columns + side for row in span]
    tills = [(rows - 5) * columns + column for column in range(20, columns - 20)]
    entrance = [(rows - 1) * columns + column for column in range(2, 6)]
    shown = []
    for number in range(displays):
        left, top, _ = shelves[number * len(shelves) // displays]
        cells = [(top - d) * columns + left + a for d in range(1, 4) for a in range(-2, 4)]
        shown.append((f"c{(number * 7) % categories:02d}", 1.35, "rear_end_cap", cells))
    return make_floor(walkable, targets, tills=tills, entrance=entrance, displays=shown)
