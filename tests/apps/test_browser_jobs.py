"""A job from beginning to end in a real browser: a new till and a map of traces."""

import pytest
from browser_visit import Visit, serve
from people_house import make_people_house

from apps.store.traces import EXAMPLE

pytestmark = pytest.mark.slow
LONG = 120_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = make_people_house(tmp_path_factory.mktemp("jobs"))
    process, address = serve(folder / "runs", folder / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


def ended(visit, name):
    """Keep a picture, and hold the page to what every page keeps."""
    visit.settle()
    visit.picture(name)
    assert visit.overflow() <= 0
    assert visit.complaints == []
    assert visit.page.locator("[data-testid=stException]").count() == 0
    visit.context.close()


def send(visit, name, content):
    visit.page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": content.encode()})


def test_a_merchant_adds_a_till_and_draws_traces_on_a_telephone(browser, address):
    visit = Visit(browser, width="phone", scheme="dark")
    visit.open(f"{address}/store?plan=corner-shop&shoppers=150&days=8")
    main = visit.page.locator("[data-testid=stMain]")
    main.get_by_role("radio", name="Add a till").click(timeout=LONG)
    for label, metres in (("x, m from the left", "5"), ("y, m from the top", "5.5")):
        box = main.get_by_role("spinbutton", name=label)
        box.fill(metres)
        box.press("Enter")
        visit.settle()
    main.get_by_role("button", name="Add this change").click()
    main.get_by_text("A first look").wait_for(timeout=LONG)
    assert "add_till" in visit.page.url
    visit.settle()
    visit.picture("job-till-phone-dark")
    main.get_by_role("radio", name="Your own traces").click()
    send(visit, "traces.csv", EXAMPLE)
    main.get_by_role("heading", name="1 visit on 1 day: most around").wait_for(timeout=LONG)
    ended(visit, "job-traces-phone-dark")
