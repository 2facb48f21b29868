"""The report as data: what every format shows, and what a verifier reads back. One frozen tree, no layout.

A `Number` names the log proof that it rests on. Everything else is words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from experiments.documents import json_ready
from experiments.report.proven import Derivation, EntryProof, HeadProof, Number, Sentence, Transcript

FORMAT: Final = "tradefair report 1"

Outcome = Literal["pass", "fail", "not applicable", "not tested"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of words: what, what is said about it, by which article, and where it comes from."""

    name: str
    text: str
    article: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one arm (or run) with its 95% interval; `met` is "met", "missed", "not measured" or ""."""

    arm: str
    label: str
    sweep: str
    name: str
    value: Number
    lo: Number
    hi: Number
    n: Number
    condition: str = ""
    met: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What one run spent; `unfinished` is what was reserved and never committed, None when nothing was."""

    run: str
    arm: str
    window: str
    dataset: str
    epsilon: Number
    delta: Number
    cap: Number
    spent: Number
    epsilon_spent: Number
    rounds: Number
    unfinished: Number | None


@dataclass(frozen=True, slots=True)
class Round:
    """One committed release of a run: its cost, and its noise as a multiple of the sensitivity."""

    run: str
    purpose: str
    key: str
    cost: Number
    noise: Number


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the replayed log says about one rule.

    Attributes:
        rule: id of the rule.
        article: what it is modelled on.
        sentence: one testable sentence.
        outcome: pass, fail, not applicable or not tested.
        why: one sentence of evidence.
        checked: logged decisions that the rule is about.
        breaches: of those, the ones that break it.
        proofs: ids of entries that show it: breaches, else decisions by this rule.
    """

    rule: str
    article: str
    sentence: str
    outcome: Outcome
    why: Sentence
    checked: Number
    breaches: Number
    proofs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Denial:
    """A request that was denied; `times` identical ones, the first of them proven."""

    time: str
    actor: str
    role: str
    action: str
    dataset: str
    kind: str
    purpose: str
    rule: str
    article: str
    times: Number
    proof: str | None


@dataclass(frozen=True, slots=True)
class Attack:
    """An empirical audit: estimate with interval, what it could have shown at most, and its positive control."""

    name: str
    run: str
    outcome: str
    estimate: Number
    lo: Number
    hi: Number
    ceiling: Number
    n: Number
    control: Sentence
    statement: str


@dataclass(frozen=True, slots=True)
class Promise:
    """The privacy-loss statement of the arms that share it."""

    arms: tuple[str, ...]
    unit: str
    neighbours: str
    trust: str
    not_covered: str
    noise: str
    epsilon: Number
    delta: Number


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of words: column headings, and rows whose first cell names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Values for a small picture; every one is printed in a table too.

    Attributes:
        kind: "bars" or "intervals".
        title: what is shown.
        unit: of the values.
        points: label, value, lo, hi (the last two equal to value in bars).
    """

    kind: Literal["bars", "intervals"]
    title: str
    unit: str
    points: tuple[tuple[str, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The first page, for a reader with one minute: the setting, and four lists of sentences."""

    setting: str
    released: tuple[Sentence, ...]
    promise: tuple[Sentence, ...]
    failed: tuple[Sentence, ...]
    not_covered: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class ReportModel:
    """Everything that a report says; make it with `build_report`.

    Attributes:
        target: scenario or run.
        scope: which of the two.
        title: heading.
        made_at: UTC time of the newest signed head, so that a store gives the same report each time.
        renderer: version and hash of the code that lays the report out.
        policy: packs, regime and fingerprint.
        problems: what is wrong with the logs; empty when all verify.
        counted: what stands behind a figure: shoppers, or days of a simulated store.
        settled: proofs, derivations, heads and transcripts, in the order of their ids.
    """

    target: str
    scope: Literal["scenario", "run"]
    title: str
    made_at: str
    origin: str
    key: str
    renderer: Mapping[str, str]
    policy: Mapping[str, Any]
    summary: Summary
    problems: tuple[str, ...]
    counted: str
    figures: tuple[Figure, ...]
    targets: tuple[Figure, ...]
    charts: tuple[Chart, ...]
    promises: tuple[Promise, ...]
    accounts: tuple[Account, ...]
    rounds: tuple[Round, ...]
    verdicts: tuple[Verdict, ...]
    matrix: Grid
    denials: tuple[Denial, ...]
    changes: Grid | None
    attacks: tuple[Attack, ...]
    consent: tuple[Fact, ...]
    consent_figures: tuple[Figure, ...]
    erasure: tuple[Fact, ...]
    processing: tuple[Fact, ...]
    assessment: tuple[Fact, ...]
    provenance: tuple[Fact, ...]
    runs: Grid
    proofs: tuple[EntryProof, ...]
    derivations: tuple[Derivation, ...]
    heads: tuple[HeadProof, ...]
    transcripts: tuple[Transcript, ...]

    def document(self) -> dict[str, Any]:
        """Return the report as JSON values, the form that every renderer and the verifier read."""
        document: dict[str, Any] = json_ready({"format": FORMAT, **asdict(self)})
        return document

    def failed(self) -> bool:
        """Whether a rule was broken or a log does not verify."""
        return bool(self.problems) or any(verdict.outcome == "fail" for verdict in self.verdicts)
