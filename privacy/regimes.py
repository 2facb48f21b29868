"""Data-sharing regimes: who sells, who sees whose data, and what is learnt together.

One vocabulary for the whole project. `PolicyEngine.load(packs, regime="firewall")` turns the flags of a regime into
access rules (`privacy/policy/packs/regime/rules.csv` says which flag permits what); market simulations read the rest.
Each regime is a simplified picture, made to be compared with the others. Compare with `pure` and with `isolated`:
`pure` also removes the platform's own label, so it alone does not isolate the data rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from retail.errors import PolicyError

SharedModel = Literal["none", "pooled", "pooled_merchants", "federated"]


@dataclass(frozen=True, slots=True)
class Regime:
    """One way to run a marketplace.

    Attributes:
        id: how scenarios and commands name it.
        title: one line for people.
        own_label: the platform sells goods of its own beside the merchants.
        platform_reads: the platform's two arms may read the merchants' non-public data.
        own_label_bonus: what the ranking adds to the score of the platform's own goods, at least 0.
        merchants_get_own: merchants get back what their own trade on the platform made.
        shared_model: who may learn from everybody's data. "pooled": the platform, from raw data; "pooled_merchants": a
            neutral aggregator, from raw data and for merchants alone; "federated": the aggregator, from protected sums.
        best_audience_first: the platform takes the best audience for itself (or its affiliates) before others bid.
        noise: whether what is learnt in a federation carries noise for differential privacy, which the merchants add
            or an aggregator that they trust.
    """

    id: str
    title: str
    own_label: bool
    platform_reads: bool
    own_label_bonus: float
    merchants_get_own: bool
    shared_model: SharedModel
    best_audience_first: bool
    noise: bool = True

    def __post_init__(self) -> None:
        """Refuse a bonus that is no number or punishes."""
        if not 0.0 <= self.own_label_bonus < float("inf"):
            raise PolicyError(f"regime {self.id!r}: own_label_bonus must be 0 or more, got {self.own_label_bonus!r}")


_BONUS: Final = 0.5

_ALL: Final = (
    Regime("pure", "marketplace only, no own label, nothing shared", False, False, 0.0, False, "none", False),
    Regime("isolated", "own label beside merchants, nothing shared", True, False, 0.0, False, "none", False),
    Regime(
        "firewall",
        "own label kept from merchants' data; merchants get theirs back and share a pooled model (as DMA 6(2))",
        True,
        False,
        0.0,
        True,
        "pooled_merchants",
        False,
    ),
    Regime(
        "federated",
        "data stay with merchants, exact sums leave (no noise: for comparison only)",
        True,
        False,
        0.0,
        True,
        "federated",
        False,
        noise=False,
    ),
    Regime(
        "federated_dp",
        "data stay with merchants; noisy sums leave, or exact sums go to a trusted aggregator that adds the noise",
        True,
        False,
        0.0,
        True,
        "federated",
        False,
    ),
    Regime("pooled", "the platform reads everything and learns from it", True, True, 0.0, False, "pooled", False),
    Regime(
        "self_preferencing",
        "firewall, and the ranking favours the own label",
        True,
        False,
        _BONUS,
        True,
        "pooled_merchants",
        False,
    ),
    Regime(
        "pooled_self_preferencing",
        "the platform reads everything, ranks its own goods up and takes the best audience",
        True,
        True,
        _BONUS,
        False,
        "pooled",
        True,
    ),
    Regime(
        "affiliated_stores",
        "no own label, but a stake in some merchants; the platform reads everything and favours those",
        False,
        True,
        _BONUS,
        False,
        "pooled",
        True,
    ),
)

REGIMES: Final[Mapping[str, Regime]] = MappingProxyType({one.id: one for one in _ALL})


def regime(id: str) -> Regime:
    """Return the regime of that id.

    Raises: PolicyError: there is none.
    """
    found = REGIMES.get(id) if isinstance(id, str) else None
    if found is None:
        raise PolicyError(f"there is no regime {id!r}; choose one of {', '.join(REGIMES)}")
    return found
