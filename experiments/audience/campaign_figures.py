"""How well recipients of campaigns were ranked, with households drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.audience.measured import Figure
from retail.errors import DataError
from retail.responses import Responses
from retail.separation import auc, lift

Floats = npt.NDArray[np.float64]
_SHARE: Final = 0.1


def ranked_figures(
    judged: Sequence[Responses], scores: Sequence[Sequence[Floats]], *, draws: int
) -> tuple[Figure, ...]:
    """Return AUC and lift of the best tenth.

    Recipients are compared within their campaign: of all pairs of one who redeemed and one who did not, over all
    campaigns, the share that is in order; and of those who redeemed, how many more stand in the best tenths than chance
    puts there. A household is drawn with all its campaigns. Draws are the same for every arm.

    Args:
        judged: recipients of each campaign, with redeemers and others in each.
        scores: for each model, for each campaign, (n,) scores. A draw of households takes one model after the other.
        draws: how often households are drawn anew.
    """
    if not judged or not scores:
        raise DataError("no campaign was judged; choose campaigns in which somebody redeemed a coupon")
    persons, places = np.unique(np.concatenate([one.persons for one in judged]), return_inverse=True)
    rng = np.random.default_rng([len(persons), 71])
    chosen = rng.multinomial(len(persons), np.full(len(persons), 1 / len(persons)), draws).astype(np.float64)
    ends = np.cumsum([len(one) for one in judged])[:-1]
    columns = np.split(places, ends)
    once = np.ones((1, len(persons)))
    found = np.mean([_measure(judged, model, columns, once) for model in scores], axis=0)[:, 0]
    redrawn = np.empty((2, draws))
    for number, model in enumerate(scores):
        mine = np.arange(number, draws, len(scores))
        redrawn[:, mine] = _measure(judged, model, columns, chosen[mine])
    return (
        Figure("auc", float(found[0]), len(persons), "1", redrawn[0]),
        Figure("lift10", float(found[1]), len(persons), "1", redrawn[1]),
    )


def _measure(
    judged: Sequence[Responses], scores: Sequence[Floats], columns: Sequence[npt.NDArray[np.int64]], times: Floats
) -> Floats:
    """Return (2, draws): AUC and lift, with each household counted `times` (draws, households)."""
    ordered, pairs, reached, redeemed = (np.zeros(len(times)) for _ in range(4))
    for rows, score, column in zip(judged, scores, columns, strict=True):
        weight, yes = times[:, column], rows.responded > 0
        redeemers = weight[:, yes].sum(axis=1)
        mine = redeemers * weight[:, ~yes].sum(axis=1)
        # A draw may hold nobody who redeemed: such a campaign adds no pair, and nobody who stands in the best tenth.
        ordered += np.where(mine > 0, auc(score, yes, weight), 0.0) * mine
        reached += np.where(redeemers > 0, lift(score, yes, weight, share=_SHARE), 0.0) * redeemers
        pairs, redeemed = pairs + mine, redeemed + redeemers
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([ordered / pairs, reached / redeemed])
