"""The response task: what people add is bounded, and what is learnt is what other ways of fitting give."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from scipy.special import expit

from federation import local, nodes
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.response.holdings import ResponseMarket, ResponseNode
from federation.response.settings import LEARNERS, ResponseOptions
from federation.response.task import ResponseTask
from federation.run import run
from federation.task import TaskSettings
from retail.datasource import DataSource
from retail.errors import ConfigError, PrivacyError
from retail.responses import Responses, ResponseSource

NAMES = ("a", "b", "c")
CAUTION = 50.0


def people(n=4000, merchants=4, seed=0):
    rng = np.random.default_rng(seed)
    x = 0.7 * rng.standard_normal((n, 3))
    z = rng.random(n) < 0.5
    chance = expit(-1.5 + x @ [0.6, 0.0, -0.3]) + z * 0.1 * np.clip(x[:, 1], -1, 1)
    y = (rng.random(n) < chance).astype(float)
    return Responses(np.arange(n), rng.integers(merchants, size=n), x, NAMES, z, y)


@pytest.fixture
def make_config(tmp_path):
    def make(made=None, **changes):
        table = made or people()
        source = ResponseSource.of(
            table, tmp_path / "r.parquet", listed=(0, 1, 2, 3, 4), population=len(table), name="trial"
        )
        options = {"learner": "t", "caution": CAUTION, **changes.pop("options", {})}
        return FederationConfig(task="response", source=source, now=0, options=options, **changes)

    return make


def task(learner, *, population=4000, rounds=2, **options):
    settings = TaskSettings(
        rounds=rounds, steps=1, learning_rate=1.0, clip_norm=1.0, window_days=1, now=0, population=population, seed=0,
        device="cpu", private=True, options={"learner": learner, "caution": CAUTION, **options},
    )  # fmt: skip
    return ResponseTask(settings, ResponseMarket((0, 1), NAMES))


def node(made):
    return ResponseNode("one", made.persons, made.features, made.advertised, made.responded)


def fitted(x, y, *, pull):
    """A logistic model by another optimiser: loss per person, and `pull` on all weights but the first."""

    def loss(weights):
        score = x @ weights
        return np.mean(np.logaddexp(0, score) - y * score) + 0.5 * pull * (weights[1:] ** 2).sum()

    return minimize(loss, np.zeros(x.shape[1]), method="BFGS", options={"gtol": 1e-8}).x


def test_the_transformed_outcome_is_a_ridge_regression():
    made = people()
    found = local.train(task("transformed"), [node(made)], population=len(made))
    x = np.hstack([np.ones((len(made), 1)), made.features])
    x[:, 1:] *= np.minimum(1, 3 / np.linalg.norm(made.features, axis=1))[:, None]
    w = np.where(made.advertised, 2.0, -2.0) * (made.responded - 0.1)
    by_hand = np.linalg.solve(x.T @ x + CAUTION * np.eye(4), x.T @ w)
    assert np.allclose(found["effects"], by_hand, atol=1e-10)


def test_a_propensity_is_a_logistic_regression():
    made = people()
    learner = task("propensity", rounds=40)
    found = local.train(learner, [node(made)], population=len(made))
    x = learner.augmented(made.features)
    pull = 0.1 * 0.9 * 1.3 * CAUTION / len(made)
    assert np.allclose(found["weights"][0], fitted(x, made.responded, pull=pull), atol=1e-3)


def test_the_t_learner_fits_each_half_of_the_trial():
    made = people()
    learner = task("t", rounds=60)
    found = local.train(learner, [node(made)], population=len(made))
    x, z = learner.augmented(made.features), made.advertised
    for row, half in enumerate((z, ~z)):
        # Sums are divided by everybody, so a half weighs as its share of them does.
        pull = 0.1 * 0.9 * 1.3 * CAUTION / half.sum()
        assert np.allclose(found["weights"][row], fitted(x[half], made.responded[half], pull=pull), atol=2e-3)
    uplift = learner.predict(found, made.features)
    assert np.allclose(uplift, expit(x @ found["weights"][0]) - expit(x @ found["weights"][1]))


@pytest.mark.parametrize("learner", ["transformed", "t", "x"])
def test_each_learner_finds_who_is_moved(learner):
    made = people(60_000)
    fit = task(learner, population=len(made), rounds=5)
    found = local.train(fit, [node(made)], population=len(made))
    fresh = people(5000, seed=1)
    truth = np.clip(fresh.features[:, 1], -1, 1)
    assert np.corrcoef(fit.predict(found, fresh.features), truth)[0, 1] > 0.9


def test_a_propensity_does_not_find_who_is_moved():
    made = people(60_000)
    fit = task("propensity", population=len(made), rounds=5)
    found = local.train(fit, [node(made)], population=len(made))
    fresh = people(5000, seed=1)
    assert np.corrcoef(fit.predict(found, fresh.features), fresh.features[:, 1])[0, 1] < 0.5


@given(st.data())
def test_no_person_adds_more_than_the_clip_norm_whatever_the_rows(data):
    learner = task(data.draw(st.sampled_from(sorted(LEARNERS))))
    n = data.draw(st.integers(1, 4))
    wild = arrays(np.float64, (n, 3), elements=st.floats(-1e150, 1e150))
    weights = data.draw(arrays(np.float64, (learner.initial()["weights"].shape), elements=st.floats(-50, 50)))
    held = ResponseNode(
        "one",
        np.arange(n),
        data.draw(wild),
        data.draw(arrays(np.bool_, n)),
        data.draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 1.0]))),
    )
    for round_ in learner.rounds():
        for rows in learner.person_updates({"weights": weights}, round_, held):
            assert rows.shape == (n, round_.size)
            assert np.linalg.norm(rows, axis=1).max() <= 1 + 1e-9


@pytest.mark.parametrize("learner", sorted(LEARNERS))
def test_one_person_less_moves_every_sum_by_at_most_the_bound(make_config, learner):
    made = people(200)
    config = make_config(made, options={"learner": learner}, rounds=2, epsilon=1.0, clip_norm=0.5)
    fit = ResponseTask(nodes.task_settings(config), nodes.public_catalogue(config))
    before, model, moved = nodes.load_nodes(config), fit.initial(), []
    for gone in (0, 57, 199):
        less = make_config(made.of(made.persons != gone), options={"learner": learner}, rounds=2, clip_norm=0.5)
        after = nodes.load_nodes(less)
        for round_ in fit.rounds():
            sums = [
                np.sum([node_sum(fit, model, round_, one, clip_norm=0.5, weight=1.0) for one in held], axis=0)
                for held in (before, after)
            ]
            moved.append(np.linalg.norm(sums[0] - sums[1]))
    assert max(moved) <= 0.5 * (1 + 1e-9)
    assert np.median(moved) > 0.01


def test_flower_gives_what_training_in_one_place_gives(make_config):
    config = make_config(options={"learner": "x"}, rounds=2, clip_norm=None)
    fit = ResponseTask(nodes.task_settings(config), nodes.public_catalogue(config))
    held = nodes.load_nodes(config)
    assert [len(one.persons) > 0 for one in held] == [True, True, True, True, False]
    here = local.train(fit, held, population=4000)
    there = run(config)
    assert there.dropped == 0
    assert np.allclose(there.model["effects"], here["effects"], atol=1e-12)
    pooled = local.train(fit, [node(people())], population=4000)
    assert np.allclose(pooled["effects"], here["effects"], atol=1e-10)


def test_a_private_run_charges_every_round_and_repeats_itself_by_seed(make_config):
    config = make_config(options={"learner": "x"}, rounds=2, epsilon=1.0)
    first, again = run(config), run(config)
    assert [one["purpose"] for one in first.rounds] == ["spread", "training", "training", "effects"]
    assert all(one["cost"] > 0 and one["noise_multiplier"] > 1 for one in first.rounds)
    assert 0.8 < first.epsilon_pld <= first.epsilon <= 1.0
    assert np.array_equal(first.model["effects"], again.model["effects"])
    exact = run(replace(config, epsilon=None, clip_norm=None)).model["effects"]
    assert not np.allclose(first.model["effects"], exact, atol=1e-6)


@pytest.mark.slow
def test_noise_at_every_node_costs_more_than_noise_once(make_config):
    made = people(4000)
    far = []
    for noise in ("aggregator", "every_node"):
        errors = []
        for seed in range(6):
            config = make_config(made, options={"learner": "transformed"}, epsilon=4.0, noise=noise, seed=seed)
            exact = make_config(made, options={"learner": "transformed"}, clip_norm=None)
            errors.append(np.linalg.norm(run(config).model["effects"] - run(exact).model["effects"]))
        far.append(np.mean(errors))
    assert far[1] > 1.3 * far[0]  # five nodes: the root of five in theory, 2.2


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan")])
def test_an_epsilon_that_means_nothing_is_refused(make_config, epsilon):
    with pytest.raises(PrivacyError, match="epsilon"):
        make_config(epsilon=epsilon)


def test_a_claim_needs_a_public_number_of_people(make_config):
    config = make_config()
    with pytest.raises(PrivacyError, match="publicly known number"):
        replace(config, source=replace(config.source, population=None), epsilon=1.0)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"learner": "u"}, "choose one of"),
        ({"base": 1.0}, "between 0 and 1"),
        ({"sent": 0.0}, "between 0 and 1"),
        ({"length": 0.0}, "above 0"),
        ({"lenght": 1.0}, "unknown"),
        ({"caution": "much"}, "write a number"),
        ({"learner": 3}, "write a text"),
    ],
)
def test_options_without_meaning_are_refused(options, why):
    with pytest.raises(ConfigError, match=why):
        ResponseOptions.read(options)


def test_other_data_and_other_partitions_are_refused(make_config):
    with pytest.raises(ConfigError, match="responses lie at the data source's own merchants"):
        make_config(k_max=2, by="store")
    shop = FederationConfig(task="response", source=DataSource(source="generated", shoppers=20), now=20_000)
    with pytest.raises(ConfigError, match="needs a source of responses"):
        run(shop)


def test_a_configuration_reads_what_it_wrote(make_config):
    config = make_config(epsilon=1.0)
    assert FederationConfig.from_json(config.to_json()) == config
    assert config.dataset == "trial"
    assert "path" not in json.loads(config.fingerprint_of_training())["source"]
