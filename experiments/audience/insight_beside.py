"""What stands beside the choice models of an insight scenario: sales with and without offers, and what reviews say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from experiments.audience.measured import Figure, Measured
from experiments.audience.spec import AudienceSpec
from retail.datasource import DataSource
from retail.offer_weeks import offer_weeks
from retail.reviews import Label, Review, made_up_reviews
from simulation.choice.aspects import by_keywords, counts_of, learn, rates
from simulation.choice.drivers import offer_effects

READERS: Final[dict[str, Callable[[Sequence[Review]], Callable[[str], frozenset[Label]]]]] = {
    "review_keywords": lambda taught: by_keywords,
    "review_learned": learn,
    "review_both": lambda taught: learn(taught).or_keywords,
}
_TAUGHT: Final = 2000
_READ: Final = 1000


def measure_reviews(spec: AudienceSpec, model: str) -> Measured:
    """Tell what made-up reviews say, in wordings that labelled ones had and in wordings that none had."""
    rng = np.random.default_rng([0x2E71, spec.seed])
    taught = made_up_reviews(_TAUGHT, wordings="known", rng=rng)
    reader = READERS[model](taught)
    figures = []
    for wordings in ("known", "new"):
        reviews = made_up_reviews(_READ, wordings="known" if wordings == "known" else "new", rng=rng)
        counts = counts_of([reader(one.text) for one in reviews], reviews)
        times = np.random.default_rng([0x2E72, spec.seed]).multinomial(_READ, np.full(_READ, 1 / _READ),
                                                                       size=spec.settings.draws)  # fmt: skip
        drawn = (times @ counts).astype(float)
        right, told, true = drawn.T
        found = rates(counts)
        figures.append(Figure(f"f1_{wordings}", found.f1, _READ, "1", 2 * right / np.maximum(told + true, 1)))
        if wordings == "new":
            figures.append(Figure("precision_new", found.precision, _READ, "1", right / np.maximum(told, 1)))
            figures.append(Figure("recall_new", found.recall, _READ, "1", right / np.maximum(true, 1)))
    said = (
        f"Text of our own making: {_TAUGHT:,} labelled reviews to learn from, {_READ:,} to judge by for each wording."
    )
    return Measured(tuple(figures), draws=f"made-up reviews, seed {spec.seed}", info={"said": [said]})


def measure_drivers(source: DataSource, kind: str) -> Measured:
    """Compare sales with and without offers, all brands of the type together."""
    weeks = offer_weeks(source.open(), kind)
    figures: list[Figure] = []
    for one in (*offer_effects(weeks.sold, weeks.offers), *offer_effects(weeks.sold, weeks.offers, leads=True)):
        name = f"ahead_{one.name.removesuffix('_ahead')}" if one.name.endswith("_ahead") else f"sold_{one.name}"
        if name not in {figure.name for figure in figures}:  # effects are those without leads beside them
            value, lo, hi = one.pct
            figures.append(Figure(name, value, int(weeks.sold.sum()), "pct", ends=(lo, hi)))
    said = (
        f"Sales of {len(weeks.brands)} brands in {weeks.stores} stores over {weeks.sold.shape[2]} weeks; errors are "
        "clustered by store."
    )
    return Measured(tuple(figures), info={"said": [said]})
