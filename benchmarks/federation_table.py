"""What the cells of the federation benchmark say: figures per client-round, ratios, and targets."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

TOLERANCE: Final = 1e-5  # how far weights may lie from the plain loop's
STEPS_SAID: Final = {"merchant": "four steps on all of its rows", "person": "one step on own rows, then clipped"}
SMALL: Final = 5_100  # parameters up to which the cohort is to be ten times as fast as messages


@dataclass
class Cell:
    """One contender on one problem.

    Attributes:
        unit: who takes steps, "merchant" or "person".
        parameters: of the model.
        clients: merchants, all in every round.
        contender: as in `federation_workers.FAMILIES`.
        wall_s: of each timed round of all passes.
        cpu_s: the same in CPU seconds; of Ray's processes together.
        fixed_s: of each pass, what it took beside its rounds.
        memory_mb: of each pass, the most memory.
        before_mb: what of it was there before the pass began.
        off: furthest that a weight lies from the plain loop's after as many rounds; None where there is none.
        error: why there are no figures.
    """

    unit: str
    parameters: int
    clients: int
    contender: str
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    fixed_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    before_mb: list[float] = field(default_factory=list)
    off: float | None = None
    error: str = ""

    def add(self, found: dict[str, Any]) -> None:
        """Take up what one pass used."""
        self.error = str(found.get("error", self.error))
        for name in ("wall_s", "cpu_s"):
            getattr(self, name).extend(found.get(name, []))
        for name in ("fixed_s", "memory_mb", "before_mb"):
            getattr(self, name).extend([found[name]] if name in found else [])

    def compare(self, weights: np.ndarray, truth: np.ndarray) -> None:
        """Refuse figures of a contender that learned something else than the plain loop."""
        self.off = float(np.abs(weights - truth).max())
        if not self.off <= TOLERANCE:
            self.error = f"its weights lie {self.off:.1e} from the plain loop's, more than {TOLERANCE:g}"

    def ms(self, clock: str) -> float:
        """Median milliseconds per client-round, by "wall_s" or "cpu_s"."""
        return 1000 * statistics.median(getattr(self, clock)) / self.clients

    def short(self) -> str:
        """Write CPU milliseconds per client-round, and the memory that the pass itself took."""
        low, high = (1000 * end(self.cpu_s) / self.clients for end in (min, max))
        return f"{self.ms('cpu_s'):.2f} [{low:.2f}, {high:.2f}], {max(self.memory_mb) - max(self.before_mb):,.0f} MB"

    def line(self) -> str:
        """Write it as a row under `HEAD`."""
        what = f"{self.unit:8} {self.parameters:>7,} {self.clients:>7,}  {self.contender:10}"
        if self.error:
            return f"{what} {self.error}"
        spans = []
        for clock in ("wall_s", "cpu_s"):
            low, high = (1000 * end(getattr(self, clock)) / self.clients for end in (min, max))
            spans.append(f"{f'{self.ms(clock):.3f} [{low:.3f}, {high:.3f}]':>26}")
        memory, own = max(self.memory_mb), max(self.memory_mb) - max(self.before_mb)
        off = "" if self.off is None else f"{self.off:.0e}"
        return f"{what} {' '.join(spans)} {statistics.median(self.fixed_s):8.2f} {memory:7.0f} {own:7.0f}  {off}"


HEAD: Final = (
    f"{'unit':8} {'weights':>7} {'clients':>7}  {'contender':10} {'ms wall [least, most]':>26} "
    f"{'ms CPU [least, most]':>26} {'fixed s':>8} {'MB':>7} {'own MB':>7}  off"
)


@dataclass(frozen=True)
class Verdict:
    """A target on one problem.

    Attributes:
        target: what is compared.
        unit: of the problem, as `weights` and `clients`.
        parameters: likewise.
        clients: likewise.
        found: the ratio or difference.
        wanted: its bound.
        at_most: whether the bound is from above.
        met: whether it is kept.
    """

    target: str
    unit: str
    parameters: int
    clients: int
    found: float
    wanted: float
    at_most: bool = False
    met: bool = field(init=False)

    def __post_init__(self) -> None:
        """Judge."""
        object.__setattr__(self, "met", self.found <= self.wanted if self.at_most else self.found >= self.wanted)


def verdicts(cells: Sequence[Cell]) -> Iterator[Verdict]:
    """Compare the contenders of each problem: by CPU time, to which other work on the machine adds little.

    Ray works in several processes at once, so it is compared by wall time.
    """
    done = {(one.unit, one.parameters, one.clients, one.contender): one for one in cells if not one.error}
    for unit, parameters, clients in dict.fromkeys(key[:3] for key in done):
        of = (unit, parameters, clients)
        plain, pfl, inprocess, cohort, ray = (
            done.get((*of, one)) for one in ("plain", "pfl", "inprocess", "cohort", "ray")
        )
        if ray and inprocess and clients == 500:
            yield Verdict("wall of Ray / in-process", *of, ray.ms("wall_s") / inprocess.ms("wall_s"), 7.0)
        if plain and inprocess:
            more = inprocess.ms("cpu_s") - plain.ms("cpu_s")
            yield Verdict("in-process - plain, ms CPU", *of, more, 1.0, at_most=True)
        if inprocess and cohort and unit == "merchant" and parameters <= SMALL:
            yield Verdict("CPU of in-process / cohort", *of, inprocess.ms("cpu_s") / cohort.ms("cpu_s"), 10.0)
        for peer in (plain, pfl):
            if peer and cohort:
                yield Verdict(f"CPU of {peer.contender} / cohort", *of, peer.ms("cpu_s") / cohort.ms("cpu_s"), 1.0)


def lines_of(found: Sequence[Verdict]) -> Iterator[str]:
    """Write verdicts, one line for a target and its problems."""
    for target in dict.fromkeys(one.target for one in found):
        mine = [one for one in found if one.target == target]
        bound = f"{'<=' if mine[0].at_most else '>='} {mine[0].wanted:g}"
        yield f"{target}, target {bound}: met on {sum(one.met for one in mine)} of {len(mine)} problems"
        for unit, parameters in dict.fromkeys((one.unit, one.parameters) for one in mine):
            each = [
                f"{one.clients:,}: {one.found:.2f}{'' if one.met else ' missed'}"
                for one in mine
                if (one.unit, one.parameters) == (unit, parameters)
            ]
            yield f"    {unit}, {parameters:,} weights, by clients  {', '.join(each)}"


def markdown(cells: Sequence[Cell], found: Sequence[Verdict]) -> Iterator[str]:
    """Write the tables of docs/benchmarks.md: CPU time and own memory of every cell, Ray by the clock, verdicts."""
    done = {(one.unit, one.parameters, one.clients, one.contender): one for one in cells if not one.error}
    for unit in dict.fromkeys(key[0] for key in done):
        yield f"Of each {unit} {STEPS_SAID[unit]}:\n"
        yield from _row(["weights", "clients", "plain loop", "pfl", "in-process", "cohort", "Ray"], rule=True)
        for of in dict.fromkeys(key[:3] for key in done if key[0] == unit):
            each = [done.get((*of, one)) for one in ("plain", "pfl", "inprocess", "cohort", "ray")]
            yield from _row([f"{of[1]:,}", f"{of[2]:,}", *("-" if one is None else one.short() for one in each)])
        yield ""
    if any(key[3] == "ray" for key in done):
        head = [
            "weights",
            "clients",
            "in-process, ms wall",
            "Ray, ms wall",
            "start and end of Ray, s",
            "its memory, MB",
        ]
        yield from _row(head, rule=True)
        for (*of, contender), ray in done.items():
            if contender == "ray" and (beside := done.get((*of, "inprocess"))):
                walls = [f"{one.ms('wall_s'):.1f}" for one in (beside, ray)]
                fixed, memory = statistics.median(ray.fixed_s), max(ray.memory_mb)
                yield from _row([f"{of[1]:,}", f"{of[2]:,}", *walls, f"{fixed:.0f}", f"{memory:,.0f}"])
        yield ""
    yield from ("```", *lines_of(found), "```")


def _row(texts: Sequence[str], *, rule: bool = False) -> Iterator[str]:
    yield f"| {' | '.join(texts)} |"
    if rule:
        yield "|---" * len(texts) + "|"
