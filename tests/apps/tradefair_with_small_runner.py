"""The real command with the tests' small runner in place of the product's, so that a sweep takes seconds."""

import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "experiments"))

import experiments.execute as execute
from apps.command.main import run

execute.run_scenario = functools.partial(
    execute.run_scenario, runner="popularity_runner:run", data_fingerprint="popularity_runner:fingerprint"
)

if __name__ == "__main__":
    run()
