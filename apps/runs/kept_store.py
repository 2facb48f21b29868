"""The run store as the app reads it: files that have not changed are not read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.runs.kept_files import kept
from experiments.documents import read_json
from experiments.runs import RunStore


class KeptStore(RunStore):
    """A run store that keeps what it read of JSON files."""

    __slots__ = ()

    def document(self, path: Path) -> Any:
        """Return the content of a JSON file of the store, shared by all who ask; see `RunStore.document`."""
        return kept(path, read_json)
