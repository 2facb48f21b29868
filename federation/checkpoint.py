"""The model after the last answered round, kept beside the ledger so that a crashed run can go on."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from federation.config import FederationConfig
from federation.settings_check import MEMORY
from federation.task import Model
from privacy.ledger import Reservation
from retail.errors import DataError
from retail.files import atomic_write


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a run stands.

    Attributes:
        done: names of the answered rounds, in order.
        model: after the last of them.
        reservation: what paid for the last of them; it may still have to be committed.
        dropped: replies that were left out so far.
        settings: `FederationConfig.fingerprint_of_training` of the run.
    """

    done: tuple[str, ...]
    model: Model
    reservation: Reservation
    dropped: int
    settings: str


def checkpoint_path(config: FederationConfig) -> Path | None:
    """Where a run's checkpoint lies; None where the ledger is in memory or there is none."""
    if not config.private or str(config.ledger) == MEMORY:
        return None
    ledger = Path(config.ledger)
    run = hashlib.sha256(config.run_id.encode()).hexdigest()[:16]
    return ledger.with_name(f"{ledger.name}.{run}.checkpoint.npz")


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    about = {
        "done": checkpoint.done,
        "names": list(checkpoint.model),
        "reservation": asdict(checkpoint.reservation),
        "dropped": checkpoint.dropped,
        "settings": checkpoint.settings,
    }
    arrays = {f"array{index}": value for index, value in enumerate(checkpoint.model.values())}
    text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    atomic_write(path, lambda temporary: np.savez(temporary, allow_pickle=False, about=text, **arrays))


def load(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None when there is none.

    Raises:
        DataError: the file is no checkpoint, or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            model = {name: file[f"array{index}"] for index, name in enumerate(about["names"])}
        return Checkpoint(
            done=tuple(about["done"]),
            model=model,
            reservation=Reservation(**about["reservation"]),
            dropped=int(about["dropped"]),
            settings=str(about["settings"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"checkpoint {path} cannot be read ({error}); restore it, or start under a new run id"
        ) from error
