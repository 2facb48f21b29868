import importlib
import shutil
import sys
from pathlib import Path

import pytest

from experiments.logbook import KEY, run_log
from experiments.report import build_report, write_report
from experiments.runs import RunStore
from privacy.log import SigningKey


@pytest.fixture(scope="session")
def small_store():
    """The module beside this file that fills a small, logged store."""
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        yield importlib.import_module("small_store")
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="session")
def made(small_store, tmp_path_factory):
    """A store that no test changes."""
    return small_store.fill(tmp_path_factory.mktemp("report") / "runs")


@pytest.fixture
def store(made, tmp_path):
    """A copy of the store that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "runs"))


@pytest.fixture(scope="session")
def model(made):
    return build_report(made, "market", policy=["base", "dma", "gdpr"], regimes=["federated_dp", "pooled"])


@pytest.fixture(scope="session")
def key(made):
    return SigningKey.load(made / KEY)


@pytest.fixture(scope="session")
def make_store(small_store):
    """Execute and log a scenario: `make_store(root, raw, events=...)`."""
    return small_store.fill


@pytest.fixture(scope="session")
def make_accesses(small_store):
    """Log entries of decisions: `make_accesses(requests, packs=..., regime=...)`."""
    return small_store.accesses


@pytest.fixture(scope="session")
def scenario(small_store):
    return small_store.SCENARIO


@pytest.fixture
def run_of(made):
    """Return the id of an arm's run."""

    def find(arm):
        return next(r["run_id"] for r in RunStore(made).records("market") if r["arm"] == arm)

    return find


@pytest.fixture
def sign_and_write(tmp_path, key):
    """Write bytes as a report with a good signature of the store's own key."""

    def write(content, name, model, signer=None):
        path = tmp_path / name
        write_report(path, content, key=signer or key, model=model)
        return path

    return write


@pytest.fixture(scope="session")
def plant():
    """Append events to the log of the first run of a store, and sign it."""

    def append(store, *events):
        run = RunStore(store).records("market")[0]
        log = run_log(Path(run["path"]))
        log.append_many(events)
        log.sign_head()

    return append
