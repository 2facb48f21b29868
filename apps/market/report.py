"""Verdicts on a market's log as text cells, Markdown and one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from apps.market.words import joined
from privacy.rules import NAMES, Design, Power, Verdict
from privacy.rules.design import ACCESS, DATA, RANKING, TARGETING
from privacy.rules.verdict import counted
from retail.market_log import MarketLog

HEADS: Final = ("rule", "verdict", "effect", "95% interval", "margin", "unit", "p", "adjusted p", "n")
CURVE_HEADS: Final = ("specification", "effect", "95% interval", "p")
WORDS: Final[Mapping[str, str]] = {"breach": "BREACH", "no_evidence": "no evidence", "inconclusive": "inconclusive"}
RULES: Final[Mapping[str, str]] = {
    RANKING: "Ranking neutrality",
    DATA: "Use of non-public data",
    ACCESS: "Access and portability",
    TARGETING: "Targeting",
}
MEANING: Final = (
    "Breach: above the margin beyond chance, or rows prove it. No evidence: not above it beyond chance, which does not "
    "prove that nothing happens. Inconclusive: this log cannot tell."
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of a market</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b;
  background: #fff; }
p { overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #bbb; padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { font-weight: 600; }
</style>
</head>
<body>
<h1>Audit of a market</h1>
<p><strong>{{ d.finding }}.</strong></p>
<p>{{ d.folder }}</p>
{% for line in d.declared %}<p>{{ line }}</p>
{% endfor %}
{{ table(d.heads, d.rows) }}
<p>{{ d.meaning }}</p>
{% for part in d.parts %}<h2>{{ part.title }}</h2>
{% for line in part.lines %}<p>{{ line }}</p>
{% endfor %}{% for one in part.tables %}<h3>{{ one.title }}</h3>
{{ table(one.heads, one.rows) }}
{% endfor %}{% endfor %}</body>
</html>
"""
_TABLE: Final = """{% macro table(heads, rows) %}<table>
<thead><tr>{% for head in heads %}<th scope="col">{{ head }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table>{% endmacro %}"""


def verdict_title(verdicts: Sequence[Verdict]) -> str:
    """Say in one sentence what was found."""
    named = {word: [RULES[one.rule].lower() for one in verdicts if one.outcome == word] for word in WORDS}
    if named["breach"]:
        return f"{len(named['breach'])} of {len(verdicts)} rules breached: {joined(named['breach'])}"
    if not named["no_evidence"]:
        return f"Inconclusive: this log cannot tell about {joined(named['inconclusive'])}"
    text = f"No evidence of a breach in {joined(named['no_evidence'])}, which is no proof that there is none"
    return text + (f"; {joined(named['inconclusive'])} inconclusive" if named["inconclusive"] else "")


def number(value: float | None) -> str:
    """Write a figure; a dash where there is none."""
    if value is None or value != value:
        return "-"
    return f"{value:.4g}"


def cells(verdict: Verdict) -> list[str]:
    """Return one row of the table of verdicts, in the order of `HEADS`."""
    interval = "-" if verdict.lo != verdict.lo else f"[{number(_end(verdict.lo))}, {number(_end(verdict.hi))}]"
    n = counted(verdict.n, verdict.n_unit)
    figures = [number(verdict.effect), interval, number(verdict.margin), verdict.unit]
    return [
        verdict.rule, WORDS[verdict.outcome], *figures, number(verdict.p), number(verdict.adjusted_p), n,
    ]  # fmt: skip


def _end(value: float) -> float:
    """Return an end of an interval without the rest that rounding leaves of 0."""
    return 0.0 if abs(value) < 1e-12 else value


def declared_lines(design: Design, log: MarketLog, verdicts: Sequence[Verdict], *, every: bool) -> list[str]:
    """Say what was fixed before the log was looked at, and what was not looked at.

    Args:
        design: of the audit.
        log: that was audited.
        verdicts: on it.
        every: whether all rules were asked for, so that those without a table are named.
    """
    audited = [one.rule for one in verdicts]
    lines = [
        f"Level {design.alpha:g} over all rules together (Holm). Margins: "
        + ", ".join(f"{name} {design.margin(name):g}" for name in audited)
        + "."
    ]
    if RANKING in audited:
        used = log.qualities if design.qualities is None else design.qualities
        lines.append(f"Logged quality: {', '.join(used) or 'none'}.")
        if design.unlogged:
            lines.append("Declared: the ranking also uses quality that is not logged.")
    named = [one for one in design.own_arm if one not in Design().own_arm]
    if DATA in audited and named:
        lines.append(f"Declared: the own-label arm in reads is also {', '.join(named)}.")
    missing = [name for name in NAMES if name not in audited]
    if every and missing:
        lines.append(f"Not audited, as their tables are missing: {', '.join(missing)}.")
    return [*lines, *(f"note: {note}" for note in log.notes)]


