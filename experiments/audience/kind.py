"""How audience scenarios go through the spine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from experiments.audience.scenario import AudienceScenario
from experiments.audience.spec import AudienceSpec, expand_audience
from experiments.audience.summary import summarise_audience
from experiments.kind import Kind
from experiments.provenance import code_version
from experiments.sweep import sweep_points
from experiments.worker import load_object
from retail.errors import ConfigError, TradefairError

RUNNER: Final = "experiments.audience.run:run_audience"
FINGERPRINT: Final = "experiments.audience.run:fingerprint"


def _check(scenario: AudienceScenario, store: Path) -> None:
    """Try the settings of every sweep point and arm before any run.

    Raises:
        ConfigError: a model, an option or a claim cannot be used.
    """
    from experiments.audience.run import check_arm

    for _, point in sweep_points(scenario):
        for arm in point.arms:
            try:
                check_arm(AudienceSpec(point, arm, {}, "", ""))
            except TradefairError as error:
                raise ConfigError(f"{scenario.name}: arm {arm.name}: {error}") from None


def _expand(scenario: AudienceScenario, *, runner: str, fingerprint: str) -> tuple[AudienceSpec, ...]:
    version = code_version(runner, kind=scenario.kind)
    return expand_audience(scenario, code_version=version, fingerprint=load_object(fingerprint))


AUDIENCE: Final = Kind(RUNNER, FINGERPRINT, _check, _expand, summarise_audience)
