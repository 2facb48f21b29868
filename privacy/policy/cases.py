"""Cases: for each rule a request that it decides and the nearest one that it does not, in a table beside the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from privacy.policy.compiled import compile_texts
from privacy.policy.domain import sample_register
from privacy.policy.engine import PolicyEngine, Verdict
from privacy.policy.request import Context, Request
from privacy.policy.sources import CASES_FILE, PACKS, PACKS_FOLDER, REGIME_PACK, load_texts, source_folder
from privacy.policy.table import Problem, read_cells
from privacy.policy.vocabulary import ACTIONS, CONSENTS, JURISDICTIONS, PURPOSES
from privacy.regimes import REGIMES
from retail.errors import PolicyError

RULE: Final = "rule"
EXPECT: Final = "expect"
REGIME: Final = "regime"
ALLOW: Final = "allow"
DENY: Final = "deny"
_REQUEST: Final = ("actor", "action", "dataset", "purpose")
_CHOICES: Final = {
    EXPECT: (ALLOW, DENY),
    REGIME: (*REGIMES, ""),
    "action": ACTIONS,
    "purpose": PURPOSES,
    "consent": CONSENTS,
    "jurisdiction": JURISDICTIONS,
    "minor": ("yes", "no"),
    "guardian": ("yes", "no"),
    "alternative": ("yes", "no"),
}
COLUMNS: Final = (RULE, EXPECT, REGIME, *_REQUEST, "consent", "jurisdiction", "minor", "guardian", "alternative")


@dataclass(frozen=True, slots=True)
class Case:
    """One row.

    Attributes:
        file, line: where it stands.
        rule: id of the rule that it tests.
        allow: the expected answer.
        regime: id of a regime; empty for none.
        request: names parties and data sets of the sample world (see `domain`).
    """

    file: str
    line: int
    rule: str
    allow: bool
    regime: str
    request: Request

    @property
    def features(self) -> tuple[object, ...]:
        """What may differ between a denied request and its nearest allowed one."""
        context = tuple(getattr(self.request.context, field.name) for field in fields(Context))
        return (self.regime, *(getattr(self.request, name) for name in _REQUEST), *context)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that came out otherwise.

    Attributes:
        case: the row.
        why: what happened instead.
    """

    case: Case
    why: str


def read_cases(path: Path) -> list[Case]:
    """Read a table of cases.

    Raises: PolicyError: a wrong header, or wrong cells; the message names every one.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    register = sample_register()
    try:
        for line, cells in read_cells(path, COLUMNS):
            found = [
                Problem(str(path), line, column, cells[column], f"write one of {', '.join(allowed)}")
                for column, allowed in _CHOICES.items()
                if cells[column] not in allowed
            ]
            if register.find_party(cells["actor"]) is None or register.find_dataset(cells["dataset"]) is None:
                advice = "name a party and a data set of the sample world (docs/policy.md lists them)"
                found.append(
                    Problem(str(path), line, "actor, dataset", f"{cells['actor']}, {cells['dataset']}", advice)
                )
            problems += found
            if not found:
                cases.append(_case(path, line, cells))
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error
    if problems:
        raise PolicyError("\n".join(str(one) for one in problems))
    return cases


def cases_of(source: str | Path) -> list[Case]:
    """Read the cases of a pack, of "regime" or of a folder; none where it has no such table."""
    folder = PACKS_FOLDER / REGIME_PACK if source == REGIME_PACK else source_folder(source)
    path = folder / CASES_FILE
    return read_cases(path) if path.exists() else []


def sources_for(source: str | Path, *, alone: bool = False) -> tuple[str | Path, ...]:
    """Return with which sources the cases of one are asked: on top of "base", or alone."""
    if source in ("base", REGIME_PACK):
        return ("base",)
    return (source,) if alone else ("base", source)


def run_cases(source: str | Path, cases: Sequence[Case], *, alone: bool = False) -> list[Failure]:
    """Ask the cases of one source, on top of "base" or alone, and return what failed."""
    failures = []
    for regime in dict.fromkeys(case.regime for case in cases):
        sources = sources_for(source, alone=alone)
        engine = PolicyEngine.load(sources, register=sample_register(), regime=regime or None)
        failures += failed(engine, [case for case in cases if case.regime == regime])
    return failures


def failed(engine: PolicyEngine, cases: Sequence[Case]) -> list[Failure]:
    """Ask cases of one regime and return what failed."""
    found = []
    for case, verdict in zip(cases, engine.verdicts([case.request for case in cases]), strict=True):
        why = _why_failed(case, verdict, _permits(engine, case.rule))
        if why:
            found.append(Failure(case, why))
    return found


def untested(source: str | Path, cases: Iterable[Case]) -> list[str]:
    """Return the rules that lack a denied and an allowed case which differ in exactly one thing."""
    by_rule: dict[str, list[Case]] = {}
    for case in cases:
        by_rule.setdefault(case.rule, []).append(case)
    return [rule for rule in _rules(source) if not _has_pair(by_rule.get(rule, []))]


def _has_pair(cases: Sequence[Case]) -> bool:
    return any(
        sum(ours != theirs for ours, theirs in zip(one.features, other.features, strict=True)) == 1
        for one in cases
        for other in cases
        if one.allow and not other.allow
    )


def _rules(source: str | Path) -> list[str]:
    if source == REGIME_PACK:
        texts = [load_texts([], regime=regime) for regime in REGIMES]
        found = [info.id for text in texts if text[0].cedar for info in compile_texts(text).infos.values()]
        return list(dict.fromkeys(found))
    return [info.id for info in compile_texts(load_texts([source])).infos.values()]


def _permits(engine: PolicyEngine, rule: str) -> bool | None:
    """Tell whether a rule permits or forbids; nothing when it is not loaded."""
    return next((info.permits for info in engine.policies.infos.values() if info.id == rule), None)


def _why_failed(case: Case, verdict: Verdict, permits: bool | None) -> str:
    deciders = [info.id for info in verdict.reasons]
    answer = f"{'allowed' if verdict.allowed else 'denied'} by {', '.join(deciders) or verdict.doubt or 'no rule'}"
    if verdict.allowed != case.allow:
        return f"expected {'allow' if case.allow else 'deny'}, was {answer}"
    if permits is not None and permits == case.allow and case.rule not in deciders:
        return f"expected rule {case.rule} to decide, was {answer}"
    return f"could not be answered: {verdict.doubt}" if verdict.doubt else ""


def _case(path: Path, line: int, cells: dict[str, str]) -> Case:
    flags = {name: cells[name] == "yes" for name in ("minor", "guardian", "alternative")}
    context = Context(cells["consent"], cells["jurisdiction"], **flags)  # type: ignore[arg-type]
    request = Request(cells["actor"], cells["action"], cells["dataset"], cells["purpose"], (), context)  # type: ignore[arg-type]
    return Case(str(path), line, cells[RULE], cells[EXPECT] == ALLOW, cells[REGIME], request)


__all__ = ["PACKS", "Case", "Failure", "cases_of", "failed", "read_cases", "run_cases", "sources_for", "untested"]
