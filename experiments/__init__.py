"""Scenarios become runs, runs become a table.

Enters: a scenario in TOML. Leaves: a run store of plain files (`config.toml`, `metrics.parquet`, `run.json`, ...)
and one table with intervals, which the command, the app and the reports read.

    from experiments.execute import run_scenario
    from experiments.scenario_file import load_scenario

    summary = run_scenario(load_scenario("demo", ["seeds=[0, 1]"]), store="runs")
    print([(row["arm"], row["explore_ndcg10"]) for row in summary.rows])

Importing the package switches off what Flower and Ray would otherwise report or fetch, for this process and those
it starts: a product about privacy contacts nobody.
"""

import os
from typing import Final

CONTACT_NOBODY: Final = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
os.environ.update(CONTACT_NOBODY)

__all__ = ["CONTACT_NOBODY"]
