from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import sparse

from experiments.retraining import canary_attacks, held_nodes, needed_noise, noise, retrain, scores
from federation import client_app, contributions, local, nodes, strategy
from federation.canaries import VARIANTS, CanaryTask, canary_plan, with_canaries
from federation.canary_plan import left_out, make_plan, without
from federation.task import Round, TaskSettings
from privacy.accounting import cap
from privacy.attacks.intervals import gaussian_epsilon
from privacy.mechanisms.gaussian import gaussian
from retail.errors import ConfigError, PrivacyError

CLAIM = gaussian_epsilon(sqrt(2e-9 * cap(epsilon=1.0, delta=1e-5)), delta=1e-5)
"""What the noise of epsilon 1 really gives, by the closed form for Gaussians: .915."""


@pytest.fixture
def vector_config(make_config):
    """Settings of a run of three short rounds at epsilon 1."""
    return lambda **changes: make_config(**{"task": "vector_task:VectorTask", "epsilon": 1.0, "delta": 1e-5, **changes})


@pytest.fixture
def nodes_of():
    """The nodes of a run."""
    return held_nodes


@pytest.fixture
def train_on(task_of):
    """Train without messages and noise."""

    def train(config, held):
        settings = {"population": nodes.denominator(config), "weight": config.weight, "clip_norm": config.clip_norm}
        return local.train(task_of(config), held, **settings)

    return train


# Each mutant breaks the real code of the federation in one place.


def weaker(module, factor):
    def plant(monkeypatch):
        monkeypatch.setattr(
            module, "gaussian", lambda size, *, scale, rng=None: gaussian(size, scale=scale / factor, rng=rng)
        )

    return plant


def several_records(monkeypatch):
    """Five records of each person are clipped one by one, as if they were five persons."""
    real = contributions.clipped_sum

    def clipped_sum(updates, *, norm_bound, weight=1.0):
        five = sparse.csr_array(sparse.vstack([sparse.csr_array(updates)] * 5))
        return real(five, norm_bound=norm_bound, weight=weight)

    monkeypatch.setattr(contributions, "clipped_sum", clipped_sum)


def no_clip(monkeypatch):
    monkeypatch.setattr(
        contributions,
        "clipped_sum",
        lambda updates, *, norm_bound, weight=1.0: np.asarray(updates.sum(axis=0)).ravel() * weight,
    )


def weight_of_one(monkeypatch):
    """Nodes forget to divide by k_max."""
    real = contributions.clipped_sum
    monkeypatch.setattr(
        contributions, "clipped_sum", lambda updates, *, norm_bound, weight=1.0: real(updates, norm_bound=norm_bound)
    )


def same_seed(module, **fixed):
    def plant(monkeypatch):
        real = module.simulated_noise
        monkeypatch.setattr(module, "simulated_noise", lambda seed, **named: real(seed, **{**named, **fixed}))

    return plant


EVERY_NODE = {"noise": "every_node"}
AT_FOUR = {"by": "store", "k_max": 4}
MUTANTS = {
    "a tenth of the noise": ("one_run", weaker(strategy, 10), "C", {}),
    "five records of a person counted as five persons": ("one_run", several_records, "C", {}),
    "no clip, canaries of 10 C": ("one_run", no_clip, "10C", {}),
    "no clip, canaries of 100 C": ("one_run", no_clip, "100C", {}),
    "half the noise": ("noise_variance", weaker(strategy, 2), "C", {}),
    "noise used in two rounds": ("noise_independence", same_seed(strategy, round_index=0), "C", {}),
    "a tenth of the noise at every node": ("one_run", weaker(client_app, 10), "C", EVERY_NODE),
    "half the noise at every node": ("noise_variance", weaker(client_app, 2), "C", EVERY_NODE),
    "noise used at two nodes": ("noise_independence", same_seed(client_app, sender=1), "C", EVERY_NODE),
    "the weight of one merchant at four": ("one_run", weight_of_one, "C", AT_FOUR),
}


def outcomes(config, held, *, seeds, variant="C"):
    """For each seed the outcome of each attack, by its name."""
    found = []
    for seed in seeds:
        trained = retrain(config, held, seed=seed, variant=variant)
        found.append({one.name: one.outcome for one in canary_attacks(trained, claim=CLAIM, seed=77)})
    return found


def caught(monkeypatch, vector_config, nodes_of, name, *, seeds):
    attack, plant, variant, changes = MUTANTS[name]
    config = vector_config(**changes)
    held = nodes_of(config)
    plant(monkeypatch)
    # Some faults make sums that are longer than everybody's together, which ends a run; audits are to see them, too.
    monkeypatch.setattr(strategy, "longest_sum", lambda *settings, **more: None)
    return sum(one[attack] == "breach" for one in outcomes(config, held, seeds=seeds, variant=variant))


