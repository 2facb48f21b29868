"""What each run spent and promised: budgets and releases, from the books and the log beside each run."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.logbook import RUN_BOOKS, origin_of
from experiments.report.evidence import Evidence, Located
from experiments.report.figures import sweep_text
from experiments.report.model import Account, Chart, Promise, Round
from privacy.ledger_record import read_ledger
from privacy.units import shopper_unit
from retail.errors import DataError, PrivacyError

ROUND: Final = "round"
BUDGET: Final = "budget"
_MOST_PICTURES: Final = 4
_SIMULATED: Final = (
    "Noise came from a seed, as in every simulation: epsilon says what the same noise from a secret source would "
    "promise."
)
_FROM_SYSTEM: Final = "Noise came from the secret random source of the system."


@dataclass(frozen=True, eq=False)
class RunFiles:
    """A finished run: its record and its settings."""

    record: Mapping[str, Any]
    settings: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.record["run_id"])

    @property
    def origin(self) -> str:
        """Name of its log."""
        return origin_of(Path(self.record["path"]))

    @property
    def log(self) -> Path:
        """Where its log is."""
        return Path(self.record["path"]) / RUN_BOOKS

    @property
    def private(self) -> bool:
        """Whether it promises an epsilon."""
        return self.record.get("epsilon") is not None

    @property
    def where(self) -> str:
        """Test window, seed and sweep point."""
        sweep = sweep_text(self.record.get("sweep") or {})
        return f"window {self.record.get('origin')}, seed {self.record.get('seed')}" + (f", {sweep}" if sweep else "")


def read_run(record: Mapping[str, Any]) -> RunFiles:
    """Read a run's settings.

    Raises:
        DataError: `config.toml` is damaged.
    """
    path = Path(record["path"]) / "config.toml"
    try:
        return RunFiles(record, tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return RunFiles(record, {})
    except ValueError as error:
        raise DataError(f"{path}: is not TOML ({error}); delete the run's folder and run again") from None


def accounts_of(evidence: Evidence, runs: Iterable[RunFiles]) -> tuple[Account, ...]:
    """Return what each private run spent; the sum over logged rounds is held against the ledger."""
    return tuple(_account(evidence, run) for run in runs if run.private)


def rounds_of(evidence: Evidence, runs: Iterable[RunFiles]) -> tuple[Round, ...]:
    """Return the committed releases of runs, in the order of their logs."""
    found = []
    for run in runs:
        view = evidence.logs.view(run.origin)
        for entry in view.of(ROUND) if view is not None else ():
            at = run.origin, entry
            found.append(
                Round(
                    run=run.id[:8],
                    purpose=str(entry.body.get("purpose", "")),
                    key=str(entry.body.get("key", "")),
                    cost=evidence.field(at, "cost", "nano-rho"),
                    noise=evidence.field(at, "noise_multiplier", ""),
                )
            )
    return tuple(found)


def drawn_runs(runs: Sequence[RunFiles]) -> tuple[RunFiles, ...]:
    """Choose the first run of each private arm, at most four."""
    first: dict[Any, RunFiles] = {}
    for run in runs:
        if run.private:
            first.setdefault(run.record["arm"], run)
    return tuple(first.values())[:_MOST_PICTURES]


def round_charts(runs: Iterable[RunFiles], rounds: Sequence[Round]) -> tuple[Chart, ...]:
    """Return one picture per run: what each release cost."""
    charts = []
    for run in runs:
        costs = [(one.key, one.cost.value) for one in rounds if one.run == run.id[:8]]
        points = tuple((key, float(cost), float(cost), float(cost)) for key, cost in costs if cost is not None)
        if points:
            title = f"Budget spent in each release of {run.record['arm']}, {run.where}, in nano-rho"
            charts.append(Chart("bars", title, "nano-rho", points))
    return tuple(charts)


def promises_of(evidence: Evidence, runs: Iterable[RunFiles]) -> tuple[Promise, ...]:
    """Return one statement for each epsilon, delta, way of adding noise and unit, with the arms that share it."""
    groups: dict[tuple[Any, ...], list[RunFiles]] = {}
    for run in runs:
        if run.private:
            promised = _promised(evidence, run)
            unit_of_arm = run.record.get("privacy_unit") if promised == run.record["epsilon"] else None
            key = (promised, run.record.get("delta"), unit_of_arm, _noise(run), _simulated(run))
            groups.setdefault(key, []).append(run)
    promises = []
    for (epsilon, delta, said, noise, simulated), members in groups.items():
        unit = shopper_unit(noise, unit=said)
        budget = next((found for run in members if (found := _budget(evidence, run)) is not None), None)
        promises.append(
            Promise(
                arms=tuple(dict.fromkeys(str(run.record["arm"]) for run in members)),
                unit=unit.unit,
                neighbours=unit.neighbours,
                trust=unit.trust,
                not_covered=unit.not_covered,
                noise=_SIMULATED if simulated else _FROM_SYSTEM,
                epsilon=_of_budget(evidence, budget, "epsilon", epsilon),
                delta=_of_budget(evidence, budget or _first_round(evidence, members[0]), "delta", delta),
            )
        )
    return tuple(promises)


def _account(evidence: Evidence, run: RunFiles) -> Account:
    budgets, entries = _ledger(evidence, run)
    row = {str(name): value for name, value in budgets.iloc[0].to_dict().items()} if len(budgets) else {}
    committed = int(entries.loc[entries["committed_at"].notna(), "cost"].sum())
    made = int(entries["committed_at"].notna().sum())
    lost = int(entries.loc[entries["committed_at"].isna(), "cost"].sum())
    budget = _budget(evidence, run)
    view = evidence.logs.view(run.origin)
    spent, rounds = evidence.plain(committed, "nano-rho"), evidence.plain(made, "count")
    epsilon_spent = evidence.plain(None, "epsilon")
    if view is not None and view.of(ROUND):
        logged = evidence.work_out(
            "sum", [run.origin], ROUND, field="cost", unit="nano-rho",
            words=f"sum of the costs of all releases committed in {run.origin}",
        )  # fmt: skip
        if logged.value == committed:
            spent = logged
            epsilon_spent = evidence.work_out(
                "epsilon", [run.origin], ROUND, field="cost", unit="epsilon",
                words=f"epsilon (RDP) of the costs and the delta of all releases committed in {run.origin}",
            )  # fmt: skip
            rounds = evidence.work_out(
                "count", [run.origin], ROUND, words=f"number of releases committed in {run.origin}"
            )
        else:
            evidence.problems.append(
                f"{run.origin}: the log's releases cost {logged.value} nano-rho together, the ledger says {committed}"
            )
    return Account(
        run=run.id[:8],
        arm=str(run.record["arm"]),
        window=run.where,
        dataset=str(row.get("dataset", "unknown")),
        epsilon=_of_budget(evidence, budget, "epsilon", row.get("epsilon", run.record.get("epsilon"))),
        delta=_of_budget(
            evidence, budget or _first_round(evidence, run), "delta", row.get("delta", run.record.get("delta"))
        ),
        cap=_of_budget(evidence, budget, "cap", row.get("cap")),
        spent=spent,
        epsilon_spent=epsilon_spent,
        rounds=rounds,
        unfinished=evidence.plain(lost, "nano-rho") if lost else None,
    )


def _ledger(evidence: Evidence, run: RunFiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read budgets and reservations of a run, also from a ledger that several runs share."""
    named = run.settings.get("privacy", {}).get("ledger", "run")
    path = run.log if named == "run" else Path(named)
    empty = pd.DataFrame(columns=["entry", "dataset", "run", "purpose", "key", "cost", "committed_at"])
    if not path.is_file():
        return pd.DataFrame(), empty
    try:
        record = read_ledger(path)
    except PrivacyError as error:
        evidence.problems.append(f"{run.origin}: {error}")
        return pd.DataFrame(), empty
    entries = record.reservations
    if named != "run":
        entries = entries[entries["run"] == run.id]
    datasets = set(entries["dataset"])
    budgets = record.budgets
    return (budgets[budgets["dataset"].isin(datasets)] if datasets else budgets), entries


