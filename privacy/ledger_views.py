"""What ledgers mean: for one data set, and for one person over all merchants whose data hold that person."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from privacy.accounting import NANO, check_cost, check_delta, epsilon_rdp
from privacy.ledger_record import LedgerRecord, read_ledger
from retail.errors import PrivacyError

_COMMITMENT: Final = re.compile(r"[0-9a-f]{64}")

PERSON_ASSUMPTION: Final = (
    "Holds for each person in these data sets, if every release about them was paid from one of these ledgers, if "
    "the noise of each was secret and drawn anew (a simulation's is neither), if what the ledgers bound is the "
    "same person (all of a person's rows in a data set), and also if everybody who received something puts it "
    "together. The costs (zCDP) of different data sets are added up; a data set shared by several merchants "
    "counts once, because its unit is the person over all of them."
)


def dataset_view(record: LedgerRecord, *, release_cost: int | None = None) -> pd.DataFrame:
    """State for each data set what is spent and what is left.

    Args:
        record: a ledger file, read.
        release_cost: nano-rho of the release to count in; None takes each data set's latest reservation.

    Returns: one row per data set: dataset, epsilon, delta, population (the budget); cap, spent, remaining (nano-rho);
        epsilon_spent (what the spending amounts to), epsilon_left (what releases worth `remaining` amount to, taken
        alone: the two do not add up to epsilon, since epsilon is not additive); release_cost (nano-rho) and
        releases_left (how many releases of that cost still fit; both NA where nothing was released yet and no cost is
        given).

    Raises: PrivacyError: release_cost is no cost.
    """
    if release_cost is not None:
        check_cost(release_cost)
    view = record.budgets.copy()
    latest = record.reservations.groupby("dataset")["cost"].last()
    sizes = view["dataset"].map(latest) if release_cost is None else pd.Series(release_cost, index=view.index)
    pairs = list(zip(view["spent"], view["remaining"], view["delta"], strict=True))
    view["epsilon_spent"] = [_epsilon(spent, delta) for spent, _, delta in pairs]
    view["epsilon_left"] = [_epsilon(left, delta) for _, left, delta in pairs]
    view["release_cost"] = sizes.astype("Int64")
    view["releases_left"] = view["remaining"].astype("Int64") // view["release_cost"]
    return view


@dataclass(frozen=True, eq=False)
class PersonView:
    """What all releases together may have told about one person.

    Attributes:
        person: the person's commitment, or "" for any person in these data sets.
        parts: one row per ledger and data set: ledger (the file), scope, dataset, epsilon, delta, spent (nano-rho),
            epsilon_spent.
        spent: nano-rho of all parts together.
        delta: at which `epsilon` holds.
        epsilon: bound on what all parts together told.
        assumption: when that holds.
    """

    person: str
    parts: pd.DataFrame
    spent: int
    delta: float
    epsilon: float
    assumption: str = PERSON_ASSUMPTION

    @property
    def rho(self) -> float:
        """The sum as zCDP."""
        return self.spent / NANO


def person_view(
    paths: Sequence[Path],
    *,
    datasets: Collection[str] | None = None,
    person: str = "",
    delta: float | None = None,
    read: Callable[[Path], LedgerRecord] = read_ledger,
) -> PersonView:
    """Add up what has been spent on one person, over the ledgers of all merchants.

    A release about a data set tells about each person in it at most what it cost, so the bound is the same for every
    person in the same data sets; nobody has to be looked up.

    Args:
        paths: ledger files; one named twice counts once. Two copies of a file count twice, which errs on the safe side.
        datasets: those in which the person takes part; None for all in the files, which holds for everybody.
        person: the person's commitment (`privacy.commitments`), to put on the statement; never an id.
        delta: of the statement; None takes the smallest delta of the data sets added up.
        read: reads a file as `read_ledger` does, which may keep what it read while the file does not change.

    Returns: the statement.

    Raises: PrivacyError: no file, a file that is no ledger, a data set that is in none of them, a person who is no
        commitment, or a delta out of range.

    Guarantee: everything released about the person from these data sets is together (epsilon, delta)-DP for the person.
        Assumes what `PERSON_ASSUMPTION` says.

    Source: Bun and Steinke 2016, Lemma 1.7 (costs add up); Canonne, Kamath and Steinke 2020, Proposition 12 (epsilon).
    """
    if person and not _COMMITMENT.fullmatch(person):
        raise PrivacyError("a statement names a person by a commitment, 64 hexadecimal digits, not by an id")
    files = list({path.resolve(): path for path in paths}.values())
    if not files:
        raise PrivacyError("no ledger was named; give the ledger files of all merchants")
    parts = pd.concat([_parts(path, read) for path in files], ignore_index=True)
    if datasets is not None:
        unknown = sorted(set(datasets) - set(parts["dataset"]))
        if unknown or not datasets:
            raise PrivacyError(
                f"no ledger holds the data sets {unknown}; they hold {sorted(set(parts['dataset']))}. A bound that "
                "leaves one out would be too small"
            )
        parts = parts[parts["dataset"].isin(list(datasets))].reset_index(drop=True)
    if delta is None:
        if parts.empty:
            raise PrivacyError("these ledgers hold no data set; give a ledger that something was budgeted in")
        delta = float(parts["delta"].min())
    check_delta(delta)
    spent = int(parts["spent"].sum())
    return PersonView(person, parts, spent, delta, _epsilon(spent, delta))


def _parts(path: Path, read: Callable[[Path], LedgerRecord]) -> pd.DataFrame:
    record = read(path)
    table = record.budgets[["dataset", "epsilon", "delta", "spent"]].copy()
    table.insert(0, "ledger", str(path))
    table.insert(1, "scope", record.scope)
    pairs = zip(table["spent"], table["delta"], strict=True)
    table["epsilon_spent"] = [_epsilon(spent, delta) for spent, delta in pairs]
    return table


def _epsilon(nano_rho: int, delta: float) -> float:
    return epsilon_rdp(int(nano_rho), delta=float(delta)) if nano_rho else 0.0
