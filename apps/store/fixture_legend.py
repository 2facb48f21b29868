"""What the colours of a plan's fixtures mean, as one line below a drawing."""

from __future__ import annotations

import html

import streamlit as st

from apps.store.plan_picture import COLOURS
from simulation.store.plan import StorePlan

_SWATCH = (
    '<span aria-hidden="true" style="display:inline-block;width:0.8em;height:0.8em;margin-right:0.3em;'
    'border:1px solid #808080;background-color:{colour}"></span>'
)


def fixture_legend(plan: StorePlan) -> None:
    """Show each colour of a plan with the kinds of fixtures that have it; only kinds that the plan has."""
    items = "".join(
        '<span style="display:inline-block;margin-right:1em">'
        f"{_SWATCH.format(colour=colour)}{html.escape(words)}</span>"
        for colour, words in meanings(plan)
    )
    st.html(f'<div style="font-size:0.875rem" role="note">Fixtures: &nbsp;{items}</div>')


def meanings(plan: StorePlan) -> list[tuple[str, str]]:
    """Return colour and meaning, in the order of `COLOURS`; kinds of one colour are one entry."""
    here = {one.kind for one in plan.fixtures}
    found: dict[str, list[str]] = {}
    for kind, colour in COLOURS.items():
        if kind in here:
            found.setdefault(colour, []).append(kind)
    return [(colour, " or ".join(kinds)) for colour, kinds in found.items()]
