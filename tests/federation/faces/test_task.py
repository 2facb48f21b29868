import json
from dataclasses import replace

import numpy as np
import pytest

from federation import local, nodes, shops
from federation.access import Access, MarketPort
from federation.config import FederationConfig
from federation.faces.holdings import FaceMarket, FaceNode, face_node, face_rows
from federation.faces.net import SmallFaceNet, embed, weights_of
from federation.faces.settings import FaceOptions
from federation.faces.start import DrawnStart
from federation.run import run
from federation.task import load_task
from retail import columns as c
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError, PolicyError, PrivacyError


def alone(task, node):
    return local.train(task, [node], population=len(node.persons))


def test_a_federation_learns_over_flower_and_repeats_itself_by_seed(make_config):
    config = make_config(rounds=2, clip_norm=None)
    first, again = run(config), run(config)
    assert first.dropped == 0
    assert first.epsilon is None
    assert [one["name"] for one in first.rounds] == ["train-1", "train-2"]
    assert np.array_equal(first.model["weights"], again.model["weights"])
    assert not np.array_equal(first.model["weights"], run(replace(config, seed=1)).model["weights"])
    assert not np.array_equal(first.model["weights"], weights_of(SmallFaceNet(seed=0)))


def test_the_federation_averages_what_merchants_would_do_alone(make_config, task_of):
    config = make_config(clip_norm=None)
    federated = run(config).model["weights"]
    held = nodes.load_nodes(config)
    each = [alone(task_of(config), node)["weights"] for node in held]
    shares = np.array([len(node.persons) for node in held]) / 6
    assert np.allclose(federated, sum(s * w for s, w in zip(shares, each, strict=True)), atol=1e-6)
    assert not np.allclose(each[0], each[1], atol=1e-6)


def test_a_merchants_class_head_stays_there_and_goes_on_in_the_next_round(make_config, task_of):
    config = make_config(rounds=2, clip_norm=None)
    made, node = task_of(config), nodes.load_nodes(config)[0]
    model = alone(made, node)
    assert set(model) == {"weights", "shift", "map", "prototypes"}
    assert model["prototypes"].size == 0
    heads = node.memo["faces"].classes
    assert heads.shape == (len(node.persons), 128)
    assert node.memo["faces"].optimiser["state"][0]["step"].item() == 2


def test_shared_prototypes_reach_the_other_merchants(make_config):
    model = run(make_config(rounds=2, clip_norm=None, options={"share_prototypes": True})).model
    assert np.allclose(np.linalg.norm(model["prototypes"], axis=1), 1.0, atol=1e-5)
    assert len(model["prototypes"]) == 6


def test_a_private_run_pays_for_every_round_and_ends_with_an_encoder(make_config, task_of):
    config = make_config(epsilon=8.0, options={"learn": "person", "moments": 4})
    found = run(config)
    assert [one["purpose"] for one in found.rounds] == ["training", "moments"]
    assert all(one["noise_multiplier"] > 0 for one in found.rounds)
    assert found.dropped == 0
    assert 7.9 < found.epsilon <= 8.0
    faces = embed(task_of(config).encoder(found.model), config.source.test().images)
    assert np.allclose(np.linalg.norm(faces, axis=1), 1.0, atol=1e-5)
    assert not np.array_equal(found.model["shift"], task_of(config).initial()["shift"])


def test_only_the_norms_change_when_they_alone_may(make_config, task_of):
    config = make_config(epsilon=8.0, options={"learn": "person"})
    before = SmallFaceNet(seed=0)
    after = task_of(config).encoder(run(config).model).net
    for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
        changed = not np.array_equal(old.detach().numpy(), new.detach().numpy())
        assert changed == (name.startswith("body") and old.ndim == 1), name


def test_steps_that_mix_people_are_refused_with_an_epsilon(make_config):
    with pytest.raises(PrivacyError, match="merchant"):
        run(make_config(epsilon=8.0))


def test_noise_at_every_node_works_as_well(make_config):
    found = run(make_config(epsilon=8.0, noise="every_node", options={"learn": "nothing", "moments": 4}))
    assert found.dropped == 0
    assert found.epsilon <= 8.0


def test_faces_are_read_through_the_port_as_face_images_for_recognition(make_config, tmp_path):
    config = make_config(epsilon=8.0, options={"learn": "nothing", "moments": 2})
    log = str(tmp_path / "books.sqlite")
    run(config, access=Access(log=log))
    from privacy.log import Log

    read = [json.dumps(entry.body) for entry in Log.open(log, origin=None, key=None).entries()]
    assert any("face_images" in line and "in_store_recognition" in line for line in read)
    assert not any("transactions" in line for line in read)


