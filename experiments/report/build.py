"""Puts a report together from a run store: reads, checks, and never writes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from experiments.documents import read_json
from experiments.logbook import SCENARIO_LOG
from experiments.market.scenario import MarketScenario
from experiments.report import accounts, audits, figures, policies, processing, rules
from experiments.report.accounts import RunFiles
from experiments.report.consent import consent_of
from experiments.report.evidence import Evidence
from experiments.report.lead import STORE, about_stores, summary_of
from experiments.report.logs import public_key, read_logs
from experiments.report.model import Figure, ReportModel
from experiments.runs import RunStore
from retail.errors import ConfigError


def build_report(
    store: Path | str,
    target: str,
    *,
    policy: Sequence[str | Path] | None = None,
    since: Sequence[str | Path] | None = None,
    regimes: Sequence[str] | None = None,
    consent: Path | None = None,
    certificates: Path | None = None,
) -> ReportModel:
    """Read everything that a report says about a scenario or a run.

    Nothing is recomputed but the verdicts, the access matrix and sums over the logs; nothing is written. The same store
    gives the same report.

    Args:
        store: folder of the run store.
        target: a scenario's name, or the first digits of a run's id.
        policy: packs or folders of rules to judge by; those that the runs were made under when left out, or all
            bundled packs where the runs name none.
        since: packs or folders of an older policy: the report then lists the requests whose answer differs.
        regimes: which the access matrix compares; all when None, which takes some seconds.
        consent: file of a consent register; None says "no consent register was used".
        certificates: folder of erasure certificates; None says "none was given".

    Raises:
        ConfigError: nothing is known by that name, the scenario has no summary yet, or it is about a simulated market:
            nobody's data are in one, so that a report would find nothing to judge.
        PolicyError: a pack is unknown or wrong.
        DataError: a stored document is damaged, or a named file or folder is missing.
    """
    runs_store = RunStore(Path(store))
    scope, scenario, records, document = _find(runs_store, target)
    if any(record.get("kind") == MarketScenario.kind for record in records):
        raise ConfigError(
            f"{target} is about a simulated market, in which nobody's data are; audit its log instead: tradefair audit "
            f"{runs_store.root / scenario}/RUN/artifacts/log --rules all --report FILE.html"
        )
    runs = [accounts.read_run(record) for record in records if record["status"] == "finished"]
    key = public_key(Path(store))
    scenario_log = {scenario: Path(store) / scenario / SCENARIO_LOG}
    ended = [record for record in records if record["status"] in ("failed", "refused")]  # denials are in their logs
    failed = [accounts.read_run(record) for record in ended]
    run_logs = {run.origin: run.log for run in (*runs, *failed)}
    files = {**scenario_log, **run_logs} if scope == "scenario" else {**run_logs, **scenario_log}
    evidence = Evidence(read_logs(files, key_hex=key), scenario=scenario)
    origin = next(iter(files))
    access_origins = [*run_logs, scenario] if scope == "scenario" else list(run_logs)

    if scope == "scenario":
        differences = document["differences"] if document.get("kind") == STORE else ()
        found = (
            *figures.difference_figures(evidence, scenario, differences),
            *figures.arm_figures(evidence, scenario, document["results"]),
        )
        targets = figures.target_figures(evidence, scenario, document["targets"])
        title = document.get("title") or target
    else:
        found = _run_figures(evidence, runs_store, runs)
        targets = ()
        name = records[0].get("label") or records[0].get("arm") or "Run"
        title = f"{name}: run {records[0]['run_id'][:8]} of {scenario}"
    drawn = accounts.drawn_runs(runs)
    rounds = accounts.rounds_of(evidence, drawn)
    promises = accounts.promises_of(evidence, runs)
    spent = accounts.accounts_of(evidence, runs)
    packs, texts, described = policies.policy_of(evidence, runs, access_origins, given=policy)
    verdicts = rules.verdicts_of(evidence, access_origins, packs=packs, texts=texts)
    denials = rules.denials_of(evidence, access_origins)
    attacks = audits.attacks_of(evidence, runs)
    made_at = max((view.head.time for view in evidence.logs.views.values()), default="")
    consents, consent_figures = consent_of(evidence, list(evidence.logs.views), consent, at=made_at)
    located = rules.access_entries(evidence, access_origins)
    failures = [record for record in records if record["status"] != "finished"]
    summary = summary_of(
        evidence, scenario=scenario, scope=scope, runs=runs, failures=failures, figures=found, targets=targets,
        promises=promises, accounts=spent, verdicts=verdicts, attacks=attacks, packs=described["packs"],
        regimes=[one["regime"] for one in described["regimes"]],
    )  # fmt: skip
    return ReportModel(
        target=target if scope == "scenario" else str(records[0]["run_id"]),
        scope=scope,
        title=str(title),
        made_at=made_at,
        origin=origin,
        key=key or next((view.head.key_hex for view in evidence.logs.views.values()), ""),
        renderer=renderer(),
        policy={**described, "texts": dict(texts)},
        summary=summary,
        problems=tuple(dict.fromkeys(evidence.problems)),
        counted="Days" if about_stores(runs) else "Shoppers",
        figures=found,
        targets=targets,
        charts=(*figures.figure_charts(found), *accounts.round_charts(drawn, rounds)),
        promises=promises,
        accounts=spent,
        rounds=rounds,
        verdicts=verdicts,
        matrix=policies.matrix_of(packs, regimes),
        denials=denials,
        changes=None if since is None else policies.changes_of(since, packs, tuple(texts)),
        attacks=attacks,
        consent=consents,
        consent_figures=consent_figures,
        erasure=audits.certificates_of(certificates, key_hex=key),
        processing=processing.record_of_processing(located, runs, title=str(title)),
        assessment=processing.impact_assessment(
            located=located, promises=promises, accounts=spent, verdicts=verdicts, attacks=attacks,
            consent_named=consent is not None,
        ),
        provenance=processing.provenance_of(runs),
        runs=processing.runs_of(records),
        proofs=evidence.proofs(),
        derivations=evidence.derivations(),
        heads=evidence.heads(),
        transcripts=evidence.transcripts(),
    )  # fmt: skip


@lru_cache
def renderer() -> dict[str, str]:
    """Name the code that lays reports out: its version, and a hash of its files, which a verifier compares."""
    digest = hashlib.sha256()
    folder = resources.files("experiments.report")
    for path in sorted(folder.iterdir(), key=lambda one: one.name):
        if path.is_file() and path.name.rpartition(".")[2] in ("py", "html", "css", "typ"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    try:
        installed = version("tradefair")
    except PackageNotFoundError:
        installed = "unknown"
    return {"version": installed, "code": digest.hexdigest()[:16]}


def _find(
    store: RunStore, target: str
) -> tuple[Literal["scenario", "run"], str, list[dict[str, Any]], Mapping[str, Any]]:
    """Return what a target is, its scenario, the records of its runs, and the scenario's summary."""
    if not store.root.is_dir():
        raise ConfigError(f"there is no run store at {store.root}; run a scenario first, or name it with --store")
    if target in store.scenarios():
        summary = read_json(store.root / target / "summary.json")
        if summary is None:
            raise ConfigError(f"scenario {target!r} has no summary yet; run it to the end first (store: {store.root})")
        known = set(summary["runs"])
        records = [
            record for record in store.records(target) if record["run_id"] in known or record["status"] != "finished"
        ]
        order = {run: place for place, run in enumerate(summary["runs"])}
        records.sort(key=lambda record: (order.get(record["run_id"], len(order)), record["run_id"]))
        return "scenario", target, records, summary
    if not target:
        raise ConfigError("name a scenario, or the first digits of a run's id; see `tradefair runs list`")
    record = store.find(target)
    if record["status"] != "finished":
        raise ConfigError(f"run {record['run_id']} is {record['status']}; a report is about a finished run")
    return "run", str(record["scenario"]), [record], {}


def _run_figures(evidence: Evidence, store: RunStore, runs: Sequence[RunFiles]) -> tuple[Figure, ...]:
    run = runs[0]
    table = store.run_metrics(str(run.record["scenario"]), run.id)
    rows: list[dict[str, Any]] = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    return figures.run_figures(evidence, run.origin, rows, arm=str(run.record["arm"]))
