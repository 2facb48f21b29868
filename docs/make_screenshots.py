"""Take the pictures of the tours from a running app, into docs/images.

    tradefair demo && tradefair app &
    python docs/make_screenshots.py http://127.0.0.1:8501

Needs the extra `dev` and Chromium. The store must hold the demo, and the folder `books` must not be there.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES: Final = Path(__file__).parent / "images"
CHROMIUM: Final = "/usr/bin/chromium"
QUIET: Final = ("--headless", "--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage")
WIDTH: Final = 1180
COLOURS: Final = 96
LONG_MS: Final = 120_000


def _click(name: str, wait_for: str) -> Callable[[Page], None]:
    """Press a button and wait for the words that it brings."""

    def steps(page: Page) -> None:
        page.get_by_role("button", name=name, exact=True).first.click()
        page.get_by_text(wait_for).first.wait_for(timeout=LONG_MS)

    return steps


def _drag(page: Page) -> None:
    """Move a fixture by a metre, as a hand does it."""
    fixture = page.locator('.floor [data-name="bakery-1"]')
    fixture.wait_for(timeout=LONG_MS)
    scale = page.locator(".floor svg").evaluate("svg => svg.getScreenCTM().a * 16")
    fixture.scroll_into_view_if_needed()
    box = fixture.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 1.1 * scale, y, steps=6)
    page.mouse.up()
    page.get_by_text("A first look").wait_for(timeout=LONG_MS)


def _watch(page: Page) -> None:
    """Open the part that plays walks, play some, and stop."""
    page.get_by_role("radio", name="Watch shoppers").click()
    play = page.get_by_role("button", name="Play", exact=True)
    play.wait_for(timeout=LONG_MS)
    play.click()
    page.wait_for_timeout(9000)
    page.get_by_role("button", name="Pause", exact=True).click()


PICTURES: Final[tuple[tuple[str, str, int, Callable[[Page], None] | None], ...]] = (
    ("overview", "/", 760, None),
    ("scenarios", "/scenarios", 900, None),
    ("results", "/results?scenario=demo", 1150, None),
    ("compare", "/compare?first=demo", 900, None),
    ("runs", "/runs?scenario=demo", 900, None),
    ("may", "/compliance?scenario=demo", 900, None),
    ("budgets", "/compliance?scenario=demo&part=Budgets", 800, None),
    ("log", "/compliance?scenario=demo&part=Log", 760, None),
    ("rules", "/rules?rules_start=BIPA+(Illinois)", 900, None),
    ("store", "/store?plan=corner-shop&shoppers=150&days=8", 1000, _drag),
    ("watch", "/store?plan=corner-shop&shoppers=150&days=8", 1300, _watch),
    ("people", "/people", 900, _click("Try it with made-up people", "agreements valid")),
    ("market", "/market", 900, None),
    ("market-log", "/market?market_part=Check+a+ranking+log&market_log_from=Example:+own+label+ranked+up", 1000,
     _click("Audit", "Ranking neutrality")),
)  # fmt: skip


def main(address: str, only: list[str]) -> None:
    """Take all pictures, or those that are named."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for name, path, height, steps in PICTURES:
            if only and name not in only:
                continue
            page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
            page.goto(address + path)
            page.locator("h1").first.wait_for(timeout=LONG_MS)
            _settle(page)
            if steps:
                steps(page)
                _settle(page)
            page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 0)")
            page.wait_for_timeout(300)
            small = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
            small.save(IMAGES / f"tour-{name}.png", optimize=True)
            page.close()
        browser.close()


def _settle(page: Page) -> None:
    page.wait_for_function("!document.querySelector('[data-test-script-state=running]')", timeout=LONG_MS)
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