def test_without_separate_consent_european_faces_are_not_read(make_config):
    config = make_config(epsilon=8.0, options={"learn": "nothing", "moments": 2})
    with pytest.raises(PolicyError, match="GDPR"):
        MarketPort(config, Access(packs=("gdpr",), jurisdiction="EU")).own(0)


def test_rows_become_the_same_node_in_any_order(make_config):
    faces = make_config().source.at(0)
    rows = face_rows(faces)
    node, shuffled = face_node(1, rows), face_node(1, rows.iloc[::-1])
    assert list(node.persons) == sorted(faces.names)
    assert np.array_equal(node.persons, shuffled.persons)
    assert np.array_equal(np.sort(node.of(0), axis=0), np.sort(shuffled.of(0), axis=0))
    assert isinstance(node, FaceNode)
    assert len(node.labels) == len(faces)


@pytest.mark.parametrize("cell", [b"short", float("nan"), np.full((64, 64), np.nan), None])
def test_a_row_that_holds_no_crop_is_refused(make_config, cell):
    rows = face_rows(make_config().source.at(0))
    rows.at[1, "pixels"] = cell
    with pytest.raises(DataError, match="bytes of 64x64"):
        face_node(1, rows)


def test_a_person_whose_gradient_is_not_finite_stops_nobody(make_config, task_of, node_of, monkeypatch):
    from federation.contributions import node_sum
    from federation.faces import task as module

    made = task_of(make_config(options={"learn": "person"}))
    model, (round_,) = made.initial(), made.rounds()
    original = module.person_gradients

    def broken(*args, **rest):
        rows = original(*args, **rest)
        rows[1] = np.nan
        return rows

    others = node_sum(made, model, round_, node_of({0: 3, 2: 3}), clip_norm=0.5, weight=1.0)
    monkeypatch.setattr(module, "person_gradients", broken)
    assert np.allclose(
        node_sum(made, model, round_, node_of({0: 3, 1: 3, 2: 3}), clip_norm=0.5, weight=1.0), others, atol=1e-6
    )


def test_settings_travel_as_json_and_name_their_people(make_config):
    config = make_config(left=("drawn 3",))
    assert FederationConfig.from_json(config.to_json()) == config
    assert config.population == 6
    assert config.dataset == "drawn faces 9 seed 7"


@pytest.mark.parametrize("changes", [{"k_max": 2}, {"merchants": (1, 2)}])
def test_merchants_of_faces_are_those_of_the_source(make_config, changes):
    with pytest.raises(ConfigError, match="faces lie at"):
        make_config(**changes)


def test_faces_and_purchases_are_not_mixed_up(make_config):
    shop = FederationConfig(task="faces", source=DataSource(source="generated", shoppers=20), now=19_800)
    with pytest.raises(ConfigError, match="needs a source of faces"):
        load_task("faces", nodes.task_settings(shop), nodes.public_catalogue(shop))
    with pytest.raises(ConfigError, match="no purchases"):
        shops.later_rows(make_config(), days=1)
    assert c.PERSON in nodes.holdings(make_config()).columns
    assert isinstance(nodes.public_catalogue(make_config()), FaceMarket)


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": True}, {"learn": "all"}, {"margin": 1.5}, {"moments": 129}, {"moments": 2, "spread": 3},
        {"batch": 0}, {"rate": float("nan")}, {"drawn_people": 1}, {"flip": 1}, {"start": 3},
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=list(wrong)[-1]):
        FaceOptions.read(wrong)


def test_a_start_on_drawings_is_not_where_chance_starts():
    start = DrawnStart(people=3, images=2, steps=2, batch=4)
    assert not np.array_equal(start.weights(), weights_of(SmallFaceNet(seed=0)))


def test_weights_cannot_come_out_of_a_file_that_nobody_vouches_for(make_config, task_of):
    """Trained on the very people, it would pass under any epsilon."""
    with pytest.raises(ConfigError, match=r"options\.start"):
        task_of(make_config(options={"start": "weights.npz"}))


def test_drawings_replayed_beside_a_merchants_people_change_what_it_learns_and_get_classes(make_config, task_of):
    few, rows = {"drawn_people": 3, "drawn_images": 2}, {}
    for replay in (0, 4):
        config = make_config(clip_norm=None, options={**few, "replay": replay})
        task, node = task_of(config), nodes.load_nodes(config)[0]
        (rows[replay],) = task.person_updates(task.initial(), task.rounds()[0], node)
        assert len(node.memo["faces"].classes) == len(node.persons) + (3 if replay else 0)
    assert np.isfinite(rows[4]).all()
    assert not np.array_equal(rows[0], rows[4])