QUICK = ["a tenth of the noise", "half the noise", "noise used in two rounds"]
"""One fault for each attack; a slow test audits each of all faults twenty times."""


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_fault_is_found_at_once(monkeypatch, vector_config, nodes_of, name):
    assert caught(monkeypatch, vector_config, nodes_of, name, seeds=[3]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_every_planted_fault_is_found_in_19_of_20_audits(monkeypatch, vector_config, nodes_of, name):
    assert caught(monkeypatch, vector_config, nodes_of, name, seeds=range(20)) >= 19


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="aggregator"),
        pytest.param(EVERY_NODE, id="every node", marks=pytest.mark.slow),
        pytest.param(AT_FOUR, id="four merchants", marks=pytest.mark.slow),
    ],
)
def test_an_honest_run_passes_every_attack(vector_config, nodes_of, changes):
    config = vector_config(**changes)
    (found,) = outcomes(config, nodes_of(config), seeds=[1])
    tested = dict.fromkeys(["one_run", "noise_variance", "noise_independence"], "passed")
    assert found == {**tested, "user_canary": "estimate"}


@pytest.mark.slow
def test_at_most_two_of_forty_honest_runs_lie_above_theory(vector_config, nodes_of):
    config = vector_config()
    found = outcomes(config, nodes_of(config), seeds=range(1000, 1040))
    assert sum(one["one_run"] != "passed" for one in found) <= 2
    assert sum(one["noise_variance"] != "passed" for one in found) <= 2
    assert sum(one["noise_independence"] != "passed" for one in found) <= 2


@pytest.mark.slow
def test_a_run_that_claims_nothing_gives_every_canary_away(vector_config, nodes_of):
    config = vector_config(epsilon=None)
    results = canary_attacks(retrain(config, nodes_of(config), seed=1), claim=None, seed=77)
    assert [one.name for one in results] == ["one_run", "user_canary"]
    assert results[0].lo > 0.9 * results[0].ceiling
    assert [one.outcome for one in results] == ["no claim", "estimate"]


# What the wrapper does to the run


@pytest.mark.parametrize("by", ["home_store", "store"])
def test_the_wrapped_task_learns_the_same_with_and_without_canaries(make_config, nodes_of, train_on, by):
    config = make_config(by=by, k_max=1 if by == "home_store" else 3)
    held = nodes_of(config)
    plain = train_on(config, held)
    trained = retrain(config, held, seed=config.seed)
    assert set(trained.model) == set(plain)
    for name, value in plain.items():
        np.testing.assert_allclose(trained.model[name], value, atol=1e-9)


