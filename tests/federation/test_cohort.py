"""The engine without messages makes the model that messages make."""

import numpy as np
import pytest

from federation.access import Access
from federation.config import FederationConfig
from federation.run import run
from retail.errors import ConfigError, PolicyError, PrivacyError, TradefairError
from retail.faces.source import FaceSource

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


def test_contributions_of_whole_merchants_are_not_thrown_together(make_config):
    config = make_config(options={"contribution": "merchant"})
    same(run(config).model, run(config, engine="cohort").model, 1e-5)


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
