"""The report in a real browser: it asks nobody for anything, complains of nothing, and fits the window."""

from pathlib import Path

import pytest

from experiments.report import render_html

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "test-artifacts"
BROWSERS = [Path("/usr/bin") / name for name in ("chromium", "chromium-browser", "google-chrome")]
QUIET = "--headless --no-sandbox --disable-background-networking --disable-component-update --no-first-run".split()
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    found = [path for path in BROWSERS if path.exists()]
    if not found:
        pytest.skip(f"no browser: none of {', '.join(map(str, BROWSERS))} exists; install chromium to run this test")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: install the dev extra")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(found[0]), args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(render_html(model))
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_fits_and_contacts_nobody(browser, address, width, scheme):
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    assert requests == [address]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    outside = page.evaluate(
        "[...document.querySelectorAll('main p, main li, main dd, main pre, .scroll')]"
        ".filter(box => box.getBoundingClientRect().right > window.innerWidth).length"
    )
    assert outside == 0
    PICTURES.mkdir(exist_ok=True)
    page.set_viewport_size({**size, "height": 3000})
    page.screenshot(path=PICTURES / f"report-{width}-{scheme}.png")
    context.close()


def test_a_proof_is_reached_by_its_mark_and_tables_scroll_by_keyboard(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(address)
    page.locator("#figures-table a.proof").first.click()
    target = page.evaluate("document.querySelector(':target').id")
    assert target.startswith("p")
    region = page.locator(".scroll").first
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert region.evaluate("box => box.scrollLeft") > 0
    context.close()
