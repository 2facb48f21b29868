"""The search of the page Store: what it may change, the search while it runs, and what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from apps.opened_page import end_page
from apps.plain_text import plain
from apps.store.search_view import changed_layout, every_figure, layout, verdict
from apps.store.traces import TRACES
from apps.store.watch import WATCH
from apps.store.what_if import DRAWS, demand
from experiments.store.comparing import so_far
from experiments.store.layout_search import searched_so_far
from retail.errors import TradefairError
from simulation.store.comparison import Comparison
from simulation.store.kpi import KPIS, kpi
from simulation.store.plan import StorePlan, plan_text
from simulation.store.search import Found, Rules, on_held_out_days, searching

OBJECTIVES: Final = tuple(one.name for one in KPIS if one.better and one.rests_on and not one.family)
BUDGETS: Final = (20, 40, 60, 100, 200)
KEPT: Final = "search"
"""In the session: the last search, finished, stopped or under way."""
LOADED: Final = "loaded_layout"
"""In the session: the TOML of the layout that was loaded into the editor."""
FOUND: Final = "Found by a search"
"""What the page calls that layout among the plans."""
CHANGE: Final = "Change it"
SEARCH: Final = "Search for a better layout"
PARTS: Final = (CHANGE, SEARCH, WATCH, TRACES)
_JUDGE: Final = "search_judging"
SEED: Final = 0
TRAINING_DAYS: Final = 4


@dataclass(frozen=True)
class Wanted:
    """A search as it was asked for; two that are equal find the same.

    Attributes:
        text: the plan as TOML.
        objective: name of the figure.
        rules: what may change.
        steps: layouts to simulate.
        shoppers: on an average day.
        days: held-out days.
    """

    text: str
    objective: str
    rules: Rules
    steps: int
    shoppers: int
    days: int


@dataclass(frozen=True)
class Kept:
    """What is known of a search.

    Attributes:
        wanted: what was asked for.
        found: the best layout so far; `held_out` is there once it is judged to the end.
    """

    wanted: Wanted
    found: Found


def search_part(plan: StorePlan, text: str, *, name: str, shoppers: int, days: int) -> None:
    """Show the part of the page that searches.

    Args:
        plan: as it is.
        text: of its TOML.
        name: of the plan, as a command takes it.
        shoppers: on an average day.
        days: held-out days.
    """
    wanted = choose_search(plan, text, shoppers=shoppers, days=days)
    place = st.empty()
    with place.container():
        ready = st.button("Search", type="primary", icon=":material/search:", key="search_start")
    kept = kept_search(wanted)
    judge = bool(st.session_state.pop(_JUDGE, False)) and kept is not None
    if ready or judge:
        place.empty()
        try:
            judge_search(plan, kept) if judge and kept is not None else run_search(plan, wanted)
        except TradefairError as error:
            st.error(plain(str(error)), icon=":material/error:")
            end_page()
        st.rerun()
    if kept is None:
        st.caption(
            f"Simulated annealing on {TRAINING_DAYS} days, then a comparison on {days} days that the search never saw."
            " A layout in which somebody could not shop, or that adds a warning to the checks above, is left out."
        )
        return
    _outcome(plan, kept, name=name)


def _outcome(plan: StorePlan, kept: Kept, *, name: str) -> None:
    found = kept.found
    if not found.edits:
        st.subheader("Nothing better was found" + ("" if found.finished else " yet"))
        st.caption(f"{searched_so_far(found)}. Try more layouts, fix less, or let fixtures move.")
        return
    if found.held_out is not None:
        verdict(found, found.held_out)
    else:
        st.subheader(f"Stopped after {found.tried} of {found.steps} layouts")
        st.markdown(
            f"{plain(searched_so_far(found))}. That is too good to be true until other days have judged it: a search"
            " picks what looks best by chance as well."
        )
    with st.container(horizontal=True):
        if found.held_out is None:
            st.button("Judge it on other days", type="primary", key="search_judge", icon=":material/gavel:",
                      on_click=_ask_to_judge)  # fmt: skip
        st.button(
            "Load it into the editor", icon=":material/edit:", key="search_load", on_click=_load,
            args=(plan_text(found.plan),), help="Makes it the plan of this page: edit it, or try a change on it.",
        )  # fmt: skip
        st.download_button(
            "Download the layout", plan_text(found.plan).encode(), file_name="found.toml", mime="application/toml",
            icon=":material/download:",
        )  # fmt: skip
    layout(plan, found, name=name)
    if found.held_out is not None:
        every_figure(found, found.held_out)


def _ask_to_judge() -> None:
    st.session_state[_JUDGE] = True


def _load(text: str) -> None:
    """Make a found layout the plan of the page."""
    st.session_state[LOADED] = text
    st.session_state["plan"] = FOUND
    st.session_state["part"] = CHANGE


def choose_search(plan: StorePlan, text: str, *, shoppers: int, days: int) -> Wanted:
    """Let the user say what may change, and how long to look."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        objective = st.selectbox(
            "Improve", OBJECTIVES, format_func=_objective, key="search_objective", bind="query-params", width=240,
            help="Decide before you look which figure counts.",
        )  # fmt: skip
        steps = st.select_slider(
            "Layouts to try", BUDGETS, value=60, key="search_steps", bind="query-params", width=240,
            help=f"Each is simulated on {TRAINING_DAYS} training days.",
        )  # fmt: skip
    fixed = st.multiselect(
        "Categories that stay where they are",
        plan.categories,
        key="search_fixed",
        bind="query-params",
        placeholder="None",
    )
    swaps = st.toggle(
        "Shelves may swap what they hold", value=True, key="search_swaps", bind="query-params",
        help="Only with shelves of their own kind: what is chilled stays chilled.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [one.name for one in plan.fixtures if one.kind not in ("wall", "blocked", "entrance", "exit")]
        movable = st.multiselect(
            "Fixtures that may move", names, key="search_movable", bind="query-params", placeholder="None", width=420
        )
        reach = 3.0
        if movable:
            reach = st.number_input(
                "by at most, m", 1.0, 250.0, 3.0, 1.0, key="search_reach", bind="query-params", width=140
            )
    rules = Rules(tuple(fixed), None if swaps else (), tuple(movable), float(reach))
    return Wanted(text, str(objective), rules, int(steps or 60), shoppers, days)


def kept_search(wanted: Wanted) -> Kept | None:
    """Return what is known of this very search; None if another one, or none, was the last."""
    kept = st.session_state.get(KEPT)
    return kept if isinstance(kept, Kept) and kept.wanted == wanted else None


def run_search(plan: StorePlan, wanted: Wanted) -> None:
    """Search and judge, showing the best layout so far. A click on anything ends it; what was found stays kept.

    Raises:
        ConfigError: the rules contradict each other, or leave nothing to change.
    """
    model = demand()
    steps = searching(
        plan, model=model, shoppers=wanted.shoppers, seed=SEED, objective=wanted.objective, rules=wanted.rules,
        steps=wanted.steps, training_days=TRAINING_DAYS,
    )  # fmt: skip
    first = next(steps)  # refused here, before anything is shown
    bar, place = _running()
    started, shown = time.monotonic(), -1
    for found in _from(first, steps):
        st.session_state[KEPT] = Kept(wanted, found)
        bar.progress(found.tried / wanted.steps, f"{searched_so_far(found)}{_left(started, found)}")
        if len(found.edits) and hash(found.plan) != shown:
            shown = hash(found.plan)
            with place.container():
                changed_layout(plan, found.plan)
    _judge(plan, wanted, found, bar)


def judge_search(plan: StorePlan, kept: Kept) -> None:
    """Judge the best layout of a search that was stopped, on days that it never saw."""
    bar, place = _running()
    with place.container():
        changed_layout(plan, kept.found.plan)
    _judge(plan, kept.wanted, kept.found, bar)


def _judge(plan: StorePlan, wanted: Wanted, found: Found, bar: Any) -> None:
    judged: Comparison | None = None
    for judged in on_held_out_days(
        plan, found, days=wanted.days, model=demand(), shoppers=wanted.shoppers, seed=SEED, parameter_draws=DRAWS,
        heat=("visits",),
    ):  # fmt: skip
        done = (judged.days + judged.draws) / (wanted.days + DRAWS)
        bar.progress(min(1.0, done), f"On days that the search never saw: {so_far(judged)}")
    st.session_state[KEPT] = Kept(wanted, replace(found, held_out=judged))


def _running() -> tuple[Any, Any]:
    """Show a bar, a way to stop, and a place for the best layout; return bar and place."""
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, "The plan as it is", width="stretch")
        st.button("Stop", icon=":material/stop:", key="search_stop", help="What was found so far stays.")
    return bar, st.empty()


def _from(first: Found, rest: Iterator[Found]) -> Iterator[Found]:
    yield first
    yield from rest


def _left(started: float, found: Found) -> str:
    """Say how long the rest may take, once there is something to guess from."""
    if found.tried < 3 or found.finished:
        return ""
    seconds = (time.monotonic() - started) / found.tried * (found.steps - found.tried)
    return f". About {seconds:.0f} s left"


def _objective(name: str) -> str:
    one = kpi(name)
    return f"{one.label} ({'more' if one.better > 0 else 'less'})"
