"""Reports that a lawyer can read and a stranger can verify: one model, three formats, a proof behind each number.

Enters: a run store with its logs, and the name of a scenario or the first digits of a run's id.
Leaves: HTML, PDF or JSON as bytes, a detached signature, and the verdict on a report that somebody hands you.

    model = build_report(Path("runs"), "demo")
    page = render_html(model)                                          # or render_pdf, render_json
    signature = sign(page, "demo.html", key=key, model=model)          # write it beside the page as demo.html.sig
    found = verify_report(Path("demo.html"), key_hex=key.public_hex)
    print(found.ok, found.problems)

`docs/report.md` says what stands in a report and what its proofs prove.
"""

from experiments.report.build import build_report
from experiments.report.html import render_html
from experiments.report.model import ReportModel
from experiments.report.pdf import render_pdf
from experiments.report.plain import render_json
from experiments.report.proven import Number
from experiments.report.signature import sign, write_report
from experiments.report.verify import verify_report

__all__ = [
    "Number",
    "ReportModel",
    "build_report",
    "render_html",
    "render_json",
    "render_pdf",
    "sign",
    "verify_report",
    "write_report",
]
