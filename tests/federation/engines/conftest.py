import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from federation.config import FederationConfig
from retail.datasource import DataSource
from retail.generator import Settings, generate_tables

START, END = dt.date(2024, 1, 1), dt.date(2024, 12, 29)
NOW = (START - dt.date(1970, 1, 1)).days + 300
MERCHANTS = (1, 2, 3)


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """All rows of three stores."""
    folder = tmp_path_factory.mktemp("tables") / "shop"
    generate_tables(folder, Settings(300, seed=3, merchants=3, products=400))
    return DataSource(source="folder", path=str(folder), timezone="UTC", population=300, start=START, end=END)


@pytest.fixture
def settings(shop, monkeypatch):
    """Build settings of runs over the three stores."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    base = FederationConfig(
        task="recommend",
        source=shop,
        merchants=MERCHANTS,
        now=NOW,
        clip_norm=2.0,
        delta=1e-4,
        options={"train": False, "tastes": False, "rich": False},
    )
    return lambda **changes: replace(base, **changes)


@pytest.fixture
def deployed(settings):
    """Build settings that parties agree to."""
    kept = {"mode": "deployment", "ledger": Path("ledger"), "ledger_scope": "persistent", "run_id": "first"}
    private = {"epsilon": 4.0, "noise": "distributed", "aggregation": "secure", "dropouts": 1}
    return lambda **changes: settings(**{**private, **kept, **changes})
