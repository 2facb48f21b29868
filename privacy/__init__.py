"""What may leave a merchant, how much of it, and what that costs.

Enters: one update per person, counts, and a budget (epsilon, delta) for a data set.
Leaves: bounded sums, noise, integer costs, and a ledger that refuses once the budget is spent.

    bounds = ContributionBounds(max_merchants=1, clip_norm=1.0)
    price = cap(epsilon=4.0, delta=1e-5) // 40                      # one of 40 rounds
    total = clipped_sum(updates, norm_bound=bounds.clip_norm, weight=bounds.weight)
    scale = noise_multiplier(price) * bounds.joint                  # of the noise that the federation adds

`docs/privacy.md` says what an epsilon covers and how to spend one.
"""

from privacy.accounting import cap, check_delta, check_epsilon, cost, epsilon_rdp, noise_multiplier, split_budget
from privacy.budget import Budget
from privacy.clipping import OuterRows, clip_rows, clipped_sum
from privacy.ledger import Ledger, Reservation
from privacy.ledger_record import LedgerRecord, read_ledger
from privacy.pld import EpsilonReport, epsilon_pld
from privacy.units import ContributionBounds, NoisePlacement, PrivacyUnit, cap_merchants, shopper_unit

__all__ = [
    "Budget",
    "ContributionBounds",
    "EpsilonReport",
    "Ledger",
    "LedgerRecord",
    "NoisePlacement",
    "OuterRows",
    "PrivacyUnit",
    "Reservation",
    "cap",
    "cap_merchants",
    "check_delta",
    "check_epsilon",
    "clip_rows",
    "clipped_sum",
    "cost",
    "epsilon_pld",
    "epsilon_rdp",
    "noise_multiplier",
    "read_ledger",
    "shopper_unit",
    "split_budget",
]
