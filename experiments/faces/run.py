"""Execute one run with faces: make the arm's encoder, and measure it on people whom it never saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from experiments.documents import write_frame
from experiments.faces.arms import REGIMES, face_config, face_source, train_arm
from experiments.faces.rates import Embed, Rates, beside, mean_rates, rates, tested
from experiments.faces.scenario import FaceScenario
from experiments.faces.spec import REPLICATES_FILE, FaceSpec
from experiments.run_access import begin_books, run_access
from experiments.runs import ArmResult
from federation.access import MarketPort
from retail.faces.camera import door_view
from retail.faces.faceset import FaceSet
from retail.faces.source import FaceSource

DET_FILE: Final = "det.parquet"


def fingerprint(scenario: FaceScenario) -> str:
    """Identity of the faces that a scenario reads.

    Raises:
        ConfigError: the settings cannot be used.
        DataError: the folder cannot be read.
    """
    return FaceSource(**scenario.data.model_dump()).fingerprint()


def run_faces(spec: FaceSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute one run.

    Args:
        spec: the run.
        directory: its folder; encoder, ledger, DET curve and resampled rates go to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        TradefairError: the run is refused: bad settings, unusable pictures, or a rule that forbids what the arm does.
    """
    config = face_config(spec, directory)
    begin_books(config, directory)
    regime = "federated_dp" if config.private else REGIMES.get(spec.arm.method, "pooled")
    port = MarketPort(config, run_access(spec.settings.policy, directory, regime=regime))
    port.declare()
    made = train_arm(spec, port, directory, progress)
    progress("measuring on people who were never seen")
    faces = tested(port.test_people())
    door = None if face_source(spec).camera == "door" else door_view(faces, seed=spec.settings.data.data_seed)
    found = mean_rates([_measured(embed, faces, door, spec.fold) for embed in made.encoders])
    artifacts = directory / "artifacts"
    write_frame(artifacts / REPLICATES_FILE, found.replicates)
    write_frame(artifacts / DET_FILE, found.det)
    counts = {"people": found.people, "mated": found.mated, "non_mated": found.non_mated}
    return ArmResult(_table(found), info={**counts, "encoders": len(made.encoders), **made.info})


def _measured(embed: Embed, faces: FaceSet, door: FaceSet | None, fold: int) -> Rates:
    found = rates(embed(faces.images), faces.person, fold=fold)
    if door is None:
        return found
    return beside(found, rates(embed(door.images), door.person, fold=fold, suffix="_door"))


def _table(found: Rates) -> pd.DataFrame:
    rows = []
    for name, value in found.values.items():
        lo, hi = found.replicates[name].quantile([0.025, 0.975])
        rows.append({"name": name, "value": value, "lo": lo, "hi": hi, "unit": "1", "n": found.people})
    return pd.DataFrame(rows)
