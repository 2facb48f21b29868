"""Households with an attribute that is known of them: what their purchases tell, and how well they were judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from experiments.audience.measured import Figure
from experiments.audience.trial import listed_merchants
from experiments.scenario import DataSettings, PartitionSettings
from matching.uplift import lift_at
from retail import columns as c
from retail.attributes import attribute
from retail.datasource import DataSource
from retail.households import Households, households
from retail.responses import Responses

Floats = npt.NDArray[np.float64]
MOST: Final = 7.0
"""The largest value of a feature."""
_TENTH: Final = 0.1
_FIFTHS: Final = 5


@dataclass(frozen=True, eq=False)
class Judged:
    """Households whose attribute is known.

    Attributes:
        rows: features, home store, and `responded` = has the attribute. Features are four of habit, then one for each
            category, those with the most products in the public catalogue first.
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
    sizes = products[c.CATEGORY].astype(object).where(products[c.CATEGORY].notna(), "").astype(str).value_counts()
    order = np.argsort(-sizes.reindex(found.categories).fillna(0).to_numpy(), kind="stable")
    share = 1000 * found.by_category.toarray()[:, order] / np.maximum(found.lines, 1)[:, None]
    habits = [
        np.log1p(found.baskets),
        2 * np.log1p(found.lines / np.maximum(found.baskets, 1)),
        2 * np.log1p(np.maximum(found.spend, 0) / np.maximum(found.lines, 1)),
        MOST * found.own_label / np.maximum(found.lines, 1),
    ]
    features = np.clip(np.hstack([np.stack(habits, axis=1), np.log1p(share)]), 0.0, MOST)
    names = ("visits", "basket_size", "price", "own_label", *(f"category {found.categories[one]}" for one in order))
    return features, names


def judged_figures(
    name: str, yes: Floats, scores: Floats, chances: Floats, inside: Floats, *, draws: int
) -> list[Figure]:
    """Return AUC, lift, miscalibration of one attribute with households drawn anew, and how much better insiders fare.

    Args:
        name: of the attribute.
        yes: (n,) 1 where a household has it.
        scores: (n,) comparable over households.
        chances: (n,) stated.
        inside: (folds,) AUC on the households that each fold's model learnt from.
        draws: how often households are drawn anew; the same ones in every arm.
    """
    rng = np.random.default_rng([len(yes), 64])
    found, redrawn = _measure(yes, scores, chances), []
    for _ in range(draws):
        chosen = rng.integers(len(yes), size=len(yes))
        redrawn.append(_measure(yes[chosen], scores[chosen], chances[chosen]))
    columns = np.array(redrawn).T
    names = ("auc", "lift10", "miscalibration")
    figures = [
        Figure(f"{kind}_{name}", value, len(yes), "1", column)
        for kind, value, column in zip(names, found, columns, strict=True)
    ]
    figures.append(Figure(f"inside_{name}", float(np.mean(inside)) - found[0], len(yes), "1"))
    return figures


def ranks_of(scores: Floats) -> Floats:
    """Return (n,) ranks between 0 and 1, equal where scores are."""
    return np.asarray(rankdata(scores) / (len(scores) + 1.0))


def auc_of(scores: Floats, yes: Floats) -> float:
    """Return the chance that somebody with the attribute is ranked above somebody without; NaN without both."""
    ones, n = yes.sum(), len(yes)
    if not ones or ones == n:
        return float("nan")
    return float((rankdata(scores)[yes > 0].sum() - ones * (ones + 1) / 2) / (ones * (n - ones)))


def _measure(yes: Floats, scores: Floats, chances: Floats) -> tuple[float, float, float]:
    parts = np.array_split(np.argsort(chances, kind="stable"), _FIFTHS)
    off = sum(abs(float((chances[part] - yes[part]).sum())) for part in parts) / len(yes)
    return auc_of(scores, yes), lift_at(scores, yes, share=_TENTH), float(off)
