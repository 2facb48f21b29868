"""Execute one arm of a measurement scenario: attribute, bound what one person adds, add noise, charge the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.audience.measured import Figure, Measured
from experiments.audience.spec import AudienceSpec
from experiments.logbook import RUN_BOOKS, keep_earlier_books, origin_of
from privacy.accounting import NANO
from privacy.budget import Budget
from privacy.consent import ConsentRegister
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.release import ReleaseGate
from privacy.statistics.answers import Answer
from privacy.statistics.bounds import Bounds, bounded_counts, bounded_rows
from privacy.statistics.queries import Counting, Key, Query
from retail import columns as c
from retail.attribution import bought_rows, redeemed_rows
from retail.campaigns import Campaigns, load_campaigns
from retail.complete_journey import POPULATION
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError

_DATASET: Final = "conversions"
_OWNER: Final = "chain"
_MOST: Final = 3
_COUNTED: Final[dict[str, tuple[Counting, str]]] = {
    "redeemers": ("persons", "redeemed a coupon of it"),
    "redemptions": ("rows", "redeemed a coupon of it"),
    "buyers": ("persons", "bought what its coupons were for"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What an arm measures.

    Attributes:
        campaigns: ids, each once.
        bounds: most that one person adds: stores, campaigns, and coupons of a campaign. Public, set by hand.
    """

    campaigns: tuple[int, ...]
    bounds: Bounds

    @classmethod
    def read(cls, spec: AudienceSpec) -> Plan:
        """Check the options of an arm.

        Raises: ConfigError: an option is unknown or cannot be used. PrivacyError: a bound that bounds nothing.
        """
        options = dict(spec.options)
        campaigns = options.pop("campaigns", None)
        most = {name: options.pop(f"most_{name}", _MOST) for name in ("stores", "campaigns", "coupons")}
        if options:
            raise ConfigError(
                f"options.{next(iter(options))} is unknown; choose from campaigns, "
                f"{', '.join(f'most_{name}' for name in most)}"
            )
        usable = isinstance(campaigns, list) and campaigns and all(type(one) is int for one in campaigns)
        if not usable or len(set(campaigns)) != len(campaigns):
            raise ConfigError(f"options.campaigns = {campaigns!r}: list numbers of campaigns, each once")
        bounds = Bounds(max_merchants=most["stores"], max_cells=most["campaigns"], max_rows=most["coupons"])
        return cls(tuple(campaigns), bounds)


