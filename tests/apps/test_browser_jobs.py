"""Jobs from beginning to end in a real browser: a new till and a map of traces, a rule, a person who wants to go."""

from pathlib import Path

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


def replace_cell(page, old, new):
    """Write another text into the cell of the first row that holds `old`: try along the row until one does."""
    grid = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    editor = page.locator("textarea.gdg-input")
    for x in range(60, int(grid["width"]), 40):
        page.mouse.dblclick(grid["x"] + x, grid["y"] + 52)
        page.wait_for_timeout(400)  # until the cell's editor has come in
        if editor.count() and editor.input_value() == old:
            editor.fill(new)
            editor.press("Enter")
            return
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)
    raise AssertionError(f"no cell holds {old}")


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


def test_a_compliance_team_edits_a_rule_and_sees_which_requests_change(browser, address):
    visit = Visit(browser)
    visit.open(f"{address}/rules")
    page = visit.page
    replace_cell(page, "mood", "payments")
    page.get_by_text("Nobody may use in any way payments.").wait_for(timeout=LONG)
    page.get_by_role("button", name="Which requests change?").click()
    page.get_by_role("heading", name="0 requests open and").wait_for(timeout=LONG)
    assert page.get_by_role("button", name="Download as CSV", exact=True).is_enabled()
    ended(visit, "job-rules-desktop-light")


def test_a_person_withdraws_and_is_erased_with_a_certificate_that_verifies(browser, address, tmp_path):
    visit = Visit(browser, width="phone", scheme="dark")
    visit.open(f"{address}/people?people_part=A+person")
    main = visit.page.locator("[data-testid=stMain]")
    box = main.get_by_label("The person's id")
    box.fill("17")
    box.press("Enter")
    main.get_by_role("button", name="Take the withdrawal").click(timeout=LONG)
    main.get_by_text("1 receipt ended").wait_for(timeout=LONG)
    main.get_by_role("radio", name="Erasure").click()
    main.get_by_role("heading", name="Answer an erasure request").wait_for(timeout=LONG)
    visit.settle()
    box = main.get_by_label("The person's id")
    box.fill("17")
    box.press("Enter")
    main.get_by_role("button", name="What holds this person?").click(timeout=LONG)
    main.get_by_text("I checked who asks").click(timeout=LONG)
    visit.settle()
    main.get_by_role("button", name="Erase", exact=True).click()
    main.get_by_text("Open: lookalike").wait_for(timeout=LONG)  # nobody said to delete the model
    with visit.page.expect_download() as given:
        main.get_by_role("button", name="Download the certificate").click()
    visit.picture("job-erasure-phone-dark")
    main.get_by_role("radio", name="Check a certificate").click()
    content = Path(given.value.path()).read_bytes()
    sent = {"name": "certificate.json", "mimeType": "application/json", "buffer": content}
    visit.page.set_input_files("input[type=file]", sent)
    main.get_by_text("Good: request").wait_for(timeout=LONG)
    assert "17" not in visit.page.url.partition("?")[2]
    ended(visit, "job-certificate-phone-dark")
