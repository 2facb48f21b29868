"""An hour in a store as an animated drawing, from what the readable engine does second by second.

    python -m simulation.store.picture supermarket hour.svg

Shoppers walk as blue dots; orange ones queue or pay at the tills.
"""

from __future__ import annotations

import argparse
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.agents import StoreModel, positions
from simulation.store.day import prepare, run_day
from simulation.store.demand import Demand
from simulation.store.demand_model import complete_journey_demand
from simulation.store.floor import CELL_M, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.plan import StorePlan, load_plan
from simulation.store.settings import StoreSettings

SCALE: Final = 16
"""Units of the drawing per metre."""
WALKING: Final = "#1F5A9D"
PAYING: Final = "#D9742E"
_COLOURS: Final = {"till": "#009E73", "display": "#C9A227", "entrance": "#CFE8CF", "exit": "#F2D0C4", "wall": "#555555"}
_SHELF: Final = "#B4B4B4"
_STEP_UP_S: Final = 5.0
"""From the end of the queue to the till, for the eye."""


@dataclass(frozen=True, eq=False)
class Track:
    """Where one shopper was during a film.

    Attributes:
        shopper: number.
        time_s: (n,) float64, seconds since the film began, rising.
        x: (n,) float64, metres.
        y: (n,) float64, metres.
        pays_s: when the shopper reached the tills, in the film's seconds; perhaps after its end.
        gone_s: when the shopper had paid or given up.
    """

    shopper: int
    time_s: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    pays_s: float
    gone_s: float


def filmed(
    plan: StorePlan,
    demand: Demand,
    settings: StoreSettings,
    *,
    from_s: int,
    seconds: int = 3600,
    every_s: int = 10,
) -> tuple[Track, ...]:
    """Run a day with the readable engine and note where everybody is.

    Args:
        plan: the store.
        demand: the day's shoppers.
        settings: parameters.
        from_s: when the film begins, in seconds after opening.
        seconds: how long it lasts.
        every_s: seconds between two notes.

    Raises: ConfigError: a time is out of range.
    """
    if from_s < 0 or not 0 < every_s <= seconds <= 86_400:
        raise ConfigError(f"a film from {from_s} s for {seconds} s every {every_s} s is none; use times above 0")
    store = prepare(plan, settings)
    day = run_day(store, demand, settings)
    model = StoreModel(store.floor, day.itinerary)
    notes: dict[int, list[tuple[float, float, float]]] = {}
    while model.running and model.now <= from_s + seconds:
        model.step()
        film_s = model.now - from_s
        if film_s >= 0 and film_s % every_s == 0:
            for number, x, y in positions(model):
                notes.setdefault(int(number), []).append((float(film_s), x, y))
    tracks = []
    for number, points in sorted(notes.items()):
        enters_s = float(day.itinerary.enter_s[number]) - from_s
        if enters_s > 0:
            points = [(enters_s, *_middle(store.floor, int(day.itinerary.entrance[number]))), *points]
        pays_s, gone_s = (float(end[number]) - from_s for end in (day.walked.reach_s, day.served.done_s))
        points += [(pays_s, *_middle(store.floor, _last_cell(store.floor, day.itinerary, number)))]
        till = int(day.served.till[number])
        if till >= 0:
            points += [(min(pays_s + _STEP_UP_S, gone_s), *plan.tills[till].middle)]
        time_s, x, y = np.array(points, dtype=np.float64).T
        tracks.append(Track(number, time_s, x, y, pays_s, gone_s))
    return tuple(tracks)


def _middle(floor: Floor, cell: int) -> tuple[float, float]:
    row, column = divmod(cell, floor.walkable.shape[1])
    return (column + 0.5) * CELL_M, (row + 0.5) * CELL_M


def _last_cell(floor: Floor, itinerary: Itinerary, shopper: int) -> int:
    """Where a shopper reaches the tills."""
    cell = int(itinerary.entrance[shopper])
    stops = itinerary.target[itinerary.start[shopper] : itinerary.start[shopper + 1]].tolist()
    for aim in (*stops, floor.tills_target):
        while floor.next_cell[aim, cell] >= 0:
            cell = int(floor.next_cell[aim, cell])
    return cell


