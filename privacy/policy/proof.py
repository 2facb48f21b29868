"""Everything that `tradefair policy test` finds out about policies: cases, enumeration and mutants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from privacy.policy.cases import Failure, cases_of, run_cases, untested
from privacy.policy.check import Enumeration, ask_neighbours, enumerate_all
from privacy.policy.diff import describe
from privacy.policy.mutants import REGIMES_WITH_RULES, Range, Trial, plant, ranges
from privacy.policy.sources import PACKS, REGIME_PACK

DEFAULT_REGIMES: Final = ("federated_dp", "pooled")
"""One regime where the platform sees nothing of merchants, and one where most is permitted."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What held and what did not.

    Attributes:
        enumerations: outcome of asking the whole chosen domain, by regime.
        near: outcome of asking what lies next to the cases (see `ask_neighbours`), by source and where.
        cases: how many cases were asked.
        failures: those that came out otherwise.
        untested: rules of bundled packs without a denied and a nearest allowed case.
        trials: what became of each mutant.
    """

    enumerations: dict[str, Enumeration]
    near: dict[str, Enumeration]
    cases: int
    failures: tuple[Failure, ...]
    untested: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing at all is wrong."""
        wrong = any(one.wrong for one in self._asked.values())
        return not (wrong or self.failures or self.untested or self.idle or self.survivors)

    @property
    def idle(self) -> tuple[str, ...]:
        """Rules that decided nothing at all of what was asked: of them nothing is shown."""
        used = {rule for one in self._asked.values() for rule in one.used}
        return tuple(dict.fromkeys(rule for one in self._asked.values() for rule in one.idle if rule not in used))

    @property
    def _asked(self) -> dict[str, Enumeration]:
        domain = {f"under {regime or 'no regime'}": one for regime, one in self.enumerations.items()}
        return {**domain, **{f"next to the cases of {where}": one for where, one in self.near.items()}}

    @property
    def survivors(self) -> tuple[Trial, ...]:
        """The mutants that nothing noticed."""
        return tuple(trial for trial in self.trials if not trial.killed_by)

    def document(self) -> dict[str, Any]:
        """Return everything as plain data; `requests`, `wrong_allow` and `mutants` stand at the top.

        `requests` counts the chosen domain, once for each regime; `wrong_allow` and `wrong_deny` count what was asked
        next to the cases too.
        """
        found = self._asked.values()
        examples = [
            {"where": where, "request": asdict(one.request), "allowed": one.allowed, "rule": one.rule, "why": one.why}
            for where, enumeration in self._asked.items()
            for one in enumeration.wrong[:20]
        ]
        return {
            "requests": sum(one.requests for one in self.enumerations.values()),
            "wrong_allow": sum(one.wrong_allow for one in found),
            "wrong_deny": sum(one.wrong_deny for one in found),
            "mutants": {"killed": len(self.trials) - len(self.survivors), "planted": len(self.trials)},
            "cases": {"asked": self.cases, "failed": len(self.failures)},
            "neighbours": sum(one.requests for one in self.near.values()),
            "regimes": list(self.enumerations),
            "runs": [],
            "rows": [
                {
                    "source": trial.mutant.source,
                    "rule": trial.mutant.rule,
                    "change": trial.mutant.change,
                    "killed_by": trial.killed_by,
                }
                for trial in self.trials
            ],
            "counterexamples": examples,
            "failures": [
                {"file": one.case.file, "line": one.case.line, "rule": one.case.rule, "why": one.why}
                for one in self.failures
            ],
            "untested": list(self.untested),
            "idle": list(self.idle),
        }

    def complaints(self) -> list[str]:
        """Say in one line each what is wrong."""
        lines = [f"{one.case.file}, line {one.case.line} ({one.case.rule}): {one.why}" for one in self.failures]
        lines += [
            f"rule {rule} lacks a denied case and an allowed one that differ in one thing" for rule in self.untested
        ]
        lines += [f"rule {rule} decided nothing of what was asked; add a case that it decides" for rule in self.idle]
        for where, enumeration in self._asked.items():
            for one in enumeration.wrong:
                answer = "allowed" if one.allowed else "denied"
                rule = one.rule or "no rule"
                lines.append(f"{where}: {describe(one.request)}: {answer} by {rule}; {one.why}")
        lines += [
            f"mutant lives: {one.mutant.source}, {one.mutant.rule or 'whole source'}: {one.mutant.change}"
            for one in self.survivors
        ]
        if self.survivors:
            lines.append("a mutant dies when a case notices it: add rows to cases.csv that differ in what was changed")
        return lines


def prove(
    sources: Sequence[str | Path] = PACKS,
    *,
    regimes: Sequence[str] = DEFAULT_REGIMES,
    alone: bool = False,
    progress: Callable[[str, int, int], object] | None = None,
) -> Proof:
    """Ask the cases of each source and what lies next to them, the whole domain under each regime; plant every mutant.

    Args:
        sources: packs and folders; "base" joins them unless `alone`. With all bundled packs the regimes' own rules are
            tested too.
        regimes: under which to enumerate; "" for none.
        alone: leave out "base".
        progress: told what is being done, how many steps are done, and how many there are.

    Raises: PolicyError: a source, a case or a regime cannot be used.
    """
    tell = progress or (lambda what, done, total: None)
    bundled = set(PACKS) <= {str(one) for one in sources}
    tested: list[str | Path] = [*sources, REGIME_PACK] if bundled else list(sources)
    failures: list[Failure] = []
    missing: list[str] = []
    near: dict[str, Enumeration] = {}
    count = 0
    for step, source in enumerate(tested):
        tell(f"asking next to the cases of {source}", step, len(tested))
        cases = cases_of(source)
        count += len(cases)
        failures += run_cases(source, cases, alone=alone)
        asked = ask_neighbours(source, cases, alone=alone)
        near |= {f"{source} ({where})": one for where, one in asked.items()}
        if str(source) in (*PACKS, REGIME_PACK):
            missing += untested(source, cases)
    together = list(sources) if alone or "base" in sources else ["base", *sources]
    enumerations = {}
    for step, regime in enumerate(regimes):
        tell(f"asking every request ({regime or 'no regime'})", step, len(regimes))
        enumerations[regime] = enumerate_all(together, regime=regime or None)
    trials = _hunt(ranges(sources, regimes=REGIMES_WITH_RULES if bundled else (), alone=alone), tell)
    return Proof(enumerations, near, count, tuple(failures), tuple(missing), tuple(trials))


def _hunt(places: Sequence[Range], tell: Callable[[str, int, int], object]) -> list[Trial]:
    planted = [(place, mutant) for place in places for mutant in plant(place.text, narrowed=place.restated)]
    trials = []
    for step, (place, mutant) in enumerate(planted):
        tell(f"mutants of {mutant.source}", step, len(planted))
        trials.append(place.hunt(mutant))
    return trials
