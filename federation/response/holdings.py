"""Whose responses each merchant holds, as a run sees them: rows for the data port, nodes for the task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from privacy.policy import Kind, Purpose
from retail import columns as c
from retail.responses.source import COLUMNS, FEATURES, ResponseSource
from retail.responses.table import Floats


@dataclass(frozen=True, slots=True)
class ResponseMarket:
    """What is public of a federation over responses.

    Attributes:
        merchants: ids, in the order of the nodes.
        features: names of the features, in order.
    """

    merchants: tuple[int | str, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ResponseNode:
    """The people whose responses one merchant may use.

    Attributes:
        merchant: id in the public list of merchants.
        persons: (p,) ids.
        features: (p, d) float64.
        advertised: (p,) bool.
        responded: (p,) float64, 0 or 1.
        memo: what a task wants to keep between the rounds of one run; never leaves the node.
    """

    merchant: int | str
    persons: np.ndarray
    features: Floats
    advertised: np.ndarray
    responded: Floats
    memo: dict[Any, Any] = field(default_factory=dict)


class ResponseHoldings:
    """The responses of a source, by merchant; see `federation.nodes.Holdings`.

    Guarantee: one person is one row at one merchant, and when that row leaves nothing else changes. Assumes that the
        features of a person come from that person's rows at the merchant and public constants, and that merchants,
        features and population were declared without looking at rows.
    """

    kind: Kind = "transactions"
    purpose: Purpose = "personalisation"

    def __init__(self, source: ResponseSource) -> None:
        self._source = source
        self.merchants: tuple[int | str, ...] = source.merchants
        self.public = ResponseMarket(source.merchants, source.features)
        self.columns: tuple[str, ...] = COLUMNS
        self.not_public: tuple[str, ...] = ()

    def rows(self, place: int) -> pd.DataFrame:
        """Return what one merchant stores; only a data port hands it on."""
        return self._source.at(place)

    def node(self, merchant: int | str, rows: pd.DataFrame) -> ResponseNode:
        """Turn rows that somebody may use into a node."""
        return ResponseNode(
            merchant,
            rows[c.PERSON].to_numpy(),
            np.frombuffer(b"".join(rows[FEATURES]), dtype=np.float64).reshape(len(rows), len(self.public.features)),
            rows[c.ADVERTISED].to_numpy(dtype=bool),
            rows[c.RESPONDED].to_numpy(dtype=np.float64),
        )

    def people(self) -> int:
        """Count the people. Not public."""
        return len(self._source.everybody())
