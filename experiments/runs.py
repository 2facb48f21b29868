"""The run store: one folder per run, whole or unfinished, never half true.

`<store>/<scenario>/<run_id>/` holds `config.toml`, `metrics.parquet`, `artifacts/`, `provenance.json` and, renamed
into place last, `run.json`; without it the run is unfinished. A run that failed has `failure.json` instead. One
lock per run, held by the process that executes it and released by the system when that process dies, keeps two
runners of one store from working on the same run.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import filelock
import numpy as np
import pandas as pd
import pyarrow as pa
import tomli_w

from experiments.documents import read_frame, read_json, read_table, write_bytes, write_frame, write_json
from experiments.spec import Spec
from retail.errors import ConfigError, DataError

Status = Literal["finished", "failed", "unfinished"]
METRIC_COLUMNS: Final = ("name", "value", "lo", "hi", "unit", "n")
SHOPPER: Final = "shopper"
_MOST_NAMED: Final = 4
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


class Busy(Exception):  # noqa: N818 - a state, not an error
    """Another process is executing this run."""


@dataclass(frozen=True, eq=False)
class ArmResult:
    """What executing one run gives back.

    Attributes:
        metrics: one row per figure, columns name, value, lo, hi, unit, n.
        shoppers: one row per evaluated shopper: `shopper` (integer, the same person at every origin and in every
            arm of a scenario) and one column per metric, NaN where the shopper does not count. None where nobody
            is judged one by one: then the metrics are all that is known.
        info: what else `run.json` should say: epsilon, epsilon_pld, delta, ... JSON values.
    """

    metrics: pd.DataFrame
    shoppers: pd.DataFrame | None = None
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunStore:
    """The runs below one folder."""

    root: Path

    @classmethod
    def open(cls, root: Path | str) -> RunStore:
        """Open a store for writing, making its folder where needed.

        Raises:
            ConfigError: the folder cannot be made or written to.
        """
        root = Path(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not os.access(root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise ConfigError(
                f"cannot write to run store {root}: {error.strerror}; choose another folder with --store"
            ) from error
        return cls(root)

    def directory(self, spec: Spec) -> Path:
        """Return the folder of a run, which may not exist yet."""
        return self.root / spec.scenario / spec.run_id

    def status(self, spec: Spec) -> Status:
        """Say how far a run is; a run that never began is unfinished."""
        directory = self.directory(spec)
        if (directory / "run.json").is_file():
            return "finished"
        return "failed" if (directory / "failure.json").is_file() else "unfinished"

    @contextmanager
    def claim(self, spec: Spec) -> Iterator[Path]:
        """Hold the lock of a run and yield its folder with `artifacts/` in it.

        What an earlier, unfinished attempt left stays: a spent budget is spent, and a task may go on from it.

        Raises:
            Busy: another process holds the lock.
            DataError: the folder cannot be written.
        """
        directory = self.directory(spec)
        locks = directory.parent / ".locks"
        try:
            locks.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(locks / f"{spec.run_id}.lock")
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise Busy(spec.run_id) from None
        except OSError as error:
            raise DataError(f"cannot write {locks}: {error.strerror}; check space and permissions") from error
        try:
            (directory / "artifacts").mkdir(parents=True, exist_ok=True)
            yield directory
        finally:
            lock.release()

    def begin(self, spec: Spec) -> None:
        """Write the settings of a claimed run and forget an earlier failure."""
        directory = self.directory(spec)
        write_bytes(directory / "config.toml", tomli_w.dumps(spec.config()).encode())
        (directory / "failure.json").unlink(missing_ok=True)

    def finish(self, spec: Spec, result: ArmResult, *, seconds: float, provenance: Mapping[str, Any]) -> None:
        """Store the outcome of a claimed run; `run.json` comes last.

        Args:
            spec: the run.
            result: its outcome.
            seconds: wall-clock time; `result.info["seconds"]` wins where a task measures itself.
            provenance: see `experiments.provenance.provenance`.

        Raises:
            DataError: a file cannot be written.
        """
        directory = self.directory(spec)
        write_frame(directory / "metrics.parquet", result.metrics)
        judged: dict[str, Any] = {}
        if result.shoppers is not None:
            write_frame(directory / "artifacts" / "shoppers.parquet", result.shoppers)
            judged = {"shoppers": len(result.shoppers)}
        write_json(directory / "provenance.json", provenance)
        record = {
            "status": "finished",
            "run_id": spec.run_id,
            "scenario": spec.scenario,
            **spec.record(),
            **judged,
            "seconds": seconds,
            "sweep": dict(spec.sweep),
            **result.info,
        }
        write_json(directory / "run.json", record)

    def fail(self, spec: Spec, failure: Mapping[str, Any]) -> None:
        """Store why a claimed run failed: stage, error, message, traceback."""
        identity = {"run_id": spec.run_id, **spec.identity()}
        write_json(self.directory(spec) / "failure.json", {**identity, "sweep": dict(spec.sweep), **failure})

    def failure(self, spec: Spec) -> dict[str, Any]:
        """Return why a run failed; empty when it did not."""
        return read_json(self.directory(spec) / "failure.json") or {}

    def scenarios(self) -> tuple[str, ...]:
        """Return the names of the scenarios that have a folder, sorted."""
        return tuple(_folders(self.root))

    def document(self, path: Path) -> Any:
        """Return the content of a JSON file of the store, or None where there is none; change nothing in it.

        Raises:
            DataError: the file is not JSON.
        """
        return read_json(path)

    def records(self, scenario: str | None = None) -> list[dict[str, Any]]:
        """Return `run.json` of every finished run and `failure.json` of every other that ended, with `path`.

        Args:
            scenario: only this one; all when None.

        Returns: records whose `status` is finished, failed, refused (on purpose, by a rule, a budget or a check), or
            unfinished.
        """
        found = []
        for name in self.scenarios() if scenario is None else (scenario,):
            for run in _folders(self.root / name):
                directory = self.root / name / run
                record = self.document(directory / "run.json")
                if record is None:
                    record = self.document(directory / "failure.json")
                    record = {"status": "unfinished"} if record is None else {**record, "status": _ended(record)}
                found.append({"run_id": directory.name, **record, "scenario": name, "path": str(directory)})
        return found

    def metrics(self, scenario: str | None = None) -> pd.DataFrame:
        """Return the metrics of all finished runs in one table, with scenario, run_id, arm, epsilon, origin, seed."""
        keys = ("scenario", "run_id", "arm", "epsilon", "origin", "seed")
        finished = [record for record in self.records(scenario) if record["status"] == "finished"]
        if not finished:
            return pd.DataFrame(columns=[*keys, *METRIC_COLUMNS])
        tables = [read_table(Path(record["path"]) / "metrics.parquet") for record in finished]
        whole: pd.DataFrame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
        lengths = [table.num_rows for table in tables]
        labels = {key: np.repeat([record.get(key) for record in finished], lengths) for key in keys}
        return pd.concat([pd.DataFrame(labels), whole], axis=1)

    def run_metrics(self, scenario: str, run_id: str) -> pd.DataFrame:
        """Return the metrics of one run, columns `METRIC_COLUMNS`.

        Raises:
            DataError: the run has no such table, or it cannot be read.
        """
        return read_frame(self.root / scenario / run_id / "metrics.parquet")

    def shoppers(self, scenario: str, run_id: str) -> pd.DataFrame:
        """Return one row per evaluated shopper of a run.

        Raises:
            DataError: the run has no such table, or it cannot be read.
        """
        return read_frame(self.root / scenario / run_id / "artifacts" / "shoppers.parquet")

    def find(self, key: str) -> dict[str, Any]:
        """Return the record of the run whose id starts with `key`, or with what follows the name in `SCENARIO/RUN`.

        Raises:
            ConfigError: no run, or more than one, has such an id.
        """
        scenario, slash, start = key.rpartition("/")
        known = not slash or scenario in self.scenarios()
        records = self.records(scenario or None) if known else []
        found = [record for record in records if record["run_id"].startswith(start)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise ConfigError(f"no run in {self.root} with an id that starts with {key!r}; see `tradefair runs list`")
        names = [f"{record['scenario']}/{record['run_id']}" for record in found[:_MOST_NAMED]]
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise ConfigError(
            f"{len(found)} runs in {self.root} with an id that starts with {key!r}: {', '.join(names)}{more}; "
            "write more digits, or SCENARIO/RUN"
        )


def _folders(where: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without hidden ones; none where there is no such folder."""
    try:
        with os.scandir(where) as entries:
            return sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _ended(failure: Mapping[str, Any]) -> str:
    return "refused" if failure.get("refused") else "failed"


def check_result(result: ArmResult, arm: str) -> None:
    """Make sure that a result can be stored and read back.

    Raises:
        DataError: a table lacks a column, or a shopper has two rows.
    """
    for table, columns in ((result.metrics, METRIC_COLUMNS), (result.shoppers, (SHOPPER,))):
        missing = [] if table is None else [name for name in columns if name not in table.columns]
        if missing:
            raise DataError(f"result of arm {arm} lacks column {missing[0]}; the task must return it")
    twice = 0 if result.shoppers is None else int(result.shoppers[SHOPPER].duplicated().sum())
    if twice:
        raise DataError(f"result of arm {arm} has {twice} repeated shoppers; the task must return one row for each")
