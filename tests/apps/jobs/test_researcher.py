"""What researchers do in the app, from beginning to end: a scenario of their own, a comparison, a parcel."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile

import pandas as pd
import pytest
from browser_visit import ROOT, serve
from ways import LONG

from experiments.execute import run_scenario
from experiments.scenario_file import scenario_text, validate

pytestmark = pytest.mark.slow
REGIMES = ("pure", "isolated", "firewall", "pooled")
ARMS = [{"name": one, "label": one.capitalize(), "regime": one} for one in REGIMES]
RAW = {"kind": "market", "name": "draft", "title": "Who gains", "replications": 9, "periods": 200, "arms": ARMS}
NUMBER = re.compile(r"-?\d[\d,]*\.\d+")


@pytest.fixture
def unrun(tmp_path):
    """The app on a store with a scenario that nobody has run: four markets, which take seconds."""
    (tmp_path / "runs" / "draft").mkdir(parents=True)
    (tmp_path / "runs" / "draft" / "scenario.toml").write_text(scenario_text(validate(RAW, source="draft")))
    process, address = serve(tmp_path / "runs", tmp_path / "log.txt")
    yield address, tmp_path / "runs" / "draft"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The app on a store in which two arms of that scenario were run, for fewer periods."""
    folder = tmp_path_factory.mktemp("finished")
    scenario = validate({**RAW, "periods": 60, "arms": ARMS[1:3]}, source="draft")
    run_scenario(scenario, store=folder / "runs", jobs=min(2, os.cpu_count() or 1))
    process, address = serve(folder / "runs", folder / "log.txt")
    yield address, folder / "runs" / "draft"
    process.terminate()
    process.wait(10)


def says(heading, difference):
    """Whether a heading says how one side differs from another, with the interval, to the digits that it shows."""
    shown = NUMBER.findall(heading)
    sign = -1 if " lower for " in heading else 1
    ends = sorted((sign * difference["lo"], sign * difference["hi"]))
    wanted = (sign * difference["value"], *ends)
    return len(shown) == 3 and all(
        abs(float(text.replace(",", "")) - value) <= 0.51 * 10 ** -len(text.partition(".")[2])
        for text, value in zip(shown, wanted, strict=True)
    )


def test_a_scenario_is_edited_started_cancelled_and_resumed(unrun, worker):
    address, folder = unrun
    one = worker(address).visit("/")
    one.go("Researchers", "Scenarios")
    one.pick("In this store")
    one.see("Nothing is changed.")
    one.unfold("The whole scenario")
    one.fill("Replications", "16")  # enough for a run not to end before it is cancelled
    one.see("1 change to the original")
    one.look("1-edited")
    one.press("Save and start")
    one.see("Running now")
    assert "replications = 16\n" in (folder / "scenario.toml").read_text()

    other = worker(address).visit("/")  # another tab finds it
    other.see("draft is running")
    other.look("1-running")
    other.press("Cancel")
    one.see("draft was cancelled")
    assert len(list(folder.glob("*/run.json"))) < len(REGIMES)
    assert not (folder / "summary.json").exists()

    one.press("Resume")
    one.main.get_by_role("button", name="Run again").wait_for(timeout=4 * LONG)
    document = json.loads((folder / "summary.json").read_text())
    assert len(document["runs"]) == len(REGIMES)
    other.end("1-elsewhere")
    one.end("1")


def test_two_arms_and_two_runs_are_compared_by_their_paired_difference(finished, worker):
    address, folder = finished
    document = json.loads((folder / "summary.json").read_text())
    differences = {one["name"]: one for one in document["differences"]}
    merchants = differences["difference(merchant_surplus, firewall, isolated)"]
    consumers = differences["difference(consumer_surplus, firewall, isolated)"]
    one = worker(address).visit("/")
    one.go("Researchers", "Compare")
    one.choose("This", "Firewall")
    one.choose("Less this", "Isolated")
    one.choose("Figure", "Merchants")
    assert says(one.heading(re.compile("Merchants: .* Firewall .* Isolated")), merchants)
    one.see("Paired over markets of the same seeds")
    one.look("2-arms")
    one.visit(one.page.url.removeprefix(address))  # a link shows the same to somebody else
    assert says(one.heading(re.compile("Merchants: .* Firewall .* Isolated")), merchants)

    one.pick("Single runs")
    runs = {row["arm"]: row["run_ids"][0] for row in document["rows"]}  # one run each, so with the arms' difference
    one.choose("This", f"Firewall, run {runs['firewall'][:8]}")
    one.choose("Less this", f"Isolated, run {runs['isolated'][:8]}")
    one.choose("Figure", "Consumers")
    assert says(one.heading(re.compile("Consumers: .* Firewall, run .* Isolated, run ")), consumers)
    one.end("2")


def test_a_run_is_exported_and_its_parcel_repeats_it(finished, worker, tmp_path):
    address, folder = finished
    document = json.loads((folder / "summary.json").read_text())
    one = worker(address).visit("/")
    one.go("Researchers", "Runs")
    run = next(row["run_ids"][0] for row in document["rows"] if row["arm"] == "firewall")
    one.choose("Run", f"firewall, seed 0 ({run[:8]})")
    one.heading(f"Run {run}")
    path, name = one.download("Download the parcel")
    assert name == f"{run}.zip"
    parcel = tmp_path / "parcel"
    with zipfile.ZipFile(path) as file:
        file.extractall(parcel)
    one.end("3")

    told = re.search(r"\.venv/bin/tradefair (run .*)", (parcel / "README.txt").read_text())
    command = [sys.executable, "-m", "apps.command.main", *shlex.split(told[1])]
    done = subprocess.run(
        command, cwd=parcel, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    again = parcel / "runs" / "draft" / run  # with the same code and data a run gets the same id
    assert json.loads((again / "run.json").read_text())["status"] == "finished"
    sent = pd.read_parquet(parcel / "runs" / run / "metrics.parquet")
    assert not sent.empty
    pd.testing.assert_frame_equal(pd.read_parquet(again / "metrics.parquet"), sent, check_exact=True)
    pd.testing.assert_frame_equal(sent, pd.read_parquet(folder / run / "metrics.parquet"), check_exact=True)
