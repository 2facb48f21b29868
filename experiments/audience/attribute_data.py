"""Households with an attribute that is known of them: what their purchases tell, and how well they were judged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from experiments.audience.measured import Figure
from experiments.audience.trial import listed_merchants
from experiments.scenario import DataSettings, PartitionSettings
from retail import columns as c
from retail.attributes import attribute
from retail.datasource import DataSource
from retail.households import Households, homes, households
from retail.responses import Responses
from retail.separation import auc, lift

Floats = npt.NDArray[np.float64]
MOST: Final = 7.0
"""The largest value of a feature."""
WIDTH: Final = 1000
"""How many features there are at most."""
_TENTH: Final = 0.1
_FIFTHS: Final = 5


@dataclass(frozen=True, eq=False)
class Judged:
    """Households whose attribute is known.

    Attributes:
        rows: features, home store, and `responded` = has the attribute. Features are four of habit, then one for each
            category, those with the most products in the public catalogue first, then for product types, likewise.
        rule_score: (n,) of all rows, by which a single rule ranks.
        merchants: public list.
        base: public rough share of households with an attribute.
    """

    rows: Responses
    rule_score: Floats
    merchants: tuple[int | str, ...]
    base: float = 0.3

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.rows.features.shape[1])

    def narrow(self, rows: Responses, size: int) -> Responses:
        """Return rows with their first features only."""
        if rows.features.shape[1] <= size:
            return rows
        return Responses(
            rows.persons, rows.merchants, rows.features[:, :size], rows.names[:size], rows.advertised, rows.responded
        )

    def rule(self, known: Responses) -> Callable[[Responses], tuple[Floats, Floats]]:
        """Return the single rule; its chances are the shares among known households above and below their median."""
        of = dict(zip(self.rows.persons.tolist(), self.rule_score.tolist(), strict=True))
        score = np.array([of[one] for one in known.persons.tolist()])
        cut = float(np.median(score))
        overall = float(known.responded.mean())
        shares = [
            float(known.responded[side].mean()) if side.any() else overall for side in (score <= cut, score > cut)
        ]

        def predict(rows: Responses) -> tuple[Floats, Floats]:
            mine = np.array([of[one] for one in rows.persons.tolist()])
            return mine, np.where(mine > cut, shares[1], shares[0])

        return predict


def judged(data: DataSettings, partition: PartitionSettings, name: str, *, now: int, pooled: bool) -> Judged:
    """Put together the households of an attribute.

    Args:
        data: the data set.
        partition: which home stores.
        name: of the attribute.
        now: first day that features do not see, where the attribute is about later purchases; else they see all.
        pooled: whether features see purchases at all stores, or those at the home store.

    Raises: DataError: the data know no such attribute, or nobody of it. ConfigError: an unknown attribute.
    """
    asked = attribute(name)
    merchants = listed_merchants(data, partition)
    found = _households(data, merchants, now if asked.later else _LAST, pooled)
    labels = asked.labels(DataSource(**data.model_dump()).open(), now)
    known = np.isin(found.persons, labels.index.to_numpy())
    features, names = _features(data, found)
    score = found.share_of(asked.rule) if asked.rule else found.spend / np.maximum(found.lines, 1)
    yes = labels.reindex(found.persons[known]).to_numpy(dtype=np.float64)
    rows = Responses(
        found.persons[known],
        found.merchants[known],
        features[known],
        names,
        np.zeros(int(known.sum()), dtype=bool),
        yes,
    )
    return Judged(rows, score[known] if asked.more else -score[known], merchants)


_LAST: Final = 2**31


@lru_cache(maxsize=4)
def _households(data: DataSettings, merchants: tuple[int | str, ...], now: int, pooled: bool) -> Households:
    return households(DataSource(**data.model_dump()).open(), now=now, merchants=merchants, at_home=not pooled)


def _features(data: DataSettings, found: Households) -> tuple[Floats, tuple[str, ...]]:
    products = DataSource(**data.model_dump()).open().products
    kinds = (
        ("category", c.CATEGORY, found.categories, found.by_category),
        ("type", c.TYPE, found.types, found.by_type),
    )
    names, counts = ["visits", "basket_size", "price", "own_label"], []
    for kind, column, listed, table in kinds:
        sizes = products[column].astype(object).where(products[column].notna(), "").astype(str).value_counts()
        order = np.argsort(-sizes.reindex(listed).fillna(0).to_numpy(), kind="stable")[: WIDTH - len(names)]
        counts.append(table[:, order].toarray())
        names += [f"{kind} {listed[one]}" for one in order]
    share = 1000 * np.hstack(counts) / np.maximum(found.lines, 1)[:, None]
    habits = [
        np.log1p(found.baskets),
        2 * np.log1p(found.lines / np.maximum(found.baskets, 1)),
        2 * np.log1p(np.maximum(found.spend, 0) / np.maximum(found.lines, 1)),
        MOST * found.own_label / np.maximum(found.lines, 1),
    ]
    features = np.clip(np.hstack([np.stack(habits, axis=1), np.log1p(share)]), 0.0, MOST)
    return features, tuple(names)


def answers(data: DataSettings, partition: PartitionSettings, name: str, *, now: int) -> pd.Series:
    """Return 1 or 0 by person, for the households that `judged` would put together; much faster, for checks.

    Args, Raises: as `judged`.
    """
    asked = attribute(name)
    known = _homes(data, listed_merchants(data, partition), now if asked.later else _LAST)
    labels = asked.labels(DataSource(**data.model_dump()).open(), now)
    return labels[labels.index.isin(known.index)].sort_index()


@lru_cache(maxsize=4)
def _homes(data: DataSettings, merchants: tuple[int | str, ...], now: int) -> pd.Series:
    return homes(DataSource(**data.model_dump()).open(), now=now, merchants=merchants)


def folds_of(persons: npt.NDArray[Any], *, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return (n,) which fold each household is in, by its own id alone: when one leaves, nobody else moves."""
    drawn = [hashlib.blake2b(f"{seed}\0{one}".encode(), digest_size=8).digest() for one in persons.tolist()]
    return np.array([int.from_bytes(one, "big") % folds for one in drawn], dtype=np.int64)


