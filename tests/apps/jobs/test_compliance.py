"""What a compliance team does in the app: audits a log, changes a rule, reads budgets, erases a person, checks logs."""

import json
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser_visit import serve
from made_once import made_once
from people_house import make_people_house
from ways import LONG

from experiments.logbook import RUN_BOOKS
from experiments.report import verify_report
from privacy.policy.rule import COLUMNS
from privacy.rules.drawn_lists import draw_lists

pytestmark = pytest.mark.slow
PLANTED = 0.8
"""Log-odds by which the log's ranking moves own products up."""
QUERIES = 120


@pytest.fixture(scope="module")
def biased_log():
    """A table of impressions in which own products are ranked up by `PLANTED` beyond price and rating."""
    lists = draw_lists(np.random.default_rng(1), queries=QUERIES, effect=PLANTED)
    table = pd.DataFrame(
        {
            "list": np.repeat(np.arange(QUERIES), 10),
            "period": 0,
            "position": np.tile(np.arange(1, 11), QUERIES),
            "product": np.tile(np.arange(10), QUERIES),
            "seller": "shop",
            "own": lists.x[:, :, 0].ravel() > 0,
            "price": lists.x[:, :, 1].ravel() + 10,
            "rating": lists.x[:, :, 2].ravel(),
        }
    )
    return "impressions.csv", "text/csv", table.to_csv(index=False).encode()


@pytest.fixture(scope="module")
def reading(audited_store, tmp_path_factory):
    """The app on a store whose runs kept logs, for jobs that change nothing."""
    process, address = serve(audited_store, tmp_path_factory.mktemp("reading") / "log.txt")
    yield address
    process.terminate()
    process.wait(60)


@pytest.fixture
def house(audited_store, tmp_path_factory, tmp_path):
    """The app on copies of that store and of a merchant's house, for a job that changes both; and their folder."""

    def make(folder):
        folder.mkdir()
        make_people_house(folder)

    shutil.copytree(made_once(tmp_path_factory, "people-house", make), tmp_path, dirs_exist_ok=True)
    shutil.copytree(audited_store, tmp_path / "runs")
    process, address = serve(tmp_path / "runs", tmp_path / "log.txt")
    yield address, tmp_path
    process.terminate()
    process.wait(60)


