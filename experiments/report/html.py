"""The report as one HTML page: inline style, no script, no request, readable on paper, phone and screen reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from experiments.report import charts
from experiments.report.model import ReportModel
from experiments.report.plain import document_bytes, file_name, verify_command
from experiments.report.text import moment, visible

BLOCK: Final = "report"
"""Id of the script block that holds the report as JSON."""

SECTIONS: Final = (
    ("summary", "In short"),
    ("verify", "Verify this report"),
    ("figures", "Figures"),
    ("targets", "Targets"),
    ("privacy", "Privacy-loss statement"),
    ("rules", "Verdict for each rule"),
    ("matrix", "Who may read what, by regime"),
    ("denied", "Denied requests"),
    ("audit", "Empirical audit"),
    ("consent", "Consent and withdrawal"),
    ("erasure", "Erasure certificates"),
    ("processing", "Record of processing"),
    ("assessment", "Impact assessment"),
    ("changes", "Changes of the policy"),
    ("provenance", "Provenance"),
    ("heads", "Signed heads of the logs"),
    ("proofs", "Proofs"),
)


def render_html(model: ReportModel) -> bytes:
    """Return the report as one HTML file, the same bytes for the same report.

    Every text is escaped, and characters that would hide or reorder what stands around them are shown as their code
    point.
    """
    return html_of(model.document())


def html_of(document: Mapping[str, Any]) -> bytes:
    """Render a report's document; the verifier calls it again to compare what is printed."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"json_number": json.dumps, "thousands": "{:,d}".format, "moment": moment}
    source = resources.files("experiments.report")
    template = environment.from_string((source / "report.html").read_text(encoding="utf-8"))
    page = template.render(
        r=document,
        css=Markup((source / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        contents=[(id_, name) for id_, name in SECTIONS if _present(document, id_)],
        cards=cards(document),
        tested=tested(document),
        untouched=untouched(document),
        verify_command=verify_command(document, file_name(document, "html")),
        attack_target=attack_target(document),
        draw=_draw(document),
        block=Markup(_block(document)),  # noqa: S704 - "<", ">" and "&" are escaped below
    )
    return page.encode()


def cards(document: Mapping[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Return the four parts of the first page: title, tone, sentences."""
    summary = document["summary"]
    failed = summary["failed"]
    grave = (
        bool(document["problems"])
        or any(one["outcome"] == "fail" for one in document["verdicts"])
        or any(one["outcome"] == "breach" for one in document["attacks"])
    )
    nothing = [["Nothing among what was tested."]]
    return [
        ("What was released", "", summary["released"]),
        ("Under which promise", "", summary["promise"]),
        (
            "What failed",
            "bad" if grave else "warn" if failed else "good",
            failed or nothing,
        ),
        ("What is not covered", "", summary["not_covered"]),
    ]


def tested(document: Mapping[str, Any]) -> list[Any]:
    """Return the verdicts that say something, breaches first and what could not be tested next."""
    order = ("fail", "not tested", "pass")
    found = [one for one in document["verdicts"] if one["outcome"] in order]
    return sorted(found, key=lambda one: order.index(one["outcome"]))


def untouched(document: Mapping[str, Any]) -> list[Any]:
    """Return the verdicts on rules that do not apply."""
    return [one for one in document["verdicts"] if one["outcome"] == "not applicable"]


def attack_target(document: Mapping[str, Any]) -> str:
    """Name a run to attack in the command that is shown: a private one where there is one."""
    accounts = document["accounts"]
    run = accounts[0]["run"] if accounts else document["target"]
    return str(run)


def _present(document: Mapping[str, Any], section: str) -> bool:
    return section not in ("targets", "changes") or bool(document[section])


def _draw(document: Mapping[str, Any]) -> Any:
    numbers = {id(chart): place for place, chart in enumerate(document["charts"])}
    return lambda chart: Markup(charts.svg(chart, number=numbers[id(chart)]))  # noqa: S704 - escaped by charts


def _block(document: Mapping[str, Any]) -> str:
    text = document_bytes(document).decode("ascii")
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _finalize(value: Any) -> Any:
    return visible(value) if type(value) is str else value
