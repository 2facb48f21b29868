"""What purchases tell about households: attributes inferred for targeting, which an attacker would learn as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.audience.methods import FigureText, Method
from retail.errors import ConfigError

if TYPE_CHECKING:
    from experiments.audience.measured import Measured
    from experiments.audience.scenario import AudienceScenario
    from experiments.audience.spec import AudienceSpec

_SHORT: Final = {"children": "children", "income": "income", "age": "age", "salty": "salty", "trips": "car"}


def _check(spec: AudienceSpec) -> None:
    """Refuse what no run could do, and what no run may do.

    Raises: ConfigError: an option or a claim without meaning. PolicyError: an attribute that is nobody's business.
    """
    from experiments.audience.attributes_run import Plan
    from experiments.audience.sensitive import refuse_sensitive
    from privacy.accounting import cap

    refuse_sensitive(spec)
    arm = spec.arm
    if arm.epsilon is not None and arm.model != "federated":
        raise ConfigError(f"epsilon = {arm.epsilon} with model {arm.model}: only federated has one; remove it")
    if arm.epsilon is not None:
        cap(epsilon=arm.epsilon, delta=spec.settings.privacy.delta)
    if spec.settings.partition.by != "home_store" or arm.regime is not None:
        raise ConfigError(
            "attributes are inferred at home stores, each model under its own regime; write partition.by = "
            '"home_store" and no regime'
        )
    Plan.read(spec)


def _fingerprint(scenario: AudienceScenario) -> str:
    from retail.datasource import DataSource

    return DataSource(**scenario.data.model_dump()).fingerprint()


def _run(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    from experiments.audience.attributes_run import run_attributes

    return run_attributes(spec, directory, progress)


def _texts() -> dict[str, FigureText]:
    texts = {}
    for name, short in _SHORT.items():
        texts[f"auc_{name}"] = FigureText(
            f"AUC\n{short}",
            "1",
            f"chance that somebody with it ({short}) is ranked above somebody without",
        )
        texts[f"lift10_{name}"] = FigureText(f"lift@10%, {short}", "1", "how much more often the best tenth has it")
        texts[f"miscalibration_{name}"] = FigureText(
            f"miscalibration, {short}", "1", "mean distance of stated chances from shares, over fifths of households"
        )
        texts[f"inside_{name}"] = FigureText(
            f"AUC inside less outside, {short}", "1", "how much better those are told who gave their own attribute"
        )
    return texts


ATTRIBUTES: Final = Method(
    models={
        "majority": "says of everybody what is true of most",
        "rule": "goes by one rule, such as whether a household buys for babies",
        "isolated": "learns at each merchant alone",
        "federated": "learns over a federation",
        "pooled": "learns from everybody's rows at all stores",
    },
    figures=_texts(),
    columns=tuple(f"auc_{name}" for name in _SHORT),
    compared=tuple(f"auc_{name}" for name in _SHORT),
    check=_check,
    fingerprint=_fingerprint,
    run=_run,
    notes=(
        "The same AUC says how well an advertisement is aimed and how well somebody who holds the rows and the model "
        "infers what they were not told; a private model protects who is in the training, not who is judged.",
        "Every household is judged by models that never saw it. Intervals draw households anew.",
    ),
)
