"""Search for a better layout within rules, and hold the winner against the plan on days that the search never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import tomli_w

from experiments.documents import write_bytes
from experiments.runs import ArmResult
from experiments.store.arm_days import save_days
from experiments.store.comparing import compared_rows, comparison_info, keep_layouts, so_far
from experiments.store.figures import NO_INTERVAL, row, table
from experiments.store.inputs import demand_model, search_rules
from experiments.store.spec import StoreSpec
from simulation.store.kpi import kpi
from simulation.store.plan import edit_table, load_plan
from simulation.store.search import Found, on_held_out_days, searching

EDITS: Final = "edits.toml"
"""In a run's artifacts: the winner's edits, as a scenario takes them."""
_LINES: Final = 20
"""How often a search tells how far it is."""


def run_layout_search(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute a run of `method = "search"`.

    Args:
        spec: the run.
        directory: its folder; plan, winner, edits, heat maps and the winner's held-out days go to `artifacts/`.
        progress: takes how far the search is, and then its comparison.

    Raises:
        TradefairError: the plan, the rules or the demand are refused.
    """
    settings, look = spec.settings, spec.settings.search
    assert spec.arm.search is not None  # every arm of such a scenario says how it searches
    plan, model = load_plan(settings.plan), demand_model(settings.demand)
    shared: dict[str, Any] = {
        "model": model, "shoppers": settings.shoppers, "seed": settings.seed, "engine": settings.engine,
        "tills": settings.tills, "workers": settings.days.workers, "where": settings.days.on,
    }  # fmt: skip
    steps = searching(
        plan, objective=look.objective, strategy=spec.arm.search, rules=search_rules(look), steps=look.steps,
        training_days=look.training_days, **shared,
    )  # fmt: skip
    for found in steps:
        if found.finished or found.tried % max(1, look.steps // _LINES) == 0:
            progress(searched_so_far(found))
    for judged in on_held_out_days(
        plan, found, days=look.held_out_days, parameter_draws=settings.parameter_draws, heat=("visits",), **shared
    ):
        progress(f"held out, {so_far(judged)}")
    found = replace(found, held_out=judged)
    artifacts = directory / "artifacts"
    keep_layouts(judged, plan, found.plan, artifacts)
    edits = [edit_table(one) for one in found.edits]
    write_bytes(artifacts / EDITS, tomli_w.dumps({"edits": edits}).encode())
    save_days(judged.measured, artifacts)
    arm, reference = spec.arm.name, settings.reference.name
    rows = [*compared_rows(judged, arm, reference), *search_rows(found, arm, reference, days=look.training_days)]
    info = comparison_info(judged, shoppers=settings.shoppers)
    return ArmResult(table(rows), info={**info, "currency": model.currency, "tried": found.tried, "edits": edits})


def searched_so_far(found: Found) -> str:
    """Say in one line how far a search is and what its best layout does on the training days."""
    one = kpi(found.objective)
    words = f"{found.tried} of {found.steps} layouts: {one.label} {one.text(found.start)}"
    if found.gain == 0:
        return f"{words}, nothing better yet"
    more = "more" if found.gain > 0 else "less"
    return f"{words}, {abs(found.gain):.{one.digits}f} {more} on the training days"


def search_rows(found: Found, arm: str, reference: str, *, days: int) -> Iterator[dict[str, Any]]:
    """Yield what a judged search says beside its comparison: training figures, gain, optimism, budget, edits.

    Args:
        found: with its comparison.
        arm: name of the winner.
        reference: name of the plan as it is.
        days: on which it was trained.
    """
    assert found.held_out is not None  # judged
    held = found.held_out.row(found.objective)
    about: dict[str, Any] = {"unit": held.unit, "source": held.provenance}
    label = f"{held.label}, training days"
    yield row("training_mean", reference, found.start, label=label, n=days, better=held.better, **about)
    yield row("training_mean", arm, found.trained, label=label, n=days, better=held.better, **about)
    gain = held.better * found.gain
    note = f"optimistic: the best of {found.tried + 1} layouts on the days that chose it"
    if found.strategy == "rule_of_thumb":
        note = "the layout of a rule, which looked at no figure"
    yield row("training_gain", arm, gain, label=f"gain in {held.label}, training days", n=days, note=note, better=1,
              **about)  # fmt: skip
    if found.optimism is not None and held.noise is not None:
        ends = sorted(gain - held.better * end for end in (held.noise.lo, held.noise.hi))
        yield row(
            "optimism", arm, found.optimism, (ends[0], ends[1]), label="training gain less held-out gain", n=held.days,
            note="interval: the held-out days alone, at the central parameters", better=-1, **about,
        )  # fmt: skip
    yield row("layouts", arm, found.tried, NO_INTERVAL, unit="layouts", label="layouts simulated beside the plan")
    yield row("edits", arm, len(found.edits), NO_INTERVAL, unit="edits", label="edits that lead to the layout")
