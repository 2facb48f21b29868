"""The report as JSON, and the command that verifies it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.report.model import ReportModel


def render_json(model: ReportModel) -> bytes:
    """Return the report as JSON (ASCII, indented): the same bytes for the same report."""
    return document_bytes(model.document())


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a report's document as JSON; what the HTML holds as a block and the PDF as an attached file."""
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def verify_command(document: Mapping[str, Any], name: str | Path) -> str:
    """Return the command that checks a report offline.

    Args:
        document: the report.
        name: of the report's file; the signature lies beside it.
    """
    key = document["key"]
    return f"tradefair log verify {shlex.quote(str(name))}" + (f" --key {key}" if key else "")


def file_name(document: Mapping[str, Any], suffix: str) -> str:
    """Return the name that a report gets unless the user gives another: `demo-report.html`."""
    return f"{document['target']}-report.{suffix}"
