"""The engine without messages makes the model that messages make."""

import logging

import numpy as np
import pytest

from federation.access import Access
from federation.batches import batches_of, padded
from federation.config import FederationConfig
from federation.run import run
from retail.errors import ConfigError, PolicyError, PrivacyError, TradefairError
from retail.faces.source import FaceSource
from retail.responses import Responses, ResponseSource

RECOMMEND = {"task": "recommend", "rounds": 2, "options": {"rich": True, "candidates": 100}}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], tolerance: float) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        assert np.abs(values.astype(float) - other[name].astype(float)).max(initial=0) <= tolerance, name


@pytest.mark.parametrize("changes", [{}, RECOMMEND], ids=["weekdays", "recommend"])
@pytest.mark.parametrize("k_max", [1, 3])
def test_without_noise_both_engines_make_the_same_model(make_config, changes, k_max):
    config = make_config(**changes, k_max=k_max, by="store" if k_max > 1 else "home_store")
    same(run(config).model, run(config, engine="cohort").model, 1e-5)


@pytest.mark.parametrize("noise", ["aggregator", "distributed", "every_node"])
def test_with_noise_from_a_seed_both_engines_make_the_same_model_at_the_same_cost(make_config, noise):
    config = make_config(epsilon=4.0, noise=noise)
    one, other = run(config), run(config, engine="cohort")
    same(one.model, other.model, 1e-5)
    assert one.epsilon == other.epsilon
    assert one.rounds == other.rounds


@pytest.mark.slow
@pytest.mark.parametrize("private", [False, True])
def test_faces_follow_one_another_and_come_out_the_same(private):
    source = FaceSource(source="drawn-faces", people=9, images=3, folds=3, merchants=2, data_seed=7)
    quick = {"drawn_people": 4, "drawn_images": 2, "drawn_steps": 2, "batch": 4}
    config = FederationConfig(
        task="faces",
        source=source,
        now=0,
        rounds=1,
        clip_norm=0.5 if private else None,
        epsilon=8.0 if private else None,
        delta=1e-2,
        options=quick | {"learn": "person" if private else "merchant"},
    )
    same(run(config).model, run(config, engine="cohort").model, 1e-5)


@pytest.mark.parametrize("task", ["response", "attribute"])
def test_people_with_responses_are_laid_end_to_end_and_come_out_the_same(task, tmp_path):
    rng = np.random.default_rng(1)
    table = Responses(
        np.arange(90), rng.integers(6, size=90), rng.random((90, 3)), ("a", "b", "c"), rng.random(90) < 0.5,
        (rng.random(90) < 0.4).astype(float),
    )  # fmt: skip
    source = ResponseSource.of(table, tmp_path / "r.parquet", listed=tuple(range(7)), population=90, name="trial")
    config = FederationConfig(task=task, source=source, now=0, rounds=2, epsilon=2.0, delta=1e-3, noise="every_node")
    told = []
    same(run(config).model, run(config, engine="cohort", progress=told.append).model, 1e-5)
    assert {one.partition(": ")[2] for one in told} == {"7 merchants in 1 batches"}


def test_contributions_of_whole_merchants_are_not_thrown_together(make_config):
    config = make_config(options={"contribution": "merchant"})
    same(run(config).model, run(config, engine="cohort").model, 1e-5)


@pytest.mark.parametrize(("size", "seen"), [(1, {12}), (2**21, {8}), (2**22, set())])
def test_merchants_are_computed_at_once_where_the_task_can_and_a_batch_is_worth_it(
    make_config, monkeypatch, size, seen
):
    config = make_config(
        task="batched_task:BatchedWeekdays", options={"contribution": "merchant", "outer": False, "block": size}
    )
    expected = run(config).model
    from batched_task import BatchedWeekdays

    BatchedWeekdays.seen.clear()
    same(expected, run(config, engine="cohort").model, 1e-9)
    assert set(BatchedWeekdays.seen) == seen


