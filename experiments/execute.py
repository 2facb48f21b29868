"""Run a scenario: expand it, execute what has no outcome yet, and put the outcomes together.

Running the same scenario on the same store again resumes it. Finished runs are kept, unfinished ones are executed,
failed ones only when asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from experiments.audience.kind import AUDIENCE
from experiments.base_scenario import BaseScenario
from experiments.documents import write_bytes, write_json
from experiments.faces.kind import FACES
from experiments.kind import Kind
from experiments.logbook import log_summary
from experiments.market.kind import MARKET
from experiments.pool import Event, Pool, default_jobs
from experiments.preflight import check_ledger, check_scenario
from experiments.provenance import code_version
from experiments.runs import RunStore
from experiments.scenario import Scenario
from experiments.scenario_file import scenario_text
from experiments.spec import Spec
from experiments.store.kind import STORE
from experiments.summary import Summary, summarise
from experiments.sweep import RunSpec, expand
from experiments.windows import check_windows
from experiments.worker import load_object
from retail.errors import ConfigError

RUNNER: Final = "experiments.arms:run_arm"
FINGERPRINT: Final = "experiments.arms:data_fingerprint"


def run_scenario(
    scenario: BaseScenario,
    *,
    store: Path | str,
    jobs: int | None = None,
    retry_failed: bool = False,
    progress: Callable[[Event], None] = lambda event: None,
    runner: str | None = None,
    data_fingerprint: str | None = None,
) -> Summary:
    """Execute a scenario and return its table, also written to `<store>/<scenario>/summary.json`.

    Args:
        scenario: what to run.
        store: folder of the run store.
        jobs: worker processes; one per core that this process may use when None.
        retry_failed: execute failed runs once more.
        progress: called in this process for everything worth showing.
        runner: dotted path of `(spec, directory, report) -> ArmResult`, imported by the workers; that of the
            scenario's kind when None.
        data_fingerprint: dotted path of what tells the identity of the data, called here before any run; likewise.

    Raises:
        ConfigError: the scenario cannot be expanded, `jobs` is below 1, or the store cannot be written to.
        KeyboardInterrupt: after the workers have ended; finished runs stay.
    """
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs {jobs}: at least one worker process is needed; write 1 or more")
    specs = plan_runs(scenario, store=store, runner=runner, data_fingerprint=data_fingerprint)
    kind = kind_of(scenario)
    runs = RunStore.open(store)
    write_bytes(runs.root / scenario.name / "scenario.toml", scenario_text(scenario).encode())
    todo = {
        spec.run_id: spec
        for spec in specs
        if runs.status(spec) == "unfinished" or (retry_failed and runs.status(spec) == "failed")
    }
    pool = Pool(runs, runner or kind.runner, min(jobs or default_jobs(), max(1, len(todo))))
    done = len({spec.run_id for spec in specs}) - len(todo)
    outcomes = pool.run(list(todo.values()), retry=retry_failed, done=done, on_event=progress)
    notes = {run_id: outcome.message for run_id, outcome in outcomes.items()}
    summary = kind.summarise(scenario, specs, runs, notes)
    document = summary.document()
    write_json(runs.root / scenario.name / "summary.json", document)
    log_summary(runs.root, scenario.name, document)
    return summary


def plan_runs(
    scenario: BaseScenario, *, store: Path | str, runner: str | None = None, data_fingerprint: str | None = None
) -> tuple[Spec, ...]:
    """Refuse a scenario for all that can be told before any run, and list its runs; nothing is written.

    Args:
        scenario: what would be run.
        store: folder of the run store.
        runner: see `run_scenario`.
        data_fingerprint: likewise.

    Raises:
        TradefairError: the scenario cannot be run.
    """
    kind = kind_of(scenario)
    runner = runner or kind.runner
    if runner == kind.runner:
        kind.check(scenario, Path(store))
    return expand_scenario(scenario, runner=runner, data_fingerprint=data_fingerprint)


def expand_scenario(
    scenario: BaseScenario, *, runner: str | None = None, data_fingerprint: str | None = None
) -> tuple[Spec, ...]:
    """Check what can be checked of a scenario without reading its data, and list its runs.

    Raises:
        ConfigError: a sweep, the settings of a run, or the data are refused.
    """
    kind = kind_of(scenario)
    return tuple(kind.expand(scenario, runner=runner or kind.runner, fingerprint=data_fingerprint or kind.fingerprint))


def kind_of(scenario: BaseScenario) -> Kind:
    """Return how a scenario is run."""
    return _KINDS[scenario.kind]


def _expand(scenario: Scenario, *, runner: str, fingerprint: str) -> tuple[RunSpec, ...]:
    check_windows(scenario)
    if runner == RUNNER:
        check_scenario(scenario)
    outside = (runner, scenario.task) if ":" in scenario.task else (runner,)
    return expand(scenario, code_version=code_version(*outside), data_fingerprint=load_object(fingerprint))


_KINDS: Final = {
    Scenario.kind: Kind(RUNNER, FINGERPRINT, check_ledger, _expand, summarise),
    "store": STORE,
    "faces": FACES,
    "market": MARKET,
    "audience": AUDIENCE,
}
