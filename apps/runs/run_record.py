"""One run, as its folder tells it: settings, provenance, ledger, and what its epsilon covers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd

from apps.runs.kept_files import kept
from experiments.documents import read_json
from privacy.ledger_record import LedgerRecord, read_ledger
from privacy.units import PrivacyUnit, shopper_unit
from retail.errors import DataError

_FACTS: Final = (
    ("arm", "Arm"),
    ("method", "Method"),
    ("origin", "Test window (0 is the oldest)"),
    ("seed", "Seed"),
    ("shoppers", "Judged shoppers"),
    ("epsilon", "Epsilon promised"),
    ("epsilon_pld", "Epsilon spent, by privacy loss distribution"),
    ("delta", "Delta"),
    ("noise", "Noise added at"),
    ("seconds", "Seconds"),
)
_ORIGINS: Final = {
    "run_id": "Run",
    "code_version": "Version of the code",
    "commit": "Commit",
    "dirty": "Uncommitted changes",
    "data_sha256": "Fingerprint of the data (SHA-256)",
    "seed": "Seed",
    "started": "Started (UTC)",
    "ended": "Ended (UTC)",
    "python": "Python",
    "platform": "System",
    "cpus": "CPU cores",
}
_SHORT: Final = 16
"""So many digits of a key tell it from others at sight."""
_NANO: Final = 1e9


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What is known about one run.

    Attributes:
        record: `run.json` or `failure.json`, with status and path.
        config: text of `config.toml`; empty where the run never began.
        settings: the same, parsed.
    """

    record: Mapping[str, Any]
    config: str
    settings: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where the run lives."""
        return Path(self.record["path"])

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """`provenance.json`; empty while there is none.

        Raises:
            DataError: it is damaged.
        """
        return kept(self.folder / "provenance.json", read_json) or {}

    @property
    def epsilon(self) -> float | None:
        """The promised epsilon; None where the run makes no privacy claim, as a simulated market never does."""
        if self.simulated_people:
            return None
        epsilon = self.record.get("epsilon", self.settings.get("arm", {}).get("epsilon"))
        return None if epsilon is None else float(epsilon)

    @property
    def simulated_people(self) -> bool:
        """Whether the people of the run are made up, so that its epsilon is a rule of their world and no promise."""
        return bool(self.record.get("kind", self.settings.get("kind")) == "market")

    @property
    def ledger_path(self) -> Path:
        """The ledger file that the run spends from: its own, or one that adds up over runs."""
        named = self.settings.get("privacy", {}).get("ledger", "run")
        return self.folder / "artifacts" / "ledger.sqlite" if named == "run" else Path(named)

    def covers(self) -> PrivacyUnit | None:
        """State what the epsilon is about; None where the run makes no privacy claim."""
        if self.epsilon is None:
            return None
        noise = self.record.get("noise") or self.settings.get("arm", {}).get("noise", "aggregator")
        return shopper_unit(noise, unit=self.record.get("privacy_unit"))

    def ledger(self) -> LedgerRecord | None:
        """Read the ledger without spending; None where there is no privacy claim, or no file.

        Raises:
            PrivacyError: the file is no ledger.
        """
        known = self.epsilon is not None and self.ledger_path.is_file()
        return stored_ledger(self.ledger_path) if known else None

    def facts(self) -> dict[str, str]:
        """What the run is, for a list of keys and values; empty values are left out."""
        known = {**self.settings.get("arm", {}), **self.record}
        facts = {label: known.get(key) for key, label in _FACTS}
        if self.simulated_people:
            facts["Epsilon in the simulated market"] = facts.pop("Epsilon promised")
        facts |= {key: value for key, value in (self.record.get("sweep") or {}).items()}
        return {label: _text(value) for label, value in facts.items() if value is not None}

    def origins(self) -> dict[str, str]:
        """Where the figures come from: commit, versions, machine, data, times; empty without provenance."""
        facts = {key: value for key, value in self.provenance.items() if key not in ("packages", "log")}
        facts = {_ORIGINS.get(key, key): value for key, value in facts.items()} | _log(self.provenance.get("log"))
        facts |= {f"package {name}": version for name, version in self.provenance.get("packages", {}).items()}
        return {key: _text(value) for key, value in facts.items()}


def stored_ledger(path: Path) -> LedgerRecord:
    """Return what a ledger file holds, read again only when it has changed; see `privacy.ledger_record.read_ledger`."""
    return kept(path, read_ledger)


def read_run(record: Mapping[str, Any]) -> RunRecord:
    """Read the settings of a run that the store listed; its other documents are read when they are asked for.

    Raises:
        DataError: the settings are damaged.
    """
    config, settings = kept(Path(record["path"]) / "config.toml", _settings)
    return RunRecord(record, config, settings)


def _settings(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a file of settings as text and parsed; both are empty where there is none."""
    try:
        config = path.read_text(encoding="utf-8")
        return config, tomllib.loads(config)
    except FileNotFoundError:
        return "", {}
    except ValueError as error:
        raise DataError(f"{path}: is not TOML ({error}); delete the run's folder and run again") from None


def title(record: Mapping[str, Any]) -> str:
    """Name a run in a list and in a link: arm, window, seed, sweep point and the first digits of its id."""
    if "arm" not in record:
        return str(record["run_id"])[:8]
    window = f", window {record['origin']}" if "origin" in record else ""
    sweep = "".join(f", {key} {value}" for key, value in (record.get("sweep") or {}).items())
    return f"{record['arm']}{window}, seed {record['seed']}{sweep} ({record['run_id'][:8]})"


def reservations(ledger: LedgerRecord, run_id: str) -> pd.DataFrame:
    """The run's entries, oldest first: Purpose, Release, Cost (zCDP rho), Share of the cap, Reserved, Committed."""
    entries = ledger.reservations
    if ledger.scope == "persistent":
        entries = entries[entries["run"] == run_id]
    caps = ledger.budgets.set_index("dataset")["cap"]
    return pd.DataFrame(
        {
            "Purpose": entries["purpose"],
            "Release": entries["key"],
            "Cost (rho)": entries["cost"] / _NANO,
            "Share of cap": entries["cost"] / entries["dataset"].map(caps),
            "Reserved": entries["reserved_at"],
            "Committed": entries["committed_at"],
        }
    ).reset_index(drop=True)


def _log(log: Any) -> dict[str, Any]:
    """Write the signed head of the run's log in words: whose, how many entries, signed with which key and when."""
    if not isinstance(log, Mapping):
        return {} if log is None else {"Access log": log}
    key = log.get("key_hex")
    facts = {
        "Access log": log.get("origin"),
        "Entries in the log": log.get("size"),
        "Log signed (UTC)": log.get("time"),
        "Log signed with key": f"{str(key)[:_SHORT]}..." if key else None,
    }
    return {label: value for label, value in facts.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else "unknown" if value is None else str(value)
