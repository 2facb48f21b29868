"""What researchers do in the app, in a real browser: edit, start, cancel and resume a scenario, compare, export."""

import json

import pytest
from browser_visit import Visit, serve

pytestmark = pytest.mark.slow


def test_a_scenario_is_edited_started_cancelled_and_resumed(browser, tmp_path):
    process, address = serve(tmp_path / "runs", tmp_path / "log.txt")
    try:
        visit = Visit(browser).open(address)
        visit.page.get_by_role("heading", name="No table yet").wait_for()
        visit.open(f"{address}/scenarios?bundled=market-demo")
        main = visit.page.locator("[data-testid=stMain]")
        main.get_by_text("The whole scenario").click()
        for label, value in (("Replications", "2"), ("Periods", "20")):
            box = main.get_by_role("spinbutton", name=label)
            box.fill(value)
            box.press("Enter")
            visit.settle()
        main.get_by_text("2 changes to the original").wait_for()
        name = main.get_by_role("textbox", name="Name")
        name.fill("edited")
        name.press("Enter")
        main.get_by_role("heading", name="edited: 9 runs").wait_for()
        main.get_by_role("button", name="Save and start").click()
        main.get_by_text("Running now").wait_for(timeout=180_000)
        other = Visit(browser, width="phone", scheme="dark").open(address)  # another tab finds it
        other.page.get_by_text("edited is running").wait_for()
        other.picture("overview-running-phone-dark")
        assert other.overflow() <= 0
        visit.picture("scenarios-running-desktop-light")
        main.get_by_role("button", name="Cancel").click()
        main.get_by_text("edited was cancelled").wait_for(timeout=180_000)
        finished = len(list((tmp_path / "runs" / "edited").glob("*/run.json")))
        assert finished < 9
        assert not (tmp_path / "runs" / "edited" / "summary.json").exists()

        main.get_by_role("button", name="Resume").click()
        main.get_by_role("button", name="Run again").wait_for(timeout=180_000)
        assert len(json.loads((tmp_path / "runs" / "edited" / "summary.json").read_text())["runs"]) == 9
        visit.page.get_by_role("link", name="Results of edited").click()
        visit.page.get_by_role("heading", name="Targets").wait_for(timeout=180_000)
        assert visit.complaints == other.complaints == []
        other.context.close()
        visit.context.close()
    finally:
        process.terminate()
        process.wait(10)
