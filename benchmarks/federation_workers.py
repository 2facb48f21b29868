"""Processes that run the cells of the federation benchmark, and the environment that pfl has to itself."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

CELL: Final = Path(__file__).resolve().parent / "federation_cell.py"
PFL: Final = "pfl[pytorch]==0.6.0"
FAMILIES: Final = {"plain": "plain", "pfl": "pfl", "inprocess": "tradefair", "cohort": "tradefair", "ray": "tradefair"}
"""Which process a contender runs in."""


class Worker:
    """One family of contenders, with all imports done; every cell is a fork of it.

    Args:
        family: as in `FAMILIES`.
        python: the interpreter.
    """

    def __init__(self, family: str, python: str) -> None:
        # A process that forks must have no threads; pyarrow's allocator would start one.
        env = {**os.environ, "OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        self._process = subprocess.Popen(
            [python, str(CELL), family], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        self.about = self._read()

    def run(self, **asked: Any) -> dict[str, Any]:
        """Run one cell; see `federation_cell.used`. An answer may be {"error": text}."""
        assert self._process.stdin is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return self._read()

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a process of the benchmark ended with code {self._process.wait()}; see above")
        return json.loads(line)


def pfl_python(folder: Path) -> str | None:
    """Return the interpreter of an environment with pfl and this project's release of torch, made where it is missing.

    Returns: its path; None where it cannot be made, after a line that says so.
    """
    python = folder / "bin" / "python"
    if (
        python.exists()
        and subprocess.run([python, "-c", "import pfl"], capture_output=True, check=False).returncode == 0
    ):
        return str(python)
    torch = f"torch=={importlib.metadata.version('torch').split('+')[0]}"
    print(f"installing {torch} and {PFL} into {folder}", file=sys.stderr)
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        made = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", torch, PFL], capture_output=True, text=True, check=False
        )
    if made.returncode:
        said = (made.stderr or made.stdout).strip().splitlines()
        print(f"pfl is left out, it cannot be installed: {said[-1] if said else made.returncode}", file=sys.stderr)
        return None
    return str(python)
