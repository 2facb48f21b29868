"""Execute one run: train what the arm names, rank for every shopper, and measure against what they bought next.

This module is imported by the command for `data_fingerprint`, so everything heavy is imported when a run starts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.run_access import begin_books, run_access
from experiments.runs import ArmResult
from experiments.scenario import Arm, DataSettings
from experiments.sweep import RunSpec
from retail.datasource import DataSource

if TYPE_CHECKING:
    from federation.access import Access
    from federation.config import FederationConfig


def data_source(data: DataSettings) -> DataSource:
    """Turn a scenario's `[data]` into a description that every process can open."""
    return DataSource(**data.model_dump())


def data_fingerprint(data: DataSettings) -> str:
    """Identity of the data, without reading tables where that is possible.

    Raises:
        DataError: the data cannot be found or read.
    """
    return data_source(data).fingerprint()


def run_arm(spec: RunSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute one run. In deployment mode the model is trained and accounted for, and nothing is measured.

    Args:
        spec: the run.
        directory: its folder; the ledger and the model go to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        TradefairError: the run is refused: bad settings, unusable data, a spent budget (then no data is read), or a
            rule that forbids what the arm does.
    """
    from experiments.measuring import evaluate, unmeasured
    from experiments.ranking import rank
    from federation.access import MarketPort

    config = federation_config(spec, directory)
    begin_books(config, directory)
    port = MarketPort(config, access(spec, directory))
    port.declare()
    ranked = rank(spec, port, directory, progress)
    if spec.privacy.mode == "deployment":
        progress("not measured: figures from everybody's exact rows would be a release that nobody has paid for")
        nobody = unmeasured()
        return ArmResult(metrics=_metrics(nobody), shoppers=nobody, info=ranked.info)
    progress("measuring")
    shoppers = evaluate(port, ranked.scores, days=spec.split.window_days)
    return ArmResult(metrics=_metrics(shoppers), shoppers=shoppers, info=ranked.info)


def federation_config(spec: RunSpec, directory: Path) -> FederationConfig:
    """Say what a run is to the federation.

    Raises:
        ConfigError: the settings contradict each other, or the time windows do not fit the data.
        PrivacyError: the claim could not be kept.
    """
    from federation.config import FederationConfig

    persistent = spec.privacy.ledger != "run"
    epsilon = spec.arm.epsilon
    return FederationConfig(
        task=spec.task,
        source=data_source(spec.data),
        now=first_test_day(spec),
        options=dict(spec.options) if spec.arm.method in _TRAINED else {},
        by=spec.partition.by,
        merchants=spec.partition.merchants,
        k_max=spec.partition.k_max,
        window_days=spec.split.window_days,
        rounds=spec.federation.rounds,
        steps=spec.federation.steps,
        clip_norm=spec.federation.clip_norm if epsilon is not None else None,
        learning_rate=spec.federation.learning_rate,
        epsilon=epsilon,
        total_epsilon=spec.privacy.total_epsilon if epsilon is not None else None,
        delta=spec.privacy.delta,
        noise=spec.arm.noise,
        dropouts=spec.arm.dropouts,
        colluders=spec.arm.colluders,
        mode=spec.privacy.mode,
        seed=spec.seed,
        device=spec.federation.device,
        ledger=Path(spec.privacy.ledger) if persistent else directory / "artifacts" / "ledger.sqlite",
        ledger_scope="persistent" if persistent else "run",
        run_id=spec.run_id,
    )


def access(spec: RunSpec, directory: Path) -> Access:
    """Say under which rules a run reads and releases; see `experiments.run_access`."""
    return run_access(spec.policy, directory, regime=spec.arm.regime or regime_of(spec.arm))


def regime_of(arm: Arm) -> str:
    """Return the least permissive data-sharing regime under which an arm can work."""
    if arm.epsilon is not None:
        return "federated_dp"
    return _REGIMES.get(arm.method, "pooled")


_REGIMES: Final = {"untrained": "isolated", "isolated": "isolated", "federated": "federated"}


_TRAINED = ("untrained", "isolated", "federated", "dp_popularity", "pooled")


def first_test_day(spec: RunSpec) -> int:
    """Day on which the run's test window starts, days since 1970-01-01.

    Dates that source or settings declare are used as they are; only undeclared ones are looked up in the data.

    Raises:
        ConfigError: the windows are longer than the data.
    """
    from experiments.windows import known_period
    from retail.splits import rolling_origins

    period = known_period(spec.data) or data_source(spec.data).open().period
    split = spec.split
    origins = rolling_origins(
        period,
        origins=split.origins,
        window_days=split.window_days,
        step_days=split.step_days,
        history_days=split.history_days,
    )
    return origins[spec.origin].test[0]


def _metrics(shoppers: Any) -> Any:
    """One row per figure: the mean over the shoppers it is defined for."""
    import numpy as np
    import pandas as pd

    columns = [name for name in shoppers.columns if name != "shopper"]
    values = shoppers[columns]
    return pd.DataFrame(
        {
            "name": columns,
            "value": values.mean().to_numpy(dtype=float),
            "lo": np.nan,
            "hi": np.nan,
            "unit": "1",
            "n": values.notna().sum().to_numpy(dtype="int64"),
        }
    )
