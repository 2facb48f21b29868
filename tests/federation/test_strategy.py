import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, RecordDict

from federation.client_app import app as client_app
from federation.engines import inprocess
from federation.plan import open_ledger, planned_costs
from federation.replies import OrderedSum
from federation.run import run
from federation.strategy import PersonLevelDPAvg
from federation.task import Round
from privacy.accounting import cap, noise_multiplier
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.ledger_record import read_ledger
from retail.errors import ConfigError, PrivacyError, TradefairError


@pytest.fixture
def strategy(task_of):
    def make(config, **changes):
        settings = {"population": 300, "nodes": 12, "ledger": open_ledger(config), **changes}
        return PersonLevelDPAvg(task_of(config), config, **settings)

    return make


def test_an_epsilon_without_a_ledger_does_not_start(make_config, strategy):
    with pytest.raises(PrivacyError, match="needs a ledger"):
        strategy(make_config(epsilon=1.0), ledger=None)
    with pytest.raises(PrivacyError, match="must not have one"):
        strategy(make_config(), ledger=open_ledger(make_config(epsilon=1.0)))


@pytest.mark.parametrize("change", [{"epsilon": 2.0}, {"delta": 2e-4}, {"run_id": "other"}])
def test_a_ledger_of_another_budget_or_run_is_refused(make_config, strategy, change):
    with pytest.raises(PrivacyError, match="right ledger"):
        strategy(make_config(epsilon=1.0), ledger=open_ledger(make_config(**{"epsilon": 1.0, **change})))


def test_sums_are_divided_by_the_public_population_only(make_config, strategy):
    with pytest.raises(PrivacyError, match="public population 300"):
        strategy(make_config(epsilon=1.0), population=299)


def test_a_seed_for_the_noise_is_refused_outside_simulation(persistent, strategy):
    for mode in ("simulation", "deployment"):
        config = persistent(mode=mode)
        with pytest.raises(PrivacyError, match="seed"):
            strategy(config, noise_seed=1)
        assert strategy(config).config is config


def test_noise_that_is_not_seeded_cannot_be_repeated(persistent, tmp_path):
    drawn = []
    for attempt in ("a", "b"):
        np.random.seed(0)
        drawn.append(run(persistent(mode="deployment", ledger=tmp_path / attempt / "l.sqlite", seed=1)).model)
    for name in ("weekdays", "types", "weights"):
        assert not np.isclose(drawn[0][name], drawn[1][name], rtol=1e-9, atol=0).any()


def test_deployed_nodes_draw_noise_that_cannot_be_repeated(persistent, tmp_path):
    drawn = []
    for attempt in ("a", "b"):
        np.random.seed(0)
        ledger = tmp_path / attempt / "l.sqlite"
        drawn.append(run(persistent(mode="deployment", noise="every_node", ledger=ledger, seed=1)).model)
    assert not np.isclose(drawn[0]["types"], drawn[1]["types"], rtol=1e-9, atol=0).any()


def test_a_round_about_whole_merchants_is_refused_under_privacy_and_named(make_config):
    options = {"contribution": "merchant"}
    with pytest.raises(PrivacyError, match=r"'weekdays' has contribution \"merchant\".*without epsilon"):
        run(make_config(epsilon=1.0, options=options))
    assert run(make_config(options=options)).epsilon is None


def test_the_ledger_holds_the_plan_and_the_result_reports_it(make_config, task_of):
    config = make_config(epsilon=4.0)
    result = run(config)
    planned = planned_costs(config, task_of(config).rounds())
    booked = result.ledger_entries
    assert dict(zip(booked["key"], booked["cost"], strict=True)) == planned
    assert booked["committed_at"].notna().all()
    assert list(booked["purpose"]) == ["counts", "counts", "training", "training"]
    assert {one["name"]: one["cost"] for one in result.rounds} == planned
    assert sum(planned.values()) <= cap(epsilon=4.0, delta=1e-4) < sum(planned.values()) + len(planned)
    assert 0 < result.epsilon_pld <= result.epsilon <= 4.0
    assert result.epsilon > 3.999
    for one in result.rounds:
        assert one["noise_multiplier"] == noise_multiplier(one["cost"])


def test_every_round_is_paid_before_the_first_node_is_asked(persistent):
    config, seen = persistent(), []

    def client(message, context):
        booked = read_ledger(config.ledger).reservations.set_index("key")
        seen.append((message.metadata.group_id, list(booked.index), booked["committed_at"].notna().tolist()))
        return client_app(message, context)

    inprocess.drive(config, nodes=12, client=client)
    names = ["weekdays", "types", "train-0", "train-1"]
    expected = [(name, names[: i + 1], [True] * i + [False]) for i, name in enumerate(names) for _ in range(12)]
    assert seen == expected


def test_a_round_that_the_budget_no_longer_covers_reaches_no_node(persistent):
    config, asked = persistent(), []

    def client(message, context):
        asked.append(message.metadata.group_id)
        if asked == ["weekdays"]:  # somebody else spends what is left
            budget = Budget(config.dataset, config.epsilon, config.delta, config.population)
            other = Ledger.open(config.ledger, scope="persistent", budget=budget, run="other")
            other.reserve("something", "else", other.remaining)
        return client_app(message, context)

    with pytest.raises(PrivacyError, match="0 of"):
        inprocess.drive(config, nodes=12, client=client)
    assert asked == ["weekdays"] * 12


