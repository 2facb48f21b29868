"""The report as PDF by typst: tagged (PDF/UA-1), for archives (PDF/A-3a), with its data attached as JSON."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from experiments.report import charts
from experiments.report.html import SECTIONS, attack_target, cards, tested, untouched
from experiments.report.model import ReportModel
from experiments.report.plain import document_bytes, file_name, verify_command
from experiments.report.text import moment, printable
from retail.errors import ConfigError

STANDARDS: Final = ("ua-1", "a-3a")
ATTACHMENT: Final = "report.json"
INSTALL: Final = ".venv/bin/pip install 'typst>=0.15,<0.16'"


def render_pdf(model: ReportModel) -> bytes:
    """Return the report as PDF, the same bytes for the same report and the same version of typst.

    The file is tagged after PDF/UA-1 and follows PDF/A-3a; typst refuses to write it otherwise. The whole report, with
    its proofs, is attached as `report.json`. Letters that typst's own fonts lack (Chinese, for one) are shown as their
    code point; the HTML shows them as they are.

    Raises:
        ConfigError: typst is not installed, or cannot lay the report out.
    """
    return pdf_of(model.document())


def pdf_of(document: Mapping[str, Any]) -> bytes:
    """Lay out a report's document; the verifier calls it again to compare what is printed.

    Raises:
        ConfigError: as for `render_pdf`.
    """
    typst = _typst()
    pictures = [
        {
            "kind": chart["kind"],
            "svg": charts.svg(chart, number=place, colours=charts.PAPER, show=printable),
            "alt": charts.alternative(chart),
            "title": chart["title"],
        }
        for place, chart in enumerate(document["charts"])
    ]
    page = {
        **{key: value for key, value in document.items() if key != "transcripts"},
        "pictures": pictures,
        "cards": [{"title": title, "sentences": sentences} for title, _, sentences in cards(document)],
        "command": verify_command(document, file_name(document, "pdf")),
        "attack_target": attack_target(document),
        "sections": dict(SECTIONS),
        "tested": tested(document),
        "untouched": untouched(document),
        "made_at": moment(document["made_at"]),
    }
    page["heads"] = [{**one, "head": {**one["head"], "time": moment(one["head"]["time"])}} for one in document["heads"]]
    page["denials"] = [{**one, "time": moment(one["time"])} for one in document["denials"]]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = resources.files("experiments.report") / "report.typ"
        (root / "report.typ").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        (root / "page.json").write_text(json.dumps(_printable(page)), encoding="utf-8")
        (root / ATTACHMENT).write_bytes(document_bytes(document))
        try:
            compiled: bytes = typst.compile(
                str(root / "report.typ"),
                root=str(root),
                ignore_system_fonts=True,
                format="pdf",
                pdf_standards=list(STANDARDS),
                timestamp=_timestamp(document["made_at"]),
            )
        except typst.TypstError as error:
            raise ConfigError(
                f"typst could not lay out the report as PDF ({error}); use --format html, and report this as a bug"
            ) from error
    return compiled


def typst_version() -> str:
    """Return the version of typst, "" where it is not installed."""
    try:
        return str(_typst().__version__)
    except ConfigError:
        return ""


def _typst() -> Any:
    try:
        import typst
    except ImportError:
        raise ConfigError(
            f"a report as PDF needs typst, which is not installed; run `{INSTALL}`, or use --format html"
        ) from None
    return typst


def _timestamp(made_at: str) -> int:
    """Seconds since 1970 of the newest head, so that the clock of this machine never enters the file."""
    try:
        moment = dt.datetime.fromisoformat(made_at)
    except ValueError:
        return 0
    return max(0, int(moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp()))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: inner if key == "svg" else _printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]
    return value
