"""What a store run reads: its plan, changed as its arm says, and where its shoppers come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from experiments.store.bank import bank, require_one_speed
from experiments.store.known_figures import require_known_figures
from experiments.store.scenario import DemandSettings, SearchSettings, StoreArm, StoreScenario
from retail.datasource import DataSource
from retail.errors import ConfigError, TradefairError
from simulation.store.day import Layout
from simulation.store.demand_model import DemandModel, complete_journey_demand, folder_demand
from simulation.store.plan import StorePlan, apply_edits, load_plan, plan_text
from simulation.store.plan.kinds import TillKind
from simulation.store.search import Rules
from simulation.store.search.rules import room_in
from simulation.store.settings import StoreSettings


def fingerprint(scenario: StoreScenario) -> str:
    """Identity of what a scenario reads: its plan's content and its baskets. Plans of all arms, and rules, are tried.

    Raises:
        ConfigError: the plan, an arm's change of it, or what a search may change is refused, or a target is about a
            figure that there will not be.
        DataError: the baskets cannot be found or read.
    """
    plan = load_plan(scenario.plan)
    for arm in (scenario.reference, *scenario.arms) if scenario.method == "compare" else ():
        try:
            arm_layout(plan, arm)
        except TradefairError as error:
            raise ConfigError(f"{scenario.name}: arm {arm.name}: {error}") from None
    if scenario.method == "search":
        try:
            room_in(plan, search_rules(scenario.search))
        except TradefairError as error:
            raise ConfigError(f"{scenario.name}: search: {error}") from None
    if scenario.method == "checkout":
        require_one_speed(scenario.reference, scenario.checkout.tills)
        for arm in scenario.arms:
            bank(arm, scenario.checkout.tills)
    require_known_figures(scenario, plan)
    source = DataSource(scenario.demand.source, scenario.demand.path)
    content = f"{plan_text(plan)}\n{source.fingerprint()}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def search_rules(look: SearchSettings) -> Rules:
    """Return what a search may change."""
    return Rules(fixed=look.fixed, shelves=look.shelves, movable=look.movable, reach_m=look.reach_m)


def arm_plan(plan: StorePlan, arm: StoreArm) -> StorePlan:
    """Return the plan with an arm's edits and its tills.

    Raises:
        ConfigError: an edit is refused, or the tills are not as many as the plan has.
    """
    changed = apply_edits(plan, arm.edits)
    return mixed_tills(changed, arm.till_mix) if arm.till_mix else changed


def arm_layout(plan: StorePlan, arm: StoreArm, model: DemandModel | None = None) -> Layout:
    """Return what an arm simulates: its plan, its parameters and its offers.

    Args:
        plan: the scenario's.
        arm: changes it.
        model: whose baskets tell what is bought together, for offers by rule; the Complete Journey's when None.

    Raises:
        ConfigError: an edit, a parameter or a policy is refused.
    """
    offers = arm.targeting
    change = None
    if offers.policy != "none":
        from simulation.store.targeting import SENSITIVE, targeting

        made = targeting(offers.policy, model=model)
        sold = set(arm_plan(plan, arm).categories) & set(made.categories) - SENSITIVE
        change = replace(made, choice=tuple(sorted(sold)))  # nobody offers what the store does not sell
    parameters = dict(arm.parameters)
    if offers.consent_rate is not None:
        parameters["consent_rate"] = offers.consent_rate
    StoreSettings.default().with_values(**parameters)  # refuses what has no meaning before anything runs
    return Layout(arm_plan(plan, arm), parameters=parameters, change=change)


def demand_model(demand: DemandSettings) -> DemandModel:
    """Return what draws the shoppers.

    Raises:
        DataError: the merchant's tables cannot be read.
    """
    if demand.path is None:
        return complete_journey_demand()
    return folder_demand(
        Path(demand.path),
        mapping=demand.categories,
        other=demand.other,
        timezone=demand.timezone,
        currency=demand.currency,
    )


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
