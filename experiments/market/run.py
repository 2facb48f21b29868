"""Execute one run of a market scenario: one arm on all its markets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.documents import write_frame
from experiments.market.figures import FIGURES
from experiments.market.label_settings import LABEL_SETTINGS
from experiments.market.rules import read_rules, read_settings
from experiments.market.scenario import MarketScenario
from experiments.market.spec import SEEDS_FILE, MarketSpec
from experiments.market.summary import of_seeds
from experiments.runs import ArmResult
from retail.errors import ConfigError
from retail.market_log import write_log
from simulation.market import MarketRun, MarketSettings, Rules, simulate

PERIODS_FILE: Final = "by_period.parquet"
"""Among the artifacts: means over the markets, one row for each period."""
LOG_FOLDER: Final = "log"
"""Among the artifacts: the event log of the first market, for audits."""


@dataclass(frozen=True)
class Prepared:
    """An arm that can be run. Attributes: settings and rules of its market; rules are None but for regimes."""

    settings: MarketSettings
    rules: Rules | None


def fingerprint(scenario: MarketScenario) -> str:
    """Identity of the data: a simulated market reads none, one on real categories reads purchases.

    Raises: ConfigError, DataError: the data cannot be found.
    """
    if scenario.method != "label":
        return "simulated"
    from experiments.market.label_run import label_fingerprint

    return label_fingerprint(scenario)


def prepared(spec: MarketSpec) -> Prepared:
    """Read an arm's settings and rules.

    Raises: ConfigError, PolicyError: one of them cannot be used.
    """
    settings = read_settings(spec.market)
    if spec.settings.method == "signs":
        from experiments.market.signs import SIGNS

        if spec.arm.experiment not in SIGNS:
            raise ConfigError(f"there is no experiment {spec.arm.experiment!r}; choose among {', '.join(SIGNS)}")
        return Prepared(settings, None)
    if spec.settings.method == "label":
        unread = sorted(set(spec.market) - set(LABEL_SETTINGS))
        if unread:
            raise ConfigError(
                f'settings.{unread[0]} is not read by method = "label", which reads {", ".join(LABEL_SETTINGS)}; '
                "remove it"
            )
        return Prepared(settings, None)
    assert spec.arm.regime is not None
    return Prepared(settings, read_rules(spec.arm.regime, spec.arm.remedies, settings))


def run_market(spec: MarketSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute one run.

    Args:
        spec: the run.
        directory: its folder; figures by seed and by period, and the log of the first market, go to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        TradefairError: the run is refused: a setting or rule that cannot be used.
    """
    ready = prepared(spec)
    if spec.settings.method == "label":
        from experiments.market.label_run import run_label

        return run_label(spec, ready.settings, directory, progress)
    if ready.rules is None:
        from experiments.market.sign_run import run_sign

        return run_sign(spec, ready.settings, directory, progress)
    rows: list[Mapping[str, Any]] = []
    periods: pd.DataFrame | None = None
    for number, seed in enumerate(spec.seeds):
        progress(f"market {number + 1} of {len(spec.seeds)}")
        run = simulate(
            ready.settings,
            ready.rules,
            seed=seed,
            periods=spec.settings.periods,
            record="list" if number == 0 else None,
        )
        if number == 0:
            kept = directory / "artifacts" / LOG_FOLDER
            shutil.rmtree(kept, ignore_errors=True)  # what a killed run left
            write_log(run.log(), kept)
        rows.append({"seed": seed, **run.kpis})
        periods = run.by_period if periods is None else periods + run.by_period
    assert periods is not None
    table = pd.DataFrame(rows)
    artifacts = directory / "artifacts"
    write_frame(artifacts / SEEDS_FILE, table)
    write_frame(artifacts / PERIODS_FILE, periods / len(rows))
    info = _about(run) | {"consumers": ready.settings.consumers, "markets": len(rows)}
    return ArmResult(metrics_of(table), info=info)


def metrics_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the means over seeds with their intervals, one row for each column but `seed`."""
    found = []
    for name in table.columns.drop("seed"):
        unit = FIGURES[name].unit if name in FIGURES else "1"
        one = of_seeds(str(name), table[name].to_numpy(np.float64), unit=unit, provenance={})
        found.append({"name": one.name, "value": one.value, "lo": one.lo, "hi": one.hi, "unit": one.unit, "n": one.n})
    return pd.DataFrame(found)


def _about(run: MarketRun) -> dict[str, Any]:
    reads = run.reads
    refused = int((~reads["allowed"].astype(bool)).sum()) if len(reads) else 0
    return {"reads": len(reads), "reads_refused": refused, "outside": ", ".join(run.settings.outside())}
