"""With access to the platform: rank again with the own flag flipped, and count what exactly changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from privacy.rules.design import RANKING
from privacy.rules.verdict import Verdict, inconclusive
from retail.errors import ConfigError, DataError
from retail.market_log import MarketLog, check
from retail.market_log import columns as m

Floats = npt.NDArray[np.float64]
Score = Callable[[pd.DataFrame], npt.ArrayLike]

_ROWS: Final = 100


def rerank(impressions: pd.DataFrame, score: Score) -> Verdict:
    """Compare each product's place with the place that it would have under the other flag, all others as they are.

    Args:
        impressions: in the schema of `retail.market_log`; the columns are what the ranking sees.
        score: the platform's ranking function: table -> one number for each row, larger is higher, each row by itself.
            It is called twice, as it is and with every own flag flipped.

    Products that were candidates and not shown are ranked along, so places are those among all products of a list.

    Returns: effect, the mean number of places that own products owe to the flag (NaN without own products), its margin
        0 and no p value, since nothing is estimated: one moved product is a breach. The interval is the range of the
        mean over queries, so its ends are exact too. `rows` names up to 100 moved products.

    Raises:
        DataError: the table breaks its schema, or the scores are no finite numbers, one for each row.
        ConfigError: `score` cannot be called.
    """
    if not callable(score):
        raise ConfigError(f"score = {score!r}: give the ranking function")
    checked = check(MarketLog(impressions=impressions)).impressions
    assert checked is not None
    frame = checked.sort_values([m.LIST, m.POSITION], kind="stable").reset_index(drop=True)
    before = _scores(score, frame)
    after = _scores(score, frame.assign(**{m.OWN: ~frame[m.OWN]}))
    code = pd.factorize(frame[m.LIST])[0]
    old, new = _ranks(before, before, code), _ranks(before, after, code)
    own = frame[m.OWN].to_numpy(dtype=bool)
    lost = np.where(own, new - old, old - new)  # places that the flag is worth
    moved = np.flatnonzero(old != new)
    seen = (
        ("lists in the log", int(code.max()) + 1),
        ("lists with a moved product", len(np.unique(code[moved]))),
        ("own products moved", int(own[moved].sum())),
        ("other products moved", int((~own[moved]).sum())),
    )
    queries = int(frame[m.QUERY].nunique())
    if not own.any():
        why = "No own product is listed, so no place can be owed to the flag."
        return inconclusive(RANKING, why, unit="places", margin=0.0, n=queries, n_unit="queries", rows=seen)
    means = pd.Series(lost[own]).groupby(frame.loc[own, m.QUERY].to_numpy()).mean()
    effect = float(lost[own].mean())
    changes = float(np.abs(after - before).max())
    if len(moved):
        other = f", and the others would gain {lost[~own].mean():.3g}" if (~own).any() else ""
        reason = (
            f"With the flag flipped {len(moved):,} of {len(frame):,} products change place; own products owe it "
            f"{effect:.3g} places on average{other}."
        )
    elif changes > 0:
        reason = f"The flag changes scores by up to {changes:.3g}, but moves no product in these lists."
    else:
        reason = "The flag changes no score, so it moves no product."
    favoured = effect > 0
    return Verdict(
        RANKING,
        "breach" if favoured else "no_evidence",
        reason,
        effect,
        float(means.min()),
        float(means.max()),
        "places",
        0.0,
        None,
        queries,
        "queries",
        observations=seen,
        rows=tuple(
            {
                m.LIST: frame[m.LIST].iloc[at],
                m.PRODUCT: frame[m.PRODUCT].iloc[at],
                m.OWN: bool(own[at]),
                "place": int(old[at]),
                "place_flipped": int(new[at]),
            }
            for at in moved[:_ROWS]
        ),
    )


def _scores(score: Score, frame: pd.DataFrame) -> Floats:
    found = np.asarray(score(frame.copy()), dtype=np.float64)
    if found.shape != (len(frame),) or not np.isfinite(found).all():
        raise DataError(
            f"score returned {found.shape} numbers for {len(frame):,} rows, or some that are not finite; "
            "return one finite number for each row"
        )
    return found


def _ranks(others: Floats, mine: Floats, code: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Place of each row with score `mine` among the `others` of its list; ties keep the logged order."""
    length = np.bincount(code)
    starts = np.cumsum(length) - length
    ranks = np.empty(len(mine), dtype=np.int64)
    for size in np.unique(length):
        rows = starts[length == size][:, None] + np.arange(size)
        theirs, own = others[rows][:, None, :], mine[rows][:, :, None]
        earlier = np.arange(size)[None, None, :] < np.arange(size)[None, :, None]
        itself = np.eye(size, dtype=bool)[None]
        ranks[rows] = 1 + (((theirs > own) | ((theirs == own) & earlier)) & ~itself).sum(axis=2)
    return ranks
