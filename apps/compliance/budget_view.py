"""Budgets in words: what each run promised and spent, what is left, and what each release cost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pandas as pd

from apps.compliance.found_ledgers import read_file
from apps.runs.run_record import RunRecord, reservations, stored_ledger, title
from privacy.ledger_views import PersonView, dataset_view, person_view
from retail.errors import PrivacyError

RELEASE: Final = "Release"
SHARE: Final = "Share of the budget"
SO_FAR: Final = "Spent so far"


def budgets(runs: Iterable[RunRecord]) -> pd.DataFrame:
    """State what each run with an epsilon may spend, has spent and has left.

    Returns: one row per run and data set: Run, Arm, Promised (epsilon), Delta, Spent (share), Spent as epsilon, Left as
        epsilon, Releases left (of the size of the latest one; missing where nothing was released), Lost (reserved and
        never committed), Data set, Ledger (the file; one that several runs share is in a row of each, whole).

    Raises:
        PrivacyError: a ledger is damaged.
    """
    rows = []
    for run in runs:
        ledger = run.ledger()
        if ledger is None:
            continue
        entries = ledger.reservations
        lost = entries[entries["committed_at"].isna()].groupby("dataset").size()
        for row in dataset_view(ledger).to_dict("records"):
            rows.append(
                (title(run.record), str(run.record.get("arm", "")), row["epsilon"], row["delta"],
                 row["spent"] / row["cap"], row["epsilon_spent"], row["epsilon_left"], row["releases_left"],
                 int(lost.get(row["dataset"], 0)), row["dataset"], str(run.ledger_path.resolve()))
            )  # fmt: skip
    columns = ["Run", "Arm", "Promised", "Delta", "Spent", "Spent as epsilon", "Left as epsilon", "Releases left",
               "Lost", "Data set", "Ledger"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"Releases left": "Int64"})


def spending(run: RunRecord) -> pd.DataFrame:
    """State what each release of a run took from its budget, in order.

    Returns: Number (from 1), Release, Purpose, Share of the budget, Spent so far (also a share), State (committed or
        lost); empty where nothing was paid for.

    Raises:
        PrivacyError: the ledger is damaged.
    """
    ledger = run.ledger()
    if ledger is None or ledger.reservations.empty:
        return pd.DataFrame(columns=["Number", RELEASE, "Purpose", SHARE, SO_FAR, "State"])
    paid = reservations(ledger, str(run.record["run_id"]))
    return pd.DataFrame(
        {
            "Number": range(1, len(paid) + 1),
            RELEASE: paid["Release"],
            "Purpose": paid["Purpose"],
            SHARE: paid["Share of cap"],
            SO_FAR: paid["Share of cap"].cumsum(),
            "State": paid["Committed"].notna().map({True: "committed", False: "lost"}),
        }
    )


def one_person(runs: Iterable[RunRecord]) -> PersonView | None:
    """Add up what everything released by some runs may tell about one person; None where no run spent.

    Raises:
        PrivacyError: a ledger is damaged.
    """
    paths: dict[Path, None] = {}
    for run in runs:
        ledger = run.ledger()
        if ledger is not None and not ledger.budgets.empty:
            paths[run.ledger_path] = None
    return person_view(list(paths), read=stored_ledger) if paths else None


def readable(runs: Iterable[RunRecord]) -> tuple[list[RunRecord], dict[str, str]]:
    """Tell runs whose ledgers can be read, or that have none, from the others, by title with what is wrong."""
    good: list[RunRecord] = []
    damaged: dict[str, str] = {}
    for run in runs:
        try:
            if run.epsilon is not None and run.ledger_path.is_file() and read_file(run.ledger_path) is None:
                raise PrivacyError(f"{run.ledger_path} holds no budget; restore it from a copy")
            good.append(run)
        except (PrivacyError, OSError, ValueError) as error:
            damaged[title(run.record)] = str(error)
    return good, damaged


def without_ledger(runs: Iterable[RunRecord]) -> tuple[list[str], list[str]]:
    """Return the arms that promise nothing, and the runs that promise an epsilon and left no ledger."""
    silent: dict[str, None] = {}
    missing = []
    for run in runs:
        if run.epsilon is None:
            silent[str(run.record.get("arm", run.settings.get("arm", {}).get("name", "unknown")))] = None
        elif not run.ledger_path.is_file():
            missing.append(title(run.record))
    return list(silent), missing


__all__ = [
    "RELEASE",
    "SHARE",
    "SO_FAR",
    "PrivacyError",
    "budgets",
    "one_person",
    "readable",
    "spending",
    "without_ledger",
]
