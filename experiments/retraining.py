"""One audited retraining: the run's own federation with canaries in it, and what an attacker makes of what came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Context, Message
from numpy.typing import NDArray

from federation.access import Access, MarketPort
from federation.canaries import canary_plan, inner_model, observed, with_canaries
from federation.canary_plan import CanaryPlan
from federation.client_app import app as client_app
from federation.config import FederationConfig
from federation.engines import inprocess
from federation.nodes import denominator, public_catalogue, task_settings
from federation.plan import planned_costs
from federation.records import from_record
from federation.replies import KEY
from federation.settings_check import MEMORY
from federation.task import Model, NodeData, load_task
from privacy.accounting import NANO
from privacy.attacks import (
    AttackResult,
    choose_guesses,
    independence_check,
    one_run_audit,
    user_canary_estimate,
    variance_check,
)
from privacy.attacks.one_run import ceiling

Floats = NDArray[np.float64]
LEAK = 5.0
"""The leak that guesses are chosen for: five times the signal that the claim admits."""
FEWEST_CANARIES, MOST_CANARIES = 1_000, 16_000


@dataclass(frozen=True, eq=False)
class Retrained:
    """What an attacker sees of a run with canaries. All figures are in units of the clip bound C.

    Attributes:
        config: with canaries.
        plan: who took part; known to the auditor.
        model: the wrapped task's model.
        rounds: names, in order.
        seen: (rounds, reserved) what the sum over all persons showed at the canaries' coordinates.
        needed: (rounds,) standard deviation of the noise in that sum that the claim needs; zeros without a claim.
        messages: (rounds, nodes, reserved) what each node sent, where nodes add the noise themselves; else None.
    """

    config: FederationConfig
    plan: CanaryPlan
    model: Model
    rounds: tuple[str, ...]
    seen: Floats
    needed: Floats
    messages: Floats | None

    @property
    def message_noise(self) -> Floats:
        """(rounds,) standard deviation of the noise that the claim needs in each message."""
        found: Floats = self.needed / math.sqrt(self.config.k_max)
        return found


def held_nodes(config: FederationConfig, access: Access | None = None) -> tuple[NodeData, ...]:
    """Have each merchant of a run read its own rows through its data port.

    Args:
        config: of the run.
        access: the rules of the run; None for the defaults.

    Raises:
        PolicyError: a merchant may not use its rows.
        DataError: the data cannot be used.
    """
    port = MarketPort(config, access or Access())
    return tuple(port.own(place) for place in range(len(port.merchants)))


def enough_canaries(claim: float | None, delta: float) -> int:
    """Return how many canaries it takes to contradict a claim with room to spare, between 1,000 and 16,000."""
    count = FEWEST_CANARIES
    while claim is not None and count < MOST_CANARIES and ceiling(canaries=count, delta=delta) < claim + 0.5:
        count = min(2 * count, MOST_CANARIES)
    return count


def retrain(
    config: FederationConfig,
    held: Sequence[NodeData],
    *,
    canaries: int = FEWEST_CANARIES,
    controls: int = 100,
    seed: int,
    variant: str = "100C",
    leave_out: float = 0.0,
    access: Access | None = None,
    progress: Callable[[str], None] | None = None,
) -> Retrained:
    """Run a federation again with canaries, under a seed and a ledger of its own.

    Args:
        config: of the run.
        held: its nodes.
        canaries: how many.
        controls: coordinates with a large planted leak.
        seed: of noise, coins and places.
        variant: see `federation.canaries.VARIANTS`. Clipping makes them all the same; longer ones show where it is
            missing.
        leave_out: share of the real shoppers to leave out.
        access: the rules of the run; None for the defaults.
        progress: called with a line after every round.

    Raises:
        PrivacyError: the run is no simulation, or the federation refuses it.
    """
    own = replace(config, seed=seed, ledger=MEMORY, ledger_scope="run", total_epsilon=None, run_id=f"audit-{seed}")
    audited = with_canaries(
        own, held, canaries=canaries, controls=controls, seed=seed, variant=variant, leave_out=leave_out
    )
    plan = canary_plan(audited)
    sent: dict[tuple[str, int], Floats] = {}
    keep = config.noise == "every_node"

    def client(message: Message, context: Context) -> Message:
        answer = client_app(message, context)
        if keep and answer.has_content():
            record = answer.content[KEY]
            assert isinstance(record, ArrayRecord)
            place = int(str(context.node_config["partition-id"]))
            sent[message.metadata.group_id, place] = record[KEY].numpy()[: len(plan.included)].copy()
        return answer

    state = inprocess.drive(audited, nodes=len(held), access=access, progress=progress, client=client).state
    whole = from_record(state.array_records["model"])
    recorded = observed(whole)
    names = tuple(recorded)
    unit = 1.0 if config.clip_norm is None else config.clip_norm
    return Retrained(
        config=audited,
        plan=plan,
        model=inner_model(whole),
        rounds=names,
        seen=np.stack([recorded[name] for name in names]) * denominator(config) / unit,
        needed=needed_noise(own, names),
        messages=_messages(sent, names, len(held), len(plan.included)) / unit if keep else None,
    )


def needed_noise(config: FederationConfig, names: Sequence[str]) -> Floats:
    """Return the standard deviation, in units of C, that each round's noise must have for the claim; zeros without one.

    Computed from the costs of the plan by 1 / (2 z^2) = rho, not by the code that draws the noise.
    """
    task = load_task(config.task, task_settings(config), public_catalogue(config))
    costs = planned_costs(config, task.rounds())
    if not costs:
        return np.zeros(len(names))
    return np.sqrt(NANO / (2.0 * np.array([costs[name] for name in names], dtype=np.float64)))


def scores(trained: Retrained) -> Floats:
    """Return (reserved,) the best linear score of each coordinate: rounds weighted by how little noise they need.

    Where nodes add the noise, the attacker is whoever sees the messages, and reads a canary at its merchants alone.
    """
    weights = np.ones(len(trained.rounds)) if not trained.needed.any() else trained.needed**-2.0
    seen = trained.seen
    if trained.messages is not None:
        places = trained.plan.places
        index = np.arange(len(places))
        seen = np.sum([trained.messages[:, places[:, one], index] for one in range(places.shape[1])], axis=0)
    found: Floats = weights @ seen / math.sqrt(float(weights.sum()))
    return found


def noise(trained: Retrained) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Return what was published where nobody took part: (releases, n), the strength it needs, and names."""
    empty = ~trained.plan.included
    if trained.messages is None:
        return trained.seen[:, empty], trained.needed, trained.rounds
    nodes = trained.messages.shape[1]
    names = tuple(f"{name} at node {place}" for name in trained.rounds for place in range(nodes))
    return trained.messages[:, :, empty].reshape(len(names), -1), np.repeat(trained.message_noise, nodes), names


