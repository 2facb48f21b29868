"""What people call the metrics: a label for axes and tables, a noun for sentences, and what is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class MetricName:
    """How one metric is written.

    Attributes:
        short: for a switch between metrics.
        label: for axes and table headings.
        noun: for sentences, "... keeps 96% of pooled <noun>".
        meaning: one sentence with the unit.
    """

    short: str
    label: str
    noun: str
    meaning: str


KNOWN: Final = {
    "explore_ndcg10": MetricName(
        "Explore",
        "Explore NDCG@10",
        "exploration",
        "How well the first ten products a shopper has never bought match what that shopper buys for the first time "
        "(0 to 1, higher is better).",
    ),
    "total_ndcg10": MetricName(
        "Total",
        "Total NDCG@10",
        "overall ranking quality",
        "How well the first ten of all products match what the shopper buys (0 to 1, higher is better).",
    ),
    "repeat_ndcg10": MetricName(
        "Repeat",
        "Repeat NDCG@10",
        "repeat-purchase quality",
        "How well the first ten products among those bought before match what is bought again (0 to 1, higher is "
        "better).",
    ),
    "hit10": MetricName(
        "Hit rate",
        "Hit rate@10",
        "hit rate",
        "Share of shoppers who buy at least one of the first ten products (0 to 1, higher is better).",
    ),
    "explore_hit10": MetricName(
        "Explore hit rate",
        "Explore hit rate@10",
        "explore hit rate",
        "Share of shoppers who buy, for the first time, at least one of the first ten products new to them (0 to 1, "
        "higher is better).",
    ),
    "total_recall10": MetricName(
        "Recall",
        "Recall@10",
        "recall",
        "Share of what the shopper buys that is among the first ten of all products (0 to 1, higher is better).",
    ),
}
"""In the order in which they are offered: exploration is what a federation can win."""


def metric_name(metric: str) -> MetricName:
    """Return the names of a metric; one that a user's own task defines goes by its own name."""
    return KNOWN.get(metric) or MetricName(metric, metric, metric, f"{metric}, as the scenario's task defines it.")


def in_order(metrics: Iterable[str]) -> tuple[str, ...]:
    """Sort metrics: the known ones first, in the order of `KNOWN`, then others as they come."""
    found = list(dict.fromkeys(metrics))
    return (*(name for name in KNOWN if name in found), *(name for name in found if name not in KNOWN))
