"""Small markets simulated while somebody waits: one set of rules against the reference, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from apps.market.table import Gain
from experiments.market.figures import within
from experiments.market.rules import read_rules, read_settings
from simulation.market import simulate
from simulation.market.parameters import PARAMETERS
from simulation.store.intervals import paired

MARKET: dict[str, int] = {"merchants": 100, "products": 400, "consumers": 2000}
"""How large a market is; about a tenth of a second each."""
PERIODS: Final = 100
FIRST: Final = 8
"""Markets of the first answer, and how many more each click brings."""
MOST: Final = 64
LOOKS: Final = MOST // FIRST
"""How often somebody may look before there are no more markets to add."""
LOOK_LEVEL: Final = 1 - 0.05 / LOOKS
"""Level of each look's intervals: whatever the number of looks, all of them hold with 95% (Bonferroni).

With a 95% interval at each look, somebody who adds markets until it is clear finds far too many differences.
"""
REFERENCE: Final = "isolated"
LABELS: Final[Mapping[str, str]] = {
    "pure": "Marketplace only",
    "isolated": "Own label, nothing shared",
    "firewall": "Firewall, pooled for merchants",
    "federated": "Federated, no noise",
    "federated_dp": "Federated, epsilon 1",
    "pooled": "Pooled, platform reads all",
    "self_preferencing": "Firewall, own label ranked up",
    "pooled_self_preferencing": "Pooled, own label ranked up",
    "affiliated_stores": "Pooled, affiliates ranked up",
}
"""Regimes as people call them."""

Remedies = tuple[tuple[str, float | int | bool], ...]
Progress = Callable[[float, str], object]


@dataclass(frozen=True, slots=True)
class Choice:
    """One set of rules in one kind of market.

    Attributes:
        regime: its id.
        bonus: what the ranking adds for own goods where the regime lets it, log-odds.
        quality: own label's appeal less that of what it imitates.
        remedies: on top, such as (("fee_cap", 0.1), ("non_discrimination", True)).
    """

    regime: str
    bonus: float
    quality: float
    remedies: Remedies = ()

    @property
    def label(self) -> str:
        """What people call the rules, remedies included."""
        return "; ".join([LABELS[self.regime], *(_remedy(name, value) for name, value in self.remedies)])

    @property
    def reference(self) -> Choice:
        """The same kind of market with an own label and nothing shared."""
        return Choice(REFERENCE, self.bonus, self.quality)


def first_choice() -> Choice:
    """Return the rules that the page shows before anybody chooses."""
    return Choice("firewall", float(PARAMETERS["bonus"].value), float(PARAMETERS["own_quality"].value))


def _remedy(name: str, value: float | int | bool) -> str:
    if name == "fee_cap":
        return f"fee at most {100 * value:g}%"
    if name == "delayed_access":
        return f"access {value} periods later"
    return name.replace("_", " ")


def run_markets(choices: Sequence[Choice], seeds: range, progress: Progress) -> list[pd.DataFrame]:
    """Simulate markets under several rules, the same ones for each.

    Args:
        choices: the rules.
        seeds: one market each.
        progress: takes the share that is done and a text, before each market.

    Returns: for each choice one row a seed, with the figures of `simulation.market.kpis` and `reads`, `refused`.

    Raises: ConfigError, PolicyError: rules or numbers that cannot be used.
    """
    found: list[list[dict[str, float]]] = [[] for _ in choices]
    for number, seed in enumerate(seeds):
        for place, one in enumerate(choices):
            progress((number + place / len(choices)) / len(seeds), f"Market {number + 1} of {len(seeds)}")
            used = replace(one, bonus=0.0) if one.regime == REFERENCE else one  # which has none to read
            found[place].append(
                _one_market(used.regime, used.remedies, used.bonus, used.quality, seed, tuple(MARKET.items()))
            )
    return [pd.DataFrame(rows) for rows in found]


@st.cache_data(show_spinner=False, max_entries=8_000)
def _one_market(
    regime: str, remedies: Remedies, bonus: float, quality: float, seed: int, size: tuple[tuple[str, int], ...]
) -> dict[str, float]:
    settings = read_settings({**dict(size), "bonus": bonus, "own_quality": quality})
    run = simulate(settings, read_rules(regime, dict(remedies), settings), seed=seed, periods=PERIODS)
    refused = int((~run.reads["allowed"].astype(bool)).sum()) if len(run.reads) else 0
    return {**run.kpis, "reads": float(len(run.reads)), "refused": float(refused)}


def compared(
    mine: pd.DataFrame, reference: pd.DataFrame, metrics: Sequence[str], label: str, *, level: float = 0.95
) -> list[Gain]:
    """Return the mean difference of each figure over markets, with Student's interval.

    Args:
        mine: one row a seed.
        reference: the same seeds.
        metrics: columns of both.
        label: of the rules.
        level: of the interval.
    """
    return [_gain(mine, reference, metric, label, level) for metric in metrics]


def _gain(mine: pd.DataFrame, reference: pd.DataFrame, metric: str, label: str, level: float) -> Gain:
    values = mine[metric].to_numpy(np.float64) - reference[metric].to_numpy(np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return Gain(label, label, metric, (np.nan, np.nan, np.nan))
    found = paired(values, level=level)
    lo, hi = (np.nan, np.nan) if found is None else (found.lo, found.hi)
    return Gain(label, label, metric, (float(values.mean()), lo, hi))


def average(table: pd.DataFrame, metric: str, *, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of a figure over markets and the ends of its interval, cut at what the figure can be."""
    nothing = pd.DataFrame({metric: np.zeros(len(table))})
    value, lo, hi = _gain(table, nothing, metric, "", level).values
    return value, *within(metric, lo, hi)
