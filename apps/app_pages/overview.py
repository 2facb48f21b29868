"""Where the app begins: what Tradefair is, what the newest runs found, and what each kind of reader can do next."""

import streamlit as st

from apps.login import sees
from apps.opened_store import opened_store
from apps.plain_text import plain
from apps.research.headlines import headlines
from apps.research.run_panel import running_names, show_process, show_stopped, stopped_names

RESEARCHERS = {
    "scenarios": ("Start or edit a scenario", "Choose one, change it, see how many runs it has, and start it."),
    "results": ("Read results", "Every arm with its interval, privacy against usefulness, attacks."),
    "compare": ("Compare two arms", "The paired difference of any two arms or runs, with its interval."),
    "runs": ("Look into a run", "Settings, provenance, ledger, and a parcel that repeats it."),
}
COMPLIANCE = {
    "compliance": ("See who may read what", "Rules, requests, denials, budgets, logs, and a report to hand on."),
    "people": ("Answer a person", "Agreements, withdrawals, and erasure with a certificate."),
    "rules": ("Write rules", "Read them back in English, and see which requests they change."),
}
MERCHANTS = {
    "store": ("Try a store layout", "Where shoppers walk, and what a change would do."),
    "market": ("Choose a marketplace's rules", "Who gains, and does a ranking favour its own goods?"),
    "audiences": ("Find an audience", "Who buys a launched product, and what a campaign gains."),
    "assistant": ("Greet a customer", "Recognition of customers who agreed to it, and how they leave."),
}

if "scenario" in st.query_params and sees("Researchers"):  # links to Results from before there was an overview
    st.switch_page("app_pages/results.py", query_params=st.query_params.to_dict())

store = opened_store()
st.title("Retail partners learn from each other's data without pooling it")
st.markdown(
    "Tradefair trains shared models across merchants while every shopper's rows stay where they are, counts what that "
    "costs in privacy, and attacks its own promises. It also simulates stores and marketplaces, so that rules for "
    "sharing data can be tried before anybody lives under them."
)

running = running_names(store)
for name in running:
    show_process(store, name)

found = headlines(store)
for name in stopped_names(store) if sees("Researchers") else []:
    if found or running or name != "demo":  # which has its card below while the page is empty
        show_stopped(store, name)

if found:
    st.header("What the newest runs found")
    for one in found:
        with st.container(border=True):
            if one.trouble:
                st.markdown(f"**{plain(one.scenario)}**")
                st.error(one.trouble, icon=":material/error:")
                continue
            st.markdown(f"**{one.sentence}**")
            if one.detail:
                st.markdown(one.detail)
            st.caption(f"{one.kind}, scenario {plain(one.scenario)}: {one.behind}")
            if not sees("Researchers"):
                continue
            with st.container(horizontal=True):
                query = {"scenario": one.scenario}
                st.page_link(
                    "app_pages/results.py", label="Results", icon=":material/query_stats:", query_params=query,
                )  # fmt: skip
                st.page_link("app_pages/runs.py", label="Runs", icon=":material/receipt_long:", query_params=query)
elif not running:
    st.header("No table yet")
    st.markdown(
        "The demo fills this page: 99 stores learn together, with and without noise, on public shopping data that come "
        "with Tradefair. It takes about three minutes of computing, and can be cancelled and resumed."
    )
    show_process(store, "demo", source="demo")

st.header("What to do next")
personas = {"Researchers": RESEARCHERS, "Compliance": COMPLIANCE, "Merchants": MERCHANTS}
for column, (who, pages) in zip(st.columns(3), personas.items(), strict=True):
    if not sees(who):
        continue
    with column:
        st.subheader(who)
        for page, (label, words) in pages.items():
            st.page_link(f"app_pages/{page}.py", label=label, icon=":material/arrow_forward:")
            st.caption(words)
