"""One finished run: its figures, what merchants of each size got over time, what was read, and its log."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from retail.errors import ConfigError
from retail.market_log import MarketLog
from simulation.market import kpis
from simulation.market.reads import DATASETS, USES
from simulation.market.rules import Rules
from simulation.market.settings import MarketSettings
from simulation.market.state import SIZES, Flags, Ints

if TYPE_CHECKING:
    from simulation.market.market import Market
    from simulation.market.shown import Shown

RECORDS: Final = ("list", "full")
MEASURED: Final = 0.5
"""Last share of the periods that `kpis` are means of: own label and data services take time to come in."""


class Recording:
    """Keeps what was shown and sold, period by period, in small arrays."""

    def __init__(self, detail: str) -> None:
        """Open it. Raises: ConfigError: `detail` is neither "list" nor "full"."""
        if detail not in RECORDS:
            raise ConfigError(f"record = {detail!r} must be list or full, or None for no log")
        self.detail = detail
        self.periods: list[dict[str, Any]] = []

    def picks(self, settings: MarketSettings) -> Ints | None:
        """Return room for every consumer's choice where it is kept."""
        return np.empty((settings.consumers, 2), dtype=np.int64) if self.detail == "full" else None

    def add(self, market: Market, shown: Shown, units: Ints, arrivals: Ints, picks: Ints | None) -> None:
        """Keep a period."""
        from simulation.market.platform import favoured, popularity

        products, books = market.state.products, market.books
        assert books is not None
        self.periods.append({
            "period": market.period,
            "order": np.argsort(shown.place, axis=2).astype(np.int32),
            "arrivals": arrivals.astype(np.int64),
            "units": books.units,
            "by_segment": units.astype(np.int32),
            "merchants": market.state.merchants.active.copy(),
            "price": products.price.copy(),
            "rating": shown.rating.astype(np.float32),
            "told": shown.told.astype(np.float32),
            "id": products.id.copy(),
            "seller": products.seller.copy(),
            "own": favoured(market.state, market.rules.held_stake) & products.active,
            "active": products.active.copy(),
            "sponsored": products.sponsored.copy() if market.settings.advertises else None,
            "profit": books.product_profit,
            "popularity": popularity(products.sold, products.active),
            "picks": None if picks is None else picks.astype(np.int32),
        })  # fmt: skip


@dataclass(frozen=True, eq=False)
class MarketRun:
    """What came out of one market.

    Attributes:
        settings, rules, seed, periods: what it was run from.
        kpis: name -> mean over the last half of the periods, see `kpis.MEASURES`.
        by_size: one row for each size class of merchants (`size`): their number, and the measures by class.
        by_period: one row a period, the same measures (those that are looked at in reviews only are NaN between).
        reads: one row for each use that was tried: period, actor, owner, data, columns, purpose, allowed, use.
        launches: id, seller, own, category, launched, copy_of of products that came out later.
        affiliates: (M,) bool, merchants in whom the platform would hold its stake.
        recording: the lists, where they were kept.
    """

    settings: MarketSettings
    rules: Rules
    seed: int
    periods: int
    kpis: dict[str, float]
    by_size: pd.DataFrame
    by_period: pd.DataFrame
    reads: pd.DataFrame
    launches: tuple[tuple[int, int, bool, int, int, int], ...]
    affiliates: Flags
    recording: Recording | None = None

    def log(self, *, full: bool = False) -> MarketLog:
        """Return the event log, for `retail.market_log.write_log` and for audits.

        A run that kept no lists is run again to get them; the same seed gives the same bytes.

        Args:
            full: one list for every consumer who came, in place of each list once.
        """
        from simulation.market.log import market_log
        from simulation.market.market import simulate

        wanted = "full" if full else "list"
        if self.recording is not None and self.recording.detail == wanted:
            return market_log(self)
        return market_log(simulate(self.settings, self.rules, seed=self.seed, periods=self.periods, record=wanted))


def summarise(market: Market) -> MarketRun:
    """Return the run of a market that has been stepped."""
    by_period = pd.DataFrame(market.rows)
    measured = by_period.iloc[int(len(by_period) * (1 - MEASURED)) :]
    known = [one.name for one in kpis.MEASURES if one.name in measured]
    segments = [str(name) for name in measured if str(name).startswith("consumer_surplus_segment_")]
    means = measured[[*known, *segments]].mean()
    found = {str(name): float(means[name]) for name in means.index}
    first, neutral, lists = (float(measured[name].sum()) for name in ("_first", "_first_neutral", "_lists"))
    found["self_preferencing"] = (
        kpis.log_odds(first, lists) - kpis.log_odds(neutral, lists) if first != neutral else 0.0
    )
    for name in ("exposure_ratio", "envy", "self_preferencing_money"):
        found.setdefault(name, math.nan)
    ordered = {one.name: found[one.name] for one in kpis.MEASURES} | {name: found[name] for name in segments}
    return MarketRun(
        settings=market.settings,
        rules=market.rules,
        seed=market.seed,
        periods=market.period,
        kpis=ordered,
        by_size=_by_size(market, ordered),
        by_period=by_period[[name for name in by_period if not str(name).startswith("_")]],
        reads=reads_frame(market),
        launches=tuple(market.state.launches),
        affiliates=market.state.merchants.affiliate.copy(),
        recording=market.recording,
    )


def _by_size(market: Market, found: dict[str, float]) -> pd.DataFrame:
    size = market.state.merchants.size
    rows = [
        {"size": name, "merchants": int((size == k).sum())}
        | {what: found[f"{what}_{name}"] for what in ("merchant_surplus", "active", "knowledge", "adopted")}
        for k, name in enumerate(SIZES)
    ]
    return pd.DataFrame(rows)


def reads_frame(market: Market) -> pd.DataFrame:
    """Return the access log: one row for each use of a period."""
    owner = {one.id: one.owner for one in DATASETS}
    rows = market.reads.rows
    uses = [USES[name] for _, name, _ in rows]
    return pd.DataFrame({
        "period": [period for period, _, _ in rows],
        "actor": [use.actor for use in uses],
        "owner": [owner[use.data] for use in uses],
        "data": [use.data for use in uses],
        "columns": [" ".join(use.columns) for use in uses],
        "purpose": [use.purpose for use in uses],
        "allowed": [allowed for _, _, allowed in rows],
        "use": [name for _, name, _ in rows],
    })  # fmt: skip