def judged_figures(
    name: str, yes: Floats, scores: Floats, chances: Floats, inside: Floats, *, draws: int
) -> list[Figure]:
    """Return AUC, lift, miscalibration of one attribute with households drawn anew, and how much better insiders fare.

    Args:
        name: of the attribute.
        yes: (n,) 1 where a household has it.
        scores: (trainings, n) comparable over households. A draw of households takes one training after the other, so
            an interval is over households and over the noise of trainings.
        chances: (trainings, n) stated.
        inside: (trainings,) AUC on the households that models learnt from.
        draws: how often households are drawn anew; the same ones in every arm.
    """
    n, trainings = len(yes), len(scores)
    times = np.random.default_rng([n, 64]).multinomial(n, np.full(n, 1 / n), draws).astype(np.float64)
    found = np.mean([_measure(yes, *one, np.ones((1, n))) for one in zip(scores, chances, strict=True)], axis=0)[:, 0]
    redrawn = np.empty((3, draws))
    for number, one in enumerate(zip(scores, chances, strict=True)):
        mine = slice(number, None, trainings)
        redrawn[:, mine] = _measure(yes, *one, times[mine])
    figures = [
        Figure(f"{kind}_{name}", float(value), n, "1", column)
        for kind, value, column in zip(("auc", "lift10", "miscalibration"), found, redrawn, strict=True)
    ]
    figures.append(Figure(f"inside_{name}", float(np.mean(inside) - found[0]), n, "1"))
    return figures


def ranks_of(scores: Floats) -> Floats:
    """Return (n,) ranks between 0 and 1, equal where scores are."""
    return np.asarray(rankdata(scores) / (len(scores) + 1.0))


def _measure(yes: Floats, scores: Floats, chances: Floats, times: Floats) -> Floats:
    """Return (3, draws): AUC, lift of the best tenth, miscalibration, each household counted `times` (draws, n)."""
    parts = np.array_split(np.argsort(chances, kind="stable"), _FIFTHS)
    off = sum(np.abs(times[:, part] @ (chances[part] - yes[part])) for part in parts) / times.sum(axis=1)
    has = yes > 0
    return np.stack([auc(scores, has, times), lift(scores, has, times, share=_TENTH), off])
