"""Whom a guarantee protects, and how much one of them may add: the privacy unit and its bounds over all merchants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from retail import columns as c
from retail.errors import PrivacyError

NoisePlacement = Literal["aggregator", "distributed", "every_node"]


@dataclass(frozen=True, slots=True)
class PrivacyUnit:
    """What an epsilon is a statement about; reports print it beside the number.

    Attributes:
        unit: who is protected.
        neighbours: the pairs of data sets that must look alike.
        trust: who is assumed to behave.
        not_covered: what the number says nothing about.
    """

    unit: str
    neighbours: str
    trust: str
    not_covered: str


def shopper_unit(noise: NoisePlacement, *, unit: str | None = None) -> PrivacyUnit:
    """State the unit of the federation: one shopper over all merchants.

    Args:
        noise: "aggregator" adds noise once to the sum; "distributed" has each merchant add a
            share of it, so that their sum carries it; "every_node" adds all of it before a message leaves its merchant.
        unit: what a run says of its own unit, such as one training out of several; None for a run that is one.

    Raises: PrivacyError: another noise placement.
    """
    trust = {
        "aggregator": "The registry caps merchants per shopper. Merchants run our clipping code. The aggregator sees "
        "each merchant's clipped sum without noise, and is trusted to add noise before anything leaves it.",
        "distributed": "The registry caps merchants per shopper. Merchants run our clipping and noise code; as many of "
        "them as the settings say send theirs and keep their noise to themselves. A message alone carries too little "
        "noise: masks hide it, and the aggregator, which follows the protocol of the secure aggregation, sees the sum "
        "with all noise in it alone. The aggregator is trusted not to start extra runs in the merchants' name.",
        "every_node": "The registry caps merchants per shopper. Merchants run our clipping and noise code. Each "
        "message is noised before it leaves its merchant. The aggregator is trusted not to start extra runs in a "
        "merchant's name: nodes keep no ledger of their own yet.",
    }
    if noise not in trust:
        raise PrivacyError(f"noise placement must be one of {', '.join(trust)}, got {noise!r}")
    return PrivacyUnit(
        unit=unit or "One shopper (household), with all rows at all merchants.",
        neighbours="Data sets that differ by adding or removing all rows of one shopper; denominators are public.",
        trust=trust[noise],
        not_covered="Shoppers with several cards, the rounding of floating-point noise, timing, hyper-parameters "
        "chosen on public data, evaluation figures in a simulation, and what other shoppers of the same merchant can "
        "read from recommendations that the merchant re-ranks by its own rows.",
    )


@dataclass(frozen=True, slots=True)
class ContributionBounds:
    """How far one shopper moves what the merchants send.

    A shopper is at no more than `max_merchants` nodes, each node clips that shopper's update to `clip_norm` and
    multiplies its sum by `weight`. The three sensitivities are in L2; only noise scaled to the right one is priced by
    `privacy.cost`.

    Attributes:
        max_merchants: k, public.
        clip_norm: C, public, in the unit of the updates.

    Raises: PrivacyError: max_merchants is no whole number >= 1, or clip_norm is no finite number above 0.
    """

    max_merchants: int
    clip_norm: float

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        _check_k_max(self.max_merchants)
        if isinstance(self.clip_norm, bool) or not (math.isfinite(self.clip_norm) and self.clip_norm > 0):
            raise PrivacyError(f"clip_norm must be a finite number above 0, got {self.clip_norm!r}")

    @property
    def weight(self) -> float:
        """1 / k: what each node multiplies its clipped sum by."""
        return 1.0 / self.max_merchants

    @property
    def joint(self) -> float:
        """Sensitivity of the sum over all nodes: C.

        Proof: the change is a sum of at most k vectors of length at most C / k (triangle inequality). Reached when a
        shopper's k updates point the same way. Scale for noise added once, at the aggregator.
        """
        return float(self.clip_norm)

    @property
    def per_message(self) -> float:
        """Sensitivity of the vector of all messages, read one by one: C / sqrt(k).

        Proof: at most k blocks change, each by at most C / k, so the change is at most sqrt(k (C / k)^2). Reached when
        all k updates have length C. Scale for noise added at every node, each to its own message.
        """
        return self.clip_norm / math.sqrt(self.max_merchants)


def cap_merchants(transactions: pd.DataFrame, *, k_max: int) -> pd.DataFrame:
    """Keep each person's rows at no more than `k_max` merchants.

    The merchants kept are those with most of that person's own baskets; ties go to most lines, then to the smallest
    merchant id.

    Args:
        transactions: rows with PERSON, MERCHANT and BASKET.
        k_max: public limit, at least 1.

    Returns: the rows kept, in the order given, index reset.

    Raises: PrivacyError: k_max is no whole number >= 1, a column is missing, a person or merchant is missing from a
        row, or merchant ids cannot be put in order.

    Guarantee: what is kept of one person depends on that person's rows only, and the order of rows does not matter; so
        removing a person removes that person's rows and changes nobody else's. Assumes that one person is one id at
        all merchants: a shopper with two cards counts twice.
    """
    _check_k_max(k_max)
    keys = [c.PERSON, c.MERCHANT]
    missing = [name for name in (*keys, c.BASKET) if name not in transactions.columns]
    if missing:
        raise PrivacyError(f"cannot cap merchants per person: transactions lack {', '.join(missing)}")
    unknown = int(transactions[keys].isna().any(axis=1).sum())
    if unknown:
        raise PrivacyError(f"{unknown} rows name no person or no merchant, so no cap can bind them; drop them first")
    person, _ = pd.factorize(transactions[c.PERSON])
    ids = transactions[c.MERCHANT]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = ids.astype(ids.dtype.categories.dtype)  # categories may be ordered by first appearance in others' rows
    try:
        merchant, _ = pd.factorize(ids, sort=True)
    except TypeError as error:
        raise PrivacyError(
            "merchant ids have no order, so ties cannot be settled; use whole numbers or strings"
        ) from error
    basket, _ = pd.factorize(transactions[c.BASKET])
    rows = pd.DataFrame({"person": person, "merchant": merchant, "basket": basket})
    pair = ["person", "merchant"]
    visits = pd.DataFrame(
        {"baskets": rows.drop_duplicates().groupby(pair).size(), "lines": rows.groupby(pair).size()}
    ).reset_index()
    visits = visits.sort_values(["person", "baskets", "lines", "merchant"], ascending=[True, False, False, True])
    chosen = visits[visits.groupby("person").cumcount() < k_max]
    width = np.int64(merchant.max(initial=0) + 1)
    kept = np.isin(person * width + merchant, chosen["person"].to_numpy() * width + chosen["merchant"].to_numpy())
    return transactions[kept].reset_index(drop=True)


def _check_k_max(k_max: int) -> None:
    if isinstance(k_max, bool) or not isinstance(k_max, int) or k_max < 1:
        raise PrivacyError(f"the limit of merchants per person must be a whole number of at least 1, got {k_max!r}")
