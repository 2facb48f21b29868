"""The runs of a scenario, and one of them in full: settings, provenance, what its epsilon covers, its ledger."""

import pandas as pd
import streamlit as st

from apps.figure_text import count
from apps.opened_page import end_page
from apps.opened_store import command, opened_store
from apps.research.parcels import show_parcel
from apps.research.processes import newest
from apps.research.run_panel import show_process
from apps.runs import run_record
from apps.runs.stored_results import read_results

STATUS = {
    "finished": ":green-badge[:material/check: finished]",
    "failed": ":red-badge[:material/error: failed]",
    "refused": ":red-badge[:material/block: refused]",
    "unfinished": ":orange-badge[:material/pending: unfinished]",
}
FIRST = {"failed": 0, "refused": 1, "unfinished": 2, "finished": 3}
store, scenario = opened_store(), st.session_state["scenario"]
records = sorted(store.records(scenario), key=lambda record: (FIRST[record["status"]], run_record.title(record)))
if not records:
    st.title(f"{scenario} has no runs yet")
    st.markdown("Its folder is there, but no run has begun.")
    show_process(store, scenario)
    end_page()

statuses = [record["status"] for record in records]
counts = {status: statuses.count(status) for status in FIRST if status in statuses}
st.title(", ".join(f"{count(number, 'run')} {status}" for status, number in counts.items()))
results = read_results(store, scenario)
columns = ["arm", "origin", "seed", "status", "seconds", "run_id"]
listed = pd.DataFrame(records).reindex(columns=columns)
listed["in table"] = listed["run_id"].isin(results.runs if results else ())
with st.expander("All runs", expanded=len(counts) > 1):
    st.dataframe(
        listed,
        hide_index=True,
        alt="All runs of the scenario with their status",
        column_config={
            "seconds": st.column_config.NumberColumn(format="%.1f"),
            "in table": st.column_config.CheckboxColumn(help="Whether the table of results rests on this run."),
        },
    )

process = newest(store, scenario)
if set(counts) != {"finished"} or (process is not None and process.alive):
    show_process(store, scenario)

titles = {run_record.title(record): record for record in records}
record = titles[st.selectbox("Run", list(titles), key="run", bind="query-params")]
run = run_record.read_run(record)

st.header(f"Run {record['run_id']}")
st.markdown(STATUS[record["status"]])
if record["status"] in ("failed", "refused"):
    st.error(f"{record.get('error', 'Error')}: {record.get('message', '')}", icon=":material/error:")
    st.markdown("Once the cause is mended, this executes failed and refused runs once more:")
    st.code(
        command("run", str(store.root / scenario / "scenario.toml"), "--retry-failed"), language=None, wrap_lines=True
    )
    with st.expander("Traceback"):
        st.code(record.get("traceback", ""), language="python", wrap_lines=True)
elif record["status"] == "unfinished":
    st.info("No outcome yet: it is running now, or its process was stopped. The same command resumes it.")
facts, promise = st.columns(2)
with facts:
    st.subheader("Facts")
    st.table(run.facts(), border="horizontal", alt="Facts about the run")
unit = run.covers()
with promise:
    st.subheader("What the epsilon covers")
    if unit is None and run.simulated_people and record.get("epsilon") is not None:
        st.markdown(
            f"Epsilon {record['epsilon']:g} is a rule of the simulated market. Nobody's rows are read, so the run "
            "**makes no privacy claim**."
        )
    elif unit is None:
        st.markdown("This arm has no epsilon: it **makes no privacy claim**.")
    else:
        statement = {
            "Protected": unit.unit,
            "Must look alike": unit.neighbours,
            "Trusted": unit.trust,
            "Not covered": unit.not_covered,
        }
        st.table(statement, border="horizontal", alt="What the epsilon of this run is a statement about")
if unit is not None:
    st.subheader("Privacy ledger")
    ledger = run.ledger()
    if ledger is None:
        st.info("No ledger file: the run ended before it reserved any budget, or its ledger was moved.")
    else:
        st.caption(f"{ledger.label.capitalize()}. Costs are zero-concentrated (zCDP) rho; they add up.")
        for budget in ledger.budgets.to_dict("records"):
            share = budget["spent"] / budget["cap"]
            words = f"epsilon {budget['epsilon']:g}, delta {budget['delta']:g}, {budget['population']:,} shoppers"
            st.progress(min(1.0, share), f"{share:.1%} of the budget spent: {words}")
        st.dataframe(
            run_record.reservations(ledger, record["run_id"]),
            hide_index=True,
            alt="Every release that was paid for from the budget",
            column_config={
                "Cost (rho)": st.column_config.NumberColumn(format="%.6f"),
                "Share of cap": st.column_config.NumberColumn(format="percent"),
                "Reserved": st.column_config.DatetimeColumn(
                    "Reserved (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"
                ),
                "Committed": st.column_config.DatetimeColumn(
                    "Committed (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"
                ),
            },
        )

if record["status"] == "finished":
    st.subheader("Figures of this run")
    figures = store.run_metrics(scenario, record["run_id"]).dropna(axis="columns", how="all")
    st.dataframe(figures, hide_index=True, alt="Figures that the run reported")

origins, settings = st.columns(2)
with origins:
    st.subheader("Provenance")
    if run.provenance:
        st.table(run.origins(), border="horizontal", alt="Code, packages, machine, data and times behind the run")
    else:
        st.caption("A run writes its provenance when it has finished.")
with settings:
    st.subheader("Settings")
    if run.config:
        text = st.expander("config.toml", key="config_open", on_change="rerun")
        if text.open:
            text.code(run.config, language="toml", wrap_lines=True)
        st.download_button(
            "Download config.toml",
            run.config.encode(),
            file_name=f"{record['run_id']}.toml",
            icon=":material/download:",
        )
    else:
        st.caption("The run has not begun, so its settings are not written yet.")
show_parcel(store, record)
