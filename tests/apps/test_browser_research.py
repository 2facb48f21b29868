"""What researchers do in the app, in a real browser: edit, start, cancel and resume a scenario, compare, export."""

import json
import zipfile

import pytest
from browser_visit import Visit, serve

from experiments.scenario_file import scenario_text, validate

pytestmark = pytest.mark.slow
LONG = 180_000
REGIMES = ("pure", "isolated", "firewall", "pooled")


@pytest.fixture
def address(tmp_path):
    """The app on a store with a scenario that nobody has run: four markets, which take seconds."""
    arms = [{"name": one, "label": one.capitalize(), "regime": one} for one in REGIMES]
    raw = {"kind": "market", "name": "draft", "title": "Who gains", "replications": 9, "periods": 200, "arms": arms}
    (tmp_path / "runs" / "draft").mkdir(parents=True)
    (tmp_path / "runs" / "draft" / "scenario.toml").write_text(scenario_text(validate(raw, source="draft")))
    process, address = serve(tmp_path / "runs", tmp_path / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


def test_a_scenario_is_edited_started_cancelled_resumed_compared_and_exported(browser, address, tmp_path):
    folder = tmp_path / "runs" / "draft"
    visit = Visit(browser).open(f"{address}/scenarios?begin_with=In+this+store&stored=draft")
    main = visit.page.locator("[data-testid=stMain]")
    main.get_by_text("The whole scenario").click()
    box = main.get_by_role("spinbutton", name="Replications")
    box.fill("16")  # enough for a run not to end before it is cancelled
    box.press("Enter")
    main.get_by_text("1 change to the original").wait_for()
    main.get_by_role("button", name="Save and start").click()
    main.get_by_text("Running now").wait_for(timeout=LONG)
    assert "replications = 16\n" in (folder / "scenario.toml").read_text()
    other = Visit(browser, width="phone", scheme="dark").open(address)  # another tab finds it
    other.page.get_by_text("draft is running").wait_for()
    other.picture("overview-running-phone-dark")
    assert other.overflow() <= 0
    other.page.get_by_role("button", name="Cancel").click()
    main.get_by_text("draft was cancelled").wait_for(timeout=LONG)
    assert len(list(folder.glob("*/run.json"))) < len(REGIMES)
    assert not (folder / "summary.json").exists()

    main.get_by_role("button", name="Resume").or_(main.get_by_role("button", name="Save and start")).first.click()
    main.get_by_role("button", name="Run again").wait_for(timeout=LONG)
    document = json.loads((folder / "summary.json").read_text())
    assert len(document["runs"]) == len(REGIMES)

    visit.open(f"{address}/compare?first_arm=Firewall&second_arm=Isolated&figure=Merchants")
    name = "difference(merchant_surplus, firewall, isolated)"
    found = next(row for row in document["differences"] if row["name"] == name)
    assert f"{abs(found['value']):.4f}" in visit.page.locator("h1").inner_text()
    visit.picture("compare-market-desktop-light")
    visit.page.reload()
    main.get_by_role("heading", name="Every figure").wait_for(timeout=LONG)
    assert f"{abs(found['value']):.4f}" in visit.page.locator("h1").inner_text()

    visit.open(f"{address}/runs?scenario=draft")
    with visit.page.expect_download(timeout=LONG) as started:
        main.get_by_role("button", name="Download the parcel").click()
    started.value.save_as(tmp_path / "parcel.zip")
    run = started.value.suggested_filename.removesuffix(".zip")
    with zipfile.ZipFile(tmp_path / "parcel.zip") as parcel:
        assert json.loads(parcel.read(f"runs/{run}/run.json"))["run_id"] == run
        assert "tradefair run scenario.toml" in parcel.read("README.txt").decode()
    host = address.removeprefix("http://")
    asked = [*visit.requests, *other.requests]
    assert [url for url in asked if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == other.complaints == []
    other.context.close()
    visit.context.close()
