"""What a server keeps of a run in its own folder, and how it is read there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from flwr.app import RecordDict

from federation.records import from_record
from federation.task import Model
from retail import errors
from retail.errors import DataError, TradefairError
from retail.files import atomic_write

_MODEL: Final = "model.npz"
_REPORT: Final = "report.json"
_ERROR: Final = "error.json"
_NOTES: Final = "progress.txt"


class Results:
    """The folder of one run.

    Args:
        folder: made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def note(self, line: str) -> None:
        """Add a line to what is said while the run goes on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _NOTES).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def notes(self) -> list[str]:
        """Return the lines said so far."""
        try:
            return (self.folder / _NOTES).read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def keep(self, state: RecordDict) -> None:
        """Keep the model, then the report; whoever sees the report finds both.

        Raises: DataError: they cannot be written.
        """
        model = from_record(state.array_records["model"])
        names = np.array(list(model))
        arrays = {f"array{index}": value for index, value in enumerate(model.values())}
        atomic_write(
            self.folder / _MODEL, lambda path: np.savez(path, allow_pickle=False, names=names, **arrays), private=True
        )
        report = str(state.config_records["report"]["json"])
        atomic_write(self.folder / _REPORT, lambda path: path.write_text(report, encoding="utf-8"), private=True)

    def fail(self, error: TradefairError) -> None:
        """Keep the one message of what went wrong.

        Raises: DataError: it cannot be written.
        """
        said = json.dumps({"error": type(error).__name__, "message": str(error)})
        atomic_write(self.folder / _ERROR, lambda path: path.write_text(said, encoding="utf-8"), private=True)

    @property
    def ended(self) -> bool:
        """Whether a report, or what went wrong, is kept."""
        return (self.folder / _REPORT).is_file() or (self.folder / _ERROR).is_file()

    def read(self) -> tuple[Model, dict[str, Any]]:
        """Return the model and the report.

        Raises: DataError: there are none. TradefairError: what the server kept instead, as it was raised there.
        """
        report, failure = self.folder / _REPORT, self.folder / _ERROR
        try:
            if failure.is_file():
                said = json.loads(failure.read_text(encoding="utf-8"))
                kind = getattr(errors, str(said["error"]), TradefairError)
                raise kind(said["message"])
            with np.load(self.folder / _MODEL, allow_pickle=False) as file:
                model = {str(name): file[f"array{index}"] for index, name in enumerate(file["names"])}
            return model, json.loads(report.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{self.folder} holds no result ({error}); the server's log says why") from error
