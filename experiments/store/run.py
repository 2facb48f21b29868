"""Execute one run of a store scenario, by its method. Everything heavy is imported when a run starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from experiments.runs import ArmResult
from experiments.store.spec import StoreSpec
from experiments.worker import Runner, load_object

_METHODS: Final = {
    "compare": "experiments.store.comparing:run_comparison",
    "validation": "experiments.store.validation:run_validation",
    "heat_map": "experiments.store.heat_choice:run_heat_choice",
    "search": "experiments.store.layout_search:run_layout_search",
    "checkout": "experiments.store.checkout:run_checkout",
}


def run_store(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute one run.

    Args:
        spec: the run.
        directory: its folder; what a method leaves beside its figures goes to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        TradefairError: the run is refused: a plan, edit, parameter or data that cannot be used.
    """
    run: Runner = load_object(_METHODS[spec.settings.method])
    result: ArmResult = run(spec, directory, progress)
    strange = _outside(spec)
    if not strange:
        return result
    progress(f"outside its plausible range: {strange}")
    metrics = result.metrics.copy()
    said = metrics["note"].fillna("") if "note" in metrics else ""
    metrics["note"] = said + f" [outside its plausible range: {strange}]"
    metrics["note"] = metrics["note"].str.strip()
    return replace(result, metrics=metrics, info={**result.info, "outside": strange})


def _outside(spec: StoreSpec) -> str:
    """Name the values that reference or arm set outside what docs/store-model.md calls plausible; empty for none."""
    from simulation.store.settings import PARAMETERS, StoreSettings

    said = []
    for arm in (spec.settings.reference, spec.arm):
        settings = StoreSettings.default().with_values(**arm.parameters)
        for name in settings.outside():
            one = PARAMETERS[name]
            said.append(f"{name} = {arm.parameters[name]:g} in {arm.name} ({one.lo:g} to {one.hi:g} {one.unit})")
    return ", ".join(said)