def test_nodes_of_like_size_share_a_batch_and_their_rows_are_padded():
    class Sized:
        node_bytes = staticmethod(lambda round_, node: node)

    found = batches_of(Sized(), None, [2**22, 10, 2**22, 10, 2**24 + 1], device="cpu")
    assert [one.nodes for one in found] == [(10, 10, 2**22, 2**22), (2**24 + 1,)]
    rows, real = padded([np.ones((1, 2)), np.zeros((0, 2)), np.full((3, 2), 5.0)])
    assert rows.shape == (3, 3, 2)
    assert rows.sum(axis=(1, 2)).tolist() == [2.0, 0.0, 30.0]
    assert real.sum(axis=1).tolist() == [1, 0, 3]


@pytest.mark.parametrize("clip_norm", [None, 2.0])
@pytest.mark.parametrize("wrong", ["raise", "shape", "nan"])
def test_what_goes_wrong_at_a_merchant_costs_both_engines_the_same(make_config, caplog, wrong, clip_norm):
    config = make_config(task="batched_task:Odd", options={"fail_on": wrong, "outer": False}, clip_norm=clip_norm)
    with caplog.at_level(logging.CRITICAL):
        one, other = run(config), run(config, engine="cohort")
    same(one.model, other.model, 1e-9)
    zeroed = wrong == "nan" and clip_norm is not None  # a row that can be bounded counts as nothing
    assert one.dropped == other.dropped
    assert (one.dropped == 0) == zeroed


def test_a_round_with_too_little_noise_left_gives_nothing(make_config):
    config = make_config(
        task="batched_task:Odd", options={"fail_on": "raise", "outer": False}, epsilon=4.0, noise="distributed"
    )
    with pytest.raises(PrivacyError, match="the noise needs 12"):
        run(config, engine="cohort")


def test_an_interrupted_cohort_goes_on_and_pays_once(persistent, monkeypatch):
    from federation.engines import cohort

    config = persistent()
    total = cohort._Cohort.total

    def failing(self, sent, round_, *, index):
        if index == 1:
            raise KeyboardInterrupt
        return total(self, sent, round_, index=index)

    monkeypatch.setattr(cohort._Cohort, "total", failing)
    with pytest.raises(KeyboardInterrupt):
        run(config, engine="cohort")
    monkeypatch.undo()
    result = run(config, engine="cohort")
    assert len(result.rounds) == len({one["name"] for one in result.rounds})
    assert result.ledger_entries["committed_at"].isna().sum() == 1


def test_the_cohort_asks_the_rules_as_others_do(make_config):
    with pytest.raises(PolicyError, match="may not train"):
        run(make_config(epsilon=4.0), engine="cohort", access=Access(regime="isolated"))


@pytest.mark.parametrize(
    ("changes", "engine", "error", "message"),
    [
        ({"aggregation": "secure"}, "cohort", ConfigError, "no messages"),
        ({}, "flower", ConfigError, "choose one of inprocess, cohort"),
    ],
)
def test_what_an_engine_cannot_do_is_refused(make_config, changes, engine, error, message):
    with pytest.raises(error, match=message):
        run(make_config(**changes), engine=engine)


def test_a_deployment_is_no_cohort(persistent):
    with pytest.raises(PrivacyError, match='needs engine = "deploy"'):
        run(persistent(mode="deployment"), engine="cohort")


def test_a_task_of_somebody_else_gets_no_phantom_persons_from_either_engine(make_config, monkeypatch):
    from weekday_task import WeekdayTask

    class Greedy(WeekdayTask):
        reserved = 2

        def extra_persons(self, node):
            return 10

        def person_updates(self, model, round_, node):
            yield from super().person_updates(model, round_, node)
            phantom = np.zeros((3, round_.size))
            phantom[:, 0] = 1.0
            yield phantom

    monkeypatch.setattr("weekday_task.WeekdayTask", Greedy)
    with pytest.raises(ConfigError, match="more contributions than the node has persons"):
        run(make_config(), engine="cohort")
    with pytest.raises(TradefairError, match="none of 12 nodes"):
        run(make_config())


def test_canaries_are_seen_by_the_engine_without_messages_too(make_config):
    from federation import nodes
    from federation.canaries import observed, with_canaries

    config = make_config()
    audited = with_canaries(config, nodes.load_nodes(config), canaries=20, controls=4, seed=1)
    one, other = observed(run(audited).model), observed(run(audited, engine="cohort").model)
    assert any(np.abs(values).max() > 0 for values in one.values())
    for name, values in one.items():
        assert np.abs(values - other[name]).max() < 1e-6
