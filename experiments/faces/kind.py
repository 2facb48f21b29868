"""How scenarios with faces go through the spine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from experiments.faces.scenario import TRAINED, FaceArm, FaceScenario
from experiments.faces.spec import FaceSpec, expand_faces
from experiments.faces.summary import summarise_faces
from experiments.kind import Kind
from experiments.provenance import code_version
from experiments.sweep import sweep_points
from experiments.worker import load_object
from retail.errors import INSTALL_FACES, ConfigError, TradefairError

RUNNER: Final = "experiments.faces.run:run_faces"
FINGERPRINT: Final = "experiments.faces.run:fingerprint"


def _check(scenario: FaceScenario, store: Path) -> None:
    """Try the settings of every sweep point and arm before any run.

    Raises:
        ConfigError: an option, a claim, a regime or a policy pack cannot be used, or an extra is missing.
    """
    for _, point in sweep_points(scenario):
        for arm in point.arms:
            try:
                _try(point, arm, store)
            except TradefairError as error:
                raise ConfigError(f"{scenario.name}: arm {arm.name}: {error}") from None


def _try(point: FaceScenario, arm: FaceArm, store: Path) -> None:
    from experiments.faces.arms import REGIMES, face_config
    from federation.faces.settings import FaceOptions
    from privacy.policy import PolicyEngine, Register

    spec = FaceSpec(point, arm, point.folds_tested[0], point.seeds[0], {}, "", "")
    face_config(spec, store)
    regime = "federated_dp" if arm.epsilon is not None else REGIMES.get(arm.method, "pooled")
    PolicyEngine.load(("base", *point.policy.packs), register=Register(), regime=regime)
    if point.policy.consents is not None and not Path(point.policy.consents).is_file():
        raise ConfigError(
            f"policy.consents = {point.policy.consents!r} is no file; make a register with `tradefair consent notice`"
        )
    if arm.method in TRAINED:
        _check_options(FaceOptions.read(spec.options), arm)
    if arm.method == "public_encoder":
        from matching.face.dlib_faces import is_installed

        if not is_installed():
            raise ConfigError(f"method public_encoder needs the extra `faces`; {INSTALL_FACES}, or take the arm out")


def _check_options(options: object, arm: FaceArm) -> None:
    private = arm.epsilon is not None
    learn, moments = getattr(options, "learn", ""), getattr(options, "moments", 0)
    if private and learn == "merchant":
        raise ConfigError(
            'options.learn = "merchant" mixes people, so no epsilon bounds it; write "person" or "nothing", or remove '
            "epsilon"
        )
    if arm.method == "federated" and learn == "nothing" and not moments:
        raise ConfigError(
            'options.learn = "nothing" without options.moments shares nothing; write method = "untrained"'
        )


def _expand(scenario: FaceScenario, *, runner: str, fingerprint: str) -> tuple[FaceSpec, ...]:
    version = code_version(runner, kind=scenario.kind)
    return expand_faces(scenario, code_version=version, fingerprint=load_object(fingerprint))


FACES: Final = Kind(RUNNER, FINGERPRINT, _check, _expand, summarise_faces)
