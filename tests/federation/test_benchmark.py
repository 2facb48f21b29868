"""The benchmark of the engines compares like with like, and every benchmark is on the page of benchmarks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_script_that_measures_is_on_the_page_of_benchmarks():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    texts = {one.name: one.read_text(encoding="utf-8") for one in (ROOT / "benchmarks").glob("*.py")}
    scripts = {name for name, text in texts.items() if '__name__ == "__main__"' in text} - {"federation_cell.py"}
    assert len(scripts) > 10
    assert {name for name in scripts if f"`python benchmarks/{name}" not in page} == set()


@pytest.mark.slow
def test_the_benchmark_of_engines_lets_all_of_them_learn_the_same():
    script = [sys.executable, str(ROOT / "benchmarks" / "federation.py"), "--quick", "--json"]
    small = ["--clients", "3", "--widths", "2", "--contenders", "plain,inprocess,cohort"]
    found = json.loads(subprocess.run([*script, *small], capture_output=True, text=True, check=True).stdout)
    cells = {(one["unit"], one["contender"]): one for one in found["cells"]}
    assert len(cells) == len(found["cells"]) == 6
    for (_, contender), cell in cells.items():
        assert cell["error"] == ""
        assert len(cell["wall_s"]) == len(cell["cpu_s"]) == 10
        assert cell["parameters"] == 16 * 2 + 2 + 2 * 2 + 2 + 2 + 1
        assert (cell["off"] is None) == (contender == "plain")
        assert cell["off"] is None or cell["off"] < 1e-5
    assert {one["target"] for one in found["targets"]} == {
        "in-process - plain, ms CPU",
        "CPU of in-process / cohort",
        "CPU of plain / cohort",
    }
