"""How usefulness changes with the number of shoppers, or with another number that a scenario varies, such as rounds."""

import streamlit as st

from apps.chart_words import runs_behind
from apps.drawn_chart import show_chart
from apps.figure_text import count
from apps.opened_page import end_page
from apps.opened_store import command, opened_store
from apps.runs import chart_tables, charts
from apps.runs.findings import price_of_privacy
from apps.runs.metric_names import in_order, metric_name
from apps.runs.scenario_progress import SHOPPERS, bundled_over_shoppers, swept_numbers
from apps.runs.stored_results import Point, read_results

MOST_LINES = len(charts.PALETTE)
LEVEL, SHARE = "Level", "Share of pooled"
store, scenario = opened_store(), st.session_state["scenario"]
results = read_results(store, scenario)

keys = swept_numbers(store, scenario, results)
against = keys[0] if keys else SHOPPERS
if len(keys) > 1:
    against = st.segmented_control(
        "Against", keys, default=keys[0], required=True, key="swept", bind="query-params", wrap=True
    )
what = against.rpartition(".")[2]
others: dict[str, dict[float, Point]] = {}
for point in results.points if results and keys else ():
    rest = ", ".join(f"{key} = {value}" for key, value in point.sweep.items() if key != against)
    others.setdefault(rest, {})[float(point.sweep[against])] = point

if not others:
    st.title("This scenario does not vary the number of shoppers")
    st.caption("Nor any other number of a recommendation, such as `federation.rounds`, against which to draw a curve.")
    varying = [name for name in store.scenarios() if swept_numbers(store, name, read_results(store, name))]
    if varying:
        st.markdown("Another scenario in this store does:")
        for other in varying:
            st.button(f"Open {other}", on_click=st.session_state.update, kwargs={"scenario": other})
    elif bundled := bundled_over_shoppers():
        st.markdown("To draw the curve with generated shoppers, run:")
        st.code("\n".join(command("run", name) for name in bundled), language=None, wrap_lines=True)
    else:
        st.markdown("To draw the curve, copy a scenario, let it generate its shoppers and sweep over how many:")
        st.code(
            f'[data]\nsource = "generated"\nshoppers = 2000\n\n[sweep]\n"{SHOPPERS}" = [2000, 20000, 200000]',
            language="toml",
        )
        st.code(command("run", "my-scenario.toml"), language=None, wrap_lines=True)
    end_page()

with st.container(horizontal=True):
    rest = next(iter(others))
    if len(others) > 1:
        rest = st.selectbox("Other settings", list(others), key="settings", bind="query-params", width=320)
    points = others[rest]
    metrics = in_order(metric for point in points.values() for metric in point.metrics)
    if not metrics:
        st.info("No run of this scenario has finished; the page Runs says why.")
        end_page()
    shorts = {metric_name(metric).short: metric for metric in metrics}
    short = st.segmented_control(
        "Metric", list(shorts), default=next(iter(shorts)), required=True, key="metric", bind="query-params", wrap=True
    )
metric = shorts.get(short, metrics[0])
name = metric_name(metric)

finding = price_of_privacy(points, metric, what.replace("_", " "))
sentence = finding.sentence if finding else f"{name.label} at {count(len(points), 'number')} of {what}"
st.title(sentence)
if finding:
    st.markdown(finding.detail)
largest = points[max(points)]
behind = f" {runs_behind(results.runs)}." if results and results.runs else ""
st.caption(f"{results.title if results else scenario}.{behind} {largest.scope}. {name.meaning}")

names = largest.names
federated, pooled = (largest.find(method, private=False) for method in ("federated", "pooled"))
central = [*largest.find("popularity", private=False), *(federated or pooled), *largest.find("federated", private=True)]
whole = next((arm for arm in pooled if arm in largest.references(metric)), None)
scale = LEVEL
if whole:
    scale = st.segmented_control(
        "Shown as", [LEVEL, SHARE], default=LEVEL, required=True, key="scale", bind="query-params", wrap=True
    )
lines = st.multiselect(
    "Arms",
    list(names.values()),
    default=[names[arm] for arm in central[:MOST_LINES]],
    max_selections=MOST_LINES,
    key="lines",
    bind="query-params",
)
reference = whole if scale == SHARE else None
heading = f"{name.label} divided by that of {names[reference]}" if reference else name.label
shown = [arm for arm in names if names[arm] in lines]
table = chart_tables.growth_table(points, metric, shown, reference=reference, column=what)
if table.empty:
    st.info("Choose at least one arm that has been measured.")
    end_page()
show_chart(charts.growth, table, title=heading, column=what, alt=f"{heading} against {against}. {sentence}")
each = (
    "Each number of shoppers is a generated world of its own: compare arms at one number."
    if against == SHOPPERS
    else "Each point was run by itself, with its whole epsilon."
)
st.caption(f"Bands are 95% intervals over shoppers and seeds. {each}")
with st.expander("The same figures as a table"):
    st.dataframe(table, hide_index=True, height="content", alt=f"{heading} by {against} and arm")
