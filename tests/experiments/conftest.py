from pathlib import Path

import pytest

from experiments.execute import run_scenario
from experiments.scenario_file import validate

RUNNER = "popularity_runner:run"
FINGERPRINT = "popularity_runner:fingerprint"


def tiny(**changes):
    raw = {
        "name": "tiny",
        "data": {"source": "generated", "shoppers": 120},
        "split": {"origins": 2},
        "arms": [
            {"name": "popularity", "method": "popularity"},
            {"name": "mine", "method": "untrained"},
            {"name": "dp-1", "method": "dp_popularity", "epsilon": 1.0},
        ],
    }
    return {**raw, **changes}


@pytest.fixture
def make_scenario():
    return lambda **changes: validate(tiny(**changes), source="tiny")


@pytest.fixture
def switches(tmp_path, monkeypatch):
    """A folder whose files make the runner slow, failing or refused, and that counts executions."""
    folder = tmp_path / "switches"
    folder.mkdir()
    monkeypatch.setenv("TRADEFAIR_TEST_SWITCHES", str(folder))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return folder


@pytest.fixture
def execute(switches, tmp_path):
    """Run a scenario with the small runner; the store is `tmp_path / "runs"`."""

    def run(scenario, **options):
        options = {"store": tmp_path / "runs", "jobs": 1, "runner": RUNNER, "data_fingerprint": FINGERPRINT, **options}
        return run_scenario(scenario, **options)

    return run


@pytest.fixture
def executions(switches):
    """Return how often each run was executed, by run id."""

    def count():
        found = {}
        for path in switches.glob("executed-*"):
            run_id = path.name.split("-")[1]
            found[run_id] = found.get(run_id, 0) + 1
        return found

    return count
