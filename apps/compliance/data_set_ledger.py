"""What was spent on the people of each data set, over every ledger that is about them.

A ledger guards one budget. People do not care which ledger paid: somebody who is in the data of several runs is in what
all of them released. Costs (zCDP) of releases add up, and the epsilon of a data set is that of the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from privacy.accounting import epsilon_rdp
from privacy.units import PrivacyUnit

ADDED: Final = (
    "The costs (zCDP rho) of all budgets on a data set are added up, a ledger that several runs share once, and the "
    "sum is turned into epsilon. It bounds what somebody who sees every result paid for here, published or not, learns "
    "about one person who is in the data of all these budgets. It holds if the noise of each release was secret and "
    "drawn anew, if each run bounded that person as its unit says, if those whom it trusts behaved, and if nothing "
    "about these people was released that no ledger here paid for."
)
SIMULATED: Final = (
    "A budget of one run is a simulation's: most draw their noise from a seed that lies beside the run, arms of one "
    "scenario alike, and each run starts at zero. Its figure says what the same noise would cost if it were secret and "
    "drawn anew. It is no promise, and nothing limits the sum over runs."
)
EXACT: Final = "A run without an epsilon gives exact results: no sum covers what was published of them."
MADE_UP: Final = "Made-up people have no privacy to lose: their figures describe the method, and promise nothing."


@dataclass(frozen=True, slots=True)
class Part:
    """One budget: a data set in one ledger file.

    Attributes:
        ledger: the file, as the page names it.
        where: scenario and run, or the books.
        name: what the ledger calls the people.
        people: what the runs' settings call them; empty where no run is known.
        fingerprints: of the files that the runs read, from their provenance.
        adds_up: the ledger outlives runs, and refuses what passes its cap over all of them.
        made_up: all runs behind it are about people who do not exist.
        epsilon: promised, with `delta` and the public `population`.
        cap: nano-rho.
        costs: nano-rho of every reservation, oldest first.
        lost: how many of them were never committed.
        units: what the runs say that the epsilon is about.
    """

    ledger: str
    where: str
    name: str
    people: str
    fingerprints: tuple[str, ...]
    adds_up: bool
    made_up: bool
    epsilon: float
    delta: float
    population: int
    cap: int
    costs: tuple[int, ...]
    lost: int
    units: tuple[PrivacyUnit, ...]

    @property
    def spent(self) -> int:
        """Nano-rho of all reservations, committed or not."""
        return sum(self.costs)

    @property
    def remaining(self) -> int:
        """Nano-rho that still fit under the cap."""
        return max(0, self.cap - self.spent)

    @property
    def latest(self) -> int | None:
        """Nano-rho of the latest release; None where there was none."""
        return self.costs[-1] if self.costs else None

    @property
    def usual(self) -> int | None:
        """Nano-rho of the middle release by cost, the dearer of two; None where there was none."""
        return sorted(self.costs)[len(self.costs) // 2] if self.costs else None

    def releases_left(self, cost: int | None) -> int | None:
        """How many more releases of a cost fit; None without a cost."""
        return None if cost is None else self.remaining // cost


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, so that a sum lacks it.

    Attributes:
        where: the file, or the run.
        why: in words.
        people: whose data, where settings tell; empty where nobody can say.
        fingerprints: of the files that the run read, where that is known.
    """

    where: str
    why: str
    people: str = ""
    fingerprints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exact:
    """A finished run without an epsilon: nothing bounds what its results tell about the people in its data.

    Attributes:
        where: scenario and run.
        people: what its settings call them.
        fingerprints: of the files that it read.
    """

    where: str
    people: str
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataSetLedger:
    """All budgets on the people of one data set.

    Attributes:
        name: of the data set.
        parts: its budgets, in the order given.
        unread: how many ledgers may be about these people and could not be read: sums are lower bounds then.
        exact: how many finished runs on these people have no epsilon, so that no sum covers what they gave.
    """

    name: str
    parts: tuple[Part, ...]
    unread: int = 0
    exact: int = 0

    @property
    def made_up(self) -> bool:
        """Whether all of it is about people who do not exist."""
        return all(part.made_up for part in self.parts)

    @property
    def lasting(self) -> tuple[Part, ...]:
        """The budgets that add up over runs."""
        return tuple(part for part in self.parts if part.adds_up)

    @property
    def spent(self) -> int:
        """Nano-rho of all budgets together."""
        return sum(part.spent for part in self.parts)

    @property
    def cap(self) -> int:
        """Nano-rho that all budgets together may cost."""
        return sum(part.cap for part in self.parts)

    @property
    def delta(self) -> float:
        """The smallest delta of the budgets, at which epsilons of the data set are stated."""
        return min(part.delta for part in self.parts)

    @property
    def epsilon(self) -> float:
        """What all spending together amounts to at `delta`."""
        return as_epsilon(self.spent, self.delta)

    @property
    def epsilon_lasting(self) -> float:
        """The same of the budgets that add up over runs."""
        return as_epsilon(sum(part.spent for part in self.lasting), self.delta)

    @property
    def remaining(self) -> int | None:
        """Nano-rho left in budgets that add up over runs; None where there is none, so that nothing limits the sum."""
        return sum(part.remaining for part in self.lasting) if self.lasting else None

    @property
    def releases_left(self) -> int | None:
        """Releases that still fit, each as costly as the latest one of its budget; None where that says nothing."""
        fitting = [part.releases_left(part.latest) for part in self.lasting]
        known = [number for number in fitting if number is not None]
        return sum(known) if known else None

    @property
    def other_names(self) -> tuple[str, ...]:
        """What ledgers and settings call these people besides `name`."""
        names = dict.fromkeys(name for part in self.parts for name in (part.people, part.name) if name)
        return tuple(name for name in names if name != self.name)

    @property
    def units(self) -> tuple[PrivacyUnit, ...]:
        """What the epsilons are about, each statement once."""
        return tuple(dict.fromkeys(unit for part in self.parts for unit in part.units))


