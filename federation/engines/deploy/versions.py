"""Which version of Tradefair a run was started with, and whether a party has the same."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

KEY: Final = "version"
OTHER_VERSION: Final = "this node has another version of tradefair than the run"


def installed() -> str:
    """Return the version of Tradefair that is installed here."""
    return version("tradefair")


def same_version(run_config: Mapping[str, Any]) -> bool:
    """Tell whether a run was started with the version that is installed here."""
    return str(run_config.get(KEY, "")) == installed()
