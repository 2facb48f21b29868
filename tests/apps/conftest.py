import math
import os
from functools import cache
from pathlib import Path

import pytest
import streamlit
from browser_visit import BROWSERS, QUIET
from chart_rules import faults_of
from made_once import made_once
from streamlit.components.v2 import manifest_scanner

from experiments.documents import write_json
from experiments.execute import run_scenario
from experiments.scenario_file import validate
from privacy.attacks import AttackResult, ControlResult

ARMS = [
    {"name": "popularity", "method": "popularity", "label": "Global popularity"},
    {"name": "isolated", "method": "isolated", "label": "Isolated stores"},
    {"name": "federated", "method": "federated", "label": "Federated"},
    *(
        {"name": f"{name}-{epsilon:g}", "method": method, "epsilon": epsilon, "label": label}
        for name, method, label in (
            ("dp-popularity", "dp_popularity", "Noisy popularity only"),
            ("federated-dp", "federated", "Federated, private"),
        )
        for epsilon in (8.0, 4.0, 1.0)
    ),
    {
        "name": "every-node",
        "method": "federated",
        "epsilon": 4.0,
        "noise": "every_node",
        "label": "Federated, private, every node adds noise",
    },
    {"name": "pooled", "method": "pooled", "label": "Pooled raw data"},
]
MARKET = {
    "name": "market",
    "title": "Twelve stores learn which categories go together",
    "data": {"source": "generated", "shoppers": 900},
    "split": {"origins": 2},
    "privacy": {"delta": 1e-6},
    "arms": ARMS,
    "targets": {
        "ratio(explore_ndcg10, federated, popularity)": ">= 1.15",
        "ratio(explore_ndcg10, federated-dp-1, dp-popularity-1)": ">= 1.10",
        "difference(explore_ndcg10, federated-dp-4, pooled)": ">= -0.003",
    },
}
GROWING = {
    **MARKET,
    "name": "growing",
    "title": "The price of privacy falls with the number of shoppers",
    "split": {"origins": 1},
    "arms": [arm for arm in ARMS if arm["method"] in ("popularity", "federated", "pooled") and "noise" not in arm],
    "sweep": {"data.shoppers": [400, 1200, 4000]},
    "targets": {"ratio(explore_ndcg10, federated-dp-1, federated)": ">= 0.98"},
}


AUDITED = {
    **MARKET,
    "name": "audited",
    "title": "Every read asks the policy",
    "data": {"source": "generated", "shoppers": 300},
    "split": {"origins": 1},
    "policy": {"packs": ["dma"]},
    "arms": [
        {"name": "isolated", "method": "isolated"},
        {"name": "federated", "method": "federated"},
        {"name": "federated-dp-4", "method": "federated", "epsilon": 4.0},
        {"name": "pooled", "method": "pooled"},
        {"name": "pooled-under-firewall", "method": "pooled", "regime": "firewall"},
    ],
    "targets": {},
}


def fill(store, *, scenarios=(MARKET, GROWING), fail="", runner="category_runner"):
    """Run scenarios with a small runner; arms named in `fail` are refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setenv("TRADEFAIR_TEST_FAIL", fail)
        for raw in scenarios:
            run_scenario(
                validate(raw, source=raw["name"]),
                store=store,
                jobs=min(2, os.cpu_count() or 1),
                runner=f"{runner}:run",
                data_fingerprint=f"{runner}:fingerprint",
            )
    return store


@pytest.fixture(scope="module")
def browser():
    """Chromium for the tests of a module; closed with it, since one process drives one browser at a time."""
    found = [path for path in BROWSERS if path.exists()]
    if not found:
        pytest.skip(f"no browser: none of {', '.join(map(str, BROWSERS))} exists; install chromium to run this test")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: install the dev extra")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(found[0]), args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="session", autouse=True)
def _components_are_looked_for_once():
    """Streamlit's test runner reads the metadata of all installed packages at each rerun, in search of components."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def _every_chart_that_a_test_draws_keeps_the_rules():
    """A chart whose axis has no title, or whose text gives no figure, stops the page of the test that draws it."""
    draw = streamlit.vega_lite_chart

    def checked(document, *, alt, **options):
        assert not faults_of(document, alt)
        return draw(document, alt=alt, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamlit, "vega_lite_chart", checked)
        yield


@pytest.fixture(scope="session")
def run_store(tmp_path_factory):
    """A store with an ordinary scenario, one over the number of shoppers, and one in which an arm was refused."""
    broken = {**MARKET, "name": "broken", "title": "One arm is refused", "split": {"origins": 1},
              "arms": ARMS[:3] + ARMS[5:7], "targets": {}}  # fmt: skip

    def make(folder):
        fill(folder)
        fill(folder, scenarios=(broken,), fail="federated-dp-8")

    return made_once(tmp_path_factory, "app-runs", make)


@pytest.fixture(scope="session")
def failed_store(tmp_path_factory):
    """A store with a scenario of which one run was broken off by an error that nobody foresaw."""
    raw = {**MARKET, "data": {"source": "generated", "shoppers": 60}, "split": {"origins": 1}, "targets": {},
           "arms": [ARMS[0], ARMS[2]]}  # fmt: skip
    return made_once(tmp_path_factory, "failed-runs", lambda folder: fill(folder, scenarios=(raw,), fail="federated!"))


@pytest.fixture(scope="session")
def audited_store(tmp_path_factory):
    """A store whose runs read through the data port; the policy refuses one arm. Its private run was attacked."""

    def make(folder):
        fill(folder, scenarios=(AUDITED,), runner="reading_runner")
        run = next(path.parent for path in folder.glob("audited/*/run.json") if '"epsilon": 4.0' in path.read_text())
        control = ControlResult("noise left out", True, 6.1, "Without noise the attack found epsilon 6.1.")
        words = "At least epsilon 0.1 was found; that does not show that there is no more."
        found = AttackResult("one_run", 0.4, 0.1, math.inf, "epsilon", 5.8, control, 1000, 2.5, words, False, 4.0)
        write_json(run / "artifacts" / "attacks.json", {"results": [found.to_json()]})

    return made_once(tmp_path_factory, "audited-runs", make)
