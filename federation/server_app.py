"""What the server does: open the ledger, run the strategy, keep the model and a report in the run's state."""

from __future__ import annotations

import json
from typing import Final

from flwr.app import ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp

from federation import nodes
from federation.access import Access, MarketPort
from federation.config import FederationConfig
from federation.plan import open_ledger
from federation.records import to_record
from federation.secagg.rounds import SecureRounds
from federation.strategy import PersonLevelDPAvg
from federation.task import load_task
from federation.turn import ledger_turn
from privacy.accounting import noise_multiplier
from privacy.ledger import Ledger

TIMEOUT_S: Final = 3600.0
"""How long one exchange waits for its nodes, where the configuration of the server does not say."""

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Train, and leave "model" and "report" in `context.state`.

    The ledger is asked before anything is read. The server uses nothing of the data but the public catalogue and the
    public list of merchants. In a simulation one machine opens one source for server and nodes alike, so that this
    separation is one of code; `engines.deploy.server` makes it one of machines. Runs on one persistent ledger take
    turns.
    """
    config = FederationConfig.from_json(str(context.run_config["tradefair"]))
    serve(config, Access.from_json(str(context.node_config.get("access", ""))), grid, context)


def serve(config: FederationConfig, access: Access, grid: Grid, context: Context) -> None:
    """Train by settings that somebody has read already; see `main`.

    Args:
        config: of the run.
        access: the server's rules.
        grid: to the nodes.
        context: its `node_config` may hold "roster" and "timeout-s"; its state gets the records.
    """
    with ledger_turn(config):
        _train(config, access, grid, context)


def _train(config: FederationConfig, access: Access, grid: Grid, context: Context) -> None:
    timeout_s = float(context.node_config.get("timeout-s", TIMEOUT_S))
    secure = None
    if config.aggregation == "secure":
        roster, count = str(context.node_config.get("roster", "")), nodes.count_nodes(config)
        secure = SecureRounds(config, roster=roster, run=context.run_id, nodes=count, timeout_s=timeout_s)
    strategy, ledger = prepare(config, access, secure=secure)
    model = strategy.train(grid, timeout_s=timeout_s)
    context.state["model"] = to_record(model)
    context.state["report"] = ConfigRecord({"json": json.dumps(report_of(strategy, ledger))})


def prepare(
    config: FederationConfig, access: Access, *, secure: SecureRounds | None = None
) -> tuple[PersonLevelDPAvg, Ledger | None]:
    """Ask the ledger and the rules, and make the strategy of a run.

    Raises: as `federation.run.run`.
    """
    ledger = open_ledger(config)
    port = MarketPort(config, access)
    port.sums()
    port.publish()
    strategy = PersonLevelDPAvg(
        load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config)),
        config,
        population=nodes.denominator(config),
        nodes=nodes.count_nodes(config),
        ledger=ledger,
        noise_seed=config.seed if config.private and config.seeded_noise else None,
        secure=secure,
    )
    return strategy, ledger


def report_of(strategy: PersonLevelDPAvg, ledger: Ledger | None) -> dict[str, object]:
    """Say what a run made and spent, in what JSON can hold; `federation.run` reads it."""
    paid: dict[str, int] = {}
    entries: list[dict[str, object]] = []
    if ledger is not None:
        table = ledger.entries()
        done = table[table["committed_at"].notna() & (table["run"] == ledger.run)]
        paid = {str(key): int(cost) for key, cost in zip(done["key"], done["cost"], strict=True)}
        entries = json.loads(table.to_json(orient="records", date_format="iso", date_unit="us"))
    rounds = [
        {
            "name": one.name,
            "purpose": one.purpose,
            "cost": paid.get(one.name, 0),
            "noise_multiplier": noise_multiplier(paid[one.name]) if one.name in paid else 0.0,
        }
        for one in strategy.rounds
    ]
    spent, spent_by_all = (0, 0) if ledger is None else (ledger.spent_by_run, ledger.spent)
    return {
        "rounds": rounds,
        "dropped": strategy.dropped,
        "spent": spent,
        "spent_by_all_runs": spent_by_all,
        "entries": entries,
    }
