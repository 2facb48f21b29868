"""What a run store writes to its logs: every figure of a run, and every figure of a scenario's table.

The log of a run lies in its books, `artifacts/ledger.sqlite`, beside its ledger: reads, rounds and figures. The log of
a scenario is `log.sqlite` in its folder: the figures of its table, and the heads of the runs' logs. One key signs all
logs of a store; a ledger that adds up over runs has a log and a key of its own. Whoever keeps a signed head can later
show that nothing before it was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from experiments.documents import json_ready
from privacy.log import Log, SignedHead, SigningKey

RUN_BOOKS: Final = Path("artifacts") / "ledger.sqlite"
SCENARIO_LOG: Final = "log.sqlite"
KEY: Final = Path(".keys") / "log-key.pem"
LEDGER_KEY: Final = "log-key.pem"
FIGURE: Final = "figure"
RUN: Final = "run"


def origin_of(directory: Path) -> str:
    """Return the name of a run's log: scenario and run id."""
    return f"{directory.parent.name}/{directory.name}"


def run_log(directory: Path) -> Log:
    """Open the log of a run, in a store at `directory/../..`.

    Raises:
        PrivacyError: key or log cannot be used.
    """
    key = SigningKey.load_or_create(directory.parent.parent / KEY)
    return Log.open(directory / RUN_BOOKS, origin=origin_of(directory), key=key)


def log_run(directory: Path, metrics: Iterable[Mapping[Any, Any]]) -> SignedHead:
    """Write a run's figures to its log and sign it.

    Args:
        directory: of the run.
        metrics: name, value, lo, hi, unit, n.

    Raises:
        PrivacyError: key or log cannot be used.
    """
    log = run_log(directory)
    log.append_many((FIGURE, json_ready(row)) for row in metrics)
    return log.sign_head()


def sign_ledger(ledger: Path) -> SignedHead:
    """Sign the log of a ledger that adds up over runs, with the key that lies beside it.

    Raises:
        PrivacyError: key or log cannot be used.
    """
    return Log.open(ledger, origin=None, key=SigningKey.load_or_create(ledger.parent / LEDGER_KEY)).sign_head()


def keep_earlier_books(directory: Path) -> None:
    """Put the books of an earlier attempt aside, so that what they logged is not lost when a run starts over."""
    books = directory / RUN_BOOKS
    if books.is_file():
        number = len(list(books.parent.glob("earlier-*.sqlite"))) + 1
        books.rename(books.with_name(f"earlier-{number}.sqlite"))
    for leftover in books.parent.glob(f"{books.name}*"):
        leftover.unlink()


def log_summary(root: Path, scenario: str, document: Mapping[str, Any]) -> SignedHead:
    """Write a scenario's table to its log, where it says something new, and sign it.

    Args:
        root: of the store.
        scenario: its name.
        document: as `Summary.document`.

    Raises:
        PrivacyError: key or log cannot be used.
    """
    log = Log.open(root / scenario / SCENARIO_LOG, origin=scenario, key=SigningKey.load_or_create(root / KEY))
    known = {_identity(entry.kind, entry.body): entry.body for entry in log.entries()}
    runs = [*document["runs"], *(failure["run_id"] for failure in document.get("failures", ()))]
    events = [*_figures(document), *_heads(root / scenario, runs)]
    news = [(kind, body) for kind, body in events if known.get(_identity(kind, body)) != body]
    if news:
        log.append_many(news)
    head = log.head()
    return log.sign_head() if news or head is None else head


def _figures(document: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    for one in (*document["results"], *document["differences"]):
        yield FIGURE, _figure(one)
    for one in document["targets"]:
        yield FIGURE, {**_figure(one), "target": one["target"], "met": one["met"]}


def _figure(result: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: result[name] for name in ("name", "value", "lo", "hi", "unit", "n")}
    figure: dict[str, Any] = json_ready({**kept, "sweep": result["provenance"].get("sweep", {})})
    return figure


def _heads(folder: Path, runs: Iterable[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for run_id in runs:
        books = folder / run_id / RUN_BOOKS
        head = Log.open(books, origin=None, key=None).head() if books.is_file() else None
        if head is not None:
            yield RUN, {"run_id": run_id, "size": head.size, "root": head.root_hex}


def _identity(kind: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """What an entry is about; a later entry about the same thing replaces an earlier one."""
    return kind, *(str(body.get(name)) for name in ("run_id", "name", "sweep", "target"))
