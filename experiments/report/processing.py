"""Record of processing (GDPR 30), impact assessment (35(7)), provenance: words from what was logged and stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from experiments.documents import read_json
from experiments.report.accounts import RunFiles
from experiments.report.evidence import Located
from experiments.report.model import Account, Attack, Fact, Grid, Promise, Verdict
from privacy.access import schema as a

_LOG: Final = "access log"
_RUNS: Final = "files of the runs"
_CONTROLLER: Final = "the controller must add it"
_UNKNOWN: Final = "Not recorded here."


def record_of_processing(located: Sequence[Located], runs: Sequence[RunFiles], *, title: str) -> tuple[Fact, ...]:
    """Return GDPR 30(1)(a) to (g), filled from the access log and the runs' settings, with gaps named as gaps."""
    bodies = [entry.body for _, entry in located]
    allowed = [body for body in bodies if body.get(a.DECISION) == a.ALLOW]
    about = [body for body in allowed if body.get(a.ABOUT_PERSONS) is True]
    actors = sorted({f"{body.get(a.ROLE) or 'not registered'}" for body in about})
    kinds = sorted({f"{body.get(a.KIND) or 'unknown kind'} ({body.get(a.FORM) or 'unknown form'})" for body in about})
    places = sorted({str(body.get(a.JURISDICTION)) for body in bodies} - {"none", "None", ""})
    sources = sorted({str(run.settings.get("data", {}).get("source", "")) for run in runs} - {""})
    private = any(run.private for run in runs)
    no_log = _UNKNOWN + " There is no access log."
    return (
        Fact("Controller, representative, data protection officer", _UNKNOWN, "30(1)(a)", _CONTROLLER),
        Fact(
            "Purposes",
            f"{title}. Purposes named in allowed requests: {_listed({str(b.get(a.PURPOSE)) for b in allowed})}"
            if bodies else no_log,
            "30(1)(b)", _LOG,
        ),
        Fact(
            "Categories of people",
            f"Shoppers of the merchants in data source {_listed(sources)}; a public or generated source is no "
            "processing of customers' data, a folder of a merchant is.",
            "30(1)(c)", _RUNS,
        ),
        Fact("Categories of personal data", f"{_listed(kinds)}" if bodies else no_log, "30(1)(c)", _LOG),
        Fact("Recipients", f"{_listed(actors)}" if bodies else no_log, "30(1)(d)", _LOG),
        Fact(
            "Transfers to third countries",
            "None is recorded by the software. "
            + (f"Requests were judged under the law of {_listed(places)}." if places else "No place was named."),
            "30(1)(e)", _LOG if bodies else _CONTROLLER,
        ),
        Fact(
            "Time limits for erasure", _UNKNOWN + " Runs stay in the store until they are deleted.", "30(1)(f)",
            _CONTROLLER,
        ),
        Fact(
            "Security measures",
            "Policy check before each read; budget ledger that refuses when spent; tamper-evident log with signed "
            "heads; " + ("clipping and noise for arms with an epsilon." if private else "no noise: no arm has any."),
            "30(1)(g), 32", _RUNS,
        ),
    )  # fmt: skip


def impact_assessment(
    *,
    located: Sequence[Located],
    promises: Sequence[Promise],
    accounts: Sequence[Account],
    verdicts: Sequence[Verdict],
    attacks: Sequence[Attack],
    consent_named: bool,
) -> tuple[Fact, ...]:
    """Return the four parts of GDPR 35(7), as far as logs and runs can speak to them."""
    failed = [verdict.rule for verdict in verdicts if verdict.outcome == "fail"]
    untested = [verdict.rule for verdict in verdicts if verdict.outcome == "not tested"]
    purposes = {str(entry.body.get(a.PURPOSE)) for _, entry in located}
    arms = [arm for promise in promises for arm in promise.arms]
    over = bool(accounts) and any(
        one.cap.value is not None and one.spent.value is not None and one.spent.value > one.cap.value
        for one in accounts
    )
    return (
        Fact(
            "Description of the processing",
            f"See the record of processing. Purposes in the log: {_listed(purposes)}." if located
            else "See the record of processing. There is no access log, so purposes cannot be listed.",
            "35(7)(a)", _LOG,
        ),
        Fact(
            "Necessity and proportionality",
            "The arms without shared data and with pooled raw data stand in the figures: what sharing adds, and what "
            "privacy costs, can be read off their differences. "
            + ("Whether each person agreed was checked in a consent register." if consent_named
               else "No consent register was used: this holds for public data only."),
            "35(7)(b)", _RUNS,
        ),
        Fact(
            "Risks to people",
            "Somebody who sees what was released may learn whether a person took part, or what that person bought. "
            + (f"For {_listed(arms)} the privacy-loss statement bounds that. " if arms else "No arm bounds that. ")
            + ("Attacks were tried: see the empirical audit." if attacks else "No attack was tried.")
            + (" Rules were broken: " + _listed(failed) + "." if failed else ""),
            "35(7)(c)", _LOG,
        ),
        Fact(
            "Measures",
            ("A budget was overspent: stop releasing. " if over
             else "No logged release passed its budget. " if accounts else "No budget was set. ")
            + (f"Rules without a test: {_listed(untested)}. " if untested
               else "Every rule was tested or does not apply. ")
            + "What remains open stands under what is not covered.",
            "35(7)(d)", _LOG,
        ),
        Fact("Views of the people concerned, prior consultation", _UNKNOWN, "35(9), 36", _CONTROLLER),
    )  # fmt: skip


def provenance_of(runs: Iterable[RunFiles]) -> tuple[Fact, ...]:
    """Return what code, packages, machine and data stand behind the runs; differing values are listed."""
    values: dict[str, dict[str, None]] = {}
    for run in runs:
        stored = read_json(Path(run.record["path"]) / "provenance.json") or {}
        flat = {key: value for key, value in stored.items() if key not in ("packages", "run_id", "seed", "log")}
        flat |= {f"package {name}": version for name, version in stored.get("packages", {}).items()}
        for key, value in flat.items():
            values.setdefault(key, {})[_text(value)] = None
    spans = {"started": min, "ended": max}
    return tuple(
        Fact(
            _NAMES.get(key, key),
            spans[key](found) if key in spans else _listed(found, most=6),
            source="provenance.json",
        )
        for key, found in values.items()
    )


def runs_of(records: Iterable[Mapping[str, Any]]) -> Grid:
    """Return the runs of a store with their state, also those that failed."""
    rows = []
    for record in records:
        where = f"window {record.get('origin', '-')}, seed {record.get('seed', '-')}"
        why = str(record.get("message") or "") if record["status"] in ("failed", "refused") else ""
        rows.append((str(record["run_id"]), str(record.get("arm", "-")), where, str(record["status"]), why))
    return Grid(("Run", "Arm", "Where", "State", "Why"), tuple(rows))


_NAMES: Final = {
    "code_version": "Code (hash of the source)",
    "commit": "Commit",
    "dirty": "Local changes on top of it",
    "data_sha256": "Data (fingerprint)",
    "started": "First start",
    "ended": "Last end",
    "python": "Python",
    "platform": "Platform",
    "cpus": "Processors",
}


def _listed(words: Iterable[str], *, most: int = 12) -> str:
    names = sorted(words) if isinstance(words, set) else list(words)
    if not names:
        return "none"
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)
