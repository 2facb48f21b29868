"""The part of the page Store that plays shoppers' walks of one simulated day over the plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from apps.figure_text import count
from apps.plain_text import plain
from apps.store import plan_picture
from apps.store.fixture_legend import fixture_legend
from apps.store.floor_editor import Variant
from apps.store.player import pack, player
from apps.store.what_if import demand
from retail.errors import TradefairError
from simulation.store.day import Day, Store, prepare, run_day
from simulation.store.plan import StorePlan, plan_text, read_plan
from simulation.store.settings import StoreSettings
from simulation.store.walks import Walk, walks, who_comes_in

WATCH: Final = "Watch shoppers"
"""What the page calls this part."""
MOST: Final = 60
"""Shoppers in a film: enough to see where it is full, and less than 100 kB to send."""
AS_IS: Final = "As it is"
CHANGED: Final = "With the changes"
_HOUR_S: Final = 3600.0


@dataclass(frozen=True)
class Film:
    """Walks of the shoppers who come in during an hour, ready to be played.

    Attributes:
        walks: as `apps.store.player.pack` writes them.
        came: how many came in during the hour; the film has the first of them.
        figures: their means by name, with the unit; NaN without anybody.
        each: one row per shopper, in the order of coming in.
    """

    walks: list[list[int]]
    came: int
    figures: dict[str, float]
    each: pd.DataFrame


def watch_part(plan: StorePlan, other: StorePlan, variant: Variant, *, shoppers: int) -> None:
    """Let the user choose an hour, and a store where there are changes, and play it.

    Args:
        plan: as it is.
        other: with the changes.
        variant: the changes.
        shoppers: on an average day.
    """
    try:
        hours = _hours(plan)
        busiest = _busiest(plan_text(plan), shoppers)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = [_clock(plan, hour) for hour in range(hours)]
            chosen = st.selectbox(
                "Shoppers who come in from", names, index=busiest, key="watch_from", bind="query-params", width=240
            )
            which = AS_IS
            if variant.edits:
                which = st.segmented_control(
                    "Store", [AS_IS, CHANGED], default=CHANGED, required=True, key="watch_store", bind="query-params"
                )
        hour = names.index(chosen)
        films = {AS_IS: film(plan_text(plan), shoppers, hour)}
        if variant.edits:
            films[CHANGED] = film(plan_text(other), shoppers, hour)
    except TradefairError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    shown = films[which]
    if not shown.walks:
        st.info(f"Nobody comes in within the hour from {chosen} on this day. Choose another hour, or more shoppers.")
        return
    st.subheader(_found(films, chosen))
    store = other if which == CHANGED else plan
    told = f" {plain(variant.words())}." if which == CHANGED else ""
    player(
        store, plan, shown.walks, key="player", start_s=(plan.opens_h + hour) * _HOUR_S,
        said=f"{plan_picture.described(store)} {which}: {count(len(shown.walks), 'simulated shopper')} from {chosen}.",
    )  # fmt: skip
    fixture_legend(store)
    st.caption(f"{_who(shown, chosen)}{told} {_HOW}")
    _figures(films)


@st.cache_data(show_spinner="Letting shoppers walk", max_entries=32)
def film(text: str, shoppers: int, hour: int) -> Film:
    """Return the walks of an hour of the day.

    Args:
        text: of a plan's TOML.
        shoppers: on an average day.
        hour: after opening.

    Raises: ConfigError: nobody could shop there.
    """
    plan, store, day = _day(text, shoppers)
    from_s = hour * _HOUR_S
    came = who_comes_in(day.itinerary, from_s=from_s, to_s=from_s + _HOUR_S, most=len(day.itinerary.enter_s))
    found = walks(plan, store.floor, day, came[:MOST].tolist())
    return Film(pack(found, from_s=from_s), len(came), _means(found), _each(found, plan))


@st.cache_resource(show_spinner="Letting shoppers walk", max_entries=4)
def _day(text: str, shoppers: int) -> tuple[StorePlan, Store, Day]:
    """Simulate the first of the days that the map beneath the editor averages."""
    settings = StoreSettings.default()
    plan = read_plan(text)
    store = prepare(plan, settings)
    drawn = demand().draw(0, seed=0, shoppers=shoppers, hours=store.hours, settings=settings)
    return plan, store, run_day(store, drawn, settings)


def _busiest(text: str, shoppers: int) -> int:
    plan, _, day = _day(text, shoppers)
    came = np.bincount((day.itinerary.enter_s // _HOUR_S).astype(np.int64), minlength=1)
    return min(int(came.argmax()), _hours(plan) - 1)


def _hours(plan: StorePlan) -> int:
    return max(1, math.ceil(plan.closes_h - plan.opens_h))


def _clock(plan: StorePlan, hour: int) -> str:
    minutes = round((plan.opens_h + hour) * 60)
    return f"{minutes // 60}:{minutes % 60:02}"


_WAY: Final = "Way, m"
_WALKING: Final = "Walking, min"
_SHELVES: Final = "At shelves and displays, min"
_WAITING: Final = "Waiting at the till, s"
_PAYING: Final = "Paying, s"
_TOGETHER: Final = "All together, min"
_LEFT: Final = "Left without paying, how many"
_HOW: Final = (
    "Each walks at the mean pace of the visit; stops, queues and payments take as long as in the simulation. A film"
    " judges nothing: *Change it* compares many days."
)


def _means(found: Sequence[Walk]) -> dict[str, float]:
    paid = [one for one in found if not math.isnan(one.wait_s)]

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values)) if values else math.nan

    return {
        _WAY: mean([one.path_m for one in found]),
        _WALKING: mean([one.walk_s / 60 for one in found]),
        _SHELVES: mean([one.stand_s / 60 for one in found]),
        _WAITING: mean([one.wait_s for one in paid]),
        _PAYING: mean([one.service_s for one in paid]),
        _TOGETHER: mean([(one.walk_s + one.stand_s + one.wait_s + one.service_s) / 60 for one in paid]),
        _LEFT: float(len(found) - len(paid)),
    }


def _each(found: Sequence[Walk], plan: StorePlan) -> pd.DataFrame:
    def comes_in(one: Walk) -> str:
        seconds = int(plan.opens_h * _HOUR_S + one.time_s[0])
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    rows = [
        {
            "Comes in": comes_in(one),
            _WAY: round(one.path_m, 1),
            _WALKING: round(one.walk_s / 60, 2),
            _SHELVES: round(one.stand_s / 60, 2),
            _WAITING: round(one.wait_s, 1),
            _PAYING: round(one.service_s, 1),
            _TOGETHER: round((one.walk_s + one.stand_s + one.wait_s + one.service_s) / 60, 2),
        }
        for one in found
    ]
    return pd.DataFrame(rows)


def _found(films: dict[str, Film], chosen: str) -> str:
    """Say in one sentence what the shown shoppers do, in both stores where there are two."""
    told = [_spent(one.figures) for one in films.values()]
    many = count(len(films[AS_IS].walks), "simulated shopper")
    return f"{many} from {chosen}: on average {'; with the changes '.join(told)}"


def _spent(figures: dict[str, float]) -> str:
    """Say a mean way and what its minutes are, in the figures of the table."""
    parts = [f"{figures[_WALKING]:,.1f} min walking", f"{figures[_SHELVES]:,.1f} min at shelves"]
    total = figures[_TOGETHER]
    if math.isnan(total):
        return f"{figures[_WAY]:,.0f} m, {' and '.join(parts)}; nobody paid"
    parts += [f"{figures[_WAITING]:,.1f} s in the queue", f"{figures[_PAYING]:,.1f} s paying"]
    return f"{figures[_WAY]:,.0f} m and {total:,.1f} min: {', '.join(parts)}"


def _who_left(films: dict[str, Film]) -> str:
    """Say how many left without paying, and of whom the sum is."""
    many = {which: round(one.figures[_LEFT]) for which, one in films.items()}
    if not any(many.values()):
        return "Nobody of these left without paying. Figures are rounded, so that parts may miss their sum by 0.1."
    told = "; ".join(f"{which}: {number}" for which, number in many.items())
    return (
        f"Left without paying: {told}. They are in the means of the way, walking and standing; waiting, paying and the"
        " sum are of those who paid, so that the parts need not add up to it."
    )


def _who(shown: Film, chosen: str) -> str:
    many = len(shown.walks)
    who = f"all {many}" if many == shown.came else f"the first {many} of {shown.came:,}"
    return (
        f"Simulated shoppers, no real people: {who} who come in within the hour from {chosen} of one simulated day."
        " Whoever came in before is not drawn."
    )


def _figures(films: dict[str, Film]) -> None:
    """Show as a table what the film shows."""
    rows = [
        {"Mean of these shoppers": name, **{which: _text(one.figures[name]) for which, one in films.items()}}
        for name in films[AS_IS].figures
        if name != _LEFT
    ]
    st.table(pd.DataFrame(rows), hide_index=True, alt="What the shown shoppers do: way and times")
    st.caption(_who_left(films))
    with st.expander("Each shopper"):
        for which, one in films.items():
            st.markdown(f"**{which}**")
            st.dataframe(one.each, hide_index=True, alt=f"{which}: each shown shopper with way and times")


def _text(value: float) -> str:
    if math.isnan(value):
        return "nobody paid"
    return f"{value:,.1f}"
