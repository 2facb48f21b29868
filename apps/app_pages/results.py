"""What a scenario found: a headline, privacy against usefulness, targets, all arms, paired differences."""

import streamlit as st

from apps.audiences.results import show_audience_results
from apps.chart_words import runs_behind
from apps.csv_download import csv_bytes
from apps.drawn_chart import show_chart
from apps.faces.results import show_face_results
from apps.figure_text import percent, percent_interval
from apps.login import has_role
from apps.opened_page import end_page
from apps.opened_store import opened_store
from apps.plain_text import plain
from apps.research.attacks_view import show_attacks
from apps.research.noise_view import show_noise
from apps.research.processes import newest
from apps.research.run_panel import show_process
from apps.runs import chart_tables, charts, result_tables
from apps.runs.findings import headline, kept_of_pooled
from apps.runs.metric_names import metric_name
from apps.runs.scenario_progress import progress
from apps.runs.stored_results import read_results
from apps.store.results import show_store_results

store, scenario = opened_store(), st.session_state["scenario"]
document = store.document(store.root / scenario / "summary.json")
if isinstance(document, dict) and document.get("kind") == "store":
    show_store_results(store, scenario, document)
    end_page()
if isinstance(document, dict) and document.get("kind") == "faces":
    show_face_results(store, scenario, document)
    end_page()
if isinstance(document, dict) and document.get("kind") == "audience":
    show_audience_results(store, scenario, document)
    end_page()
if isinstance(document, dict) and document.get("kind") == "market":
    from apps.market.results import show_market_results  # here, since the market's model loads numba

    show_market_results(store, scenario, document)
    end_page()
results = read_results(store, scenario)


@st.fragment(run_every="3s")
def wait_for_table() -> None:
    """Show how far the runs are, and start over once there is a table."""
    if not has_role() or (store.root / scenario / "summary.json").is_file():
        st.rerun()
    now = progress(store, scenario)
    wanted = f" of {now.wanted}" if now.wanted else ""
    failed = f", {now.failed} failed" if now.failed else ""
    st.progress(
        min(1.0, now.finished / now.wanted) if now.wanted else 0.0, f"{now.finished}{wanted} runs finished{failed}"
    )


if results is None:
    st.title(f"{scenario} has no table yet")
    process = newest(store, scenario)
    if process is None or not process.alive:
        wait_for_table()
    st.markdown("The table appears when the last run has ended. If the command was stopped, the same one resumes it.")
    show_process(store, scenario)
    end_page()

points = {", ".join(f"{key} = {value}" for key, value in point.sweep.items()): point for point in results.points}
with st.container(horizontal=True):
    if len(points) > 1:
        chosen = st.selectbox(
            "Sweep point", list(points), index=len(points) - 1, key="point", bind="query-params", width=320
        )
    else:
        chosen = next(iter(points))
    point = points[chosen]
    shorts = {metric_name(metric).short: metric for metric in point.metrics}
    if shorts:
        short = st.segmented_control(
            "Metric",
            list(shorts),
            default=next(iter(shorts)),
            required=True,
            key="metric",
            bind="query-params",
            wrap=True,
        )
metric = shorts.get(short, point.metrics[0]) if shorts else ""

finding = headline(point, metric)
st.title(finding.sentence)
st.markdown(finding.detail)
st.caption(
    f"{results.title}. {runs_behind(results.runs) or '0 runs'}. {point.scope}; 95% intervals from a paired "
    "bootstrap over shoppers and seeds."
)

problems = result_tables.problems(results.failures, results.unfinished)
if problems:
    st.warning("\n".join([result_tables.GAVE_NOTHING, *(f"- {line}" for line in problems)]))
if not metric:
    end_page()
name = metric_name(metric)

kept = kept_of_pooled(point, metric)
if kept:
    st.markdown(f"**Share of pooled {name.noun} that private federated training keeps**")
with st.container(horizontal=True):
    for arm, ratio in kept.items():
        row = point.arms[arm]
        where = {"every_node": ", noise at nodes", "distributed": ", noise in shares"}.get(row["noise"], "")
        st.metric(
            f"ε {row['epsilon']:g}{where}",
            percent(ratio.value),
            percent_interval(ratio) or None,
            delta_color="off",
            delta_arrow="off",
            width=168,
            border=True,
        )
    if point.targets:
        met = sum(target.met is True for target in point.targets)
        st.metric(
            "Targets met",
            f"{met} of {len(point.targets)}",
            "see below",
            delta_color="off",
            delta_arrow="off",
            width=168,
            border=True,
        )

st.header("Privacy and usefulness")
table, references = chart_tables.frontier_table(point, metric), chart_tables.reference_table(point, metric)
if table.empty:
    st.info("No arm of this scenario has an epsilon, so there is nothing to draw against privacy.")
else:
    st.caption(f"{name.meaning} Points with 95% intervals; dashed lines are arms that protect nobody.")
    show_chart(
        charts.frontier, table, references, metric=metric, alt=f"{name.label} against epsilon. {finding.sentence}"
    )
    st.caption(
        "Intervals of single arms are wide because shoppers differ. Whether one arm beats another shows in the paired "
        "differences below, which compare the same shoppers."
    )
    with st.expander("The same figures as a table"):
        st.dataframe(table, hide_index=True, alt=f"{name.label} by series and epsilon")

show_noise(store, scenario, point, metric)
show_attacks(store, scenario, point.arms.values())

if point.targets:
    st.header("Targets")
    targets = result_tables.targets(point)
    targets["Result"] = targets["Result"].map(
        {"met": ":green-badge[:material/check: met]", "missed": ":orange-badge[:material/close: missed]",
         "not measured": ":gray-badge[not measured]"}
    )  # fmt: skip
    st.table(targets, hide_index=True, alt="Targets of the scenario, with what was measured")
    st.caption("A missed target is information, not an error. The interval is not part of the test.")

st.header("All arms")
arms = result_tables.arms(point)
st.dataframe(
    arms,
    hide_index=True,
    height="content",
    alt="Every arm with epsilon, metrics with 95% intervals, and seconds",
    column_config={
        result_tables.ARM: st.column_config.TextColumn(pinned=True, width="medium"),
        "Seconds": st.column_config.NumberColumn(format="%.1f", help="Wall-clock time, summed over the arm's runs."),
        "Epsilon": st.column_config.TextColumn(help="none: the arm makes no privacy claim."),
    },
)
st.download_button(
    "Download as CSV",
    csv_bytes(result_tables.figures(point)),
    file_name=f"{scenario}.csv",
    mime="text/csv",
    icon=":material/download:",
)

st.header("Paired differences")
against = {point.names[arm]: arm for arm in point.references(metric)}
if not against:
    st.info(
        "No arm was compared with another: add an arm with method popularity or pooled, or a target that names one."
    )
    end_page()
reference = st.selectbox("Compared with", list(against), key="against", bind="query-params", width=320)
table = result_tables.differences(point, metric, against[reference])
said = result_tables.better_and_worse(table, reference)
st.markdown(f"**{plain(said)}.**")
st.caption(
    f"Right of the dashed line is better than {reference}. An interval that crosses the line shows no clear difference."
)
show_chart(
    charts.differences,
    table,
    metric=metric,
    reference=reference,
    alt=f"Paired differences in {name.label} from {reference}: {said}",
)
with st.expander("The same figures as a table"):
    shown = table[[result_tables.ARM, "Difference", "Ratio", "Clear"]]
    st.dataframe(shown, hide_index=True, height="content", alt=f"Paired differences from {reference}")
