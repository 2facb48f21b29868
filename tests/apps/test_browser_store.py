"""A merchant changes a layout in a real browser, with mouse and keyboard, judges it, saves it and shares it."""

import pytest
from browser_visit import Visit, serve

pytestmark = pytest.mark.slow
FLOOR = '.floor [data-name="{}"]'


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store-server")
    process, address = serve(folder / "runs", folder / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


def drag(visit, name, pixels):
    """Drag a fixture to the right by some pixels, as a hand does it: in several small steps."""
    fixture = visit.page.locator(FLOOR.format(name))
    fixture.scroll_into_view_if_needed()
    box = fixture.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + pixels, y, steps=6)
    visit.page.mouse.up()


def places(visit):
    """The changes in the page's address."""
    return visit.page.evaluate("new URL(location.href).searchParams.getAll('edit')")


@pytest.mark.parametrize(("width", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_a_fixture_is_moved_judged_saved_and_shared(browser, address, width, scheme):
    visit = Visit(browser, width=width, scheme=scheme)
    visit.open(f"{address}/store?plan=corner-shop&shoppers=150&days=8")
    page = visit.page
    page.locator(FLOOR.format("bakery-1")).wait_for(timeout=120_000)
    scale = page.locator(".floor svg").evaluate("svg => svg.getScreenCTM().a * 16")  # pixels of a metre

    drag(visit, "bakery-1", -1.1 * scale)
    page.get_by_text("A first look").wait_for(timeout=60_000)
    visit.settle()
    assert places(visit) == ["move=bakery-1,x=4.5,y=4"]

    chosen = page.locator(FLOOR.format("bakery-1"))
    chosen.focus()
    for key in ("Enter", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert "at 3.5, 4 m" in page.locator(".floor p").inner_text()
    page.keyboard.press("Escape")
    assert "stays where it was" in page.locator(".floor p").inner_text()
    for key in ("Enter", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Move bakery-1 to 4, 4 m").first.wait_for(timeout=60_000)
    visit.settle()
    assert places(visit) == ["move=bakery-1,x=4,y=4"]  # one move, to the last place
    assert chosen.evaluate("one => one.getRootNode().activeElement === one")  # the keyboard goes on from there

    drag(visit, "bakery-1", -4 * scale)  # onto the shelves at the wall
    page.get_by_text("Put back.").wait_for(timeout=60_000)
    assert places(visit) == ["move=bakery-1,x=4,y=4"]

    page.get_by_role("button", name="Judge it").click()
    page.get_by_role("heading", name="Where more or fewer walk").wait_for(timeout=120_000)
    visit.settle()
    page.get_by_role("button", name="Save it").click()
    name = f"moved {width}"
    page.get_by_label("Name of the variant").fill(name)
    page.get_by_label("Name of the variant").press("Enter")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved variants").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    visit.settle()
    visit.picture(f"store-{width}-{scheme}")
    assert visit.overflow() <= 0

    shared = Visit(browser, width=width, scheme=scheme)
    shared.open(page.url)
    shared.page.get_by_text("Move bakery-1 to 4, 4 m").first.wait_for(timeout=120_000)
    host = address.removeprefix("http://")
    for one in (visit, shared):
        assert [url for url in one.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
        assert one.complaints == []
        assert one.page.locator("[data-testid=stException]").count() == 0
        one.context.close()
