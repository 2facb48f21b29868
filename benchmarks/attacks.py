"""How often does an audit find what is wrong, and how often does it accuse a run that is right?

    python -m benchmarks.attacks                     # 40 honest runs, 20 of each planted fault
    python -m benchmarks.attacks --honest 4 --faulty 2

The faults are those of `tests/federation/test_canaries.py`, planted into the real code of the federation. Prints the
tables of docs/attacks.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a neighbour is called like the room `federation`

import numpy as np
import pytest

from experiments.retraining import canary_attacks, held_nodes, retrain
from federation.config import FederationConfig
from privacy.attacks import (
    independence_check,
    inversion_attack,
    synthetic_faces,
    template_inversion,
    variance_check,
)
from retail.datasource import DataSource

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "federation")]
CHECKS = ("one_run", "user_canary", "noise_variance", "noise_independence")
CONFIG = FederationConfig(
    task="vector_task:VectorTask",
    source=DataSource(source="generated", shoppers=300, data_seed=3),
    merchants=tuple(range(1, 13)),
    now=(dt.date(2024, 1, 1) - dt.date(1970, 1, 1)).days + 300,
    clip_norm=2.0,
    epsilon=1.0,
    delta=1e-5,
)


def audits(config, variant, seeds, claim):
    """Count breaches, warnings and the one-run bounds over some audits."""
    held, breaches, warnings, bounds = held_nodes(config), Counter(), Counter(), []
    started = time.perf_counter()
    for seed in seeds:
        for one in canary_attacks(retrain(config, held, seed=seed, variant=variant), claim=claim, seed=77):
            breaches[one.name] += one.breach
            warnings[one.name] += one.outcome == "inconclusive"
            bounds += [one.lo] if one.name == "one_run" else []
    return breaches, warnings, bounds, (time.perf_counter() - started) / len(bounds)


def row(name, variant, found):
    breaches, warnings, bounds, seconds = found
    n = len(bounds)
    cells = [f"{breaches[check]}/{n}" for check in CHECKS if check != "user_canary"]
    print(
        f"| {name} | {variant} | {cells[0]} | {np.median(bounds):.2f}, {max(bounds):.2f} | {cells[1]} | {cells[2]} | "
        f"{warnings['user_canary']}/{n} | {seconds:.2f} |",
        flush=True,
    )


def faults(honest, faulty):
    from test_canaries import AT_FOUR, CLAIM, EVERY_NODE, MUTANTS

    print(f"epsilon 1, delta 1e-5; the noise gives {CLAIM:.3f}\n")
    print("| fault | canary | one run | bound: median, largest | strength | independence | estimate warns | s |")
    print("|---|---|---|---|---|---|---|---|")
    settings = {"none": {}, "none, noise at every node": EVERY_NODE, "none, at four merchants": AT_FOUR}
    for name, changes in settings.items():
        row(name, "C", audits(replace(CONFIG, **changes), "C", range(1000, 1000 + honest), CLAIM))
    row("none", "100C", audits(CONFIG, "100C", range(1000, 1000 + honest), CLAIM))
    plan = {**MUTANTS, "no clip, canaries of C": ("", MUTANTS["no clip, canaries of 10 C"][1], "C", {})}
    for name, (_, plant, variant, changes) in plan.items():
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            row(name, variant, audits(replace(CONFIG, **changes), variant, range(faulty), CLAIM))


def calibration(runs=6000):
    """How often the checks of noise accuse noise that is right."""
    rng, names, alarms = np.random.default_rng(5), ("a", "b", "c"), Counter()
    for _ in range(runs):
        noise = rng.standard_normal((3, 550))
        for one in (independence_check(noise, names=names), variance_check(noise, np.ones(3), names=names)):
            alarms[one.name] += one.breach
    print(f"\nfalse alarms on {runs} generated runs with honest noise: {dict(alarms)}", flush=True)


def templates():
    print("\n| numbers in a template | known people | re-identified of 500 |\n|---|---|---|")
    for k in (16, 32, 64, 128):
        for known in (200, 1000):
            faces = synthetic_faces(known + 500, k=k, seed=0)
            vectors = faces.first @ faces.embedding
            found = template_inversion(
                vectors[known:],
                faces.second[known:],
                known_templates=vectors[:known],
                known_pictures=faces.first[:known],
            )
            print(f"| {k} | {known} | {found.estimate:.1%} [{found.lo:.1%}, {found.hi:.1%}] |", flush=True)


def messages():
    print("\n| persons behind the message | noise / clip bound | cosine above a stranger's |\n|---|---|---|")
    rng = np.random.default_rng(0)
    rows = (rng.random((600, 2000)) < 0.02).astype(float)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for persons in (1, 10, 100):
        for scale in (0.0, 0.25, 1.0, 4.0):
            found = inversion_attack(
                lambda one, scale=scale: one.sum(axis=0) + scale * rng.standard_normal(2000),
                rows[:persons],
                rows[100:350],
                public=rows[350:].mean(axis=0),
            )
            print(f"| {persons} | {scale:g} | {found.estimate:.3f} [{found.lo:.3f}, {found.hi:.3f}] |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--honest", type=int, default=40)
    parser.add_argument("--faulty", type=int, default=20)
    given = parser.parse_args()
    faults(given.honest, given.faulty)
    calibration()
    templates()
    messages()
