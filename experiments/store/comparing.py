"""Compare an arm's store with the reference's on the same days: every figure with both its intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.documents import write_bytes
from experiments.runs import ArmResult
from experiments.store.figures import NO_INTERVAL, row, table
from experiments.store.inputs import arm_layout, demand_model
from experiments.store.spec import StoreSpec
from simulation.store.compare import compare
from simulation.store.comparison import Comparison, Row
from simulation.store.intervals import Interval
from simulation.store.plan import StorePlan, load_plan, plan_text

HEAT: Final = "heat.npz"
"""In a run's artifacts: visits per day on each cell of both stores, their difference and which cells differ."""


def run_comparison(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute a run of `method = "compare"`.

    Args:
        spec: the run.
        directory: its folder; both plans and their heat maps go to `artifacts/`.
        progress: takes the leading figure after every block of days.

    Raises:
        TradefairError: the plan, an edit, a parameter or the demand is refused.
    """
    settings = spec.settings
    plan = load_plan(settings.plan)
    model = demand_model(settings.demand)
    base, other = (arm_layout(plan, arm, model) for arm in (settings.reference, spec.arm))
    found = compare(
        base,
        other,
        model=model,
        shoppers=settings.shoppers,
        seed=settings.seed,
        block=settings.days.block,
        most=settings.days.most,
        half_width=settings.days.half_width,
        parameter_draws=settings.parameter_draws,
        heat=("visits",),
        engine=settings.engine,
        tills=settings.tills,
        workers=settings.days.workers,
        where=settings.days.on,
        on_progress=lambda sofar: progress(so_far(sofar)),
    )
    keep_layouts(found, base.plan, other.plan, directory / "artifacts")
    rows = table(compared_rows(found, spec.arm.name, settings.reference.name))
    return ArmResult(rows, info=comparison_info(found, shoppers=settings.shoppers))


def keep_layouts(found: Comparison, base: StorePlan, other: StorePlan, artifacts: Path) -> None:
    """Keep both plans, as every command reads them, and their heat maps."""
    for name, plan in (("base", base), ("other", other)):
        write_bytes(artifacts / f"{name}.toml", plan_text(plan).encode())
    save_heat(found, artifacts / HEAT)


def comparison_info(found: Comparison, *, shoppers: int) -> dict[str, Any]:
    """Return what `run.json` says about a comparison."""
    return {
        "days": found.days,
        "draws": found.draws,
        "leading": found.leading,
        "reached": found.reached,
        "varied": list(found.varied),
        "simulated": shoppers * found.days,
    }


def compared_rows(found: Comparison, arm: str, reference: str) -> Iterator[dict[str, Any]]:
    """Yield four rows for each figure: both values, and the difference with either interval.

    Args:
        found: a comparison, finished or as far as it got.
        arm: name of the other layout.
        reference: name of the base.
    """
    for one in found.rows:
        about: dict[str, Any] = {
            "unit": one.unit,
            "n": one.days,
            "label": one.label,
            "source": one.provenance,
            "note": "; ".join(f"{source}: {', '.join(names)}" for source, names in one.sources.items() if names),
            "better": one.better,
        }
        sides = (_number(one.base), _number(one.other))
        yield row(one.name, reference, sides[0], **about)
        yield row(one.name, arm, sides[1], **about)
        against: dict[str, Any] = {"reference": reference, "sides": sides, **about}
        value = _number(one.difference)
        both = _ends(one.combined)
        yield row(one.name, arm, value, both, statistic="difference", verdict=one.verdict, **against)
        yield row(one.name, arm, value, _ends(one.noise), statistic="simulation_difference", **against)


def so_far(found: Comparison) -> str:
    """Say in one line how far a comparison is and what its leading figure does."""
    lead: Row = found.row(found.leading)
    words = f"{found.days} days" + (f", {found.draws} draws" if found.draws else "")
    if lead.difference is None or lead.noise is None:
        return words
    ends = f"[{lead.noise.lo:+z.{lead.digits}f}, {lead.noise.hi:+z.{lead.digits}f}]"
    return f"{words}: {lead.label} {lead.difference:+z.{lead.digits}f} {lead.unit} {ends}"


def save_heat(found: Comparison, path: Path) -> None:
    """Keep the heat maps of visits, where both stores have the same size."""
    pair = found.heat.get("visits")
    if pair is not None:
        np.savez_compressed(
            path,
            base=pair.base.values,
            other=pair.other.values,
            change=pair.change.values,
            marked=pair.change.marked,
            side_m=pair.base.side_m,
            days=pair.change.days,
        )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _ends(interval: Interval | None) -> tuple[float, float]:
    return NO_INTERVAL if interval is None else (interval.lo, interval.hi)
