"""The parts "Budgets" and "Report" of the page Compliance."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from apps.compliance import access_charts, budget_view, report_view
from apps.compliance.data_set_ledger import MADE_UP, SIMULATED
from apps.compliance.found_ledgers import made_up
from apps.drawn_chart import show_chart
from apps.figure_text import count
from apps.opened_store import command, opened_store
from apps.plain_text import plain, plain_cells
from apps.runs.run_record import RunRecord, title

_SMALL = "less than 0.001"
OUTCOMES = {
    "breach": ":red-badge[:material/error: breach]",
    "inconclusive": ":orange-badge[:material/question_mark: inconclusive]",
    "estimate": ":blue-badge[estimate]",
    "passed": ":green-badge[:material/check: passed]",
    "no claim": ":gray-badge[no claim]",
}


def budgets(runs: Sequence[RunRecord]) -> None:
    """Draw what runs promised, spent and have left."""
    runs, damaged = budget_view.readable(runs)
    table = budget_view.budgets(runs)
    each = table.drop_duplicates(["Ledger", "Data set"])
    silent, missing = budget_view.without_ledger(runs)
    if table.empty:
        st.title("No budget can be read" if damaged else "No budget is on record")
    else:
        kept = int((each["Spent"] <= 1).sum())
        over = f"{count(len(each) - kept, 'budget')} overspent"
        st.title(f"{count(kept, 'budget')} kept" if kept == len(each) else over)
        st.markdown(
            "A budget is an **epsilon**: the smaller, the less anybody can tell about one shopper from what its run "
            "released, if those whom the run trusts behave. Each release takes a share; when it is used up, the next "
            "one is refused."
        )
    for name, why in damaged.items():
        st.error(f"{plain(name)}: {plain(why)} What it spent is not known.", icon=":material/error:")
    if silent:
        named = ", ".join(plain(arm) for arm in silent)
        st.info(f"Arms without an epsilon promise nothing, and have no budget: {named}.")
    if missing:
        named = ", ".join(plain(name) for name in missing)
        st.warning(f"No ledger is left of {named}. Unless a run ended before it spent, what it spent is not known.")
    if table.empty:
        return
    left = ["none made yet" if pd.isna(number) else f"{number:,}" for number in table["Releases left"]]
    shown = pd.DataFrame(
        {
            "Run": table["Run"],
            "Promised": [f"epsilon {value:g}" for value in table["Promised"]],
            "Spent": [f"{share:.1%}" for share in table["Spent"]],
            "Releases left": left,
        }
    )
    in_epsilon = pd.DataFrame(
        {
            "Run": table["Run"],
            "Spent": [_epsilon(value) for value in table["Spent as epsilon"]],
            "Left": [_epsilon(value) for value in table["Left as epsilon"]],
            "Delta": [f"{value:g}" for value in table["Delta"]],
            "Data set": table["Data set"],
        }
    )
    with st.container(key="run_budgets"):
        alt = "Budget, spending and what is left of each run"
        st.table(plain_cells(shown), hide_index=True, border="horizontal", alt=alt)
    with st.expander("Spent and left as epsilon, with delta and data set"), st.container(key="run_epsilons"):
        alt = "What each run has spent and has left as epsilon, at which delta, on which data set"
        st.table(plain_cells(in_epsilon), hide_index=True, border="horizontal", alt=alt)
    if lost := int(each["Lost"].sum()):
        st.warning(f"{count(lost, 'release')} reserved budget and never came out. What was reserved stays spent.")
    rests_on = _rests_on(runs)
    if len(each) < len(table):
        st.caption("A ledger that several runs share stands whole in the line of each.")
    st.caption(
        "Releases left: how many more of the size of the latest one fit. Spent and left do not add up to the promise, "
        "because epsilon is not additive; the ledger adds up in another unit (zCDP rho). Whom an epsilon protects, "
        f"whom it trusts and what it does not cover: page Runs, run by run. {rests_on}"
    )
    together = budget_view.one_person(runs)
    if together is not None and len(together.parts) > 1:
        with st.expander("One shopper, over all of these runs"):
            st.markdown(
                f"What {len(together.parts)} budgets paid for amounts together to **epsilon "
                f"{_epsilon(together.epsilon)}** at delta {together.delta:g} for a shopper who is in all of their data."
            )
            st.caption(f"{together.assumption} {rests_on}")
    _spending(runs)


def _rests_on(runs: Sequence[RunRecord]) -> str:
    """Say which of the budgets promise nothing although they have an epsilon."""
    private = [run for run in runs if run.epsilon is not None and run.ledger_path.is_file()]
    real = [run for run in private if not made_up(run)]
    own = any(run.settings.get("privacy", {}).get("ledger", "run") == "run" for run in real)
    return " ".join([*([SIMULATED] if own else []), *([MADE_UP] if len(real) < len(private) else [])])


def _spending(runs: Sequence[RunRecord]) -> None:
    spent = {title(run.record): run for run in runs if run.epsilon is not None and run.ledger_path.is_file()}
    st.header("What each release took")
    chosen = st.selectbox("Run with a budget", list(spent), key="spender", bind="query-params")
    table = budget_view.spending(spent[chosen])
    if table.empty:
        st.info("Nothing was released.")
        return
    last = table.iloc[-1]
    st.markdown(
        f"**{count(len(table), 'release')} took {last[budget_view.SO_FAR]:.1%} of the budget.** Bars: what one took; "
        "dashed line: what was spent by then."
    )
    show_chart(
        access_charts.spending,
        table,
        alt=f"Share of the budget of each of {len(table)} releases of {chosen}; {last[budget_view.SO_FAR]:.1%} spent",
    )
    with st.expander("The same figures as a table"):
        percent = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            table,
            hide_index=True,
            alt="What each release took from the budget",
            column_config={budget_view.SHARE: percent, budget_view.SO_FAR: percent},
        )


def report(scenario: str, runs: Sequence[RunRecord], *, run_id: str | None) -> None:
    """Draw the report for download, and what attacks found.

    Args:
        scenario: its name.
        runs: of the scenario, or the chosen one.
        run_id: of the chosen run; None for the whole scenario.
    """
    store = opened_store()
    target = run_id or scenario
    st.title(f"Report on {target if run_id is None else title(runs[0].record)}")
    st.markdown(
        "One document for a reader who was not there: what was released and promised, a verdict for each rule with its "
        "article and evidence, who may read what, denied requests, a record of processing, an impact assessment, and "
        "for each number a proof from the signed log."
    )
    key = f"report of {target}"
    if st.button("Build the report", type="primary", icon=":material/description:"):
        with st.spinner("Reading logs, judging every rule, laying out pages"):
            st.session_state[key] = report_view.prepare(store.root, target)
    if key in st.session_state:
        _downloads(st.session_state[key])
    else:
        st.caption("It takes a few seconds. Nothing is written to the store. The same from the command line:")
        st.code(command("report", target), language=None, wrap_lines=True)
    _attacks(runs)


def _downloads(made: report_view.Prepared) -> None:
    words = ", ".join(f"{number} {word}" for word, number in made.outcomes.items() if number)
    bad = bool(made.problems or made.outcomes.get("fail"))
    (st.error if bad else st.success)(f"Rules: {words}.", icon=":material/gavel:")
    for problem in made.problems:
        st.warning(f"Problem in the logs: {plain(problem)}", icon=":material/warning:")
    if made.failed:
        heading = "What failed" if bad else "Beside the rules: runs without a result"
        st.markdown(f"**{heading}**\n" + "\n".join(f"- {plain(line)}" for line in made.failed))
    if not made.key:
        st.warning("The store has no signing key, so the files are not signed and prove nothing. Run it again for one.")
    for file, suffix in zip(made.files, report_view.FORMATS, strict=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            if file.missing:
                st.info(f"No {suffix.upper()}: {plain(file.missing)}")
                continue
            st.download_button(
                f"Download {suffix.upper()}", file.content, file_name=file.name, mime=file.mime, on_click="ignore",
                icon=":material/download:", key=f"get-{file.name}", width=190,
            )  # fmt: skip
            if file.signature:
                st.download_button(
                    f"Its signature ({suffix.upper()})", file.signature, file_name=f"{file.name}.sig",
                    mime="application/json", on_click="ignore", icon=":material/signature:", key=f"sig-{file.name}",
                )  # fmt: skip
    st.markdown("Keep a file and its signature in one folder. To verify them there, offline:")
    st.code("\n".join(made.verify.values()), language=None, wrap_lines=True)
    st.caption(
        "The command checks the signature, the proof of each number and the verdicts. It exits with 1 if anything was "
        "changed. Whether the key is the owner's, only somebody who got it by another way can tell."
    )


def _attacks(runs: Sequence[RunRecord]) -> None:
    st.header("Attacks on these runs")
    table = report_view.attacks(runs)
    if table.empty:
        st.info("No attack was tried. An epsilon is a proof on paper; attacks look for mistakes in the code behind it.")
        finished = next((run for run in runs if run.epsilon is not None and run.record["status"] == "finished"), None)
        if finished is not None:
            st.code(command("audit", str(finished.record["run_id"]), "--attacks"), language=None, wrap_lines=True)
        return
    outcomes = table["Outcome"].value_counts()
    words = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in OUTCOMES if outcome in outcomes)
    st.markdown(f"**{count(len(table), 'attack')}: {words}.** None of them proves that there is no other leak.")
    st.caption(
        "Found: an estimate with its interval. Ceiling: the most that this attack could have found; a claim above it "
        "was not tested. Planted leak: one made on purpose; where it is not found, finding nothing means nothing."
    )
    for row in table.to_dict("records"):
        facts = f"Found: {row['Found']}. Claimed: {row['Claim']}. Ceiling: {row['Ceiling']}. Planted leak: "
        facts += f"{row['Planted leak'].rstrip('.')}. {row['Observations']:,} observations, {row['Run']}."
        badge = OUTCOMES.get(row["Outcome"], plain(row["Outcome"]))
        st.markdown(f"{badge} **{plain(row['Attack'])}:** {plain(row['In words'])}  \n:small[{plain(facts)}]")


def _epsilon(value: float) -> str:
    return "0" if value == 0 else _SMALL if value < 0.001 else f"{value:.3g}"