def power_text(found: Power) -> str:
    """Say in a sentence what an audit of this size would find, with the rule's name before it."""
    return f"{found.rule}: a{power_words(found)[1:]}"


def power_words(found: Power) -> str:
    """Say in a sentence what an audit of this size would find."""
    needed = f"no number of {found.unit} gives" if found.needed is None else f"{counted(found.needed, found.unit)} give"
    return (
        f"A true effect of {found.effect:g} would be found with power {found.power:.2f} by "
        f"{counted(found.n, found.unit)}; {needed} {found.wanted:g} ({found.basis})."
    )


def document(
    folder: str, declared: Sequence[str], verdicts: Sequence[Verdict], powers: Sequence[Power]
) -> dict[str, Any]:
    """Put together what Markdown and HTML show, as text cells."""
    parts = [_part(one) for one in verdicts]
    if powers:
        parts.append({"title": "What an audit would find", "lines": [power_text(one) for one in powers], "tables": []})
    rows = [cells(one) for one in verdicts]
    return {"finding": verdict_title(verdicts), "folder": folder, "declared": list(declared), "heads": HEADS,
            "rows": rows, "meaning": MEANING, "parts": parts}  # fmt: skip


def _part(verdict: Verdict) -> dict[str, Any]:
    lines = [verdict.reason]
    for name, inner in (("From rows", verdict.exact), ("From outside", verdict.statistical)):
        if inner is not None:
            lines.append(f"{name}: {WORDS[inner.outcome]}. {inner.reason}")
    lines.append("; ".join(f"{what} {count:,}" for what, count in verdict.observations) + ".")
    tables = []
    asked = verdict if verdict.curve or verdict.statistical is None else verdict.statistical
    if asked.curve:
        rows = [
            [one.name, number(one.effect), f"[{number(one.lo)}, {number(one.hi)}]", number(one.p)]
            for one in asked.curve
        ]
        tables.append({"title": "Asked in other ways", "heads": CURVE_HEADS, "rows": rows})
    if verdict.rows:
        heads = list(verdict.rows[0])
        rows = [[str(row[name]) for name in heads] for row in verdict.rows]
        tables.append({"title": "Rows that prove it", "heads": heads, "rows": rows})
    return {"title": f"{verdict.rule}: {WORDS[verdict.outcome]}", "lines": lines, "tables": tables}


def html(content: Mapping[str, Any]) -> bytes:
    """Render one page without script or request; every text is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=_visible)
    return environment.from_string(_TABLE + _PAGE).render(d=content).encode()


def markdown(content: Mapping[str, Any]) -> bytes:
    """Render Markdown; signs that would start a table cell, a link or HTML are escaped."""
    lines = ["# Audit of a market", "", f"**{_plain(content['finding'])}.**", "", _plain(content["folder"]), ""]
    for one in content["declared"]:
        lines += [_plain(one), ""]
    lines += [*_table(content["heads"], content["rows"]), "", content["meaning"], ""]
    for part in content["parts"]:
        lines += [f"## {_plain(part['title'])}", ""]
        for one in part["lines"]:
            lines += [_plain(one), ""]
        for table in part["tables"]:
            lines += [f"### {_plain(table['title'])}", "", *_table(table["heads"], table["rows"]), ""]
    return ("\n".join(lines).rstrip() + "\n").encode()


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    written = [[_plain(cell) for cell in row] for row in [heads, *rows]]
    return [f"| {' | '.join(row)} |" for row in [written[0], ["---"] * len(heads), *written[1:]]]


def _plain(text: object) -> str:
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))
    return "".join(f"\\{letter}" if letter in "\\|<>[]`*_" else letter for letter in shown)


def _visible(value: object) -> object:
    if not isinstance(value, str):
        return value
    from markupsafe import Markup

    if isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in value)