@dataclass(frozen=True, slots=True)
class Together:
    """What may have been told about somebody who is in several data sets.

    Attributes:
        data_sets: those of real people, as far as anybody knows.
        delta: the smallest one, at which the epsilons hold; None where there are no data sets.
        lasting: epsilon of the budgets that add up over runs.
        everything: epsilon with the simulations, as if their noise were secret and drawn anew.
        unread: how many ledgers could not be read: then both are lower bounds.
    """

    data_sets: tuple[DataSetLedger, ...]
    delta: float | None
    lasting: float
    everything: float
    unread: int


def by_data_set(
    parts: Iterable[Part], unread: Sequence[Unread] = (), exact: Sequence[Exact] = ()
) -> tuple[DataSetLedger, ...]:
    """Put budgets on the same people together, real people first, then by what was spent.

    People are the same where ledger, settings or fingerprint of the files say so. Made-up people are those of their
    settings.

    Args:
        parts: budgets, each once.
        unread: what could not be read. Where nobody knows whose it is, it counts against every data set.
        exact: runs without an epsilon.
    """
    each = list(parts)
    groups: list[tuple[set[str], list[Part]]] = []
    for part in each:
        keys, members = _keys(part), [part]
        apart = []
        for known, others in groups:
            if known.isdisjoint(keys):
                apart.append((known, others))
            else:
                keys, members = keys | known, [*others, *members]
        groups = [*apart, (keys, members)]
    order = {id(part): place for place, part in enumerate(each)}
    found = []
    for keys, members in groups:
        members.sort(key=lambda part: order[id(part)])
        names = [part.people or part.name for part in members]
        lacking = sum(not one.people or not keys.isdisjoint(_keys_of(one)) for one in unread)
        bare = 0 if all(part.made_up for part in members) else sum(not keys.isdisjoint(_keys_of(o)) for o in exact)
        found.append(DataSetLedger(max(dict.fromkeys(names), key=names.count), tuple(members), lacking, bare))
    return tuple(sorted(found, key=lambda one: (one.made_up, -one.spent, one.name)))


def without_budget(data_sets: Iterable[DataSetLedger], exact: Iterable[Exact]) -> dict[str, int]:
    """Count the runs without an epsilon, by the name of their people, of data sets that no budget is about."""
    known = {key for one in data_sets if not one.made_up for part in one.parts for key in _keys(part)}
    found: dict[str, int] = {}
    for one in exact:
        if known.isdisjoint(_keys_of(one)):
            found[one.people] = found.get(one.people, 0) + 1
    return found


def together(data_sets: Iterable[DataSetLedger], unread: Sequence[Unread] = ()) -> Together:
    """Add up what was spent on somebody who is in all of these data sets; made-up people are left out."""
    real = tuple(one for one in data_sets if not one.made_up)
    delta = min((one.delta for one in real), default=None)
    lasting = sum(part.spent for one in real for part in one.lasting)
    sums = (lasting, sum(one.spent for one in real))
    bounds = [0.0 if delta is None else as_epsilon(each, delta) for each in sums]
    return Together(real, delta, bounds[0], bounds[1], len(unread))


def as_epsilon(nano_rho: int, delta: float) -> float:
    """Turn a sum of costs into epsilon; nothing spent is 0."""
    return epsilon_rdp(int(nano_rho), delta=float(delta)) if nano_rho else 0.0


def _keys(part: Part) -> set[str]:
    """Return what tells that two budgets are about the same people."""
    if part.made_up and part.people:
        return {f"people {part.people}"}  # simulated days call their visitors alike, whoever they are
    names = {f"people {name}" for name in (part.name, part.people) if name}
    return names | {f"files {one}" for one in part.fingerprints}


def _keys_of(one: Exact | Unread) -> set[str]:
    return {f"people {one.people}"} | {f"files {each}" for each in one.fingerprints}
