"""Policies as text: are the tables right, what do they say, and which sources does a word name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from privacy.policy.compiled import PolicyInfo, compile_texts
from privacy.policy.sources import (
    PACKS,
    PACKS_FOLDER,
    RULES_FILE,
    SIMULATION_PACK,
    load_source,
    load_texts,
    source_folder,
)
from privacy.policy.table import Problem, check_rules
from privacy.regimes import REGIMES
from retail.errors import PolicyError

_BASE: Final = "base"
_BUNDLED: Final = (*PACKS, SIMULATION_PACK)


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What was found in some sources.

    Attributes:
        rules: the policies of each source, as they will be enforced.
        problems: what is wrong; then `mark` is empty.
        mark: fingerprint of all of them together.
    """

    rules: Mapping[str, tuple[PolicyInfo, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    mark: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """Return every policy as plain data."""
        return [{"source": source, **asdict(rule)} for source, rules in self.rules.items() for rule in rules]

    def problem_rows(self) -> list[dict[str, Any]]:
        """Return every problem as plain data."""
        return [asdict(problem) for problem in self.problems]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: sources and a regime."""

    sources: tuple[str | Path, ...]
    regime: str | None


def check_sources(sources: Sequence[str | Path]) -> SourceCheck:
    """Check the tables and policies of some sources, by themselves and together.

    Raises: PolicyError: a source does not exist.
    """
    problems: list[Problem] = []
    for source in sources:
        path = source_folder(source) / RULES_FILE
        if path.exists():
            rules_read, found = check_rules(path)
            problems += found if str(source) in _BUNDLED else [*found, *_taken(path, [one.id for one in rules_read])]
    if problems:
        return SourceCheck(problems=tuple(problems))
    rules = {}
    for source in sources:
        try:
            rules[str(source)] = tuple(compile_texts([load_source(source)]).infos.values())
        except PolicyError as error:
            problems.append(Problem(str(source_folder(source)), 0, "", "", str(error)))
    try:
        mark = "" if problems else compile_texts(load_texts(sources)).fingerprint
    except PolicyError as error:
        problems.append(Problem(", ".join(map(str, sources)), 0, "", "", str(error)))
    return SourceCheck(problems=tuple(problems)) if problems else SourceCheck(rules, (), mark)


def _taken(path: Path, ids: Sequence[str]) -> list[Problem]:
    """Find ids that a bundled rule has: a denial that cites one would leave open which is meant."""
    known = {
        rule.id: pack for pack in _BUNDLED for rule in check_rules(PACKS_FOLDER / pack / RULES_FILE, flagged=False)[0]
    }
    return [
        Problem(str(path), 0, "id", one, f"a rule of the bundled pack {known[one]} has this id; choose another")
        for one in ids
        if one in known
    ]


def read_side(text: str, *, regime: str | None = None, alone: bool = False) -> Side:
    """Read one side of a comparison.

    Args:
        text: a regime, sources joined by "+", or "SOURCES@REGIME".
        regime: for a side that names none.
        alone: leave out "base".

    Raises: PolicyError: it names nothing.
    """
    if text in REGIMES:
        return Side(with_base([], alone=alone), text)
    named, at, place = text.partition("@")
    sources = [one for one in named.split("+") if one]
    if not sources and not place:
        raise PolicyError(f"{text!r} names no policy; write a regime, PACK+FOLDER or PACK@REGIME")
    return Side(with_base(sources, alone=alone), (place or None) if at else regime)


def with_base(sources: Sequence[str | Path], *, alone: bool) -> tuple[str | Path, ...]:
    """Put "base" before sources that do not name it."""
    return tuple(sources) if alone or _BASE in sources else (_BASE, *sources)


def check_word(option: str, word: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not in the vocabulary.

    Raises: PolicyError: it is not.
    """
    if word not in allowed:
        raise PolicyError(f"{option} must be one of {', '.join(allowed)}; got {word!r}")
