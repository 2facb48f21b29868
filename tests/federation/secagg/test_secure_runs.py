"""A federation whose server sees sums alone: same model, noise of the right size, and an end with one message."""

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Error, Message

from federation.client_app import FAILURE
from federation.client_app import app as client_app
from federation.engines import inprocess
from federation.run import run
from federation.secagg import wire
from federation.secagg.masks import Ring
from federation.secagg.rules import noise_share, step_of_run
from privacy.accounting import noise_multiplier
from retail.errors import ConfigError, PrivacyError

NODES = 12


def model_of(config, client=client_app) -> dict[str, np.ndarray]:
    state = inprocess.drive(config, nodes=NODES, client=client).state
    return {name: array.numpy() for name, array in state.array_records["model"].items()}


def losing(*lost: int, step: str, round_: str = "weekdays"):
    """Answer as nodes do, but for some nodes at one step of one round."""

    def client(message: Message, context) -> Message:
        about = message.content.config_records["round"]["name"]
        if context.node_config["partition-id"] in lost and about == round_ and message.metadata.message_type == step:
            return Message(Error(code=0, reason=FAILURE), reply_to=message)
        return client_app(message, context)

    return client


def test_hidden_sums_make_the_model_that_open_sums_make(make_config):
    plain = run(make_config()).model
    secure = run(make_config(aggregation="secure")).model
    for name, values in plain.items():
        assert np.abs(values - secure[name]).max() < 1e-5


def test_noise_by_the_aggregator_is_the_same_with_hidden_sums(make_config):
    settings = {"epsilon": 4.0, "noise": "aggregator"}
    plain, secure = run(make_config(**settings)), run(make_config(**settings, aggregation="secure"))
    assert secure.epsilon == plain.epsilon
    assert np.abs(plain.model["weekdays"] - secure.model["weekdays"]).max() < 1e-5


def test_noise_in_shares_makes_the_same_sum_with_masks_and_without(make_config):
    settings = {"epsilon": 4.0, "noise": "distributed", "dropouts": 2, "colluders": 1}
    plain, secure = run(make_config(**settings)), run(make_config(**settings, aggregation="secure"))
    for name, values in plain.model.items():
        assert (values == secure.model[name]).all()
    assert plain.epsilon == secure.epsilon <= 4.0


@pytest.mark.parametrize("step", ["train.keys", "train.shares", "train", "train.reveal"])
def test_nodes_lost_at_any_step_take_their_contribution_away_and_nothing_else(make_config, step):
    config = make_config(aggregation="secure", dropouts=2)
    found = model_of(config, losing(3, 8, step=step))["weekdays"]
    if step == "train.reveal":
        wanted = model_of(config)["weekdays"]
    else:
        wanted = model_of(make_config(), losing(3, 8, step="train"))["weekdays"]
    assert np.abs(found - wanted).max() < 1e-6


def test_one_node_more_than_allowed_ends_the_run_with_one_sentence_and_its_cost_stays_spent(persistent):
    from federation.plan import open_ledger

    config = persistent(aggregation="secure", noise="distributed", dropouts=2)
    with pytest.raises(PrivacyError, match="9 of 12 nodes sent a vector and 10 must; the round gives nothing"):
        model_of(config, losing(1, 3, 8, step="train"))
    spent = open_ledger(config).entries()
    assert len(spent) == 1
    assert spent["committed_at"].isna().all()


def test_without_masks_too_few_shares_of_noise_end_the_run(make_config):
    config = make_config(epsilon=4.0, noise="distributed", dropouts=2)
    with pytest.raises(PrivacyError, match="9 of 12 nodes answered, and the noise needs 10"):
        model_of(config, losing(1, 3, 8, step="train"))


