"""What a store run reads: its plan, changed as its arm says, and where its shoppers come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from experiments.store.scenario import StoreArm, StoreScenario
from retail.datasource import DataSource
from retail.errors import ConfigError, TradefairError
from simulation.store.plan import StorePlan, apply_edits, load_plan, plan_text
from simulation.store.plan.kinds import TillKind


def fingerprint(scenario: StoreScenario) -> str:
    """Identity of what a scenario reads: its plan's content and its baskets. Plans of all arms are tried.

    Raises:
        ConfigError: the plan, or an arm's change of it, is refused.
        DataError: the baskets cannot be found or read.
    """
    plan = load_plan(scenario.plan)
    for arm in (scenario.reference, *scenario.arms):
        try:
            arm_plan(plan, arm)
        except TradefairError as error:
            raise ConfigError(f"{scenario.name}: arm {arm.name}: {error}") from None
    source = DataSource(scenario.demand.source, scenario.demand.path)
    content = f"{plan_text(plan)}\n{source.fingerprint()}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def arm_plan(plan: StorePlan, arm: StoreArm) -> StorePlan:
    """Return the plan with an arm's edits and its tills.

    Raises:
        ConfigError: an edit is refused, or the tills are not as many as the plan has.
    """
    changed = apply_edits(plan, arm.edits)
    return mixed_tills(changed, arm.till_mix) if arm.till_mix else changed


def mixed_tills(plan: StorePlan, mix: Mapping[TillKind, int]) -> StorePlan:
    """Return the plan with other kinds of tills in the same places, in the order of `mix`.

    Servers, limits and hours of a till whose kind stays are kept; others serve one shopper, of any number of items.

    Raises:
        ConfigError: the kinds do not add up to the plan's tills.
    """
    kinds = [kind for kind, count in mix.items() for _ in range(count)]
    tills = plan.tills
    if len(kinds) != len(tills):
        raise ConfigError(
            f"till_mix has {len(kinds)} tills and plan {plan.name!r} has {len(tills)}; name a kind for each, or add"
            " and remove tills with edits"
        )
    new = {
        till.name: till if till.till == kind else replace(till, till=kind, servers=1, max_items=None)
        for till, kind in zip(tills, kinds, strict=True)
    }
    return replace(plan, fixtures=tuple(new.get(one.name, one) for one in plan.fixtures))