def _budget(evidence: Evidence, run: RunFiles) -> Located | None:
    view = evidence.logs.view(run.origin)
    found = view.of(BUDGET) if view is not None else ()
    return (run.origin, found[-1]) if found else None


def _promised(evidence: Evidence, run: RunFiles) -> Any:
    """Return the epsilon of a whole run, which is more than its arm's where one run answers several questions.

    That is the logged budget, if the result says that all of the run together cost as much (a budget is rounded to
    whole nano-rho); else the arm's, which the log must then say.
    """
    budget, total = _budget(evidence, run), run.record.get("epsilon_total")
    logged = None if budget is None else budget[1].body.get("epsilon")
    same = isinstance(logged, float) and isinstance(total, float) and math.isclose(logged, total, rel_tol=1e-6)
    return logged if same else run.record["epsilon"]


def _first_round(evidence: Evidence, run: RunFiles) -> Located | None:
    """Return the first release, which names delta where no budget is logged."""
    view = evidence.logs.view(run.origin)
    found = view.of(ROUND) if view is not None else ()
    return (run.origin, found[0]) if found else None


def _of_budget(evidence: Evidence, found: Located | None, name: str, expected: Any) -> Any:
    unit = {"cap": "nano-rho"}.get(name, name)
    known = found is not None and name in found[1].body
    value: Any = None if expected is None or expected != expected else expected
    if hasattr(value, "item"):
        value = value.item()
    return evidence.field(found if known else None, name, unit, expected=value)


def _noise(run: RunFiles) -> Any:
    return run.record.get("noise") or run.settings.get("arm", {}).get("noise", "aggregator")


def _simulated(run: RunFiles) -> bool:
    return bool(run.settings.get("privacy", {}).get("mode", "simulation") == "simulation")
