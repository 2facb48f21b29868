import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from federation import local, nodes
from federation.config import FederationConfig
from federation.task import load_task
from retail.datasource import DataSource
from retail.generator import Settings, generate_tables

SHOPPERS = 300
START = dt.date(2024, 1, 1)
END = dt.date(2024, 12, 29)
SIZE = {"seed": 3, "merchants": 12, "products": 400}


@pytest.fixture
def make_config(monkeypatch):
    """Build settings over a small generated data set and the weekday task."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    base = FederationConfig(
        task="weekday_task:WeekdayTask",
        source=DataSource(source="generated", shoppers=SHOPPERS, data_seed=3),
        merchants=tuple(range(1, 13)),
        now=(START - dt.date(1970, 1, 1)).days + 300,
        rounds=2,
        steps=3,
        clip_norm=2.0,
        delta=1e-4,
    )
    return lambda **changes: replace(base, **changes)


@pytest.fixture
def persistent(make_config, tmp_path):
    """Build settings of a run whose budget outlives it."""

    def make(**changes):
        kept = {"ledger": tmp_path / "books" / "ledger.sqlite", "ledger_scope": "persistent", "run_id": "first"}
        return make_config(**{"epsilon": 4.0, **kept, **changes})

    return make


@pytest.fixture(scope="session")
def write_folder(tmp_path_factory):
    """Write the raw tables of all merchants, with or without some shoppers; returns a source."""
    root = tmp_path_factory.mktemp("tables")
    made = {}

    def write(*without, keep=("transactions", "products", "stores"), **changes):
        key = (without, keep)
        if key not in made:
            folder = root / f"{len(made)}" / "shop"
            generate_tables(folder, Settings(SHOPPERS, without=without, **SIZE))
            for file in folder.glob("*.parquet"):
                if file.stem not in keep:
                    file.unlink()
            made[key] = folder
        declared = {"population": SHOPPERS, "start": START, "end": END, **changes}
        return DataSource(source="folder", path=str(made[key]), timezone="UTC", **declared)

    return write


@pytest.fixture
def task_of():
    """The task of a run, as every party makes it."""
    return lambda config: load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config))


@pytest.fixture
def train_locally(task_of):
    """Train without messages on some nodes of a run (all by default)."""

    def train(config, keep=lambda index: True):
        held = [node for index, node in enumerate(nodes.load_nodes(config)) if keep(index)]
        settings = {"population": nodes.denominator(config), "weight": config.weight, "clip_norm": config.clip_norm}
        return local.train(task_of(config), held, **settings)

    return train