def run_measurement(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        directory: its folder; ledger, answer and log go to `artifacts/ledger.sqlite`.
        progress: takes a line.

    Raises:
        TradefairError: the run is refused.
    """
    plan, records = Plan.read(spec), load_campaigns()
    rows = _attributed(spec, plan, records)
    counting, _ = _COUNTED[spec.arm.model]
    exact = _exact(rows, plan, counting)
    query = Query(
        kind="counts",
        dataset=_DATASET,
        keys=(Key(c.CAMPAIGN, tuple(map(str, plan.campaigns))),),
        counting=counting,
        epsilon=spec.arm.epsilon,
        title=f"{spec.arm.model} by campaign",
    )
    gate = _gate(spec, plan, rows, directory)
    answer = gate.release(_OWNER, query)
    progress(f"released {len(answer.rows)} counts for {answer.cost:,} nano-rho")
    bounded = bounded_counts(bounded_rows(rows, query, plan.bounds), query, plan.bounds)
    return _measured(plan, records, exact, int(bounded.sum()), answer, spec)


def require_conversions(spec: AudienceSpec, plan: Plan) -> None:
    """Refuse campaigns that are not on record or that brought nothing, before any run.

    Raises: ConfigError: an unknown campaign. DataError: one without conversions.
    """
    records, (counting, what) = load_campaigns(), _COUNTED[spec.arm.model]
    _require(records, _exact(_attributed(spec, plan, records), plan, counting), what)


def _require(records: Campaigns, exact: dict[int, int], what: str) -> None:
    for campaign, count in exact.items():
        if not count:
            raise DataError(
                f"campaign {campaign}: none of its {len(records.recipients(campaign))} recipients {what}, so there is "
                "nothing to measure; leave it out of options.campaigns"
            )


def _attributed(spec: AudienceSpec, plan: Plan, records: Campaigns) -> pd.DataFrame:
    if spec.arm.model == "buyers":
        lines = DataSource(**spec.settings.data.model_dump()).open().transactions
        return bought_rows(records, lines, plan.campaigns)
    return redeemed_rows(records, plan.campaigns)


def _exact(rows: pd.DataFrame, plan: Plan, counting: Counting) -> dict[int, int]:
    """Count without bounds and noise, which only public data allow."""
    groups = rows.groupby(c.CAMPAIGN)[c.PERSON]
    found = groups.nunique() if counting == "persons" else groups.size()
    return {one: int(found.get(one, 0)) for one in plan.campaigns}


def _gate(spec: AudienceSpec, plan: Plan, rows: pd.DataFrame, directory: Path) -> ReleaseGate:
    """Open the exit: rules, a ledger whose whole budget is the arm's epsilon, and a log in the same books."""
    keep_earlier_books(directory)
    (directory / "artifacts").mkdir(parents=True, exist_ok=True)
    policy = spec.settings.policy
    register = Register([Party(_OWNER, "aggregator")])
    register.add(Dataset(_DATASET, _OWNER, "transactions", "dp", about_persons=True))
    epsilon, delta = spec.arm.epsilon or 0.0, spec.settings.privacy.delta
    budget = Budget(f"{_DATASET} of {spec.scenario}", epsilon, delta, POPULATION)
    ledger = Ledger.open(directory / RUN_BOOKS, scope="run", budget=budget, run=spec.run_id)
    consents = ConsentRegister.open(Path(policy.consents), log=None, commitments=None) if policy.consents else None
    return ReleaseGate(
        dataset=_DATASET,
        ledger=ledger,
        engine=PolicyEngine.load(("base", *policy.packs), register=register, regime="federated_dp"),
        log=Log.open(ledger.books, origin=origin_of(directory), key=None),
        rows=lambda columns: rows[list(columns)],
        bounds=plan.bounds,
        consents=consents,
        jurisdiction=policy.jurisdiction,
        regime="federated_dp",
    )


def _measured(
    plan: Plan, records: Campaigns, exact: dict[int, int], bounded: int, answer: Answer, spec: AudienceSpec
) -> Measured:
    counts = dict(zip(sorted(map(str, plan.campaigns)), answer.frame["count"].astype(float), strict=True))
    noisy = {one: float(counts[str(one)]) for one in plan.campaigns}
    error, shown = float(answer.error_95), [one for one in plan.campaigns if not np.isnan(noisy[one])]
    off = float(np.mean([abs(noisy[one] - exact[one]) for one in shown])) if shown else np.nan
    total, n = sum(exact.values()), len(plan.campaigns)
    figures = [
        Figure("error_95", error, n, "conversions"),
        Figure("off", off, len(shown), "conversions"),
        Figure("lost", 1.0 - bounded / total, total, "1"),
        Figure("shown", float(len(shown)), n, "campaigns"),
        Figure("cost", answer.cost / NANO, n, "rho"),
    ]
    for one in plan.campaigns:
        people = len(records.recipients(one))
        ends = (noisy[one] - error, noisy[one] + error)
        figures.append(Figure(f"campaign_{one}", noisy[one], people, "conversions", ends=ends))
        figures.append(Figure(f"campaign_{one}_exact", float(exact[one]), people, "conversions"))
    info: dict[str, Any] = {
        "epsilon_spent": spec.arm.epsilon,
        "delta": spec.settings.privacy.delta,
        "privacy_unit": "One person in one release, with all that this person redeemed or bought at all merchants.",
        "consumers": len(set(records.sent.loc[records.sent[c.CAMPAIGN].isin(plan.campaigns), c.PERSON])),
        "said": [
            f"counts below {answer.threshold} are not shown, for they may be noise alone ({answer.noise} noise)"
            if answer.threshold is not None
            else f"{answer.noise} noise; every count is shown"
        ],
    }
    table = pd.DataFrame(
        {
            c.CAMPAIGN: plan.campaigns,
            "measured": [noisy[one] for one in plan.campaigns],
            "error_95": error,
            "exact": [exact[one] for one in plan.campaigns],
        }
    )
    return Measured(tuple(figures), info=info, table=table)
