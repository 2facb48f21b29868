"""Execute one run of a market scenario: one arm on all its markets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from experiments.documents import write_frame
from experiments.market.empty_sizes import without_empty_sizes
from experiments.market.figures import FIGURES, within
from experiments.market.label_settings import LABEL_SETTINGS
from experiments.market.periods import MARKETS_FILE, PERIODS_FILE, means, of_markets
from experiments.market.rules import read_rules, read_settings
from experiments.market.scenario import MarketScenario, Method
from experiments.market.spec import SEEDS_FILE, MarketSpec
from experiments.market.summary import of_seeds
from experiments.runs import ArmResult
from retail.errors import ConfigError
from retail.market_log import MarketLog, write_log
from simulation.market import MarketRun, MarketSettings, Rules, simulate
from simulation.replicate import run_all

T = TypeVar("T")
LOG_FOLDER: Final = "log"
"""Among the artifacts: the event log of the first market, for audits."""


@dataclass(frozen=True)
class Prepared:
    """An arm that can be run. Attributes: settings and rules of its market; rules are None but for regimes."""

    settings: MarketSettings
    rules: Rules | None


@dataclass(frozen=True)
class _Ran:
    """What is kept of one market: figures, means by period, what `run.json` says, and the log if asked for."""

    kpis: Mapping[str, float]
    by_period: pd.DataFrame
    about: Mapping[str, Any]
    log: MarketLog | None


@dataclass(frozen=True)
class _Simulation:
    """One market for each seed; pickles, so that it can be done elsewhere. Attributes: logged: the seed with a log."""

    settings: MarketSettings
    rules: Rules
    periods: int
    logged: int

    def __call__(self, seed: int) -> _Ran:
        first = seed == self.logged
        run = simulate(self.settings, self.rules, seed=seed, periods=self.periods, record="list" if first else None)
        figures, periods = without_empty_sizes(run)
        return _Ran(figures, periods, _about(run), run.log() if first else None)


def fingerprint(scenario: MarketScenario) -> str:
    """Identity of the data: a simulated market reads none, one on real categories reads purchases.

    Raises: ConfigError, DataError: the data cannot be found.
    """
    if scenario.method != "label":
        return "simulated"
    from experiments.market.label_run import label_fingerprint

    return label_fingerprint(scenario)


def settings_of(method: Method, given: Mapping[str, Any]) -> MarketSettings:
    """Read settings of a market as a method does.

    Raises: ConfigError: one of them cannot be used, or is not read.
    """
    settings = read_settings(given)
    unread = sorted(set(given) - set(LABEL_SETTINGS)) if method == "label" else []
    if unread:
        raise ConfigError(
            f'settings.{unread[0]} is not read by method = "label", which reads {", ".join(LABEL_SETTINGS)}; remove it'
        )
    return settings


def prepared(spec: MarketSpec) -> Prepared:
    """Read an arm's settings and rules.

    Raises: ConfigError, PolicyError: one of them cannot be used.
    """
    settings = settings_of(spec.settings.method, spec.market)
    if spec.settings.method == "signs":
        from experiments.market.signs import SIGNS

        if spec.arm.experiment not in SIGNS:
            raise ConfigError(f"there is no experiment {spec.arm.experiment!r}; choose among {', '.join(SIGNS)}")
        return Prepared(settings, None)
    if spec.settings.method == "label":
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
    periods: list[pd.DataFrame] = []
    work = _Simulation(ready.settings, ready.rules, spec.settings.periods, spec.seeds[0])
    for seed, ran in zip(spec.seeds, side_by_side(work, spec, progress), strict=True):
        if ran.log is not None:
            kept = directory / "artifacts" / LOG_FOLDER
            shutil.rmtree(kept, ignore_errors=True)  # what a killed run left
            write_log(ran.log, kept)
        rows.append({"seed": seed, **ran.kpis})
        periods.append(ran.by_period)
    table = pd.DataFrame(rows)
    artifacts = directory / "artifacts"
    write_frame(artifacts / SEEDS_FILE, table)
    write_frame(artifacts / PERIODS_FILE, means(periods))
    write_frame(artifacts / MARKETS_FILE, of_markets(spec.seeds, periods))
    info = dict(ran.about) | {"consumers": ready.settings.consumers, "markets": len(rows)}
    return ArmResult(metrics_of(table), info=info)


def side_by_side(
    work: Callable[[int], T], spec: MarketSpec, progress: Callable[[str], None], *, times: int = 1
) -> Iterator[T]:
    """Do the work for every seed of a run, where its scenario says, and tell how far it is; answers by seed.

    Args:
        work: of one seed.
        spec: the run.
        progress: takes a line for each.
        times: as many more seeds follow on the run's own.
    """
    where, seeds = spec.settings.markets, range(spec.seeds.start, spec.seeds.start + times * len(spec.seeds))
    answers = iter(run_all(work, seeds, workers=where.workers, where=where.on, block=1))
    for number in range(len(seeds)):
        progress(f"market {number + 1} of {len(seeds)}")
        yield next(answers)


def metrics_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the means over seeds with their intervals, one row for each column but `seed`."""
    found = []
    for name in table.columns.drop("seed"):
        unit = FIGURES[name].unit if name in FIGURES else "1"
        one = of_seeds(str(name), table[name].to_numpy(np.float64), unit=unit, provenance={})
        lo, hi = within(str(name), one.lo, one.hi)
        found.append({"name": one.name, "value": one.value, "lo": lo, "hi": hi, "unit": one.unit, "n": one.n})
    return pd.DataFrame(found)


def _about(run: MarketRun) -> dict[str, Any]:
    reads = run.reads
    refused = int((~reads["allowed"].astype(bool)).sum()) if len(reads) else 0
    return {"reads": len(reads), "reads_refused": refused, "outside": ", ".join(run.settings.outside())}
