from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privacy import Budget, Ledger
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.bounds import Bounds

CATALOGUE = {"department": tuple(f"d{number:02d}" for number in range(20))}


def register() -> Register:
    parties = [Party("shop", "aggregator"), Party("rival", "merchant"), Party("arm", "platform_retail", "platform")]
    return Register(parties, [Dataset("transactions", "shop", "transactions", "dp", about_persons=True)])


def visits(persons: int, departments: int = 20, *, seed: int = 0, lines: int = 30) -> pd.DataFrame:
    """Made-up lines: person, merchant, basket, day, department, a price and a place."""
    rng = np.random.default_rng(seed)
    size = persons * lines
    return pd.DataFrame(
        {
            "person_id": np.repeat(np.arange(persons), lines),
            "merchant_id": rng.integers(0, 12, size),
            "basket_id": np.arange(size) // 3,
            "day": np.arange(size) // 3 % 300,
            "department": np.asarray(CATALOGUE["department"])[rng.integers(0, departments, size)],
            "price": rng.exponential(5.0, size).round(2),
            "x_m": rng.uniform(0, 40, size),
            "y_m": rng.uniform(0, 30, size),
        }
    )


@pytest.fixture
def make_visits():
    return visits


@pytest.fixture
def make_gate():
    """Build a gate of real parts: a ledger in memory or in a file, the base policy, a log in the same books."""

    def make(
        rows: pd.DataFrame,
        *,
        path: Path | None = None,
        epsilon: float = 8.0,
        bounds: Bounds | None = None,
        sources: tuple[str, ...] = ("base",),
        **others,
    ) -> ReleaseGate:
        budget = Budget("people", epsilon, 1e-5, 2500)
        if path is None:
            ledger = Ledger.open(":memory:", scope="run", budget=budget)
        else:
            ledger = Ledger.open(path, scope="persistent", budget=budget, run="release")
        settings = {"catalogue": CATALOGUE, "wait_s": 5.0} | others
        return ReleaseGate(
            dataset="transactions",
            ledger=ledger,
            engine=PolicyEngine.load(list(sources), register=register()),
            log=Log.open(ledger.books, origin="test", key=None),
            rows=lambda columns: rows[list(columns)],
            bounds=bounds or Bounds(max_merchants=3, max_cells=5, max_rows=4),
            **settings,
        )

    return make