@pytest.mark.parametrize(("by", "k_max"), [("home_store", 1), ("store", 2)])
@pytest.mark.parametrize("noise", ["aggregator", "every_node"])
def test_the_noise_has_the_size_that_was_paid_for(make_config, by, k_max, noise):
    kept = {"by": by, "k_max": k_max, "rounds": 1, "clip_norm": 0.7}
    exact = run(make_config(**kept)).model["types"]
    result = run(make_config(**kept, epsilon=1.0, noise=noise))
    z = result.rounds[1]["noise_multiplier"]
    nodes = 12
    expected = z * 0.7 / 300 * (1 if noise == "aggregator" else np.sqrt(nodes / k_max))
    assert result.model["noise"][1] == pytest.approx(expected)
    measured = (result.model["types"] - exact).std()
    assert measured == pytest.approx(expected, rel=0.15)  # 560 draws: 5 standard errors


def test_each_message_is_noised_before_it_leaves_its_node_when_nobody_is_trusted(make_config, task_of):
    sent = {}

    def recording(kind):
        def client(message, context):
            answer = client_app(message, context)
            key = (context.node_config["partition-id"], message.metadata.group_id)
            sent[kind, key] = answer.content["sum"]["sum"].numpy()
            return answer

        return client

    kept = {"by": "store", "k_max": 2, "rounds": 1}
    inprocess.drive(make_config(**kept), nodes=12, client=recording("exact"))
    config = make_config(**kept, epsilon=1.0, noise="every_node")
    inprocess.drive(config, nodes=12, client=recording("noised"))
    costs = planned_costs(config, task_of(config).rounds())
    expected = noise_multiplier(costs["types"]) * 2.0 / np.sqrt(2)
    noise = np.stack([sent["noised", (i, "types")] - sent["exact", (i, "types")] for i in range(12)])
    np.testing.assert_allclose(noise.std(axis=1), expected, rtol=0.15)
    between = np.corrcoef(noise) - np.eye(12)
    assert np.abs(between).max() < 0.25  # 560 draws: 5.9 standard errors


def test_a_node_answers_a_round_once_and_pays_no_more_than_its_own_plan(make_config):
    config = make_config(epsilon=1.0, noise="every_node")
    outcomes = {}

    def client(message: Message, context):
        if context.node_config["partition-id"] == 0 and message.metadata.group_id == "weekdays":
            dearer = Message(message.content, dst_node_id=2, message_type="train")
            dearer.content["round"] = ConfigRecord(
                {**message.content["round"], "cost": message.content["round"]["cost"] + 1}
            )
            fair = message.content["round"]["cost"] - 1
            outcomes["dearer"] = client_app(dearer, context).has_error()
            context.state.clear()
            message.content["round"]["cost"] = fair
            outcomes["fair"] = client_app(message, context).has_error()
            outcomes["again"] = client_app(message, context).has_error()
            message.content["round"]["index"] = 1
            outcomes["mixed"] = client_app(message, context).has_error()
        return client_app(message, context)

    inprocess.drive(config, nodes=12, client=client)
    assert outcomes == {"dearer": True, "fair": False, "again": True, "mixed": True}


def test_a_node_refuses_a_round_about_whole_merchants_by_itself(make_config):
    refused = {}

    def client(message, context):
        for kind in () if refused else ("merchant", "person"):
            settings = make_config(epsilon=1.0, options={"contribution": kind}).to_json()
            own = Context(len(refused), context.node_id, context.node_config, RecordDict(), {"tradefair": settings})
            refused[kind] = client_app(message, own).has_error()
        return client_app(message, context)

    inprocess.drive(make_config(), nodes=12, client=client)
    assert refused == {"merchant": True, "person": False}


def test_two_nodes_of_one_merchant_or_a_missing_one_are_noticed(make_config):
    with pytest.raises(PrivacyError, match="13 nodes are connected"):
        inprocess.drive(make_config(), nodes=13)


def test_the_first_round_waits_for_all_merchants(make_config, strategy):
    grid = inprocess.InProcessGrid(client_app, {}, run_id=1)
    with pytest.raises(TradefairError, match="0 of 12 nodes"):
        strategy(make_config(), ledger=None, wait_s=0.0).train(grid)


def test_evaluation_asks_nobody(make_config, strategy):
    made = strategy(make_config(), ledger=None)
    assert list(made.configure_evaluate(1, ArrayRecord(), ConfigRecord(), None)) == []


def test_a_node_counts_once_and_the_order_of_arrival_does_not_matter():
    vectors = dict(enumerate(np.random.default_rng(0).normal(size=(9, 50)) * 10.0 ** np.arange(9)[:, None]))
    totals = []
    for order in ([*range(9)], [*range(8, -1, -1)], [4, 0, 8, 2, 6, 1, 7, 3, 5]):
        adding = OrderedSum(vectors, size=50)
        assert all(adding.put(node, None if node == 5 else vectors[node]) == (node != 5) for node in order)
        assert not adding.put(3, vectors[3])
        assert not adding.put(77, vectors[3])
        assert adding.accepted == 8
        totals.append(adding.total().tobytes())
    assert len(set(totals)) == 1


def test_rounds_that_cannot_be_told_apart_or_sized_are_refused(make_config):
    for rounds in ([], [Round("a", "", 1, 1.0)] * 2, [Round("a", "", 0, 1.0)], [Round("a", "", 1, 1.0, "shop")]):
        with pytest.raises(ConfigError):
            planned_costs(make_config(), rounds)
    with pytest.raises(PrivacyError, match="share"):
        planned_costs(make_config(epsilon=1.0), [Round("a", "", 1, -1.0)])
