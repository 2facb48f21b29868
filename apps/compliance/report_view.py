"""A report, made for download with its signature, and what attacks on runs found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from apps.runs.run_record import RunRecord, title
from experiments.attacking import stored_attacks
from experiments.logbook import KEY
from experiments.report import build_report, render_html, render_json, render_pdf, sign
from experiments.report.plain import file_name, verify_command
from privacy.attacks import AttackResult
from privacy.log import SigningKey
from retail.errors import ConfigError

FORMATS: Final = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}
ATTACK_NAMES: Final = {
    "one_run": "Invented shoppers, told apart in one training",
    "user_canary": "Invented shoppers, found in the model",
    "membership": "Was this shopper in the data?",
    "attribute_inference": "What did this shopper buy?",
    "differencing": "Two releases, subtracted",
    "gradient_inversion": "A shopper's row from a message",
    "template_inversion": "A face from its template",
    "noise_variance": "Is there as much noise as promised?",
    "noise_independence": "Is the noise of each round new?",
}
OUTCOMES: Final = ("fail", "pass", "not tested", "not applicable")


@dataclass(frozen=True, slots=True)
class File:
    """A rendered report and its detached signature; `missing` says why there is none."""

    name: str
    mime: str
    content: bytes
    signature: bytes
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A report in every format.

    Attributes:
        title: of the report.
        files: one for each of `FORMATS`.
        verify: the command that checks one offline, by format.
        outcomes: how many rules passed, failed and so on.
        failed: sentences of its first page about what failed.
        problems: what is wrong with the logs.
        key: public key under which it is signed; empty where it is not.
    """

    title: str
    files: tuple[File, ...]
    verify: dict[str, str]
    outcomes: dict[str, int]
    failed: tuple[str, ...]
    problems: tuple[str, ...]
    key: str


def prepare(root: Path, target: str, *, packs: tuple[str, ...] | None = None) -> Prepared:
    """Build, render and sign a report. Nothing is written.

    Args:
        root: of the run store.
        target: a scenario, or a run's id.
        packs: rules to judge by; None takes those of the runs.

    Raises:
        ConfigError, PolicyError, DataError: see `experiments.report.build_report`.
        PrivacyError: the key cannot be used.
    """
    model = build_report(root, target, policy=packs)
    document = model.document()
    key = SigningKey.load(root / KEY) if (root / KEY).is_file() else None
    files = []
    for suffix, render in (("html", render_html), ("pdf", render_pdf), ("json", render_json)):
        name = file_name(document, suffix)
        try:
            content = render(model)
        except ConfigError as error:  # typst is an extra
            files.append(File(name, FORMATS[suffix], b"", b"", str(error)))
            continue
        signature = b"" if key is None else sign(content, name, key=key, model=model)
        files.append(File(name, FORMATS[suffix], content, signature))
    verdicts = [verdict.outcome for verdict in model.verdicts]
    return Prepared(
        title=model.title,
        files=tuple(files),
        verify={suffix: verify_command(document, file_name(document, suffix)) for suffix in FORMATS},
        outcomes={word: verdicts.count(word) for word in OUTCOMES},
        failed=tuple("".join(part if isinstance(part, str) else part.shown for part in one)
                     for one in model.summary.failed),
        problems=model.problems,
        key="" if key is None else key.public_hex,
    )  # fmt: skip


def attacks(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """List what attacks on runs found, breaches first.

    Returns: Run, Attack, Outcome, Found (estimate with its interval), Claim, Ceiling, Planted leak (whether the attack
        saw it, and how), Observations, In words.

    Raises:
        DataError: a file of results is damaged.
    """
    rows: list[tuple[Any, ...]] = []
    for run in runs:
        rows += [(title(run.record), *_row(result)) for result in stored_attacks(run.folder) or ()]
    columns = ["Run", "Attack", "Outcome", "Found", "Claim", "Ceiling", "Planted leak", "Observations", "In words"]
    order = {"breach": 0, "inconclusive": 1, "estimate": 2}
    rows.sort(key=lambda row: order.get(row[2], 3))
    return pd.DataFrame(rows, columns=columns)


def _row(result: AttackResult) -> tuple[str | int, ...]:
    unit = f" {result.unit}" if result.unit else ""
    upper = f"to {_number(result.hi)}" if math.isfinite(result.hi) else "or more"
    found = f"{_number(result.estimate)}{unit} (interval: {_number(result.lo)} {upper})"
    claim = "none" if result.claim is None else f"at most {_number(result.claim)}{unit}"
    ceiling = "no limit" if result.ceiling is None else f"{_number(result.ceiling)}{unit}"
    seen = "found" if result.control.fired else "NOT found"
    control = f"{seen} ({result.control.name}): {result.control.statement}"
    name = ATTACK_NAMES.get(result.name, result.name)
    return name, result.outcome, found, claim, ceiling, control, result.n, result.statement


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "not measured"
