"""How usefulness changes with the number of shoppers: more of them drown the noise that protects each."""

import streamlit as st

from apps import chart_tables, charts
from apps.figure_text import count
from apps.findings import price_of_privacy
from apps.metric_names import in_order, metric_name
from apps.opened_store import command, opened_store
from apps.scenario_progress import SHOPPERS, bundled_over_shoppers
from apps.stored_results import Point, read_results

MOST_LINES = len(charts.PALETTE)
LEVEL, SHARE = "Level", "Share of pooled"
store, scenario = opened_store(), st.session_state["scenario"]
results = read_results(store, scenario)

others: dict[str, dict[float, Point]] = {}
for point in results.points if results else ():
    if SHOPPERS in point.sweep:
        rest = ", ".join(f"{key} = {value}" for key, value in point.sweep.items() if key != SHOPPERS)
        others.setdefault(rest, {})[float(point.sweep[SHOPPERS])] = point

if not others:
    st.title("This scenario does not vary the number of shoppers")
    filled = (read_results(store, name) for name in store.scenarios())
    varying = [found.scenario for found in filled if found and any(SHOPPERS in point.sweep for point in found.points)]
    if varying:
        st.markdown("Another scenario in this store does:")
        for other in varying:
            st.button(f"Open {other}", on_click=st.session_state.update, kwargs={"scenario": other})
    elif bundled := bundled_over_shoppers():
        st.markdown("To draw the curve with generated shoppers, run:")
        st.code("\n".join(command("run", name) for name in bundled), language="bash", wrap_lines=True)
    else:
        st.markdown("To draw the curve, copy a scenario, let it generate its shoppers and sweep over how many:")
        st.code(
            f'[data]\nsource = "generated"\nshoppers = 2000\n\n[sweep]\n"{SHOPPERS}" = [2000, 20000, 200000]',
            language="toml",
        )
        st.code(command("run", "my-scenario.toml"), language="bash", wrap_lines=True)
    st.stop()

with st.container(horizontal=True):
    rest = next(iter(others))
    if len(others) > 1:
        rest = st.selectbox("Other settings", list(others), key="settings", bind="query-params", width=320)
    points = others[rest]
    metrics = in_order(metric for point in points.values() for metric in point.metrics)
    if not metrics:
        st.info("No run of this scenario has finished; the page Runs says why.")
        st.stop()
    shorts = {metric_name(metric).short: metric for metric in metrics}
    short = st.segmented_control(
        "Metric", list(shorts), default=next(iter(shorts)), required=True, key="metric", bind="query-params", wrap=True
    )
metric = shorts.get(short, metrics[0])
name = metric_name(metric)

finding = price_of_privacy(points, metric)
sentence = finding.sentence if finding else f"{name.label} at {count(len(points), 'number')} of shoppers"
st.title(sentence)
if finding:
    st.markdown(finding.detail)
largest = points[max(points)]
st.caption(f"{results.title if results else scenario}. {largest.scope}. {name.meaning}")

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
table = chart_tables.growth_table(points, metric, [arm for arm in names if names[arm] in lines], reference=reference)
if table.empty:
    st.info("Choose at least one arm that has been measured.")
    st.stop()
st.altair_chart(charts.growth(table, title=heading), alt=f"{heading} against the number of shoppers. {sentence}")
st.caption(
    "Bands are 95% intervals over shoppers and seeds. Each number of shoppers is a generated world of its own: "
    "compare arms at one number."
)
with st.expander("The same figures as a table"):
    st.dataframe(table, hide_index=True, height="content", alt=f"{heading} by number of shoppers and arm")
