"""What merchants do in the app, from beginning to end: a fixture moved and judged, a till more, traces of their own."""

import re

import pytest
from browser_visit import serve
from ways import FOCUSED, LONG

from apps.store.traces import EXAMPLE

pytestmark = pytest.mark.slow
SHOP = "/store?plan=corner-shop&shoppers=150&days=8"
SIMULATED = 60_000  # days of a store and draws of its parameters
FLOOR = '.floor [data-name="{}"]'
INTERVAL = re.compile(r"\[[-+]?[\d.,]+, [-+]?[\d.,]+\]")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("merchant")
    process, address = serve(folder / "runs", folder / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


def move(one, name, metres):
    """Move a fixture to the right or left: drag it with the mouse or a finger, or take it up with the keyboard."""
    fixture = one.page.locator(FLOOR.format(name))
    fixture.wait_for(timeout=SIMULATED)
    one.rest()
    if one.keyboard:
        chosen = one.page.locator(".floor [tabindex='0']")
        one.tab_to(chosen)
        for _ in range(20):
            here, there = (place.bounding_box() for place in (chosen, fixture))
            right, down = (there[axis] + there[size] / 2 - here[axis] - here[size] / 2
                           for axis, size in (("x", "width"), ("y", "height")))  # fmt: skip
            if abs(right) + abs(down) < 1:
                break
            across = abs(right) > abs(down)
            one.keys(
                ("ArrowRight" if right > 0 else "ArrowLeft") if across else ("ArrowDown" if down > 0 else "ArrowUp")
            )
        one.keys("Enter", *["ArrowRight" if metres > 0 else "ArrowLeft"] * round(abs(metres) / 0.5))
        assert " at " in one.page.locator(".floor p").inner_text()
        one.keys("Enter")
    else:
        fixture.scroll_into_view_if_needed()
        box = fixture.bounding_box()
        pixels = metres * one.page.locator(".floor svg").evaluate("svg => svg.getScreenCTM().a * 16")
        drag(one, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, pixels)
    one.rest()


def drag(one, x, y, right):
    """Drag in several small steps, as a hand does it."""
    steps = [x + right * step / 6 for step in range(1, 7)]
    if one.way.width == "phone":
        finger = one.context.new_cdp_session(one.page)
        touch = lambda kind, *points: finger.send(  # noqa: E731
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y} for at in points]}
        )
        touch("touchStart", x)
        for step in steps:
            touch("touchMove", step)
        touch("touchEnd")
    else:
        one.page.mouse.move(x, y)
        one.page.mouse.down()
        for step in steps:
            one.page.mouse.move(step, y)
        one.page.mouse.up()


def changes(one):
    """The changes in the page's address."""
    return one.page.evaluate("new URL(location.href).searchParams.getAll('edit')")


def saved(one):
    """The list of saved variants, unfolded."""
    one.unfold("Saved variants")
    return one.main.get_by_test_id("stExpander").filter(has_text="Saved variants")


def test_a_fixture_is_moved_judged_saved_with_intervals_and_shared(worker, address):
    one = worker(address).visit(SHOP)
    move(one, "bakery-1", -1)
    one.see("A first look", timeout=SIMULATED)
    assert changes(one) == ["move=bakery-1,x=4.5,y=4"]
    if one.keyboard:
        assert one.page.locator(FLOOR.format("bakery-1")).evaluate(FOCUSED)  # the keyboard goes on from there
        one.keys("Enter", "ArrowLeft", "Escape")
        assert "stays where it was" in one.page.locator(".floor p").inner_text()
    move(one, "bakery-1", -4.5)  # onto the shelves at the wall
    one.see("Put back.", timeout=SIMULATED)
    assert changes(one) == ["move=bakery-1,x=4.5,y=4"]
    one.look("7-moved")
    one.press("Judge it")
    one.heading("Where more or fewer walk", timeout=SIMULATED)
    one.rest()
    one.unfold("Save it")
    name = f"moved {one.way}"
    one.fill("Name of the variant", name)
    one.press("Save")
    one.see("Saved variants")
    one.press("Take back")
    one.see("Nothing is changed yet")
    told = saved(one).get_by_text("Move bakery-1 to 4.5, 4 m, 8 paired days").inner_text()
    assert len(INTERVAL.findall(told)) == 3
    one.press("Open", within=saved(one).get_by_test_id("stButton"))
    one.heading("Where more or fewer walk", timeout=SIMULATED)  # the judgement is still known
    assert changes(one) == ["move=bakery-1,x=4.5,y=4"]

    shared = worker(address)
    shared.open(one.page.url)
    shared.see("Move bakery-1 to 4.5, 4 m", timeout=SIMULATED)
    assert saved(shared).get_by_text("Move bakery-1 to 4.5, 4 m, 8 paired days").inner_text() == told
    shared.end("7-shared")
    one.look("7")
    one.press("Delete", within=saved(one))
    one.press("Delete it")
    one.main.get_by_text("Saved variants").wait_for(state="detached", timeout=LONG)
    one.end("7-deleted")


def test_a_till_is_added_and_shoppers_are_watched(worker, address):
    one = worker(address).visit(SHOP)
    one.pick("Add a till")
    one.fill("x, m from the left", 5)
    one.fill("y, m from the top", 5.5)
    one.press("Add this change")
    one.see("A first look", timeout=SIMULATED)
    assert changes(one) == ["add_till=lane,x=5,y=5.5"]
    one.look("8-till")
    one.pick("Watch shoppers")
    clock = one.page.locator(".player .clock")
    clock.wait_for(timeout=SIMULATED)
    assert clock.inner_text() == "17:00:00"  # nothing has started by itself
    one.press("Play")
    one.page.wait_for_function("clock => clock.innerText > '17:04'", arg=clock.element_handle())
    one.press("Pause")
    paused = clock.inner_text()
    one.page.wait_for_timeout(300)
    assert clock.inner_text() == paused > "17:04"
    inside = one.page.locator(".player .stage circle:not(.none)")
    slider = one.page.get_by_role("slider", name="Time of the day")
    one.tab_to(slider)
    one.keys("Home", *["PageUp"] * 3)
    assert clock.inner_text() > paused
    assert inside.count() == shown_by(slider)
    one.look("8-watched")
    one.pick("As it is")
    assert clock.inner_text() == "17:00:00"
    one.see("Waiting at the till, s")
    assert changes(one) == ["add_till=lane,x=5,y=5.5"]
    one.end("8")


def shown_by(slider):
    """How many shoppers are in the store, as the slider says it."""
    told = dict(
        reversed(part.split(" ", 1)) for part in slider.get_attribute("aria-valuetext").split(": ")[1].split(", ")
    )
    return sum(int(many) for what, many in told.items() if what not in ("left", "not in yet"))


def test_traces_of_ones_own_become_a_heat_map(worker, address):
    one = worker(address).visit(SHOP)
    one.pick("Your own traces")
    one.send(("traces.csv", "text/csv", EXAMPLE.encode()))
    one.heading("1 visit on 1 day: most around")
    one.see("Squares of 1 m, visits a day.")
    one.look("9-visits")
    one.pick("Seconds spent")
    one.see("Squares of 1 m, s a day.")
    one.heading("1 visit on 1 day: most around 2.5, 1.5 m")  # 45 s before the last point
    one.pick("Ways taken")
    one.see("Squares of 1 m, moves a day.")
    one.unfold("The busiest squares, and how to hand the map on")
    one.see("release gate")
    one.end("9")
