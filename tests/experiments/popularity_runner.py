"""A real, small runner: generated baskets, popularity counts, noise where an arm promises it, ranking metrics.

Tests name it by dotted path, so that worker processes import it as they import the product's own runner. Files in
the folder `TRADEFAIR_TEST_SWITCHES` make a run slow, failing or refused.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.runs import ArmResult
from retail.errors import PrivacyError
from retail.metrics import ndcg, top_k

PEOPLE, PRODUCTS = 120, 60


def fingerprint(data):
    return f"generated-{data.shoppers}-{data.data_seed}"


def run(spec, directory, report):
    note_execution(spec)
    misbehave(spec, directory)
    world = np.random.default_rng(np.random.SeedSequence([7, spec.origin]))
    taste = world.dirichlet(np.full(PRODUCTS, 0.3), size=PEOPLE)
    past = world.poisson(12 * taste)
    future = world.random((PEOPLE, PRODUCTS)) < 1 - np.exp(-2 * taste)
    print("libraries print; results must not drown in it")
    report("counting")
    counts = past.sum(axis=0).astype(float)
    noise = np.random.default_rng([spec.seed, spec.origin])
    if spec.arm.epsilon is not None:
        counts += noise.normal(0, 40 / spec.arm.epsilon, PRODUCTS)
    scores = np.tile(counts, (PEOPLE, 1))
    if spec.arm.method == "untrained":
        scores = scores / counts.max() + past
    report("ranking")
    value = ndcg(top_k(scores, 10), [np.flatnonzero(row) for row in future], k=10)
    shoppers = pd.DataFrame({"shopper": np.arange(PEOPLE, dtype=np.int32), "total_ndcg10": value, "hit10": value > 0})
    shoppers["hit10"] = np.where(np.isnan(value), np.nan, shoppers["hit10"])
    metrics = pd.DataFrame(
        [("products", float(PRODUCTS), np.nan, np.nan, "1", PEOPLE)],
        columns=["name", "value", "lo", "hi", "unit", "n"],
    )
    return ArmResult(metrics, shoppers, {"delta": spec.privacy.delta if spec.arm.epsilon else None})


def switches():
    return Path(os.environ["TRADEFAIR_TEST_SWITCHES"]) if "TRADEFAIR_TEST_SWITCHES" in os.environ else None


def note_execution(spec):
    """Leave one file per execution, so that tests can count how often a run was executed."""
    if (folder := switches()) is not None:
        (folder / f"executed-{spec.run_id}-{os.getpid()}-{time.monotonic_ns()}").touch()


def misbehave(spec, directory):
    if (folder := switches()) is None:
        return
    if (folder / "slow").exists():
        time.sleep(float((folder / "slow").read_text()))
    if (folder / f"fail-{spec.arm.name}").exists():
        raise ValueError("the counts\ndo not add up")
    if (folder / f"refuse-{spec.arm.name}").exists():
        raise PrivacyError("the ledger is spent: 0 of 4 left; wait for a new data set")
    if (folder / f"die-{spec.arm.name}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder / f"fill-{spec.arm.name}").exists():
        (directory / "artifacts" / "big.bin").write_bytes(bytes(4_000_000))
