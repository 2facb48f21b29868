"""How long until somebody can use a page of the app, in a real Chromium, and until a dragged fixture has its figures.

The server is up and every page was opened once before. Then each page is opened again and again, in a fresh context of
the browser, which has nothing in its cache (the first visit of somebody: the target, 2.5 s, is about this), and once
more from the cache that this visit filled (every later one). The clock starts when the address is entered and is read
twice: "usable", when the heading is there and the first control below it takes the focus; and "whole", when the script
has ended as well, and all plans, charts and tables are drawn.

Then a fixture of the example supermarket is dragged with the mouse, or taken up and moved with arrow keys. The clock
starts when it is dropped, and is read when the table holds the figures of the changed layout ("usable", target 1 s) and
when the page is whole again; each drop goes to a place of its own, so that none is answered from a cache.

Run `python benchmarks/app_pages.py [--store runs] [--repeats 5] [--json]`. Needs the dev extra and Chromium.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from app_server import PAGES, served
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS: Final = [Path("/usr/bin") / name for name in ("chromium", "chromium-browser", "google-chrome")]
QUIET: Final = (
    "--headless --no-sandbox --disable-background-networking --disable-component-update --disable-sync"
    " --disable-default-apps --disable-domain-reliability --no-first-run --no-pings --disable-dev-shm-usage"
    " --disable-features=OptimizationHints,MediaRouter,Translate"
).split()
SIZE: Final[Any] = {"width": 1280, "height": 900}
NAMES: Final = {page or "overview": page for page in PAGES} | {"store": "store?plan=supermarket"}
"""Pages and their addresses."""
PAGE_TARGET_S: Final = 2.5
MOVE_TARGET_S: Final = 1.0
LONGEST_MS: Final = 120_000
FIXTURE: Final = "prepared-food-1"
"""Which fixture of the supermarket is moved; it has room on its left and behind it."""
WAYS: Final = [
    *(["ArrowUp"] * 3 + ["ArrowLeft"] + ["ArrowDown"] * 3 + ["ArrowLeft"]) * 2, *["ArrowUp"] * 3, "ArrowLeft",
]  # fmt: skip
"""Half a metre each; no place comes twice."""
STEPS: Final = {"ArrowUp": (0.0, -0.5), "ArrowDown": (0.0, 0.5), "ArrowLeft": (-0.5, 0.0)}
MOST: Final = len(WAYS) // 2 - 1

DRAWN: Final = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    if (!main || !main.querySelector('h1')) return false;
    if (document.querySelector('[data-test-script-state]')?.dataset.testScriptState !== 'notRunning') return false;
    if (main.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton], [data-testid=stAppSkeleton]'))
        return false;
    const shown = one => one.checkVisibility() && !one.closest('details:not([open])');
    const charts = [...main.querySelectorAll('[data-testid=stVegaLiteChart]')].filter(shown);
    if (!charts.every(one => one.querySelector('canvas, svg.marks'))) return false;
    const tables = [...main.querySelectorAll('[data-testid=stDataFrame]')].filter(shown);
    return tables.every(one => one.querySelector('canvas'));
}"""
ANSWERS: Final = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    const heading = main?.querySelector('h1');
    if (!heading) return false;
    const first = [...main.querySelectorAll('input, button, [role=radio], a[data-testid=stPageLink-NavLink], textarea')]
        .find(one => one.checkVisibility() && !one.disabled && one.getAttribute('kind') !== 'elementToolbar'
            && heading.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (!first)  // not yet, or a page of text, such as that of a shop without a folder
        return document.querySelector('[data-test-script-state]')?.dataset.testScriptState === 'notRunning';
    first.focus();
    return document.activeElement === first;
}"""
FIGURES: Final = """() => {
    const table = document.querySelector('[data-testid=stDataFrame] table');
    return table ? table.textContent : '';
}"""


Read = tuple[float, float]
"""Seconds until something can be used, and until all of it is drawn."""


def use(page: Page, url: str) -> Read:
    """Go to an address; read the clock."""
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(ANSWERS, timeout=LONGEST_MS)
    usable = time.perf_counter() - start
    page.wait_for_function(DRAWN, timeout=LONGEST_MS)
    if "/store?" in url:  # in a shadow tree, which locators see
        page.locator(".floor svg [data-movable]").first.wait_for(timeout=LONGEST_MS)
    whole = time.perf_counter() - start
    if page.locator("[data-testid=stException]").count():
        raise SystemExit(f"{url}: {page.locator('[data-testid=stException]').first.inner_text()}")
    return usable, whole


def opened(browser: Browser, url: str) -> tuple[Read, Read]:
    """Read the clock at a first visit, with nothing in the browser's cache, and at the next one."""
    context = browser.new_context(viewport=SIZE)
    try:
        first = context.new_page()
        empty = use(first, url)
        first.close()
        return empty, use(context.new_page(), url)
    finally:
        context.close()