def test_the_server_sees_no_vector_but_masked_ones(make_config):
    config = make_config(aggregation="secure")
    seen: dict[int, Ring] = {}
    bare: dict[int, np.ndarray] = {}

    def watching(message: Message, context) -> Message:
        reply = client_app(message, context)
        for record in reply.content.values():
            assert isinstance(record, ArrayRecord | ConfigRecord)
        if message.metadata.message_type == "train" and message.content.config_records["round"]["name"] == "weekdays":
            seen[context.node_config["partition-id"]] = wire.read_masked(reply, size=len(model["weekdays"]))
        return reply

    def bare_sums(message: Message, context) -> Message:
        reply = client_app(message, context)
        if message.content.config_records["round"]["name"] == "weekdays":
            bare[context.node_config["partition-id"]] = reply.content["sum"]["sum"].numpy()
        return reply

    model = model_of(make_config(), bare_sums)
    model_of(config, watching)
    for node, masked in seen.items():
        small = np.abs(masked.view(np.int64).astype(np.float64)) * step_of_run(config)
        assert small.min() > 1e3 * np.abs(bare[node]).max()


@pytest.mark.parametrize("lost", [0, 2])
def test_the_noise_of_the_sum_is_what_the_cost_buys_with_none_and_with_all_allowed_nodes_lost(make_config, lost):
    config = make_config(epsilon=1.0, noise="distributed", dropouts=2)
    cost = 10**6
    step, needed = step_of_run(config), noise_multiplier(cost) * config.bounds.joint
    share = noise_share(config, cost=cost, nodes=NODES) * step
    rng = np.random.default_rng(5)
    from privacy.mechanisms.discrete import discrete_gaussian

    drawn = sum(discrete_gaussian(40_000, scale=share / step, rng=rng) for _ in range(NODES - lost)) * step
    assert np.std(drawn) == pytest.approx(needed * np.sqrt((NODES - lost) / (NODES - 2)), rel=0.02)
    assert np.std(drawn) >= 0.98 * needed


@pytest.mark.slow
def test_repeated_runs_spread_by_the_noise_that_the_report_states(make_config):
    settings = {"epsilon": 2.0, "noise": "distributed", "dropouts": 1}
    exact = run(make_config()).model["weekdays"]
    seen = []
    for seed in range(12):
        result = run(make_config(**settings, seed=seed))
        z = result.rounds[0]["noise_multiplier"]
        seen.append((result.model["weekdays"] - exact) * 300 / (z * 2.0 * np.sqrt(12 / 11)))
    assert np.std(seen) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"dropouts": 1}, ConfigError, "belong to secure aggregation or distributed noise"),
        ({"aggregation": "hidden"}, ConfigError, "aggregation = 'hidden' is unknown"),
        ({"noise": "distributed"}, ConfigError, "without epsilon adds no noise"),
        ({"aggregation": "secure", "dropouts": 11}, ConfigError, "fewer than two honest"),
        ({"aggregation": "secure", "colluders": -1}, ConfigError, "colluders = -1"),
    ],
)
def test_settings_that_protect_nobody_are_refused(make_config, changes, error, message):
    with pytest.raises(error, match=message):
        run(make_config(**changes))


def test_a_deployment_must_hide_vectors_that_carry_a_share_of_the_noise_alone(persistent):
    with pytest.raises(PrivacyError, match="too little noise"):
        persistent(mode="deployment", noise="distributed")


def test_a_deployed_node_draws_its_share_from_the_operating_system(persistent, tmp_path):
    drawn = []
    for attempt in ("a", "b"):
        np.random.seed(0)
        config = persistent(
            mode="deployment", noise="distributed", aggregation="secure", ledger=tmp_path / attempt / "l.sqlite", seed=1
        )
        drawn.append(run(config).model["types"])
    assert not np.isclose(drawn[0], drawn[1], rtol=1e-9, atol=0).any()


def test_a_step_of_the_protocol_is_refused_in_a_run_without_it(make_config):
    asked = []

    def prying(message: Message, context) -> Message:
        if not asked:
            pry = Message(
                message.content,
                dst_node_id=message.metadata.dst_node_id,
                message_type="train.keys",
                group_id=message.metadata.group_id,
            )
            asked.append(client_app(pry, context))
        return client_app(message, context)

    model_of(make_config(), prying)
    assert asked[0].has_error()
    assert asked[0].error.reason == FAILURE