def canary_attacks(trained: Retrained, *, claim: float | None, seed: int) -> list[AttackResult]:
    """Run the attacks that read canaries.

    Args:
        trained: the audited retraining.
        claim: epsilon that the run claims; None where it claims none.
        seed: of the pilots that choose the number of guesses; apart from the retraining's.

    Returns: one-run audit and user canaries; with a claim also the checks of the noise's strength and independence.
    """
    plan, config = trained.plan, trained.config
    found = scores(trained)
    own = np.arange(len(found)) < plan.canaries
    strength = LEAK * plan.signal * math.sqrt(float((trained.needed**-2.0).sum())) if config.private else 100.0
    guesses = choose_guesses(plan.canaries, signal=strength, delta=config.delta, seed=seed)
    results = [
        one_run_audit(
            found[own],
            plan.included[own],
            guesses=guesses,
            delta=config.delta,
            claim=claim,
            control=(found[~own], plan.included[~own]),
        ),
        user_canary_estimate(found[own], plan.included[own], delta=config.delta, claim=claim, seed=seed),
    ]
    if config.private:
        drawn, needed, names = noise(trained)
        results += [variance_check(drawn, needed, names=names), independence_check(drawn, names=names)]
    return results


def _messages(sent: dict[tuple[str, int], Any], names: Sequence[str], nodes: int, reserved: int) -> Floats:
    found = np.zeros((len(names), nodes, reserved))
    for index, name in enumerate(names):
        for place in range(nodes):
            found[index, place] = sent[name, place]
    return found
