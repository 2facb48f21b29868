"""A real, small runner for the app's tests: stores learn which categories go together, with clipping and real noise.

Each shopper gives one clipped outer product of their category profile; the sum, with Gaussian noise where an arm
promises privacy, ranks products of categories that go with what a shopper buys. Budgets go through the real ledger.
"""

import os

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from experiments.runs import ArmResult
from privacy.accounting import cap, epsilon_rdp, noise_multiplier, split_budget
from privacy.budget import Budget
from privacy.clipping import clipped_sum
from privacy.ledger import Ledger
from privacy.mechanisms.gaussian import gaussian
from retail.errors import PrivacyError
from retail.evaluation import measure

PRODUCTS, CATEGORIES, STORES, JUDGED = 240, 16, 12, 300
CATEGORY = np.arange(PRODUCTS) % CATEGORIES


def fingerprint(data):
    return f"categories-{data.shoppers}-{data.data_seed}"


def run(spec, directory, report):
    if f"{spec.arm.name}!" in os.environ.get("TRADEFAIR_TEST_FAIL", "").split():
        raise ValueError("out of memory")
    if spec.arm.name in os.environ.get("TRADEFAIR_TEST_FAIL", "").split():
        raise PrivacyError("the ledger is spent: 0 of 4 left; wait for a new data set")
    report("shopping")
    past, future, home = world(spec.data.shoppers, spec.origin, spec.data.data_seed)
    judged = slice(0, min(JUDGED, len(past)))
    popularity, affinity, info = learn(spec, past, home, directory)
    profile = past[judged] @ np.eye(CATEGORIES)[CATEGORY]
    profile = profile / np.maximum(profile.sum(axis=1, keepdims=True), 1)
    scores = np.tile(popularity, (len(profile), 1))
    if affinity is not None:
        matrices = affinity if affinity.ndim == 3 else affinity[None]
        own = matrices[home[judged] % len(matrices)]
        likes = np.einsum("uc,ucd->ud", profile, own / np.maximum(own.sum(axis=1, keepdims=True), 1e-9))
        scores = popularity * np.maximum(likes, 1e-3)[:, CATEGORY]
    report("ranking")
    figures = measure(scores.astype(np.float32), csr_array(past[judged]), csr_array(future[judged]))
    figures.insert(0, "shopper", np.arange(len(figures), dtype=np.int32))
    figures = figures[["shopper", "total_ndcg10", "repeat_ndcg10", "explore_ndcg10", "hit10", "explore_hit10"]]
    metrics = pd.DataFrame([("products", float(PRODUCTS), np.nan, np.nan, "1", len(past))],
                           columns=["name", "value", "lo", "hi", "unit", "n"])  # fmt: skip
    return ArmResult(metrics, figures, info)


def world(people, origin, seed):
    """Purchases before and in the test window, and each shopper's home store; stores differ in what sells."""
    rng = np.random.default_rng([seed, origin, 11])
    home = rng.integers(STORES, size=people)
    kinds = rng.dirichlet(np.full(CATEGORIES, 0.25), size=STORES // 2)
    taste = 0.7 * kinds[rng.integers(len(kinds), size=people)] + 0.3 * kinds[home % len(kinds)]
    appeal = rng.zipf(1.7, size=PRODUCTS).clip(max=30).astype(float)
    rate = taste[:, CATEGORY] * appeal
    rate = 14 * rate / rate.sum(axis=1, keepdims=True)
    past = rng.poisson(rate)
    future = rng.poisson(0.5 * rate) + (past > 0) * rng.poisson(0.4, size=past.shape)
    return past, future, home


def learn(spec, past, home, directory):
    """Return popularity (products,), category affinity or None, and what run.json should say."""
    rows = np.minimum(past, 1).astype(float)
    profiles = past @ np.eye(CATEGORIES)[CATEGORY]
    profiles = profiles / np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1)
    outer = np.einsum("uc,ud->ucd", profiles, profiles).reshape(len(past), -1)
    norm = spec.federation.clip_norm
    popularity = clipped_sum(rows, norm_bound=norm)
    if spec.arm.method == "popularity":
        return popularity, None, {}
    if spec.arm.method == "isolated":
        own = np.stack([clipped_sum(outer[home == store], norm_bound=norm) for store in range(STORES)])
        return popularity, own.reshape(STORES, CATEGORIES, CATEGORIES), {}
    affinity = clipped_sum(outer, norm_bound=norm)
    info = {}
    if spec.arm.epsilon is not None:
        delta = spec.privacy.delta
        budget = Budget(dataset=spec.data_fingerprint, epsilon=spec.arm.epsilon, delta=delta, population=len(past))
        path = directory / "artifacts" / "ledger.sqlite"
        ledger = Ledger.open(path, scope="run", budget=budget, run=spec.run_id)
        shares = split_budget(cap(epsilon=spec.arm.epsilon, delta=delta), {"popularity": 0.4, "affinity": 0.6})
        rng = np.random.default_rng([spec.seed, spec.origin])
        for purpose, price in shares.items():
            reservation = ledger.reserve(purpose, f"{purpose}-1", price)
            target = popularity if purpose == "popularity" else affinity
            nodes = STORES if spec.arm.noise == "every_node" else 1
            target += gaussian(target.size, scale=norm * noise_multiplier(price) * nodes**0.5, rng=rng)
            ledger.commit(reservation)
        info = {"epsilon_pld": epsilon_rdp(ledger.spent, delta=delta), "delta": delta}
    popularity = np.maximum(popularity, 0.1)
    if spec.arm.method == "dp_popularity":
        return popularity, None, info
    return popularity, np.maximum(affinity, 0).reshape(CATEGORIES, CATEGORIES), info