def animated(plan: StorePlan, tracks: Sequence[Track], *, seconds: int = 3600, play_s: float = 60.0) -> str:
    """Draw tracks as an animated SVG that repeats; needs no script.

    Args:
        plan: what they walk in.
        tracks: from `filmed`, with the same `seconds`.
        seconds: length of the film.
        play_s: in how many seconds it is shown.
    """
    width, depth = plan.width * SCALE, plan.depth * SCALE
    said = html.escape(
        f"{plan.name}: {len(tracks)} shoppers of {seconds / 60:g} minutes, shown in {play_s:g} seconds. "
        "Blue dots walk, orange ones queue or pay."
    )
    shapes = "\n".join(
        f'<polygon points="{" ".join(f"{x * SCALE:.0f},{y * SCALE:.0f}" for x, y in one.corners)}" '
        f'fill="{_COLOURS.get(one.kind, _SHELF)}"/>'
        for one in plan.fixtures
    )
    dots = "\n".join(_dot(one, seconds, play_s) for one in tracks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {width + 8:g} {depth + 8:g}" role="img" '
        f'aria-label="{said}">\n<title>{said}</title>\n'
        f'<rect x="-2" y="-2" width="{width + 4:g}" height="{depth + 4:g}" fill="#FFFFFF" stroke="#333333" '
        f'stroke-width="4"/>\n{shapes}\n{dots}\n</svg>\n'
    )


def _dot(track: Track, seconds: int, play_s: float) -> str:
    """One shopper: a dot that moves while on the floor, changes colour at the tills, and is hidden otherwise."""
    kept = _corners(track)
    time = np.clip(track.time_s[kept] / seconds, 0.0, 1.0)
    x, y = track.x[kept] * SCALE, track.y[kept] * SCALE
    first, last = float(time[0]), min(track.gone_s / seconds, 1.0)
    moves = list(zip(time.tolist(), x.tolist(), y.tolist(), strict=True))
    moves = [(0.0, *moves[0][1:]), *(one for one in moves if 0 < one[0] < 1), (1.0, *moves[-1][1:])]
    times = ";".join(f"{one:.4f}".rstrip("0").rstrip(".") for one, _, _ in moves)
    values = ";".join(f"{a:.0f},{b:.0f}" for _, a, b in moves)
    common = f'dur="{play_s:g}s" repeatCount="indefinite"'
    paying = ""
    if 0 < track.pays_s / seconds < 1:
        paying = (
            f'<animate attributeName="fill" calcMode="discrete" values="{WALKING};{PAYING}" '
            f'keyTimes="0;{track.pays_s / seconds:.4f}" {common}/>'
        )
    steps = [(0.0, int(first == 0)), (first, 1), (last, 0)]
    steps = [step for step in steps if step[0] < 1 and (step[0] > 0 or step is steps[0])]
    shown = ";".join(str(one) for _, one in steps)
    when = ";".join(f"{one:.4f}" for one, _ in steps)
    return (
        f'<circle r="5" fill="{WALKING}" opacity="0">'
        f'<animateTransform attributeName="transform" type="translate" values="{values}" keyTimes="{times}" {common}/>'
        f'<animate attributeName="opacity" calcMode="discrete" values="{shown}" keyTimes="{when}" {common}/>'
        f"{paying}</circle>"
    )


def _corners(track: Track) -> NDArray[np.bool_]:
    """Leave out notes between two equal ones: who stands still needs only the ends."""
    same = (np.diff(track.x) == 0) & (np.diff(track.y) == 0)
    kept = np.ones(len(track.x), dtype=np.bool_)
    kept[1:-1] = ~(same[:-1] & same[1:])
    return kept


def main() -> None:
    """Draw the busiest hour of a bundled plan."""
    parser = argparse.ArgumentParser(description="Draw an hour in a store as an animated SVG.")
    parser.add_argument("plan")
    parser.add_argument("to", type=Path)
    parser.add_argument("--shoppers", type=int, default=2000)
    parser.add_argument("--minutes", type=int, default=60)
    chosen = parser.parse_args()
    plan, settings = load_plan(chosen.plan), StoreSettings.default()
    hours = (plan.opens_h, plan.closes_h)
    demand = complete_journey_demand().draw(0, seed=1, shoppers=chosen.shoppers, hours=hours, settings=settings)
    busiest = int(np.bincount((demand.arrive_s // 3600).astype(np.int64)).argmax()) * 3600
    tracks = filmed(plan, demand, settings, from_s=busiest, seconds=chosen.minutes * 60)
    chosen.to.write_text(animated(plan, tracks, seconds=chosen.minutes * 60), encoding="utf-8")


if __name__ == "__main__":
    main()
