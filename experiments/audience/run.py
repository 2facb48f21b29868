"""Execute one run of an audience scenario, by the method that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from experiments.audience.measured import REDRAWN_FILE, TABLE_FILE
from experiments.audience.methods import method_of
from experiments.audience.scenario import AudienceScenario
from experiments.audience.spec import AudienceSpec
from experiments.documents import write_frame
from experiments.runs import ArmResult
from retail.errors import ConfigError


def fingerprint(scenario: AudienceScenario) -> str:
    """Identity of the data that a scenario reads.

    Raises: ConfigError, DataError: the data cannot be found.
    """
    return method_of(scenario.method).fingerprint(scenario)


def check_arm(spec: AudienceSpec) -> None:
    """Refuse an arm that its method cannot run.

    Raises: TradefairError: an unknown model, or as the method's own check.
    """
    method = method_of(spec.settings.method)
    if spec.arm.model not in method.models:
        raise ConfigError(
            f'model = {spec.arm.model!r} is none of method = "{spec.settings.method}"; choose one of '
            f"{', '.join(method.models)}"
        )
    method.check(spec)


def run_audience(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute one run.

    Args:
        spec: the run.
        directory: its folder; draws and detail go to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        TradefairError: the run is refused: bad settings, unusable data, or a rule that forbids what the arm does.
    """
    check_arm(spec)
    found = method_of(spec.settings.method).run(spec, directory, progress)
    artifacts = directory / "artifacts"
    write_frame(artifacts / REDRAWN_FILE, found.redrawn())
    if found.table is not None:
        write_frame(artifacts / TABLE_FILE, found.table)
    return ArmResult(found.metrics(), info={"draws": found.draws, **found.info})