def moved(page: Page, address: str, repeats: int) -> dict[str, list[Read]]:
    """Move a fixture several times, by mouse and by keyboard in turn; read the clock at each."""
    use(page, f"{address}/store?plan=supermarket")
    fixture = page.locator(f'.floor [data-name="{FIXTURE}"]')
    taken: dict[str, list[Read]] = {"mouse": [], "arrow key": []}
    for number, way in enumerate(WAYS[: 2 * repeats + 2]):
        if number % 2:
            fixture.focus()
            page.keyboard.press("Enter")
            page.keyboard.press(way)
            taken["arrow key"].append(redrawn(page, lambda: page.keyboard.press("Enter")))
            continue
        fixture.scroll_into_view_if_needed()
        metre = page.locator(".floor svg").evaluate("svg => svg.getScreenCTM().a * 16")
        box = fixture.bounding_box()
        if box is None:
            raise SystemExit(f"the example supermarket has no fixture {FIXTURE!r} any more; name another one")
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + metre * STEPS[way][0], y + metre * STEPS[way][1], steps=8)
        taken["mouse"].append(redrawn(page, page.mouse.up))
    # The first of each loads what the server has not needed before.
    return {how: read[1:] for how, read in taken.items()}


def redrawn(page: Page, drop: Callable[[], None]) -> Read:
    """Drop what is held; read the clock when the table holds other figures and when all is drawn."""
    before = page.evaluate(FIGURES)
    start = time.perf_counter()
    drop()
    page.wait_for_function(f"before => ({FIGURES})() !== before", arg=before, timeout=LONGEST_MS)
    figures = time.perf_counter() - start
    page.wait_for_function(DRAWN, timeout=LONGEST_MS)
    whole = time.perf_counter() - start
    said = page.locator(".floor p").inner_text()
    if said.startswith("Put back"):
        raise SystemExit(f"a place was refused ({said}); choose other ways")
    return figures, whole


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("runs"), help="a run store; `tradefair demo` makes one")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pages", default=",".join(NAMES), help="names with commas between; all when left out")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    told = parser.parse_args()
    program = next((path for path in BROWSERS if path.exists()), None)
    if program is None:
        raise SystemExit(f"no browser: none of {', '.join(map(str, BROWSERS))} exists; install chromium")
    if not 1 <= told.repeats <= MOST:
        raise SystemExit(f"--repeats {told.repeats}: choose from 1 to {MOST}, as many as there are places to move to")
    pages = dict.fromkeys(told.pages.split(","))
    if unknown := [page for page in pages if page not in NAMES]:
        raise SystemExit(f"--pages {unknown[0]}: choose from {', '.join(NAMES)}")
    found: list[dict[str, Any]] = []
    with served(told.store) as (_, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=QUIET)
        for name in pages:
            opened(browser, f"{address}/{NAMES[name]}")
        for name in pages:
            times = [opened(browser, f"{address}/{NAMES[name]}") for _ in range(told.repeats)]
            for cache, taken in zip(("empty", "filled"), zip(*times, strict=True), strict=True):
                found.append(row(f"{name}, cache {cache}", taken, PAGE_TARGET_S if cache == "empty" else None))
        context = browser.new_context(viewport=SIZE)
        moves_of = moved(context.new_page(), address, told.repeats) if "store" in pages else {}
        for how, moves in moves_of.items():
            found.append(row(f"move by {how}", moves, MOVE_TARGET_S))
        browser.close()
    if told.json:
        print(json.dumps({"repeats": told.repeats, "rows": found}))
        return
    print(f"{'seconds: median, worst':<26} {'usable':^13} {'whole':^13} target of usable, at worst")
    for one in found:
        target = "-" if one["target_s"] is None else f"{one['target_s']:.1f} {one['result']}"
        read = " ".join(f"{one[what]['median_s']:6.2f} {one[what]['worst_s']:6.2f}" for what in ("usable", "whole"))
        print(f"{one['name']:<26} {read} {target}")


def row(name: str, read: Sequence[Read], target: float | None) -> dict[str, Any]:
    """One line of the table."""
    taken = dict(zip(("usable", "whole"), zip(*read, strict=True), strict=True))
    result = "" if target is None else "met" if max(taken["usable"]) < target else "missed"
    return {"name": name, "target_s": target, "result": result} | {
        what: {"median_s": statistics.median(seconds), "worst_s": max(seconds), "seconds": list(seconds)}
        for what, seconds in taken.items()
    }


if __name__ == "__main__":
    main()
