"""A store plan: choose or edit it, see where shoppers walk, try a change, or search for a better layout."""

import streamlit as st

from apps.opened_page import end_page
from apps.plain_text import plain
from apps.store import choices as store_choices
from apps.store import plan_picture
from apps.store.change import change_part, shown_variant
from apps.store.search import CHANGE, FOUND, LOADED, PARTS, SEARCH, search_part
from apps.store.traces import TRACES, traces_part
from apps.store.view import picture
from apps.store.watch import WATCH, watch_part
from apps.store.what_if import usual_days, usual_visits
from apps.text_upload import uploaded_text
from retail.errors import TradefairError
from retail.problems import shown
from simulation.store.checks import check_plan
from simulation.store.plan import bundled_plans, load_plan, plan_text, read_plan
from simulation.store.plan.kinds import DISPLAY_KINDS, KINDS, TILL_KINDS

OWN = "Your own file"
MOST_SHOPPERS = 20_000
MOST_PLAN_MB = 1
# The default comes first, so that a loaded layout can be chosen for the user.
names = sorted(bundled_plans(), key=lambda one: one != "supermarket")
names += [*([FOUND] if LOADED in st.session_state else []), OWN]

st.title("What would a change of the layout do?")
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = st.selectbox("Plan", names, key="plan", bind="query-params", width=240)
    shoppers = st.number_input(
        "Shoppers on an average day", 1, MOST_SHOPPERS, 2000, 100, key="shoppers", bind="query-params", width=240
    )
    most = st.select_slider(
        "Days", [8, 16, 32, 64], value=32, key="days", bind="query-params", width=240,
        help="Paired days: both stores meet the same shoppers. The map of where more walk needs 32 or more.",
    )  # fmt: skip
if name == OWN:
    uploaded = st.file_uploader("A plan in TOML", type="toml", max_upload_size=MOST_PLAN_MB, key="own_plan")
    if uploaded is None:
        st.info(
            "Choose a file. `tradefair store show supermarket --format schema` describes the form; docs/store-plans.md"
        )
        end_page()
    try:
        text = uploaded_text(uploaded.name, uploaded.getvalue(), most=MOST_PLAN_MB * 1024**2, kind="TOML file")
        plan = read_plan(text, source=shown(uploaded.name))
    except TradefairError as error:
        st.error(plain(str(error)), icon=":material/error:")
        end_page()
elif name == FOUND:
    plan = read_plan(st.session_state[LOADED])
else:
    plan = load_plan(name)

with st.expander("Edit the plan"):
    st.caption("Metres from the upper left corner. Add a row at the end, or select a row and delete it.")
    table = st.data_editor(
        store_choices.fixture_table(plan),
        key=f"fixtures of {name} {hash(plan)}",
        num_rows="dynamic",
        hide_index=True,
        alt="Fixtures of the plan, one row each, which can be edited",
        column_config={
            "name": st.column_config.TextColumn(pinned=True, required=True),
            "kind": st.column_config.SelectboxColumn(options=list(KINDS), required=True),
            "display": st.column_config.SelectboxColumn(options=list(DISPLAY_KINDS)),
            "till": st.column_config.SelectboxColumn(options=list(TILL_KINDS)),
            "servers": st.column_config.NumberColumn(min_value=1, max_value=100, default=1),
            "max_items": st.column_config.NumberColumn(min_value=1),
            "rotation": st.column_config.NumberColumn(default=0.0, help="Degrees, clockwise."),
        },
    )
    try:
        plan = store_choices.plan_from(plan, table)
    except TradefairError as error:
        st.error(plain(str(error)), icon=":material/error:")
        end_page()
    st.download_button(
        "Download this plan", plan_text(plan).encode(), file_name="plan.toml", mime="application/toml",
        icon=":material/download:",
    )  # fmt: skip
text = plan_text(plan)

about = plan_picture.facts(plan)
st.caption(f"{plain(about['size'])}, open {plain(about['open'])}, {plain(about['tills'])}. A mean day in the model.")
findings = check_plan(plan)
if findings:
    with st.expander(f"{len(findings)} things to look at, as advice"):
        rows = [{"Severity": one.severity, "Finding": one.message} for one in findings]
        st.dataframe(rows, hide_index=True, alt="What the checks of the plan found")

# Loading a layout sets this, which a default would contradict.
part = st.segmented_control(
    "What to do", PARTS, default=None if name == FOUND else CHANGE, required=True, key="part", bind="query-params",
    wrap=True, label_visibility="collapsed",
)  # fmt: skip
if part == SEARCH:
    st.header("A better layout within your rules")
    picture(plan, usual_visits(text, int(shoppers)), made=usual_days(int(shoppers)))
    search_part(plan, text, name=name, shoppers=int(shoppers), days=int(most))
    end_page()
if part == WATCH:
    variant, other = shown_variant(plan, name)
    watch_part(plan, other, variant, shoppers=int(shoppers))
    end_page()
if part == TRACES:
    traces_part(plan)
    end_page()
change_part(plan, name=name, shoppers=int(shoppers), days=int(most))
