"""The figures that a store scenario will have, known before it runs: a target about any other is refused at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from experiments.store.scenario import StoreScenario
from experiments.targets import Target, statistic_name
from retail.errors import ConfigError
from simulation.store.members import family_of, figure_of, member_names
from simulation.store.plan import StorePlan

CHECKOUT: Final = ("service_s", "wait_s", "checkout_s")
VALIDATION: Final = {
    "erlang-c": tuple(
        f"{name}{end}" for name in ("wait_s", "waiting_share") for end in ("", "_error", "_inside")
    ),
    "lee-longton": ("wait_s", "wait_s_error", "wait_s_inside"),
    "corridor": (
        *(
            figure_of("speed_at", at)
            for at in member_names(f"{density:g} per m2" for density in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0))
        ),
        "speed_error_to_1", "speed_error_to_2",
    ),
    "little": ("relative_error", "left_over_entered"),
    "shoppers": ("short_trips", "low_coverage", "path_m", "picks_100_m"),
}  # fmt: skip
"""What each check measures."""
_SEARCHED: Final = ("training_mean", "training_gain", "optimism", "layouts", "edits")
"""What a search says of an arm beside its comparison."""


def require_known_figures(scenario: StoreScenario, plan: StorePlan) -> None:
    """Refuse a target about something that the scenario will not measure.

    Args:
        scenario: at one point of its sweep.
        plan: the scenario's.

    Raises:
        ConfigError: with the target and what it may have meant.
    """
    targets = [Target.parse(expression, condition) for expression, condition in scenario.targets.items()]
    families = any("." in one.metric for one in targets)
    known = set(known_figures(scenario, plan, families=families)) if targets else set()
    for one in targets:
        if one.name in known:
            continue
        ours = {name for name in known if _figure(name) == one.metric}
        if ours:
            what, choice = f'"{one.name}" is not', ours
            close = difflib.get_close_matches(one.name, sorted(choice), n=1, cutoff=0.0)
            hint = f'did you mean "{close[0]}"?'
        else:
            what = f'"{one.name}" is about {one.metric!r}, which is not'
            figures = sorted({_figure(name) for name in known})
            close = difflib.get_close_matches(one.metric, figures, n=1)
            hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(_short(figures))}"
        raise ConfigError(f'{scenario.name}: targets: {what} among the figures of method = "{scenario.method}"; {hint}')


def known_figures(scenario: StoreScenario, plan: StorePlan, *, families: bool = True) -> Iterator[str]:
    """Yield the names of all figures that a target may be about.

    Args:
        scenario: at one point of its sweep.
        plan: the scenario's.
        families: whether to name those of each display and zone too, which takes the floors of all arms.
    """
    reference = scenario.reference.name
    arms = [one.name for one in scenario.arms]
    if scenario.method == "validation":
        for one in scenario.arms:
            yield from (statistic_name("value", figure, one.name) for figure in VALIDATION[str(one.check)])
        return
    if scenario.method == "heat_map":
        yield from _compared(("sales_visit",), arms, reference, ("difference", "ratio"))
        yield statistic_name("value", "map_gain", reference)
        for one in scenario.arms:
            if one.map in ("exact", "dp"):
                yield statistic_name("value", "gain_kept", one.name)
            if one.map == "dp":
                yield statistic_name("value", "map_error", one.name)
        return
    if scenario.method == "checkout":
        yield from _compared(CHECKOUT, arms, reference, ("difference", "ratio"))
        yield from (statistic_name("value", figure, reference) for figure in ("utilisation", "needed_service"))
        return
    figures = tuple(_of_stores(scenario, plan, families=families))
    yield from _compared(figures, arms, reference, ("difference",))
    if scenario.method == "search":
        yield statistic_name("value", "training_mean", reference)
        for arm in arms:
            yield from (statistic_name("value", figure, arm) for figure in _SEARCHED)
            others = [one for one in arms if one != arm]
            yield from (statistic_name("difference", figure, arm, other) for other in others for figure in figures)


def _compared(figures: tuple[str, ...], arms: list[str], reference: str, statistics: tuple[str, ...]) -> Iterator[str]:
    for figure in figures:
        yield from (statistic_name("value", figure, name) for name in (reference, *arms))
        yield from (statistic_name(kind, figure, arm, reference) for arm in arms for kind in statistics)


def _of_stores(scenario: StoreScenario, plan: StorePlan, *, families: bool) -> Iterator[str]:
    """Yield the figures of a whole store; those of displays and zones as any of the arms has them."""
    from simulation.store.kpi import KPIS

    yield from (one.name for one in KPIS if not one.family)
    if not families:
        return
    from experiments.store.inputs import arm_plan
    from simulation.store.kpi import display_names, zone_names
    from simulation.store.plan import rasterise

    members: dict[str, None] = {}
    for arm in (scenario.reference, *scenario.arms):
        floor = rasterise(arm_plan(plan, arm))
        members |= {figure_of("exposure_pct", name): None for name in display_names(floor)}
        members |= {figure_of("dwell_s", name): None for name in zone_names(floor)}
    yield from members


def _figure(name: str) -> str:
    """Return the figure that a statistic is about."""
    inside = name.partition("(")
    return inside[2].partition(",")[0] if "," in name else inside[0]


def _short(figures: list[str]) -> list[str]:
    """Name members of a family once."""
    return list(dict.fromkeys(f"{family_of(name)[0]}.NAME" if "." in name else name for name in figures))
