"""Entry of the Streamlit app, which `tradefair app` starts: navigation, the choice of a scenario, errors in words."""

from pathlib import Path

import streamlit as st

from apps.login import SECTIONS, has_role, is_required, sees
from apps.opened_page import opened_page
from apps.opened_store import command, opened_store
from apps.plain_text import plain
from retail.errors import ConfigError, TradefairError

# Drawn here, since Streamlit would fetch a Material icon or an emoji for the browser's tab from another host.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="#0072B2">'
    '<path d="M3 4h18l1 6a3 3 0 0 1-5 2 3.5 3.5 0 0 1-5 0 3.5 3.5 0 0 1-5 0 3 3 0 0 1-5-2z"/>'
    '<path d="M4 14h2v5h12v-5h2v7H4z"/></svg>'
)

st.set_page_config(page_title="Tradefair", page_icon=ICON, layout="wide")
st.html(Path(__file__).with_name("style.css"))


@st.fragment(run_every="3s")
def wait_for_runs() -> None:
    """Start over once something runs."""
    if not has_role() or opened_store().scenarios():
        st.rerun()


OVERVIEW = st.Page(
    "app_pages/overview.py",
    title="Overview",
    icon=":material/home:",
    default=True,
    help="What the newest runs found, what runs now, and what to do next.",
)
SCENARIOS = st.Page(
    "app_pages/scenarios.py",
    title="Scenarios",
    icon=":material/tune:",
    help="Edit a scenario, check it, start it; watch, cancel and resume what runs. Needs no runs.",
)
COMPARE = st.Page(
    "app_pages/compare.py",
    title="Compare",
    icon=":material/compare_arrows:",
    help="The paired difference of two arms or runs, with its interval, and the settings in which they differ.",
)
LAYOUT = st.Page(
    "app_pages/store.py",
    title="Store",
    icon=":material/storefront:",
    help="A store plan: where shoppers walk, and what a change would do. Needs no runs.",
)
ASSISTANT = st.Page(
    "app_pages/assistant.py",
    title="Assistant",
    icon=":material/face:",
    help="Customers who agreed to be recognised: their card, enrolment, payment, leaving. Needs no runs.",
)
MARKET = st.Page(
    "app_pages/market.py",
    title="Market",
    icon=":material/balance:",
    help="Choose rules for a marketplace and see who gains; check a ranking log. Needs no runs.",
)
AUDIENCES = st.Page(
    "app_pages/audiences.py",
    title="Audiences",
    icon=":material/campaign:",
    help="Who buys a launched product, what campaigns gain, why a rival wins: use, privacy cost and attack.",
)
RESULTS = st.Page(
    "app_pages/results.py",
    title="Results",
    icon=":material/query_stats:",
    help="What a scenario found: every arm with its interval, privacy against usefulness, targets, attacks.",
)
SHOPPERS = st.Page(
    "app_pages/shoppers.py",
    title="Shoppers",
    icon=":material/groups:",
    help="How usefulness changes with the number of shoppers.",
)
RUNS = st.Page(
    "app_pages/runs.py",
    title="Runs",
    icon=":material/receipt_long:",
    help="One run: settings, provenance, what its epsilon covers, its privacy ledger. Failed runs, too.",
)
COMPLIANCE = st.Page(
    "app_pages/compliance.py",
    title="Compliance",
    icon=":material/gavel:",
    help="Who may read what, what was read, budgets, whether the logs are intact, and a report to hand on.",
)
RULES = st.Page(
    "app_pages/rules.py",
    title="Rules",
    icon=":material/rule:",
    help="Write rules of your own, read them in English, see which requests change. Needs no runs.",
)
PEOPLE = st.Page(
    "app_pages/people.py",
    title="People",
    icon=":material/how_to_reg:",
    help="Who agreed to what, withdrawals, erasure requests with their certificates. Needs no runs.",
)


def login_page() -> None:
    """Ask people to log in, or say that they have no role here."""
    st.title("Log in to Tradefair")
    if st.user.get("is_logged_in"):
        st.error(
            f"{plain(st.user.get('email') or 'You')}: no page here is for you; ask whoever runs this app for a role."
        )
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
        return
    st.markdown("Your runs, uploads and saved variants are yours alone: nobody else who logs in sees them.")
    st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)


sections = {
    "": [OVERVIEW],
    "Researchers": [RESULTS, COMPARE, SCENARIOS, RUNS, SHOPPERS],
    "Compliance": [COMPLIANCE, RULES, PEOPLE],
    "Merchants": [LAYOUT, MARKET, AUDIENCES, ASSISTANT],
}
if is_required():
    try:
        someone = any(map(sees, SECTIONS))
    except ConfigError:
        # Why it cannot is for whoever runs the app: `tradefair app` says it when it is started again.
        st.title("Nobody can log in now")
        st.error("The file of the login cannot be used any more. Ask whoever runs this app.", icon=":material/lock:")
        st.stop()
    if not someone:
        # All addresses are known, so that Streamlit does not lay "page not found" over the way in.
        st.navigation([one for pages in sections.values() for one in pages], position="hidden")
        login_page()
        st.stop()
    with st.sidebar:
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
page = st.navigation({name: pages for name, pages in sections.items() if not name or sees(name)}, position="top")
OF_NO_SCENARIO = (OVERVIEW, SCENARIOS, COMPARE, LAYOUT, MARKET, AUDIENCES, ASSISTANT, RULES, PEOPLE)


def show() -> None:
    """Run the page, after the choice of a scenario where it is about one."""
    store = opened_store()
    scenarios = store.scenarios()
    if page.url_path not in {one.url_path for one in OF_NO_SCENARIO}:
        if not scenarios:
            st.title("No runs yet")
            st.markdown(f"There is nothing in the run store `{store.root}`. To fill it with the demo:")
            st.code(command("demo"), language=None, wrap_lines=True)
            st.page_link(OVERVIEW, label="Or start it from here", icon=":material/play_arrow:")
            st.caption("This page goes on by itself as soon as the first run begins.")
            wait_for_runs()
            return
        newest = max(scenarios, key=lambda name: (store.root / name).stat().st_mtime)
        st.selectbox(
            "Scenario",
            scenarios,
            index=scenarios.index("demo" if "demo" in scenarios else newest),
            key="scenario",
            bind="query-params",
            width=320,
        )
    try:
        page.run()
    except TradefairError as error:
        st.error(str(error), icon=":material/error:")


with opened_page(page.url_path):
    show()
