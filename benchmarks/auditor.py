"""How often does the auditor of a market find what is wrong, and how often does it accuse a market that is right?

    python -m benchmarks.auditor                        # 2,000 rankings for each line
    python -m benchmarks.auditor --replications 200
    python -m benchmarks.auditor --seed 9               # other rankings
    python -m benchmarks.auditor --simulated 40         # logs of simulated markets alone

Prints the tables of docs/market-audit.md. Each ranking is drawn with its own seed: one list of 10 products a query, 30%
of them own, two logged qualities of .5 and .3 log-odds for each SD, Gumbel noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from privacy.rules import Design, Plan, RankingNeutrality, audit_market
from privacy.rules.drawn_lists import draw_lists
from privacy.rules.imitation import imitation_audit
from privacy.rules.ordered_logit import Lists
from privacy.rules.score_bootstrap import first_effect
from retail.market_log import MarketLog, check
from simulation.market import MarketSettings, simulate

SEED = 5
FIRST = 101
"""Seed of the first simulated market."""
DESIGN = Design()
MARGIN = DESIGN.margin("ranking")


def flagged(
    replications: int, queries: int, test: Callable[[Lists, np.random.Generator], bool], seed: int = SEED, **settings
) -> int:
    count = 0
    for replication in range(replications):
        rng = np.random.default_rng([seed, queries, replication])
        count += test(draw_lists(rng, queries=queries, **settings), rng)
    return count


def by_logit(lists: Lists, rng: np.random.Generator) -> bool:
    mixed = (lists.x[:, :, 0].max(axis=1) > 0) & (lists.x[:, :, 0].min(axis=1) < 1)
    kept = lists.part(mixed)
    if kept.clusters < DESIGN.least:
        return False
    found = first_effect(kept, margin=MARGIN, few=DESIGN.few, resamples=DESIGN.resamples, rng=rng)
    return found.p <= DESIGN.alpha


def by_share(lists: Lists, rng: np.random.Generator) -> bool:
    """The naive test: are own products first more often than they are listed?"""
    first, share = lists.x[:, 0, 0], float(lists.x[:, :, 0].mean())
    return float(stats.binom.sf(first.sum() - 1, len(first), share)) <= DESIGN.alpha


def line(what: str, queries: int, count: int, replications: int) -> None:
    alphas = [max(count, 1e-9), count + 1], [replications - count + 1, max(replications - count, 1e-9)]
    low, high = (float(end) for end in stats.beta.ppf([0.05, 0.95], *alphas))
    print(f"| {what} | {queries} | {count / replications:.3f} | {low:.3f} | {high:.3f} |", flush=True)


def markets(replications: int) -> None:
    """The audit of imitation from outside, on markets that imitate by popularity alone or by profit too."""
    print("\n| 30 of 600 products are imitated | flagged | flagged with a margin of 0 | mean percentile |")
    print("|---|---|---|---|")
    for name, by_profit in (("by popularity alone", False), ("by popularity, among the profitable", True)):
        with_margin = without = 0
        means = []
        for replication in range(replications):
            log = market(np.random.default_rng([SEED, replication]), by_profit=by_profit)
            found = imitation_audit(log, Design(seed=replication))
            with_margin += found.outcome == "breach"
            without += imitation_audit(log, Design(seed=replication, margins={"data": 0.0})).outcome == "breach"
            means.append(found.effect + 0.5)
        shares = f"{with_margin / replications:.3f} | {without / replications:.3f}"
        print(f"| {name} | {shares} | {np.mean(means):.3f} |", flush=True)


def market(rng: np.random.Generator, *, by_profit: bool, products: int = 600, copies: int = 30) -> MarketLog:
    popularity = rng.normal(size=products)
    profit = np.exp(popularity + rng.normal(size=products))
    weight = np.exp(1.5 * popularity) * (np.log(profit) - popularity > 0.8 if by_profit else 1.0)
    targets = rng.choice(products, size=copies, replace=False, p=weight / weight.sum())
    ids = np.arange(products + copies)
    own = ids >= products
    return check(
        MarketLog(
            products=pd.DataFrame(
                {
                    "product": ids,
                    "seller": np.where(own, "platform", "merchant"),
                    "own": own,
                    "category": ids % 12,
                    "launched": np.where(own, 1, 0),
                    "copy_of": [None] * products + list(targets),
                }
            ),
            figures=pd.DataFrame(
                {"period": 0, "product": np.arange(products), "profit": profit, "popularity": popularity}
            ),
        )
    )


def simulated(count: int) -> None:
    """Audit the logs of simulated markets by all rules together, and by the rules of ranking and targeting alone."""
    names = ("ranking", "ranking alone", "data", "of that from outside", "access", "targeting", "targeting alone")
    print("| regime | " + " | ".join(names) + " |\n|---|---|---|---|---|---|---|---|")
    for regime in ("firewall", "self_preferencing", "pooled_self_preferencing"):
        found = dict.fromkeys(names, 0)
        for seed in range(FIRST, FIRST + count):
            log = simulate(MarketSettings(), regime, seed=seed, record="list").log()
            for one in audit_market(log, Design(qualities=("price", "rating", "relevance"))):
                found[one.rule] += one.outcome == "breach"
                if f"{one.rule} alone" in found:
                    found[f"{one.rule} alone"] += one.p is not None and one.p <= DESIGN.alpha
                found["of that from outside"] += one.statistical is not None and one.statistical.outcome == "breach"
        print(f"| {regime} | " + " | ".join(f"{one} of {count}" for one in found.values()) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--simulated", type=int, default=0)
    wanted = parser.parse_args()
    if wanted.simulated:
        simulated(wanted.simulated)
        return
    count = wanted.replications
    start = time.perf_counter()
    print(f"Ranking: share of {count:,} rankings that are flagged (level {DESIGN.alpha:g}, margin {MARGIN:g} log-odds)")
    print("\n| rankings | queries | flagged | lower 95% bound | upper 95% bound |\n|---|---|---|---|---|")
    rows = [
        (f"bonus {effect:g}", {"effect": effect}, queries) for effect in (0.0, MARGIN) for queries in (50, 200, 800)
    ]
    rows += [("own better by 1 SD of logged quality", {"better": 1.0}, queries) for queries in (50, 200)]
    rows += [(f"bonus {MARGIN:g}, 6% own", {"effect": MARGIN, "own_share": 0.06}, queries) for queries in (50, 200)]
    cut = {"effect": MARGIN, "places": 20, "shown": 5, "better": -1.0}
    rows += [(f"bonus {MARGIN:g}, 5 of 20 shown, own worse by 1 SD", cut, queries) for queries in (50, 200)]
    rows += [("bonus .2", {"effect": 0.2}, queries) for queries in (50, 100, 200, 800)]
    rows += [("bonus .5", {"effect": 0.5}, 50)]
    rows += [("own better by 1 SD of a hidden quality of .5", {"hidden": 0.5}, 200)]
    for what, settings, queries in rows:
        line(what, queries, flagged(count, queries, by_logit, wanted.seed, **settings), count)
    print("\nThe naive share test on the same rankings")
    print("\n| rankings | queries | flagged | lower 95% bound | upper 95% bound |\n|---|---|---|---|---|")
    for what, settings in (
        ("bonus 0", {}),
        ("own better by 1 SD of logged quality", {"better": 1.0}),
        ("bonus .5, own worse by 1 SD of logged quality", {"effect": 0.5, "better": -1.0}),
    ):
        line(what, 200, flagged(count, 200, by_share, wanted.seed, **settings), count)
    last = flagged(count, 200, by_logit, wanted.seed, effect=0.5, better=-1.0)
    line("the last by the rank-ordered logit", 200, last, count)
    print(
        "\nQueries needed for a power of .9 (planned)\n\n| bonus | "
        + " | ".join(f"{one:.0%} own" for one in (0.06, 0.3))
        + " |"
    )
    print("|---|---|---|")
    for effect in (0.05, 0.1, 0.2, 0.3, 0.5):
        needed = [RankingNeutrality().power(DESIGN, effect, Plan(own_share=share)).needed for share in (0.06, 0.3)]
        print(f"| {effect:g} | " + " | ".join(f"{one:,}" for one in needed) + " |")
    markets(min(count, 200))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
