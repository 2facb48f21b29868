"""A market: what rules do to a shop, consumers and the platform, and whether a log shows that rules were broken."""

import streamlit as st

from apps.market.choose import choose_rules

RULES, LOG = "Choose rules", "Check a ranking log"

title = st.container()
part = st.segmented_control(
    "Part", [RULES, LOG], default=RULES, required=True, key="market_part", bind="query-params", wrap=True,
    label_visibility="collapsed",
)  # fmt: skip
if part == LOG:
    from apps.market.check import check_log  # here, since the rules' statistics take longer to load than all else

    check_log(title)
else:
    choose_rules(title)
