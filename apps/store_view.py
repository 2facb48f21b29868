"""What pages show of a store: plans with heat beneath them, and differences of two stores with both intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from apps import plan_picture, store_charts
from apps.heat_paint import Heat
from apps.store_table import Line, cells
from simulation.store.plan import StorePlan

VISITS: Final = "visits a day"
LEADING: Final = "sales_visit"
_VERDICTS: Final = {"better": "better", "worse": "worse", "higher": "higher", "lower": "lower"}


def picture(plan: StorePlan, values: NDArray[np.float64] | None = None, *, side_m: float = 0.5) -> None:
    """Show a plan, with visits beneath its fixtures where they are known."""
    said = plan_picture.described(plan)
    heat = None if values is None else Heat(values, side_m, VISITS)
    if heat is not None:
        said += " Beneath: how many visits touch each place in a day, from light (few) to dark (many)."
    st.image(plan_picture.svg(plan, heat, said=said), alt=said, width="stretch")


def change_picture(
    plan: StorePlan, change: NDArray[np.float64], marked: NDArray[np.bool_], *, side_m: float, days: int
) -> None:
    """Show where more or fewer walk; only what is beyond the noise of the days is painted."""
    said = (
        f"{plan_picture.described(plan)} Painted: places with fewer visits in blue, with more in orange, on"
        f" {share(marked, change):.0%} of the places that anybody visits; elsewhere no clear difference."
    )
    st.image(plan_picture.svg(plan, Heat(change, side_m, VISITS, marked), said=said), alt=said, width="stretch")
    st.caption(
        f"The changed plan, {days} paired days. Unpainted: no clear difference. At most 5% of the painted places are"
        " expected to be noise."
    )


def share(marked: NDArray[np.bool_], change: NDArray[np.float64]) -> float:
    """Return the share of marked places among those that change at all."""
    touched = int((change != 0).sum())
    return float(marked.sum()) / touched if touched else 0.0


def headline(lines: Sequence[Line], what: str) -> str:
    """Say in one sentence what a change does to sales per visit."""
    lead = next((line for line in lines if line.figure == LEADING), None)
    if lead is None or lead.difference != lead.difference:
        return what
    text = cells(lead)
    if lead.verdict not in _VERDICTS:
        return f"{what}: no clear difference in {lead.label}"
    return f"{what}: {lead.label} {text['Difference']} {lead.unit}, {lead.verdict}"


def differences(lines: Sequence[Line]) -> None:
    """Show chart and table of the main figures, and those of displays and zones in a part that opens."""
    main = [line for line in lines if "." not in line.figure]
    others = [line for line in lines if "." in line.figure]
    drawn = store_charts.difference_table(main)
    st.caption(
        "Thick bars: 95% interval of the days alone. Thin bars: the model's parameters are drawn from their ranges as"
        " well. Nothing is called better or worse while the thin bar holds 0. Figures near 0 stand in the"
        " table only."
    )
    if not drawn.empty:
        words = "; ".join(f"{row['Figure']} {row['Difference']}, {row['Clear']}" for _, row in drawn.iterrows())
        st.altair_chart(store_charts.difference_chart(drawn), alt=f"Differences in percent of the base. {words}")
    _table(main, "Every figure of both stores, with its difference and both 95% intervals")
    if others:
        with st.expander("Displays and zones"):
            _table(others, "Figures of each display and zone, with both 95% intervals")
    st.download_button(
        "Download as CSV",
        frame(lines).to_csv(index=False).encode(),
        file_name="store-comparison.csv",
        mime="text/csv",
        icon=":material/download:",
    )


def frame(lines: Sequence[Line]) -> pd.DataFrame:
    """Every figure with its numbers in columns, for download."""
    rows: list[dict[str, Any]] = [
        {
            "figure": line.figure, "label": line.label, "unit": line.unit, "base": line.base, "other": line.other,
            "difference": line.difference, "simulation_lo": line.simulation[0], "simulation_hi": line.simulation[1],
            "combined_lo": line.combined[0], "combined_hi": line.combined[1], "verdict": line.verdict,
            "rests_on": line.source, "parameters": line.note, "days": line.days,
        }
        for line in lines
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _table(lines: Sequence[Line], alt: str) -> None:
    table = pd.DataFrame([cells(line) for line in lines])
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt=alt,
        column_config={
            "Figure": st.column_config.TextColumn(pinned=True, width="medium"),
            "Simulation noise": st.column_config.TextColumn(help="95% interval of the days alone."),
            "With parameters": st.column_config.TextColumn(help="95% interval of days and parameters together."),
            "Rests on": st.column_config.TextColumn(help="Where the parameters behind the figure come from."),
        },
    )
