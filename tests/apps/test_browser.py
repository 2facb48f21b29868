"""The app in a real browser: Chromium, driven by Playwright, against the server that `tradefair app` starts."""

import http.client
import itertools
from urllib.parse import quote

import pytest
from audience_store import make_audience_store
from browser_visit import ALL_WAYS, Visit, profile, serve
from face_shop import copy_of, live_pictures, make_face_shop
from made_once import made_once

from experiments.assistant import Shop, enrol, read_picture, receipts_for
from experiments.execute import run_scenario
from experiments.report import verify_report
from experiments.scenario_file import validate

PAGES = {
    "overview": "/",
    "scenarios": "/scenarios?bundled=demo",
    "compare": "/compare?first=market&first_arm=Isolated+stores&second_arm=Pooled+raw+data",
    "results": "/results?scenario=market",
    "shoppers": "/shoppers?scenario=growing",
    "shoppers-none": "/shoppers?scenario=market",
    "runs": "/runs?scenario=market",
    "runs-failed": "/runs?scenario=broken",
    "results-failed": "/results?scenario=broken",
}
PARTS = {
    "may": "Who may read what",
    "happened": "What happened",
    "budgets": "Budgets",
    "log": "Log",
    "report": "Report",
}
OTHERS = {
    "compliance": "/compliance",
    "rules": "/rules",
    "people": "/people",
    "store": "/store?plan=corner-shop&shoppers=150&days=8",
    "market-log": "/market?market_part=Check+a+ranking+log",
    "audiences": "/audiences",
    "assistant": "/assistant",
}
LOOKS = [("desktop", "light"), ("phone", "dark")]
pytestmark = pytest.mark.slow


def by_turns(turn):
    """The looks of a long walk through several parts of a page: one by turns, or with ALL_WAYS both."""
    return LOOKS if ALL_WAYS else [LOOKS[turn % 2]]