def words_of(file):
    """Return the text of a downloaded page as a reader sees it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", Path(file).read_text())).split())


def test_a_team_audits_its_own_ranking_log_and_hands_on_the_verdict(worker, reading, biased_log, tmp_path):
    one = worker(reading).visit("/market?scenario=audited&market_part=Check+a+ranking+log")
    one.send(biased_log)
    one.see("Rows read")
    one.look("4-declared")
    one.press("Audit")
    one.heading("1 of 1 rules breached: ranking neutrality")
    effect, lo, hi = shown_interval(one)
    assert lo <= PLANTED <= hi
    assert lo > 0.02  # the margin
    power = one.see("A true effect of 0.2 would be found with power").inner_text()
    one.see("The same question, asked in other ways")
    one.unfold("The same figures as a table")
    table = one.main.locator("[data-testid=stTable]").filter(has_text="declared")
    ways = table.locator("tbody tr > :first-child").all_inner_texts()
    assert ways[0] == "declared"
    assert len(ways) > 5
    one.look("4-verdict")

    file, name = one.download("Download the report")
    assert name == "market-audit.html"
    said = words_of(file)
    assert "1 of 1 rules breached: ranking neutrality." in said
    assert f"ranking BREACH {effect:g} [{lo:g}, {hi:g}]" in said
    assert power.partition("A true effect")[2].split(";")[0].strip() in said
    assert "impressions.csv, SHA-256" in said
    assert [each for each in ways if each not in said] == []
    file, name = one.download("Download as JSON")
    (row,) = json.loads(Path(file).read_text())["rows"]
    assert (row["outcome"], float(f"{row['effect']:.4g}")) == ("breach", effect)

    one.go("Compliance", "Compliance")
    one.pick("Report")
    one.press("Build the report")
    for label in ("Download HTML", "Its signature (HTML)"):
        file, name = one.download(label)
        shutil.copy(file, tmp_path / name)
    assert verify_report(tmp_path / "audited-report.html").ok
    outcomes = one.see("Rules: ").inner_text()
    assert re.search(r"\d+ pass", outcomes)
    one.end("4")


def shown_interval(one):
    """Return effect, lower and upper end as the page says them."""
    said = one.see("95% interval [").inner_text()
    found = re.search(r"Effect ([\d.]+) log-odds, 95% interval \[([\d.]+), ([\d.]+)\]", said)
    return [float(each) for each in found.groups()]


def test_a_team_changes_a_rule_and_sees_which_requests_change(worker, reading):
    one = worker(reading).visit("/compliance?scenario=audited")
    one.go("Compliance", "Rules")
    one.see("Nobody may use in any way mood readings.")
    if one.keyboard or one.way.width == "desktop":  # a finger on a phone has the form
        write_cell(one, "mood", "payments")
        one.see("Nobody may use in any way payments.")
        one.look("5-grid")
    one.unfold("Change one rule in a form")
    one.choose("What to change", "kind")
    one.choose("New text", "orders")
    one.press("Change it")
    one.see("Nobody may use in any way marketplace orders.")
    one.press("Which requests change?")
    said = one.heading("requests open and")
    opened, closed = (int(each.replace(",", "")) for each in re.findall(r"([\d,]+) (?:requests open|close)", said))
    assert opened == 0
    assert closed > 0
    file, name = one.download("Download as CSV")
    changed = pd.read_csv(file)
    assert name == "changed-requests.csv"
    assert changed["requests"].sum() == closed
    assert set(changed["rule"]) == {"my-rule-1"}
    one.end("5")


def write_cell(one, old, new):
    """Write another text into the cell of the first row of the grid that holds `old`."""
    page = one.page
    canvas = one.main.locator("[data-testid=stDataFrame] canvas").first
    canvas.wait_for(timeout=LONG)
    selected = canvas.locator("[aria-selected=true]")
    if one.keyboard:
        for _ in range(60):
            if page.evaluate("document.activeElement.closest('[data-testid=stDataFrame] canvas') !== null"):
                break
            one.keys("Tab")
            page.wait_for_timeout(50)
        else:
            raise AssertionError("Tab does not lead into the grid")
        page.wait_for_timeout(500)  # until the grid has heard of the last Tab
        one.keys("Home")
        canvas.locator("[aria-selected=true][data-testid=glide-cell-1-0]").wait_for(state="attached", timeout=LONG)
        for _ in COLUMNS:
            selected.wait_for(state="attached", timeout=LONG)
            if selected.inner_text() == old:
                break
            cell = selected.get_attribute("data-testid")
            one.keys("ArrowRight")
            canvas.locator(f"[aria-selected=true]:not([data-testid={cell}])").wait_for(state="attached", timeout=LONG)
        one.keys("Enter")
    else:
        box = canvas.bounding_box()
        for x in range(60, int(box["width"]), 40):
            page.mouse.click(box["x"] + x, box["y"] + 52)
            page.wait_for_timeout(400)  # until the grid has told which cell is selected
            if selected.all_inner_texts() == [old]:
                page.mouse.dblclick(box["x"] + x, box["y"] + 52)
                break
    editor = page.locator("textarea.gdg-input")
    editor.wait_for(timeout=LONG)
    assert editor.input_value() == old
    editor.fill(new)
    editor.press("Enter")
    editor.wait_for(state="detached", timeout=LONG)
    one.rest()


def test_a_team_reads_the_ledger_erases_a_person_and_verifies_the_logs(worker, house):
    address, folder = house
    one = worker(address).visit("/compliance?scenario=audited")
    one.pick("Budgets")
    one.heading("1 budget kept")
    row = one.main.locator("[data-testid=stTable]").filter(has_text="Releases left").first.inner_text()
    assert "epsilon 4" in row
    one.heading("By data set")
    one.look("6-budgets")

    one.go("Compliance", "People")
    one.pick("A person")
    one.fill("The person's id", "17")
    one.heading("What was spent on this person")
    one.press("Take the withdrawal")
    one.see("1 receipt ended")
    one.pick("Erasure")
    one.heading("Answer an erasure request")
    one.fill("The person's id", "17")
    one.press("What holds this person?")
    one.tick("I checked who asks. This cannot be undone.")
    one.press("Erase")
    one.see("Open: lookalike")  # nobody said to delete the model
    certificate, name = one.download("Download the certificate")
    assert name.startswith("erasure-")
    one.look("6-erased")
    content = Path(certificate).read_bytes()
    one.pick("Check a certificate")
    one.send((name, "application/json", content))
    one.see(f"Good: {name}, request")
    one.look("6-certificate")
    assert "17" not in one.page.url.partition("?")[2]

    one.go("Compliance", "Compliance")
    one.pick("Log")
    assert one.heading("logs checked") == "6 logs checked: 6 intact"
    one.look("6-logs")
    books = next(path for path in (folder / "runs").glob(f"audited/*/{RUN_BOOKS}") if b'"allow"' in path.read_bytes())
    raw = books.read_bytes()
    books.write_bytes(raw.replace(b'"allow"', b'"allov"', 1))  # one byte of one entry
    one.visit("/compliance?scenario=audited&part=Log")
    one.heading("2 broken")  # the run's log, and the scenario's check of it
    one.see("was changed")
    one.end("6")
