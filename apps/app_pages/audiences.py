"""Audiences: whom to show an advertisement, what that gains and tells about people, and what would win over a rival."""

import streamlit as st

from apps.audiences.campaigns import show_campaigns
from apps.audiences.insight import show_insight
from apps.audiences.lookalike import show_lookalike
from apps.audiences.table import finished
from apps.chart_words import runs_behind
from apps.opened_page import end_page
from apps.opened_store import command, opened_store
from apps.plain_text import plain
from retail.errors import DataError

LAUNCHES, CAMPAIGNS, RIVALS = "A launched product", "Campaigns", "Why a rival wins"
PARTS = {
    LAUNCHES: ("lookalike", "No launches yet", ("lookalike-demo", "lookalike"),
               "who will buy a new product, going by those who bought it early"),
    CAMPAIGNS: ("targeting", "No campaigns yet", ("targeting",), "what campaigns gain when merchants learn together"),
    RIVALS: ("insight", "No choices among brands yet", ("insight",), "what would make people take our brand"),
}  # fmt: skip

store = opened_store()
title = st.container()
part = st.segmented_control(
    "Part", list(PARTS), default=LAUNCHES, required=True, key="audience_part", bind="query-params", wrap=True,
    label_visibility="collapsed",
)  # fmt: skip
method, nothing, scenarios, question = PARTS[part if part in PARTS else LAUNCHES]
found, troubles = finished(store, method)
for trouble in troubles:
    st.warning(plain(trouble), icon=":material/warning:")
if not found:
    title.title(nothing)
    st.markdown(f"This part shows a finished run that asked {question}. To make one:")
    st.code("\n".join(command("run", name) for name in scenarios), language=None, wrap_lines=True)
    end_page()
scenario = next(iter(found))
if len(found) > 1:
    chosen = st.selectbox("Run", list(found), key=f"audience_{method}", bind="query-params", width=340)
    scenario = chosen if chosen in found else scenario
behind = runs_behind(found[scenario].get("runs", ()))
st.caption(plain(f"Scenario {scenario}" + (f": {behind}." if behind else ".")))
try:
    if method == "lookalike":
        show_lookalike(store, scenario, found[scenario], title)
    elif method == "targeting":
        show_campaigns(found[scenario], title)
    else:
        show_insight(store, scenario, found[scenario], title)
except DataError as error:
    title.title(plain(f"{scenario} cannot be shown"))
    st.error(plain(error), icon=":material/error:")
