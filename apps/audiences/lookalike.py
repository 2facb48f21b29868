"""A part of the page Audiences: choose a launched product, who finds its buyers, and what that tells of early ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.audiences import charts as audience_charts
from apps.audiences import launches as audience_launches
from apps.audiences import table as audience_table
from apps.audiences.launches import CHANCE, FIGURES, Launch
from apps.audiences.results import gave_nothing, sweep_point, what_was_chosen, wide_columns
from apps.audiences.table import Ends, Row
from apps.chart_words import apart as told_apart
from apps.chart_words import span
from apps.drawn_chart import show_chart
from apps.figure_text import count
from apps.plain_text import plain
from experiments.runs import RunStore

_DIGITS: Final = {"auc": 3, "lift5": 2, "seed_auc": 3}
_MEANING: Final = {
    "auc": "AUC is the chance that somebody who buys later is ranked before somebody who does not; .5 is chance.",
    "lift5": "Lift is how many times more later buyers stand in the best twentieth than in one drawn at random; 1 is "
    "chance.",
}


def show_lookalike(store: RunStore, scenario: str, document: Mapping[str, Any], title: Any) -> None:
    """Show one finished run of look-alikes.

    Raises: DataError: a file of a run is damaged.
    """
    points = audience_table.points(document["rows"])
    where = sweep_point(points, key="lookalike_point")
    rows = points[where]
    tables = audience_launches.launch_tables(store, scenario, rows)
    listed = audience_launches.launches(tables)
    launch, metric, rule, arm = _choose(document, rows, listed)
    with title:
        if arm is None:
            st.title("Nothing was measured yet")
        else:
            st.title(plain(_finding(document, tables, launch, metric, arm, rule, where)))
            st.markdown(plain(_leak(arm)))
    gave_nothing(document)
    if arm is None:
        return
    if launch is not None:
        _about(launch)
    _quality(document, rows, tables, launch, metric, rule, where)
    _attack(rows)
    _everything(rows, tables, launch)
    what_was_chosen(rows)


def headline(document: Mapping[str, Any], rows: Sequence[Row], where: str) -> tuple[str, str]:
    """Say of all launches what the private method, or the first, brings over the rule, and what it tells of people.

    Returns: two sentences; the first is empty where nothing was measured.
    """
    usable, first = audience_table.measured(rows, "auc"), audience_table.references(document, "auc", rows)
    rules = [row for row in usable if audience_table.kind_of(row) == audience_table.KINDS[0]]
    rule = next((row for row in rules if row["arm"] in first), rules[0] if rules else None)
    others = [row for row in usable if row is not rule]
    if not others:
        return "", ""
    arm = next((row for row in others if row["epsilon"] is not None and row["model"] == "weights"), others[0])
    return f"Later buyers of a launch: {_finding(document, {}, None, 'auc', arm, rule, where)}", _leak(arm)


def _choose(
    document: Mapping[str, Any], rows: Sequence[Row], listed: Sequence[Launch]
) -> tuple[Launch | None, str, Row | None, Row | None]:
    """Let the user choose: a launch (None: all), a figure, a rule to compare with, and the method of the title."""
    every = f"All {count(len(listed), 'launch').replace('launchs', 'launches')}" if listed else "All launches"
    known = {one.label: one for one in listed}
    usable = audience_table.measured(rows, "auc")
    simple = [row for row in usable if audience_table.kind_of(row) == audience_table.KINDS[0]]
    first = audience_table.references(document, "auc", rows)
    simple.sort(key=lambda row: row["arm"] not in first)
    rules = {audience_table.arm_label(row): row for row in simple}
    others = {audience_table.arm_label(row): row for row in usable if row not in simple[:1]}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Launched product", [every, *known], key="launch", bind="query-params", width=340
        )  # fmt: skip
        names = {name: metric for metric, name in FIGURES.items()}
        word = st.segmented_control(
            "Figure", list(names), default=next(iter(names)), required=True, key="launch_figure",
            bind="query-params", wrap=True,
        )  # fmt: skip
        rule = arm = None
        if others:
            usual = next((at for at, row in enumerate(others.values()) if row["epsilon"] is not None
                          and row["model"] == "weights"), 0)  # fmt: skip
            picked = st.selectbox(
                "Method in the title", list(others), index=usual, key="launch_method", bind="query-params", width=340
            )
            arm = others.get(str(picked), next(iter(others.values())))
        if rules:
            against = next(iter(rules))
            if len(rules) > 1:
                against = str(
                    st.selectbox("Against", list(rules), key="launch_against", bind="query-params", width=340)
                )
            rule = rules.get(against, next(iter(rules.values())))
    return known.get(str(chosen)), names.get(str(word), "auc"), rule, arm or (usable[0] if usable else None)


def _value(row: Row, tables: Mapping[str, pd.DataFrame], launch: Launch | None, metric: str) -> Ends:
    if launch is None:
        return audience_table.ends_of(row, metric)
    table = tables.get(row["arm"])
    none = float("nan")
    return (none, none, none) if table is None else audience_launches.quality(table, launch.product, metric)


def _apart(
    document: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], launch: Launch | None, metric: str,
    arm: str, rule: str, where: str,
) -> Ends | None:  # fmt: skip
    if launch is None:
        return audience_table.compared(document, metric, arm, rule, where)
    if arm not in tables or rule not in tables:
        return None
    return audience_launches.beside(tables[arm], tables[rule], launch.product, metric)


def _finding(
    document: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], launch: Launch | None, metric: str, arm: Row,
    rule: Row | None, where: str,
) -> str:  # fmt: skip
    """Say in one sentence what a method brings over a rule."""
    name = FIGURES[metric]
    value = audience_table.written(_value(arm, tables, launch, metric), _DIGITS[metric])
    of = f"{launch.name.capitalize() or 'Product ' + launch.product}: " if launch is not None else ""
    said = f"{of}{audience_table.arm_label(arm)} has {name} {value}"
    if rule is not None and rule["arm"] != arm["arm"]:
        apart = _apart(document, tables, launch, metric, arm["arm"], rule["arm"], where)
        if apart is not None:
            text = audience_table.written(apart, _DIGITS[metric], signed=True)
            clear = "clearly above" if apart[1] > 0 else "clearly below" if apart[2] < 0 else "not clearly apart from"
            said += f", {clear} {_named(rule)} ({text})"
    return said


def _leak(arm: Row) -> str:
    """Say in one sentence what a method tells about an early buyer, and what it promises."""
    if audience_table.measured([arm], "seed_auc"):
        found = audience_table.written(audience_table.ends_of(arm, "seed_auc"), 3)
        said = f"An early buyer is recognised with AUC {found}, where .5 is nothing learnt."
    elif arm["model"] == "weights" or audience_table.kind_of(arm) == audience_table.KINDS[0]:
        said = "The product's own early buyers do not go into this method."
    else:
        said = "Nobody tried to recognise early buyers by this method."
    if arm["epsilon"] is None:
        return f"{said} It promises nothing."
    total = arm.get("epsilon_total")
    every = "" if total is None else f"; all launches of this run together cost {total:.2f}"
    return f"{said} One launch costs a household epsilon {arm['epsilon']:g}{every}."


def _named(rule: Row) -> str:
    """Return what a sentence calls an arm to compare with: `the rule "buys most"`."""
    label = audience_table.arm_label(rule)
    before, colon, after = label.partition(": ")
    return f"the rule “{after}”" if colon and before.lower() == "rule" else label


def _about(launch: Launch) -> None:
    st.markdown(
        f"Launched on **{launch.day:%d %B %Y}**, with **{launch.early:,}** early buyers in **{launch.early_days}** "
        f"days and **{launch.later:,}** later ones."
    )


def _quality(
    document: Mapping[str, Any], rows: Sequence[Row], tables: Mapping[str, pd.DataFrame], launch: Launch | None,
    metric: str, rule: Row | None, where: str,
) -> None:  # fmt: skip
    name, digits = FIGURES[metric], _DIGITS[metric]
    lines, apart = [], []
    for row in rows:
        value = _value(row, tables, launch, metric)
        if value[0] != value[0]:
            continue
        what = {"Arm": audience_table.arm_label(row), "Kind": audience_table.kind_of(row)}
        lines.append({**what, **audience_table.ends_columns(value, digits)})
        if rule is not None and row["arm"] != rule["arm"]:
            found = _apart(document, tables, launch, metric, row["arm"], rule["arm"], where)
            if found is not None:
                apart.append({**what, **audience_table.ends_columns(found, digits, signed=True)})
    st.header("Who finds the later buyers")
    if not lines:
        st.info("No run kept its figures of this launch. Run the scenario again, or choose all launches.")
        return
    drawn = "households" if launch is not None else "launches and households"
    st.caption(f"{_MEANING[metric]} 95% intervals, {drawn} drawn anew; the dashed line is chance.")
    table = pd.DataFrame(lines)
    of = f" for {launch.label}" if launch is not None else ", mean over launches"
    said = f"{name}{of}: {span(table)}"
    st.markdown(f"**{plain(said)}.**")
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title=name,
        line=CHANCE[metric],
        alt=f"{said}; with 95% intervals, the best above",
    )
    if launch is not None and table["lo"].isna().all():
        st.caption(
            "This run was made by a version that kept no intervals of single launches; run it again to have them."
        )
    if rule is None or not apart:
        st.info("No method was compared with a rule: add an arm with model rule, and name it as reference.")
    else:
        label = audience_table.arm_label(rule)
        st.subheader(f"Against: {plain(label)}")
        less = pd.DataFrame(apart)
        said = f"In {name} {told_apart(less, label)}"
        st.markdown(f"**{plain(said)}.**")
        st.caption("On the same draws. An interval that holds 0 shows no clear difference.")
        show_chart(
            audience_charts.figure_of_arms,
            less,
            title=f"Difference in {name}",
            line=0.0,
            signed=True,
            alt=f"Differences in {name} from {label}{of}, with 95% intervals. {said}",
        )
    with st.expander("The same figures as a table"):
        shown = table[["Arm", "Text", "Kind"]].rename(columns={"Text": name})
        if rule is not None and apart:
            by_arm = {str(one["Arm"]): str(one["Text"]) for one in apart}
            shown[f"Less {audience_table.arm_label(rule)}"] = [by_arm.get(arm, "-") for arm in shown["Arm"]]
        st.dataframe(shown, hide_index=True, height="content", alt=f"{name} of each method{of}")


def _attack(rows: Sequence[Row]) -> None:
    attacked = audience_table.measured(rows, "seed_auc")
    st.header("What it tells about an early buyer")
    if not attacked:
        st.info("No method of this run uses early buyers, or none was attacked.")
        return
    table = audience_table.long_table(attacked, "seed_auc", 3)
    said = f"AUC of recognising an early buyer: {span(table)}"
    st.markdown(f"**{plain(said)}.**")
    st.caption(
        "An attacker who knows what everybody bought before sees what is released, and tells early buyers who were "
        "used from early buyers who were not: AUC, mean over launches, .5 is nothing learnt. Methods that early buyers "
        "do not go into are not drawn. Banned methods are never used for an advertisement."
    )
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title="AUC of recognising an early buyer",
        line=0.5,
        alt=f"{said}; for each method that uses early buyers, with 95% intervals",
    )
    with st.expander("The same figures as a table"):
        shown = table[["Arm", "Text", "Kind"]].rename(columns={"Text": "Early buyer recognised, AUC"})
        st.dataframe(shown, hide_index=True, height="content", alt="AUC by which early buyers are recognised")


def _everything(rows: Sequence[Row], tables: Mapping[str, pd.DataFrame], launch: Launch | None) -> None:
    st.header("Use, cost and attack together")
    cells = []
    for row in rows:
        total = row.get("epsilon_total")
        cells.append(
            {
                "Method": audience_table.bare_label(row),
                "ε, one launch": audience_table.epsilon_text(row),
                "ε, all launches": "none" if total is None else f"{total:.2f}",
                "AUC": audience_table.written(_value(row, tables, launch, "auc"), 3),
                "Lift at 5%": audience_table.written(_value(row, tables, launch, "lift5"), 2),
                "Early buyer recognised, AUC": audience_table.written(audience_table.ends_of(row, "seed_auc"), 3),
            }
        )
    st.dataframe(
        pd.DataFrame(cells), hide_index=True, height="content",
        alt="Every method with epsilon, quality and attack, with 95% intervals",
        column_config=wide_columns(cells, first="Method"),
    )  # fmt: skip
    st.caption(
        "Epsilon is for one household with all its rows at all merchants; none promises nothing. The attack is a mean "
        "over all launches, also where one launch is chosen."
    )
