"""The newest tables of a store, each as one sentence with its interval and the runs behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.chart_words import runs_behind
from apps.plain_text import plain
from apps.runs.findings import headline
from apps.runs.kept_files import kept
from apps.runs.stored_results import read_results
from experiments.documents import read_json
from experiments.runs import RunStore
from retail.errors import DataError, TradefairError

KINDS = {
    "recommendation": "Recommendations",
    "store": "Store layout",
    "faces": "Faces",
    "market": "Marketplace",
    "audience": "Audience",
}
"""What people call the kinds of scenarios."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What a scenario found.

    Attributes:
        scenario: its name.
        kind: of the scenario, as people call it.
        sentence: the finding, ready for Markdown.
        detail: its interval and what qualifies it, ready for Markdown.
        behind: how many runs, and which is the first.
        trouble: what is wrong with the table; the rest is empty then.
    """

    scenario: str
    kind: str = ""
    sentence: str = ""
    detail: str = ""
    behind: str = ""
    trouble: str = ""


def headlines(store: RunStore, *, most: int = 6) -> list[Headline]:
    """Return what the newest tables say, the newest first; damaged ones say so."""
    paths = [store.root / name / "summary.json" for name in store.scenarios()]
    dated = sorted(((path.stat().st_mtime, path) for path in paths if path.is_file()), reverse=True)
    found = []
    for _, path in dated[:most]:
        name = path.parent.name
        try:
            found.append(_headline(store, name, store.document(path)))
        except TradefairError as error:
            found.append(Headline(name, trouble=plain(error)))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            found.append(Headline(name, trouble=plain(f"{path} is no summary of this version ({error!r})")))
    return found


def _headline(store: RunStore, name: str, document: Any) -> Headline:
    if not isinstance(document, Mapping):
        raise DataError(f"{store.root / name / 'summary.json'} is no table; run the scenario again")
    kind = str(document.get("kind", "recommendation"))
    sentence, detail = _SENTENCES[kind](store, name, document)
    runs = [str(one) for one in document["runs"]]
    behind = (runs_behind(runs) or "0 runs") + _ended(store.root / name, runs)
    missing = len(document["failures"]) + len(document["unfinished"])
    behind += f"; {missing} more gave nothing" if missing else ""
    return Headline(name, KINDS.get(kind, kind), sentence, detail, f"{behind}.")


def _ended(folder: Path, runs: Sequence[str]) -> str:
    """Say when the first run ended, by its own record; a file's time would be that of a copy."""
    file = folder / runs[0] / "provenance.json" if runs else None
    if file is None or not file.is_file():
        return ""
    ended = str(kept(file, read_json).get("ended", ""))
    return f", which ended {ended[:16].replace('T', ' ')} UTC" if ended else ""


def _recommendation(store: RunStore, name: str, document: Mapping[str, Any]) -> tuple[str, str]:
    results = read_results(store, name)
    if results is None:
        raise DataError(f"{name}: its table is gone; run the scenario again")
    point = results.points[-1]
    metric = point.metrics[0] if point.metrics else ""
    found = headline(point, metric)
    return plain(found.sentence), found.detail


def _store(store: RunStore, name: str, document: Mapping[str, Any]) -> tuple[str, str]:
    from apps.store import table as store_table
    from apps.store.view import headline as store_headline
    from apps.store.view import leading_line

    lines = store_table.lines(document)
    if not lines:
        return _targets(document)
    first = [line for line in lines if (line.arm, line.sweep) == (lines[0].arm, lines[0].sweep)]
    mine = [line for line in first if line.reference == first[0].reference]
    labels = {row["arm"]: row["label"] for row in document["rows"]}
    leading = next((str(row["leading"]) for row in document["rows"] if row.get("leading")), "")
    sentence = store_headline(mine, plain(labels.get(mine[0].arm, mine[0].arm)), leading=leading)
    lead = leading_line(mine, leading=leading)
    if lead is None:
        return sentence, f"{mine[0].days} paired days."
    cells = store_table.cells(lead)
    known = {"from days and parameters": cells["With parameters"], "from the days alone": cells["Simulation noise"]}
    interval = next((f" {ends}, 95% interval {of}" for of, ends in known.items() if ends != "-"), "")
    written = plain(f"{lead.label} {cells['Difference']} {lead.unit}{interval}".replace(" ,", ","))
    return sentence, f"{written[:1].upper()}{written[1:]}; {lead.days} paired days."


def _faces(store: RunStore, name: str, document: Mapping[str, Any]) -> tuple[str, str]:
    from apps.faces.results import finding, points_of

    where, rows = list(points_of(document["rows"]).items())[-1]
    return plain(finding(rows, document["differences"], where)), "95% intervals, people and seeds drawn anew."


def _market(store: RunStore, name: str, document: Mapping[str, Any]) -> tuple[str, str]:
    from apps.market import table as market_table
    from apps.market import words as market_words

    where = market_table.point(document["rows"][-1]["sweep"])
    rows = [row for row in document["rows"] if market_table.point(row["sweep"]) == where]
    if rows[0]["method"] == "signs":
        return plain(market_words.signs_finding(rows)), ""
    references = market_table.references(document)
    others = [row for row in rows if references and row["arm"] != references[0]]
    if not others:
        return _targets(document)
    row = next((one for one in others if one["regime"] == "firewall"), others[0])
    sides = tuple(one for one in market_table.SIDES if one != "welfare")
    gains = [one for one in market_table.gains(document, sides, references[0], where) if one.arm == row["arm"]]
    label = next(str(one["label"]) for one in rows if one["arm"] == references[0])
    return market_words.plain_sentences(market_words.finding(row["label"], gains)), (
        f"Against {plain(label)}, in {market_words.MONEY}; 95% intervals over simulated markets."
    )


def _audience(store: RunStore, name: str, document: Mapping[str, Any]) -> tuple[str, str]:
    from apps.audiences import lookalike
    from apps.audiences import table as audience_table
    from apps.audiences.results import against, finding, known_method

    audience_table.check_audience(document, store.root / name / "summary.json")
    method = known_method(document, name)
    where, rows = list(audience_table.points(document["rows"]).items())[-1]
    if rows[0]["method"] == "lookalike":
        sentence, detail = lookalike.headline(document, rows, where)
        if sentence:
            return plain(sentence), plain(detail)
    names = [one for one in method.columns if one in method.figures and audience_table.measured(rows, one)]
    metric = names[0] if names else ""
    return plain(finding(method, document, rows, metric, where)), plain(against(method, document, rows, metric, where))


def _targets(document: Mapping[str, Any]) -> tuple[str, str]:
    """Say what can be said of any table: how many targets were met, and what was measured for the first."""
    targets = [one for one in document["targets"] if one["met"] is not None]
    title = plain(document["title"] or document["scenario"])
    if not targets:
        return title, ""
    met, first = sum(one["met"] for one in targets), targets[0]
    ends = [math.nan if first[key] is None else float(first[key]) for key in ("value", "lo", "hi")]
    interval = "" if math.isnan(ends[1]) else f", 95% interval {ends[1]:.4g} to {ends[2]:.4g}"
    return f"{title}: {met} of {len(targets)} targets met", plain(f"{first['name']} is {ends[0]:.4g}{interval}.")


_SENTENCES = {
    "recommendation": _recommendation,
    "store": _store,
    "faces": _faces,
    "market": _market,
    "audience": _audience,
}