def faults(visit):
    """What the rules of axe-core call serious or critical on the page as it stands, with where it is."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: install the dev extra")
    phone = visit.page.viewport_size["width"] < 500  # there Streamlit's own menu has lists that are no lists
    found = axe.Axe().run(visit.page, context="[data-testid=stMain]" if phone else None).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.fixture(scope="module")
def address(run_store, tmp_path_factory):
    process, address = serve(run_store, tmp_path_factory.mktemp("server") / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def audited_address(audited_store, tmp_path_factory):
    process, address = serve(audited_store, tmp_path_factory.mktemp("audited-server") / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def assistant_address(run_store, tmp_path_factory):
    """The app on a shop for faces with somebody enrolled under 17, and the picture by which that is recognised."""
    made = made_once(tmp_path_factory, "face-shop", make_face_shop)
    folder = copy_of(made, tmp_path_factory.mktemp("assistant") / "faces")
    shop = Shop.open(folder)
    picture = live_pictures(shop, 31)[0]
    agreed = receipts_for(shop, "17", ["in_store_recognition", "payment", "recommendation"])
    assert enrol(shop, "17", [read_picture(picture)], agreed).photos == 1
    process, address = serve(run_store, folder.parent / "log.txt", "--faces", str(folder))
    yield address, int(picture.split("/")[1])
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def profiles(browser):
    """A desktop in light and a phone in dark that keep Streamlit's scripts from one page to the next."""
    return {(width, scheme): profile(browser, width=width, scheme=scheme) for width, scheme in LOOKS}


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", [*PAGES, *OTHERS])
def test_a_page_contacts_nobody_complains_of_nothing_fits_and_is_accessible(
    browser, profiles, address, name, width, scheme
):
    visit = Visit(browser, context=profiles[width, scheme]).open(address + {**PAGES, **OTHERS}[name])
    visit.picture(f"{name}-{width}-{scheme}")
    assert faults(visit) == []
    host = address.removeprefix("http://")
    elsewhere = [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))]
    assert visit.requests
    assert elsewhere == []
    assert visit.complaints == []
    assert visit.overflow() <= 0
    assert visit.page.locator("[data-testid=stException]").count() == 0
    visit.page.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_part_of_compliance_contacts_nobody_and_fits(browser, audited_address, width, scheme):
    visit = Visit(browser, width=width, scheme=scheme)
    for name, part in PARTS.items():
        visit.open(f"{audited_address}/compliance?scenario=audited&part={quote(part)}")
        if name == "report":
            visit.page.get_by_role("button", name="Build the report").click()
            visit.page.get_by_role("button", name="Download HTML").wait_for(timeout=60_000)
            visit.settle()
        visit.picture(f"compliance-{name}-{width}-{scheme}")
        assert visit.overflow() <= 0, part
        assert visit.page.locator("[data-testid=stException]").count() == 0, part
    host = audited_address.removeprefix("http://")
    assert [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize(("width", "scheme"), by_turns(1))
def test_a_customer_is_recognised_contacts_nobody_and_fits(browser, assistant_address, width, scheme):
    address, picture = assistant_address
    visit = Visit(browser, width=width, scheme=scheme)
    for part in ("Enrol", "Pay", "Leave", "Shop", "Recognise"):
        visit.open(f"{address}/assistant?part={quote(part)}")
        visit.page.get_by_text("Recognition is").first.wait_for(timeout=60_000)
        visit.settle()
        if part == "Enrol":  # nothing is cut off at the edge of a telephone, and the parts fit one row
            assert visit.page.get_by_role("button", name="10", exact=True).evaluate(
                "pill => pill.getBoundingClientRect().right"
                " <= pill.closest('[data-testid=stButtonGroup]').getBoundingClientRect().right + 1"
            )
            rows = visit.page.get_by_role("radiogroup", name="Part").get_by_role("radio").all()
            assert len({round(one.bounding_box()["y"]) for one in rows}) == 1
            edges = visit.page.locator("[data-testid=stImage] img").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
            )
            assert len(edges) == 3
            assert all(one[1] + 4 <= other[0] for one, other in itertools.pairwise(edges))
        if part == "Recognise":
            slider = visit.page.get_by_role("slider")
            slider.focus()
            for _ in range(10 - picture):
                slider.press("ArrowLeft")
            visit.settle()
            visit.page.get_by_role("button", name="Recognise", exact=True).last.click()
            visit.page.get_by_role("heading", name="Customer 17").wait_for(timeout=60_000)
            visit.settle()
        visit.picture(f"assistant-{part.split()[-1].lower()}-{width}-{scheme}")
        assert visit.overflow() <= 0, part
        assert visit.page.locator("[data-testid=stException]").count() == 0, part
    host = address.removeprefix("http://")
    assert [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []
    visit.context.close()


def test_a_click_on_a_cell_says_why_and_the_report_can_be_saved(browser, audited_address, tmp_path):
    visit = Visit(browser).open(f"{audited_address}/compliance?scenario=audited")
    noisy = visit.page.locator("[data-testid=stVegaLiteChart]").nth(2)
    cell = "Data: Till sales; Who, whose data: Aggregator, merchants'; Answer: if"
    noisy.locator(f'text[aria-label^="{cell}"]').click()
    visit.page.get_by_text("rule regime-federated").first.wait_for()
    assert "who=Aggregator" in visit.page.url

    visit.open(f"{audited_address}/compliance?scenario=audited&part=Report")
    visit.page.get_by_role("button", name="Build the report").click()
    for label, name in (("Download HTML", "report.html"), ("Its signature (HTML)", "report.html.sig")):
        with visit.page.expect_download(timeout=60_000) as started:
            visit.page.get_by_role("button", name=label).click()
        assert started.value.suggested_filename == f"audited-{name}"
        started.value.save_as(tmp_path / started.value.suggested_filename)
    assert verify_report(tmp_path / "audited-report.html").ok
    visit.context.close()


def test_a_choice_is_in_the_address_and_the_address_shows_the_choice(browser, address):
    visit = Visit(browser).open(f"{address}/results?scenario=growing")
    visit.page.get_by_role("radio", name="Total").click()
    visit.page.wait_for_url("**metric=Total**")
    visit.page.get_by_role("button", name="Researchers").click()
    visit.page.get_by_role("menuitem", name="Runs").click()
    visit.page.get_by_role("heading", name="18 runs finished").wait_for()
    assert "scenario=growing" in visit.page.url
    visit.context.close()

    other = Visit(browser).open(f"{address}/?scenario=growing&metric=Total")
    assert "of pooled overall ranking quality" in other.page.locator("h1").first.inner_text()
    other.context.close()


def test_a_run_can_be_chosen_and_its_ledger_read(browser, address):
    visit = Visit(browser).open(f"{address}/runs?scenario=market")
    chooser = visit.page.get_by_role("combobox", name="Run")
    chooser.fill("every-node")
    chooser.press("Enter")
    visit.page.get_by_role("heading", name="Privacy ledger").wait_for()
    visit.page.get_by_text("noised before it leaves its merchant").wait_for()
    assert "run=every-node" in visit.page.url
    visit.settle()
    visit.picture("runs-ledger-desktop-light")
    visit.context.close()


@pytest.mark.parametrize(("width", "scheme"), by_turns(1))
def test_what_is_folded_away_fits_and_is_accessible_once_it_is_opened(browser, address, width, scheme):
    visit = Visit(browser, width=width, scheme=scheme)
    for page, fold, brings in (("runs", "On the command line", "tradefair runs export"),
                               ("results", "How to attack a run", "--attacks")):  # fmt: skip
        visit.open(f"{address}/{page}?scenario=market")
        if page == "runs":
            visit.page.locator("summary").filter(has_text="config.toml").click()
            visit.page.get_by_text("method =").first.wait_for()
        visit.page.get_by_role("button", name=fold).click()
        visit.page.get_by_text(brings).first.wait_for()
        visit.settle()
        visit.picture(f"{page}-unfolded-{width}-{scheme}")
        assert faults(visit) == []
        assert visit.overflow() <= 0
    host = address.removeprefix("http://")
    assert [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []
    visit.context.close()


def test_an_empty_store_says_how_to_fill_it(browser, tmp_path):
    process, address = serve(tmp_path / "nothing", tmp_path / "log.txt")
    try:
        visit = Visit(browser, width="phone").open(address)
        visit.page.get_by_role("button", name="Start").wait_for()
        assert (visit.complaints, visit.overflow() <= 0) == ([], True)
        visit.picture("empty-phone-light")
        visit.context.close()
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize(("width", "scheme"), by_turns(2))
def test_a_search_for_a_layout_can_be_stopped_judged_and_loaded_into_the_editor(browser, address, width, scheme):
    visit = Visit(browser, width=width, scheme=scheme)
    visit.open(f"{address}/store?plan=convenience&part=Search+for+a+better+layout&days=8&shoppers=400&search_steps=200")
    main = visit.page.locator("[data-testid=stMain]")
    main.get_by_role("button", name="Search", exact=True).click()
    main.get_by_text("fixtures changed, outlined in black").wait_for(timeout=60_000)
    visit.picture(f"search-running-{width}-{scheme}")
    main.get_by_role("button", name="Stop").click()
    main.get_by_role("heading", name="Stopped after").wait_for(timeout=60_000)
    visit.settle()
    main.get_by_role("button", name="Judge it on other days").click()
    main.get_by_text("Promised on the training days").wait_for(timeout=60_000)
    visit.settle()
    visit.picture(f"search-judged-{width}-{scheme}")
    assert visit.overflow() <= 0
    main.get_by_role("button", name="Load it into the editor").click()
    visit.page.locator(".floor svg").wait_for(timeout=60_000)
    assert visit.page.get_by_role("combobox", name="Plan").first.input_value() == "Found by a search"
    assert visit.complaints == []
    host = address.removeprefix("http://")
    assert [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    visit.context.close()


@pytest.fixture(scope="module")
def market_address(tmp_path_factory):
    """The app on a store with a small scenario of markets."""
    store = tmp_path_factory.mktemp("market-store")
    arms = [{"name": one.replace("_", "-"), "label": one.replace("_", " ").capitalize(), "regime": one}
            for one in ("pure", "isolated", "firewall", "self_preferencing")]  # fmt: skip
    raw = {"kind": "market", "name": "regimes", "title": "Who gains", "replications": 4, "periods": 40, "arms": arms,
           "targets": {"difference(merchant_surplus, pure, isolated)": "> 0"}}  # fmt: skip
    run_scenario(validate(raw, source="regimes"), store=store, jobs=1)
    process, address = serve(store, tmp_path_factory.mktemp("market-server") / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize(("width", "scheme"), by_turns(3))
def test_regimes_are_compared_and_a_log_is_audited_contacts_nobody_and_fits(browser, market_address, width, scheme):
    visit = Visit(browser, width=width, scheme=scheme)
    main = visit.page.locator("[data-testid=stMain]")

    def look(name):
        visit.settle()
        visit.picture(f"{name}-{width}-{scheme}")
        assert visit.overflow() <= 0, name
        assert visit.page.locator("[data-testid=stException]").count() == 0, name

    visit.open(f"{market_address}/results?scenario=regimes")
    main.get_by_role("heading", name="Targets").wait_for(timeout=60_000)
    look("results-market")
    visit.open(f"{market_address}/market?market_regime=Firewall,+own+label+ranked+up")
    main.get_by_role("heading", name="Where the sign turns").wait_for(timeout=120_000)
    assert "Firewall, own label ranked up: " in main.locator("h1").inner_text()
    if (width, scheme) == ("phone", "dark"):
        main.get_by_role("button", name="Draw the map").click()
        main.get_by_text("Each cell has its own 95% interval").wait_for(timeout=300_000)
    look("market-rules")
    visit.open(f"{market_address}/market?market_part=Check+a+ranking+log")
    look("market-upload")
    rows = "".join(f"{at // 2},0,{at % 2 + 1},{at % 2},1,{at % 2 == 0}\n" for at in range(80))
    table = ("list,period,position,product,seller,own\n" + rows).encode()
    visit.page.set_input_files("input[type=file]", {"name": "impressions.csv", "mimeType": "text/csv", "buffer": table})
    main.get_by_role("button", name="Audit", exact=True).click(timeout=60_000)
    main.get_by_role("heading", name="Inconclusive: this log cannot tell about ranking").wait_for(timeout=60_000)
    visit.open(f"{market_address}/market?market_part=Check+a+ranking+log&market_log_from=Example:+own+label+ranked+up")
    main.get_by_role("button", name="Audit", exact=True).click(timeout=60_000)
    main.get_by_role("heading", name="Ranking neutrality", level=3).wait_for(timeout=60_000)
    visit.page.wait_for_timeout(2000)
    look("market-audit")
    with visit.page.expect_download(timeout=60_000) as started:
        main.get_by_role("button", name="Download the report").click()
    assert started.value.suggested_filename == "market-audit.html"
    host = market_address.removeprefix("http://")
    assert [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []
    visit.context.close()


@pytest.fixture(scope="module")
def audience_address(tmp_path_factory):
    """The app on a store with small, finished audience scenarios."""
    store = made_once(tmp_path_factory, "audience-store", make_audience_store)
    process, address = serve(store, tmp_path_factory.mktemp("audience-server") / "log.txt")
    yield address
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize(("width", "scheme"), by_turns(4))
def test_audiences_are_shown_part_by_part_contact_nobody_and_fit(browser, audience_address, width, scheme):
    visit = Visit(browser, width=width, scheme=scheme)
    pages = {
        "audiences-launch": "/audiences",
        "audiences-campaigns": "/audiences?audience_part=Campaigns",
        "audiences-rival": "/audiences?audience_part=Why+a+rival+wins",
        "results-audience": "/?scenario=lookalike",
    }
    for name, path in pages.items():
        visit.open(audience_address + path)
        visit.page.locator("[data-testid=stVegaLiteChart]").nth(1).wait_for(timeout=60_000)
        visit.settle()
        visit.picture(f"{name}-{width}-{scheme}")
        assert visit.overflow() <= 0, name
        assert visit.page.locator("[data-testid=stException]").count() == 0, name
    visit.open(f"{audience_address}/audiences")
    chooser = visit.page.get_by_role("combobox", name="Launched product")
    chooser.click()
    chooser.press("ArrowDown")
    chooser.press("Enter")
    visit.page.get_by_text("Launched on").wait_for(timeout=60_000)
    assert "launch=" in visit.page.url
    host = audience_address.removeprefix("http://")
    assert [url for url in visit.requests if f"//{host}/" not in url and not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("elsewhere.example", 403)])
def test_only_names_of_this_machine_are_answered(address, host, status):
    """A page of another site cannot read the store by pointing its own name at this machine."""
    port = address.rpartition(":")[2]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    headers = {
        "Host": f"{host}:{port}",
        "Origin": f"http://{host}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    connection.request("GET", "/_stcore/stream", headers=headers)
    assert connection.getresponse().status == status
    connection.close()
