"""Choose the baselines' hyper-parameters on the validation window before an origin, and measure the choice.

    python -m experiments.baselines.tune --origins 0 --test

Complete Journey, the rows of all member stores together. The defaults in the four modules are what this command chose
at the oldest origin, whose validation window ends before the first test window starts. The ranges of the grids were
narrowed by hand on that same window.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.baselines import BASELINES, Model
from retail import complete_journey, evaluation
from retail.interactions import Interactions, catalogue, interactions
from retail.merchants import partition
from retail.splits import Split, rolling_origins

GRIDS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "popularity": tuple(
        {"shape": shape, "window_days": days} for shape, days in (
            ("buyers", 56), ("buyers", 112), ("window", 28), ("window", 56), ("window", 364), ("exponential", 28),
        )
    ),
    "item_knn": tuple(
        {"weighting": weighting, "neighbours": neighbours, "min_persons": least}
        for weighting, neighbours, least in (
            ("cosine", 20, 20), ("cosine", 100, 20), ("cosine", 1000, 20),
            ("cosine", 100, 1), ("tfidf", 100, 20), ("tfidf", 1000, 20),
        )
    ),
    "ials": tuple(
        {"factors": factors, "regularization": regularization, "alpha": alpha}
        for factors, regularization, alpha in (
            (32, 10.0, 1.0), (64, 10.0, 1.0), (64, 15.0, 1.0), (64, 10.0, 0.5), (64, 5.0, 0.2), (128, 10.0, 0.5),
        )
    ),
    "tifu_knn": tuple(
        {
            "trip_decay": trip_decay, "group_decay": group_decay, "group_trips": group_trips,
            "neighbours": neighbours, "alpha": alpha,
        }
        for trip_decay, group_decay, group_trips, neighbours, alpha in (
            (0.9, 0.7, 7, 300, 0.7), (0.9, 0.7, 7, 300, 0.3), (1.0, 0.9, 7, 300, 0.7),
            (1.0, 0.9, 3, 300, 0.7), (1.0, 0.9, 3, 900, 0.5), (0.9, 0.8, 3, 300, 0.5),
        )
    ),
}  # fmt: skip
BLOCK: Final = 250
CHOSEN_BY: Final = ("total_ndcg10", "explore_ndcg10")


def judge(
    fit: Callable[..., Model], history: Interactions, window: tuple[int, int], *, seed: int, **hyper: Any
) -> pd.Series:
    """Fit on every day before a window and measure on the window.

    Args:
        fit: one of `BASELINES`.
        history: lines of all days; those from the window's end on are not looked at.
        window: (first day, day after the last).
        seed: passed to `fit`.
        hyper: passed to `fit`.

    Returns: mean over the shoppers who bought in the window of each of `evaluation.COLUMNS`, and `seconds`.
    """
    start = time.perf_counter()
    known = history.between(None, window[0])
    model = fit(known, now=window[0], seed=seed, **hyper)
    bought, relevant = known.counts(), history.between(*window).counts()
    shoppers = np.flatnonzero(np.diff(relevant.indptr))
    blocks = (shoppers[at : at + BLOCK] for at in range(0, len(shoppers), BLOCK))
    frames = [evaluation.measure(model.scores(block), bought[block], relevant[block]) for block in blocks]
    means = pd.concat(frames)[list(evaluation.COLUMNS)].mean()
    means["seconds"] = time.perf_counter() - start
    return means


def choose(grid: Sequence[Mapping[str, Any]], measured: pd.DataFrame) -> int:
    """Position of the best point: highest mean of `CHOSEN_BY`, each relative to the best of the grid in it.

    A baseline is thus not tuned for the total at the cost of exploration, nor the other way round. Ties go to the
    earlier point.
    """
    relative = measured[list(CHOSEN_BY)] / measured[list(CHOSEN_BY)].max()
    return int(np.argmax(relative.mean(axis=1).to_numpy()[: len(grid)]))


def search(method: str, history: Interactions, split: Split, *, seed: int = 0) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure a method's grid on the validation window of one origin.

    Returns: the chosen point, and one row a point: its hyper-parameters as text, `evaluation.COLUMNS`, `seconds`.
    """
    grid = GRIDS[method]
    rows = [judge(BASELINES[method], history, split.valid, seed=seed, **point) for point in grid]
    measured = pd.DataFrame(rows).reset_index(drop=True)
    measured.insert(0, "hyper", [_text(point) for point in grid])
    return dict(grid[choose(grid, measured)]), measured


def _text(point: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in point.items())


def _table(methods: Sequence[str], origins: Sequence[int], *, test: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    data = complete_journey.load()
    members = partition(data, by="home_store", merchants=complete_journey.MEMBER_STORES)
    history = interactions(members.transactions, catalogue(data.products))
    splits = rolling_origins(data.period)
    for method, origin in itertools.product(methods, origins):
        chosen, measured = search(method, history, splits[origin])
        yield f"{method}, validation of origin {origin}: chose {_text(chosen)}", measured
    windows = {"validation of origin 0": splits[0].valid} | {f"test of origin {s.origin}": s.test for s in splits}
    for method in methods if test else ():
        rows = [judge(BASELINES[method], history, window, seed=0) for window in windows.values()]
        yield f"{method}, defaults", pd.DataFrame(rows, index=list(windows))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the grids of the methods and origins asked for and, with --test, the defaults on all windows."""
    parser = argparse.ArgumentParser(description="Tune the baselines on validation windows of Complete Journey.")
    parser.add_argument("--methods", nargs="*", choices=list(GRIDS), default=list(GRIDS))
    parser.add_argument("--origins", nargs="*", type=int, choices=range(4), default=[0])
    parser.add_argument("--test", action="store_true", help="also measure the defaults on every test window")
    chosen = parser.parse_args(arguments)
    for title, frame in _table(chosen.methods, chosen.origins, test=chosen.test):
        sys.stdout.write(f"\n{title}\n{frame.to_string(float_format='{:.4f}'.format)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
