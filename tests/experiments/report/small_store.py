"""A small store with real logs: twelve stores learn categories, and everything is logged as runs log it."""

import datetime as dt
import sys
from pathlib import Path

from experiments.documents import write_bytes, write_json
from experiments.logbook import log_run, log_summary, run_log
from experiments.provenance import provenance
from experiments.runs import RunStore
from experiments.scenario_file import scenario_text, validate
from experiments.summary import summarise
from experiments.sweep import expand
from privacy.access.schema import event_body
from privacy.accounting import noise_multiplier
from privacy.ledger_record import read_ledger
from privacy.policy import Context, Dataset, Party, PolicyEngine, Register, Request

SCENARIO = {
    "name": "market",
    "title": "Twelve stores learn which categories go together",
    "data": {"source": "generated", "shoppers": 300},
    "split": {"origins": 1},
    "privacy": {"delta": 1e-6},
    "arms": [
        {"name": "popularity", "method": "popularity"},
        {"name": "federated", "method": "federated"},
        {"name": "federated-dp-4", "method": "federated", "epsilon": 4.0},
        {"name": "pooled", "method": "pooled"},
    ],
    "targets": {
        "ratio(explore_ndcg10, federated, popularity)": ">= 0.5",
        "difference(explore_ndcg10, federated-dp-4, pooled)": ">= 5",
    },
}
REGIME = "federated_dp"


def register():
    return Register(
        [
            Party("m1", "merchant"),
            Party("retail", "platform_retail", "platform"),
            Party("aggregator", "aggregator"),
            Party('<script>alert("x")</script>\u202e', "researcher"),
        ],
        [
            Dataset("m1/tills", "m1", "transactions", "raw", True),
            Dataset("m1/sums", "m1", "transactions", "dp", True),
            Dataset("m1/orders", "m1", "orders", "raw", True),
        ],
    )


REQUESTS = (
    Request("m1", "read", "m1/tills", "recommendation", ("product",)),
    Request("m1", "read", "m1/tills", "recommendation", ("product",)),
    Request("aggregator", "train", "m1/sums", "recommendation"),
    Request("retail", "read", "m1/orders", "own_label_development", ("product", "price")),
    Request('<script>alert("x")</script>\u202e', "read", "m1/tills", "research", context=Context(jurisdiction="EU")),
)


def accesses(requests=REQUESTS, *, packs=("base", "dma", "gdpr"), regime=REGIME):
    """The log entries of decisions made by the real engine."""
    known = register()
    engine = PolicyEngine.load(packs, register=known, regime=regime)
    return [
        ("access", event_body(one, engine.decide(one), party=known.find_party(one.actor),
                              dataset=known.find_dataset(one.dataset), regime=regime))
        for one in requests
    ]  # fmt: skip


def log_spending(log, directory):
    """Write the ledger's budget and committed rounds to the log of a run."""
    record = read_ledger(directory / "artifacts" / "ledger.sqlite")
    for row in record.budgets.to_dict("records"):
        log.append("budget", {name: row[name] for name in ("dataset", "epsilon", "delta", "population", "cap")})
    for row in record.reservations.to_dict("records"):
        body = {name: row[name] for name in ("dataset", "run", "purpose", "key", "cost")}
        log.append("round", {**body, "noise_multiplier": noise_multiplier(row["cost"]), "delta": 1e-6})


def fill(root, raw=SCENARIO, *, events=None):
    """Execute every run of a scenario in this process, log it, and write the summary."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "apps"))
    try:
        import category_runner
    finally:
        sys.path.pop(0)
    scenario = validate(raw, source=raw["name"])
    store = RunStore.open(root)
    specs = expand(scenario, code_version="test", data_fingerprint=category_runner.fingerprint)
    for spec in specs:
        with store.claim(spec) as directory:
            store.begin(spec)
            began = dt.datetime.now(dt.UTC)
            result = category_runner.run(spec, directory, lambda line: None)
            log = run_log(directory)
            log.append_many(accesses() if events is None else events)
            if spec.arm.epsilon is not None:
                log_spending(log, directory)
            head = log_run(directory, result.metrics.to_dict("records"))
            story = provenance(spec, started=began, ended=dt.datetime.now(dt.UTC), log=head.to_json())
            store.finish(spec, result, seconds=1.0, provenance=story)
    write_bytes(root / scenario.name / "scenario.toml", scenario_text(scenario).encode())
    document = summarise(scenario, specs, store).document()
    write_json(root / scenario.name / "summary.json", document)
    log_summary(root, scenario.name, document)
    return root
