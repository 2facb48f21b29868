"""Asking the chosen domain and what lies next to each case, and comparing every answer with what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from privacy.policy.cases import Case, sources_for
from privacy.policy.compiled import compile_texts
from privacy.policy.domain import enumerate_requests, neighbours, sample_register
from privacy.policy.engine import PolicyEngine, Verdict
from privacy.policy.facts import FactFinder, Facts
from privacy.policy.intended import forbidden, intended
from privacy.policy.invariants import invariants
from privacy.policy.register import Register
from privacy.policy.request import Request
from privacy.policy.sources import PACKS, PolicyText, load_texts
from privacy.regimes import Regime
from privacy.regimes import regime as find_regime

_CHUNK: Final = 4_000
_SMALL_CHUNK: Final = 200
OPEN_WORLD: Final = PolicyText("open world", '@id("open-world")\n@law("none")\npermit (principal, action, resource);\n')
"""Permits everything, so that what a pack forbids shows wherever it should, and not only where "base" permits."""
_STRIDE: Final = 7_919  # a prime that does not divide the domain: early chunks hold requests of every sort


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A request that got the wrong answer.

    Attributes:
        request: what was asked.
        allowed: what the policies said.
        rule: ids of the rules that decided.
        why: which expectation is broken.
    """

    request: Request
    allowed: bool
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Enumeration:
    """The outcome of asking everything.

    Attributes:
        requests: how many were asked.
        allowed: how many were allowed.
        wrong: those with the wrong answer.
        used: rules that decided at least one of them.
        idle: rules that decided none of them.
    """

    requests: int
    allowed: int
    wrong: tuple[Counterexample, ...]
    used: tuple[str, ...]
    idle: tuple[str, ...]

    @property
    def wrong_allow(self) -> int:
        """How many were allowed and should not have been."""
        return sum(one.allowed for one in self.wrong)

    @property
    def wrong_deny(self) -> int:
        """How many were denied and should not have been."""
        return len(self.wrong) - self.wrong_allow


class Expectations:
    """What an answer should be: the invariants for any policy, and the second writing of the bundled packs.

    Args:
        sources: packs or folders.
        regime: id of a regime.
        open_world: the sources stand beside `OPEN_WORLD`. Then what is not forbidden is allowed, and invariants do not
            count.
    """

    def __init__(self, sources: Sequence[str | Path], regime: str | None, *, open_world: bool = False) -> None:
        self._regime: Regime | None = None if regime is None else find_regime(regime)
        self._packs = [str(one) for one in sources]
        self.restated = all(pack in PACKS for pack in self._packs)
        self._open = open_world
        self._invariants = {} if open_world else invariants(self._regime, self._packs)
        self._finder = FactFinder(sample_register())

    def broken(self, request: Request, allowed: bool) -> str:
        """Return what is wrong with an answer; empty when nothing is."""
        facts = self._finder.facts(request)
        if allowed:
            for name, holds in self._invariants.items():
                if not holds(facts):
                    return f"breaks: {name}"
        if self.restated and self._meant(facts) != allowed:
            return "the packs are meant to " + ("deny this" if allowed else "allow this")
        return ""

    def _meant(self, facts: Facts) -> bool:
        if self._open:
            return not forbidden(facts, packs=self._packs)
        return intended(facts, packs=self._packs, regime=self._regime)


def enumerate_all(
    sources: Sequence[str | Path], *, regime: str | None = None, requests: Sequence[Request] | None = None
) -> Enumeration:
    """Ask the whole domain, or other requests.

    Args:
        sources: packs or folders (see `PolicyEngine.load`). Packs alone are compared with `intended` and with the
            invariants; as soon as a folder of a user is among them, with the invariants.
        regime: id of a regime.
        requests: what to ask instead; about parties and data sets of the sample world.

    Raises: PolicyError: as `PolicyEngine.load`.
    """
    engine = PolicyEngine.load(sources, register=sample_register(), regime=regime)
    return _ask(engine, Expectations(sources, regime), enumerate_requests() if requests is None else requests)


def ask_neighbours(source: str | Path, cases: Sequence[Case], *, alone: bool = False) -> dict[str, Enumeration]:
    """Ask everything that differs in one thing from a case of one source, which the chosen domain may not hold.

    Args:
        source: a pack, "regime" or a folder.
        cases: its cases.
        alone: leave out "base".

    Returns: what came out, by where it was asked: under each regime of the cases and, for packs, where everything is
        permitted that the pack does not forbid.

    Raises: PolicyError: as `PolicyEngine.load`.
    """
    world = sample_register()
    sources = sources_for(source, alone=alone)
    found = {}
    for regime in dict.fromkeys(case.regime for case in cases):
        engine = PolicyEngine.load(sources, register=world, regime=regime or None)
        near = _near([case for case in cases if case.regime == regime], world)
        found[regime or "no regime"] = _ask(engine, Expectations(sources, regime or None), near)
    if str(source) in PACKS:
        engine = PolicyEngine(compile_texts([OPEN_WORLD, *load_texts([source])]), world)
        found["everything else permitted"] = _ask(
            engine, Expectations([source], None, open_world=True), _near(cases, world)
        )
    return found


def _near(cases: Sequence[Case], world: Register) -> list[Request]:
    return list(dict.fromkeys(near for case in cases for near in neighbours(case.request, world)))


def _ask(engine: PolicyEngine, expectations: Expectations, requests: Sequence[Request]) -> Enumeration:
    wrong: list[Counterexample] = []
    allowed = 0
    used: set[str] = set()
    for request, verdict in answers(engine, requests):
        allowed += verdict.allowed
        used.update(info.id for info in verdict.reasons)
        found = counterexample(expectations, request, verdict)
        if found is not None:
            wrong.append(found)
    rules = [info.id for info in engine.policies.infos.values()]
    return Enumeration(
        requests=len(requests),
        allowed=allowed,
        wrong=tuple(wrong),
        used=tuple(rule for rule in rules if rule in used),
        idle=tuple(rule for rule in rules if rule not in used),
    )


def first_wrong(engine: PolicyEngine, expectations: Expectations, requests: Sequence[Request]) -> Counterexample | None:
    """Ask until the first wrong answer, in an order that reaches every corner of the domain early."""
    step = _STRIDE if len(requests) % _STRIDE else 1
    shuffled = [requests[place * step % len(requests)] for place in range(len(requests))]
    for request, verdict in answers(engine, shuffled, chunk=_SMALL_CHUNK):
        found = counterexample(expectations, request, verdict)
        if found is not None:
            return found
    return None


def answers(
    engine: PolicyEngine, requests: Sequence[Request], *, chunk: int = _CHUNK
) -> Iterator[tuple[Request, Verdict]]:
    """Ask requests a chunk at a time."""
    for start in range(0, len(requests), chunk):
        part = requests[start : start + chunk]
        yield from zip(part, engine.verdicts(part), strict=True)


def counterexample(expectations: Expectations, request: Request, verdict: Verdict) -> Counterexample | None:
    """Return the answer as a counterexample if it is wrong; a request that could not be answered always is."""
    why = verdict.doubt or expectations.broken(request, verdict.allowed)
    if not why:
        return None
    return Counterexample(request, verdict.allowed, "; ".join(_ids(verdict)), why)


def _ids(verdict: Verdict) -> Iterable[str]:
    return (info.id for info in verdict.reasons)