@pytest.mark.parametrize(
    "variant", [pytest.param(one, marks=() if one == "100C" else pytest.mark.slow) for one in VARIANTS]
)
@pytest.mark.parametrize(("by", "k_max"), [("home_store", 1), ("store", 3)])
def test_each_included_canary_adds_exactly_the_clip_bound_however_long_it_is(make_config, nodes_of, variant, by, k_max):
    config = make_config(by=by, k_max=k_max)
    trained = retrain(config, nodes_of(config), seed=5, variant=variant)
    expected = trained.plan.persons.astype(float)
    for row in trained.seen:
        np.testing.assert_allclose(row, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(trained.plan.persons > 0, trained.plan.included)


def test_the_noise_in_the_record_is_what_the_claim_needs(vector_config, nodes_of):
    trained = retrain(vector_config(), nodes_of(vector_config()), seed=5)
    drawn, needed, names = noise(trained)
    assert names == ("first", "second", "third")
    np.testing.assert_allclose(drawn.std(axis=1), needed, rtol=0.12)
    np.testing.assert_allclose((0.5 / needed**2).sum(), 1e-9 * cap(epsilon=1.0, delta=1e-5), rtol=1e-6)
    np.testing.assert_allclose(scores(trained)[~trained.plan.included].std(), 1.0, rtol=0.12)


def test_without_a_claim_no_noise_is_needed(vector_config):
    assert not needed_noise(vector_config(epsilon=None), ["first", "second"]).any()


def test_half_the_canaries_take_part_spread_over_all_merchants():
    plan = make_plan(canaries=2000, controls=0, merchants=12, k_max=3, seed=1)
    assert abs(plan.included[:2000].mean() - 0.5) < 0.05
    assert all(len(set(row)) == 3 for row in plan.places.tolist())
    counts = [len(plan.at(place)) for place in range(12)]
    assert sum(counts) == 3 * plan.persons.sum()
    assert min(counts) > 0.7 * max(counts)
    assert plan.signal == 1.0
    assert make_plan(canaries=10, merchants=2, k_max=4, seed=1).signal == 0.5


def test_other_seeds_toss_other_coins():
    coins = [make_plan(canaries=500, merchants=3, seed=seed).included for seed in (1, 2)]
    assert 0.3 < (coins[0] == coins[1]).mean() < 0.7


def test_left_out_shoppers_are_left_out_at_every_merchant(make_config, nodes_of, train_on):
    config = make_config(by="store", k_max=3)
    held = nodes_of(config)
    trained = retrain(config, held, seed=4, leave_out=0.4)
    kept = [without(node, left_out(node.history.persons, share=0.4, seed=4)) for node in held]
    for name, value in train_on(config, kept).items():
        np.testing.assert_allclose(trained.model[name], value, atol=1e-9)
    gone = left_out(np.arange(1000), share=0.4, seed=4)
    assert 0.33 < gone.mean() < 0.47
    np.testing.assert_array_equal(gone[[7, 8]], left_out(np.array([7, 8]), share=0.4, seed=4))


# What is refused


def test_more_phantom_rows_than_announced_are_refused(vector_config, nodes_of, task_of, monkeypatch):
    config, held = vector_config(), nodes_of(vector_config())
    task = task_of(with_canaries(config, held))
    monkeypatch.setattr(CanaryTask, "extra_persons", lambda self, node: 3)
    with pytest.raises(ConfigError, match="3 phantom persons"):
        contributions.node_sum(task, {}, task.rounds()[0], held[0], clip_norm=1.0, weight=1.0, canaries=True)


class Smuggler:
    """A task whose phantom persons touch what the real ones contribute."""

    reserved = 2

    def __init__(self, width=5, column=4):
        self.block = np.zeros((1, width))
        self.block[0, column] = 1.0

    def extra_persons(self, node):
        return 1

    def person_updates(self, model, round_, node):
        yield self.block


def test_phantom_persons_cannot_touch_the_tasks_own_coordinates(vector_config, nodes_of):
    node, round_ = nodes_of(vector_config())[0], Round("one", "test", 5, 1.0)
    with pytest.raises(ConfigError, match="own coordinates"):
        contributions.node_sum(Smuggler(), {}, round_, node, clip_norm=1.0, weight=1.0, canaries=True)
    np.testing.assert_allclose(
        contributions.node_sum(Smuggler(column=1), {}, round_, node, clip_norm=1.0, weight=1.0, canaries=True),
        [0, 1, 0, 0, 0],
        atol=1e-9,
    )
    with pytest.raises(ConfigError, match="length 4, not 3"):
        contributions.node_sum(Smuggler(width=4, column=0), {}, round_, node, clip_norm=1.0, weight=1.0, canaries=True)


def test_a_strangers_task_gets_no_phantom_persons_however_many_it_claims(vector_config, nodes_of, task_of):
    class Many(type(task_of(vector_config()))):
        reserved = 1

        def extra_persons(self, node):
            return 10_000

        def person_updates(self, model, round_, node):
            yield np.ones((5_000, round_.size))

    config = vector_config()
    task = Many(nodes.task_settings(config), nodes.public_catalogue(config))
    with pytest.raises(ConfigError, match="more contributions than the node has persons"):
        contributions.node_sum(task, {}, task.rounds()[0], nodes_of(config)[0], clip_norm=1.0, weight=1.0)


def test_a_task_without_canaries_gets_no_extra_rows(vector_config, nodes_of, task_of):
    task = task_of(vector_config())
    assert not isinstance(task, contributions.CarriesCanaries)


@pytest.mark.parametrize(
    "change",
    [
        {"variant": "1000C"},
        {"inner": "federation.canaries:CanaryTask"},
        {"inner": None},
        {"canaries": 0},
        {"canaries": 2.5},
        {"seed": -1},
        {"leave_out": 1.0},
        {"merchants": []},
        {"typo": 1},
        {"inner_options": 3},
    ],
)
def test_options_that_cannot_be_meant_are_refused(vector_config, nodes_of, task_of, change):
    config = with_canaries(vector_config(), nodes_of(vector_config()))
    with pytest.raises(ConfigError, match="canaries"):
        task_of(replace(config, options={**config.options, **change}))


def test_a_merchant_that_is_not_listed_is_refused(vector_config, nodes_of, task_of):
    config = with_canaries(vector_config(), nodes_of(vector_config())[:3])
    task = task_of(config)
    assert isinstance(task.settings, TaskSettings)
    with pytest.raises(ConfigError, match="list them all"):
        task.extra_persons(nodes_of(vector_config())[5])


def test_a_deployment_is_never_audited_with_canaries(persistent, nodes_of):
    config = persistent(mode="deployment")
    with pytest.raises(PrivacyError, match="simulations only"):
        with_canaries(config, [])
    with pytest.raises(ConfigError, match="has no canaries"):
        canary_plan(config)
