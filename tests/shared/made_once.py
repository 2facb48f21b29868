"""A folder that is made once in a test run, however many pytest-xdist workers read it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder `name` of the run, made by whoever needs it first; nobody may write to it afterwards.

    Args:
        factory: the worker's.
        name: of the folder, unique in the run.
        make: fills it; gets its path, at which there is nothing yet.
    """
    own = factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, whole = root / name, root / f"{name}.whole"
    with FileLock(root / f"{name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a worker left that failed to make it
            make(folder)
            whole.touch()
    return folder
