"""The tests' small runner behind the real data port: every party asks the policy, and the run's log tells of it."""

import category_runner
import pandas as pd

from experiments.arms import regime_of
from experiments.logbook import run_log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.policy.sources import SIMULATION_PACK
from privacy.port import DataPort
from privacy.regimes import regime as regime_by_id

MERCHANTS = tuple(f"merchant {number}" for number in range(3))
COLUMNS = ("person_id", "product_id")
ROWS = pd.DataFrame({"person_id": [1, 2], "product_id": [7, 8]})

fingerprint = category_runner.fingerprint


def register(spec):
    """One platform with both its arms, an aggregator, an evaluator, and three merchants with rows and sums."""
    released = "dp" if spec.arm.epsilon else "aggregate"
    known = Register(
        [Party("platform", "marketplace", "platform"), Party("own label", "platform_retail", "platform"),
         Party("aggregator", "aggregator"), Party("evaluator", "researcher")],
        [Dataset("model", "aggregator", "model", released, about_persons=True)],
    )  # fmt: skip
    for name in MERCHANTS:
        known.add(Party(name, "merchant"))
        known.add(Dataset(f"{name}: rows", name, "transactions", "raw", about_persons=True))
        known.add(Dataset(f"{name}: sums", name, "transactions", "aggregate", about_persons=True))
    return known


def run(spec, directory, report):
    regime = spec.arm.regime or regime_of(spec.arm)
    packs = ("base", SIMULATION_PACK, *spec.policy.packs)
    engine = PolicyEngine.load(packs, register=register(spec), regime=regime)
    sources = {f"{name}: rows": lambda columns: ROWS[list(columns)] for name in MERCHANTS}
    port = DataPort(engine, sources=sources, log=run_log(directory), consents=None, regime=regime)
    for name in MERCHANTS:
        reader = "platform" if regime_by_id(regime).shared_model == "pooled" or spec.arm.method == "pooled" else name
        port.read(reader, f"{name}: rows", columns=COLUMNS, purpose="recommendation", action="train")
        if spec.arm.method == "federated":
            port.open("aggregator", f"{name}: sums", columns=("sum",), purpose="recommendation", action="train")
            port.open(name, "model", columns=("model",), purpose="recommendation")
    for name in MERCHANTS:
        port.read("evaluator", f"{name}: rows", columns=COLUMNS, purpose="evaluation")
    return category_runner.run(spec, directory, report)
