"""Compliance: who may read what, what was read, budgets, whether the logs are intact, and a report to hand on."""

import streamlit as st

from apps.figure_text import count
from apps.opened_page import end_page
from apps.opened_store import command, opened_store
from apps.plain_text import plain
from apps.runs import run_record
from apps.runs.run_settings import market_regimes, packs_of, place_of, regimes_of

MAY, HAPPENED, BUDGETS, LOG, REPORT = "Who may read what", "What happened", "Budgets", "Log", "Report"
ALL = "All runs"
store, scenario = opened_store(), st.session_state["scenario"]
records = sorted(store.records(scenario), key=run_record.title)
if not records:
    st.title(f"{scenario} has no runs yet")
    st.markdown("Its folder is there, but no run has begun. To go on:")
    st.code(command("run", str(store.root / scenario / "scenario.toml")), language=None, wrap_lines=True)
    end_page()

runs = [run_record.read_run(record) for record in records]
part = st.segmented_control(
    "Part",
    [MAY, HAPPENED, BUDGETS, LOG, REPORT],
    default=MAY,
    required=True,
    key="part",
    bind="query-params",
    wrap=True,
)
chosen, named = runs, ALL
if part != MAY:
    titles = {run_record.title(run.record): run for run in runs}
    named = st.selectbox("Runs", [ALL, *titles], key="of_run", bind="query-params", width=520)
    chosen = runs if named == ALL else [titles[named]]

refused = [run.record for run in chosen if run.record.get("error") == "PolicyError"]
if refused:
    arms = ", ".join(dict.fromkeys(plain(record.get("arm", "an unknown arm")) for record in refused))
    more = "" if part == HAPPENED else f" What was denied stands under *{HAPPENED}*."
    st.warning(
        f"**The policy refused {count(len(refused), 'run')}** (arm {arms}). That is a finding, not a fault.{more}",
        icon=":material/block:",
    )
settings = [run.settings for run in runs]
if markets := market_regimes(settings):
    st.info(
        f"The runs of this scenario are simulated markets under {', '.join(markets)}: nobody's rows are read. What the "
        "rules allowed and refused there, use by use, stands on the page *Results*, under *What the rules refused*.",
        icon=":material/storefront:",
    )
# Imported where they are needed: each part loads something that the others can do without.
if part == MAY:
    from apps.compliance.access import who_may

    who_may(packs=packs_of(settings), regimes=regimes_of(settings), place=place_of(settings))
elif part == HAPPENED:
    from apps.compliance.events import what_happened

    what_happened([run.record for run in chosen], packs=packs_of(settings))
elif part == BUDGETS:
    from apps.compliance.data_set_view import data_sets
    from apps.compliance.people_books import people_books
    from apps.compliance.report import budgets

    budgets(chosen)
    data_sets(store, people_books().folder)
elif part == LOG:
    from apps.compliance.log import log_checks

    log_checks(store.root, scenario, [run.record for run in chosen])
else:
    from apps.compliance.report import report

    report(scenario, chosen, run_id=str(chosen[0].record["run_id"]) if named != ALL else None)
