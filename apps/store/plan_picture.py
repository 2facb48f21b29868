"""A plan as a drawing: letters for a terminal, SVG for a page or a document."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from apps.store.heat_paint import Heat
    from simulation.store.plan import Fixture, StorePlan

LETTERS: Final = {
    "shelf": "S", "fridge": "F", "counter": "C", "display": "D", "till": "T", "wall": "#", "blocked": "X",
    "entrance": "i", "exit": "o",
}  # fmt: skip
COLOURS: Final = {
    "shelf": "#8C8C8C", "fridge": "#5B8DB8", "counter": "#A08000", "display": "#D55E00", "till": "#009E73",
    "wall": "#555555", "blocked": "#555555", "entrance": "#CFE8CF", "exit": "#F2D0C4",
}  # fmt: skip
_WIDEST: Final = 150
SCALE: Final = 16
"""Units of the drawing per metre."""


def letters(plan: StorePlan) -> str:
    """Draw a plan in letters, one for each square of half a metre, or larger where the plan is wide."""
    side = 0.5 * max(1, math.ceil(plan.width / 0.5 / _WIDEST))
    columns, rows = max(1, round(plan.width / side)), max(1, round(plan.depth / side))
    grid = [["."] * columns for _ in range(rows)]
    for fixture in plan.fixtures:
        for row, column in _squares(fixture, side, rows, columns):
            grid[row][column] = LETTERS[fixture.kind]
    used = {LETTERS[one.kind]: one.kind for one in plan.fixtures}
    legend = ", ".join(f"{letter} {kind}" for letter, kind in used.items())
    return "\n".join("".join(line) for line in grid) + f"\n\n{legend}; one letter is {side:g} m"


def svg(
    plan: StorePlan,
    heat: Heat | None = None,
    *,
    said: str = "",
    over: str = "",
    notes: Iterable[tuple[str, str]] = (),
) -> str:
    """Draw a plan as SVG, with a heat map beneath its fixtures where one is given.

    Args:
        plan: the plan.
        heat: what is painted on the floor.
        said: what the drawing shows, for those who cannot see it; the plan in words by default.
        over: shapes in front of everything.
        notes: more colours and their meanings, beneath those of the heat map.
    """
    width, depth = plan.width * SCALE, plan.depth * SCALE
    shapes = "\n".join(_shape(one) for one in plan.fixtures)
    title = html.escape(said or described(plan))
    beneath, legend, foot = "", "", 0.0
    if heat is not None:
        from apps.store import heat_paint

        beneath = f"{heat_paint.paths(heat, SCALE)}\n"
        legend, foot = _legend([*heat_paint.legend(heat), *notes], width, depth)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {width + 8:g} {depth + 8 + foot:g}" role="img"'
        f' aria-label="{title}" font-family="sans-serif">\n<title>{title}</title>\n'
        f'<rect x="-4" y="-4" width="{width + 8:g}" height="{depth + 8 + foot:g}" fill="#FFFFFF"/>\n'
        f'<rect x="-2" y="-2" width="{width + 4:g}" height="{depth + 4:g}" fill="none" stroke="#333333"'
        f' stroke-width="4"/>\n{beneath}{shapes}\n{over}{legend}\n</svg>\n'
    )


def described(plan: StorePlan) -> str:
    """Say in one sentence what a plan holds."""
    kinds: dict[str, int] = {}
    for one in plan.fixtures:
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    many = ", ".join(f"{number} {_plural(kind, number)}" for kind, number in kinds.items())
    return f"Plan of {plan.name}, {plan.width:g} m by {plan.depth:g} m: {many}."


@dataclass(frozen=True, slots=True)
class Label:
    """Words on a fixture: where their middle is and how large they are, in units of the drawing, and degrees."""

    text: str
    x: float
    y: float
    size: float
    turned: float


def label(fixture: Fixture) -> Label | None:
    """Return what a fixture sells, to be written along its longer side; None where there is no room for it."""
    text = ", ".join(fixture.categories)
    long, short = max(fixture.width, fixture.depth) * SCALE, min(fixture.width, fixture.depth) * SCALE
    size = min(11.0, 0.85 * short)
    if fixture.kind == "display" or not text or long < 0.55 * size * len(text):
        return None
    x, y = (middle * SCALE for middle in fixture.middle)
    turned = fixture.rotation + (90 if fixture.depth > fixture.width else 0)
    return Label(text, x, y, size, turned)


def holds(fixture: Fixture) -> str:
    """Say what a fixture is and holds."""
    kind = (fixture.till or fixture.display or fixture.kind).replace("_", " ")
    return f"{fixture.name} ({kind})" + (f": {', '.join(fixture.categories)}" if fixture.categories else "")


def facts(plan: StorePlan) -> dict[str, str]:
    """Return what a plan is, for a list of keys and values."""
    tills: dict[str, int] = {}
    for till in plan.tills:
        kind = str(till.till).replace("_", " ")
        tills[kind] = tills.get(kind, 0) + till.servers
    return {
        "name": plan.name,
        "size": f"{plan.width:g} m x {plan.depth:g} m",
        "open": f"{plan.opens_h:g} to {plan.closes_h:g} h",
        "shelves": str(len(plan.shelves)),
        "categories": str(len(plan.categories)),
        "displays": str(len(plan.displays)),
        "tills": ", ".join(f"{number} {kind}" for kind, number in tills.items()) or "none",
    }


def overview(plans: Iterable[tuple[str, StorePlan]]) -> list[list[Any]]:
    """Return one row per plan: name, size, m2, categories, displays, tills."""
    rows: list[list[Any]] = []
    for name, plan in plans:
        about = facts(plan)
        rows.append(
            [name, about["size"], round(plan.area_m2), len(plan.categories), len(plan.displays), about["tills"]]
        )
    return rows


def _squares(fixture: Fixture, side: float, rows: int, columns: int) -> Iterable[tuple[int, int]]:
    """Yield the squares whose middle lies within a fixture."""
    corners = fixture.corners
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    for row in range(max(0, int(top / side)), min(rows, math.ceil(bottom / side))):
        for column in range(max(0, int(left / side)), min(columns, math.ceil(right / side))):
            if _inside((column + 0.5) * side, (row + 0.5) * side, corners):
                yield row, column


def _inside(x: float, y: float, corners: tuple[tuple[float, float], ...]) -> bool:
    """Whether a point lies within a convex polygon whose corners run clockwise on the drawn plan."""
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    return all((bx - ax) * (y - ay) - (by - ay) * (x - ax) >= -1e-9 for (ax, ay), (bx, by) in edges)


def _shape(fixture: Fixture) -> str:
    points = " ".join(f"{x * SCALE:.1f},{y * SCALE:.1f}" for x, y in fixture.corners)
    return (
        f'<polygon points="{points}" fill="{COLOURS[fixture.kind]}" stroke="#FFFFFF" stroke-width="1">'
        f"<title>{html.escape(holds(fixture))}</title></polygon>{_label(fixture)}"
    )


def _label(fixture: Fixture) -> str:
    one = label(fixture)
    if one is None:
        return ""
    return (
        f'<text x="{one.x:.1f}" y="{one.y:.1f}" font-size="{one.size:.1f}" fill="#FFFFFF" text-anchor="middle"'
        f' dominant-baseline="central" transform="rotate({one.turned:g} {one.x:.1f} {one.y:.1f})">'
        f"{html.escape(one.text)}</text>"
    )


def _legend(meanings: Iterable[tuple[str, str]], width: float, depth: float) -> tuple[str, float]:
    """Draw the meaning of the shades beneath the plan, on as many lines as they need; return also the height."""
    size = max(7.0, width / 36)
    drawn, x, line = [], 0.0, 0
    for colour, meaning in meanings:
        length = size * (2.2 + 0.45 * len(meaning))
        if x and x + length > width:
            x, line = 0.0, line + 1
        y = depth + size * (0.7 + 1.4 * line)
        drawn.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{0.8 * size:.1f}"'
            f' fill="{colour}" stroke="#888888" stroke-width="0.5"/>'
            f'<text x="{x + 1.3 * size:.1f}" y="{y + 0.7 * size:.1f}" font-size="{0.85 * size:.1f}"'
            f' fill="#222222">{html.escape(meaning)}</text>'
        )
        x += length
    return "\n".join(drawn), size * (1.4 * (line + 1) + 0.6)


def _plural(word: str, number: int) -> str:
    if number == 1:
        return word
    return {"shelf": "shelves", "blocked": "blocked places"}.get(word, f"{word}s")
