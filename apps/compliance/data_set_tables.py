"""Ledgers of data sets as tables: one line for each data set, and one for each of its budgets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pandas as pd

from apps.compliance.data_set_ledger import DataSetLedger, as_epsilon
from apps.figure_text import count
from privacy.accounting import NANO

DATA_SET: Final = "Data set"
STATE: Final = "State"
SHARE: Final = "Share of the budgets"
SPENT, LEFT = "spent", "left"
_SMALL: Final = "less than 0.001"


def summary_table(data_sets: Iterable[DataSetLedger]) -> pd.DataFrame:
    """State in words for each data set what was spent and is left.

    Returns: Data set, Spent, Left, What it promises.
    """
    rows = [(one.name, spent_text(one), left_text(one), promise(one)) for one in data_sets]
    return pd.DataFrame(rows, columns=[DATA_SET, "Spent", "Left", "What it promises"])


def spent_text(data_set: DataSetLedger) -> str:
    """Say what all budgets of a data set spent together."""
    spent = epsilon_text(data_set.epsilon, at_least=bool(data_set.unread))
    return f"epsilon {spent} at delta {data_set.delta:g}, by {budgets_text(data_set)}"


def left_text(data_set: DataSetLedger) -> str:
    """Say what budgets that add up over runs have left, in releases as costly as the latest one of each."""
    if data_set.remaining is None:
        return "no limit over runs"
    if data_set.unread:
        return "not known"
    epsilon = f"epsilon {epsilon_text(as_epsilon(data_set.remaining, data_set.delta))}"
    if data_set.releases_left is None:
        return f"{epsilon}; no release yet"
    return f"{count(data_set.releases_left, 'release')}, {epsilon}"


def budgets_text(data_set: DataSetLedger) -> str:
    """Say how many budgets there are, and how they count."""
    lasting = len(data_set.lasting)
    single = len(data_set.parts) - lasting
    words = [f"{count(lasting, 'budget')} over all runs"] if lasting else []
    return ", ".join(
        [*words, f"{count(single, 'budget')} of one run" + (" each" if single > 1 else "")] if single else words
    )


def promise(data_set: DataSetLedger) -> str:
    """Say what the sum of a data set promises to somebody in it; what it rests on stands beside the table."""
    if data_set.made_up:
        return "nothing: made-up people"
    if data_set.unread:
        return f"nothing: {count(data_set.unread, 'ledger')} cannot be read"
    if not data_set.lasting:
        said = "nothing: simulated noise"
    elif len(data_set.lasting) == len(data_set.parts):
        said = "a bound"
    else:
        said = f"a bound of epsilon {epsilon_text(data_set.epsilon_lasting)}; the rest is simulated"
    return said + (f"; {count(data_set.exact, 'run')} without epsilon not covered" if data_set.exact else "")


def shares_table(data_sets: Iterable[DataSetLedger]) -> pd.DataFrame:
    """State which share of all its budgets together, in rho, each data set has spent and has left.

    Returns: Data set, State (spent or left), Share of the budgets; two lines for each data set. Spent passes 1 where
        a ledger was overspent.
    """
    rows = []
    for one in data_sets:
        left = sum(part.remaining for part in one.parts)
        rows += [(one.name, SPENT, one.spent / one.cap), (one.name, LEFT, left / one.cap)]
    return pd.DataFrame(rows, columns=[DATA_SET, STATE, SHARE])


def budget_table(data_set: DataSetLedger) -> pd.DataFrame:
    """List the budgets of a data set.

    Returns: Where, Ledger, Called, Counts, Epsilon, Delta, Population, Spent (rho), Spent (share), Spent as epsilon (at
        the budget's own delta), Left (rho), Latest cost (rho), Releases left, Usual cost (rho), Usual releases left
        (both of the middle release by cost), Lost (releases that were reserved and never came out), Fingerprint of the
        files; costs and releases are missing where nothing was released.
    """
    rows = [
        (part.where, part.ledger, part.name, "over all runs" if part.adds_up else "one run", part.epsilon, part.delta,
         part.population, part.spent / NANO, part.spent / part.cap, as_epsilon(part.spent, part.delta),
         part.remaining / NANO, _rho(part.latest), part.releases_left(part.latest), _rho(part.usual),
         part.releases_left(part.usual), part.lost, ", ".join(one[:12] for one in part.fingerprints))
        for part in data_set.parts
    ]  # fmt: skip
    columns = ["Where", "Ledger", "Called", "Counts", "Epsilon", "Delta", "Population", "Spent (rho)", "Spent (share)",
               "Spent as epsilon", "Left (rho)", "Latest cost (rho)", "Releases left", "Usual cost (rho)",
               "Usual releases left", "Lost", "Fingerprint"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    numbers = {"Latest cost (rho)": "float64", "Usual cost (rho)": "float64"}
    return table.astype({**numbers, "Releases left": "Int64", "Usual releases left": "Int64"})


def epsilon_text(value: float, *, at_least: bool = False) -> str:
    """Write an epsilon with three digits."""
    said = "0" if value == 0 else _SMALL if value < 0.001 else f"{value:.3g}"
    return f"at least {said}" if at_least and said != _SMALL else said


def _rho(nano_rho: int | None) -> float | None:
    return None if nano_rho is None else nano_rho / NANO
