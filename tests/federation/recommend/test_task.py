import numpy as np
import pytest

from federation.contributions import node_sum
from federation.recommend import task as module
from federation.recommend.objective import WEIGHTS, starting_weights, trainable
from federation.task import Task, load_task
from retail.errors import ConfigError
from retail.interactions import Catalogue

EVERYTHING = {"rich": True, "train": True, "tastes": True}


def of(task, name):
    """The round of a name."""
    return next(round_ for round_ in task.rounds() if round_.name == name)


def small(shelf, products):
    """The first products of a catalogue."""
    levels = {}
    for name, (codes, _) in shelf.levels.items():
        _, fresh = np.unique(codes[:products], return_inverse=True)
        levels[name] = (fresh.astype(np.int32), int(fresh.max(initial=-1)) + 1)
    return Catalogue(shelf.product_ids[:products], levels)


def test_it_is_a_task_that_scenarios_name(make_task, shelf):
    found = load_task("recommend", make_task().settings, shelf)
    assert isinstance(found, Task)
    assert isinstance(found, module.RecommendTask)


def test_a_typo_in_the_options_is_refused(make_task):
    with pytest.raises(ConfigError, match=r"options\.canditates is unknown"):
        make_task(canditates=3)


def test_an_empty_catalogue_is_refused(make_task, shelf):
    with pytest.raises(ConfigError, match="public catalogue"):
        make_task(products=small(shelf, 0))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["popularity", "tastes", "train-1", "train-2"]),
        ({"rich": True}, ["popularity", "tastes", "neighbours", "train-1", "train-2"]),
        ({"tastes": False, "train": False}, ["popularity"]),
    ],
)
def test_rounds_follow_the_options(make_task, options, names):
    task = make_task(**options)
    assert [round_.name for round_ in task.rounds()] == names
    assert all(round_.contribution == "person" for round_ in task.rounds())


def test_the_budget_of_training_does_not_depend_on_the_number_of_rounds(make_task):
    for rounds in (1, 2, 10):
        task = make_task(settings={"rounds": rounds})
        shares = [round_.share for round_ in task.rounds() if round_.purpose == "training"]
        assert len(shares) == rounds
        assert sum(shares) == pytest.approx(task.options.train_share)


def test_nodes_get_only_the_arrays_that_a_round_needs(make_task, node, trained):
    task = make_task(**EVERYTHING)
    models, _ = trained(task, node)
    for round_ in task.rounds():
        sent = task.broadcast(models[round_.name], round_)
        list(task.person_updates(sent, round_, node))  # and those are enough
    assert task.broadcast(models["popularity"], of(task, "popularity")) == {}
    assert "momentum" not in task.broadcast(models["train-2"], of(task, "train-2"))


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("rich", [False, True])
def test_nobodys_contribution_depends_on_the_others(make_task, lines, make_node, trained, rows_of, steps, rich):
    task = make_task(rich=rich, settings={"steps": steps})
    whole = make_node(lines)
    models, _ = trained(task, whole)
    persons = whole.history.persons
    heaviest = persons[np.argmax(np.diff(whole.history.indptr))]
    for gone in (persons[0], heaviest, persons[-1]):
        rest = make_node(lines[lines["person_id"] != gone])
        for round_ in task.rounds():
            model = models[round_.name]
            before, after = (rows_of(task, model, round_, one) for one in (whole, rest))
            if round_.purpose == "training":  # matrix products round differently for other shapes
                np.testing.assert_allclose(after, before[persons != gone], atol=1e-6)
            else:
                np.testing.assert_array_equal(after, before[persons != gone])
            assert before[persons == gone].any()


def test_blocks_of_any_size_give_the_same_contributions(make_task, node, trained, rows_of, monkeypatch):
    task = make_task(**EVERYTHING)
    models, _ = trained(task, node)
    whole = {round_.name: rows_of(task, models[round_.name], round_, node) for round_ in task.rounds()}
    monkeypatch.setattr(module, "_BLOCK", 5)
    for round_ in task.rounds():
        np.testing.assert_allclose(rows_of(task, models[round_.name], round_, node), whole[round_.name], atol=1e-7)


@pytest.mark.parametrize("clip_norm", [0.1, 1.0, 3.0])
def test_statistics_arrive_within_the_clip_norm_and_reach_it(make_task, node, trained, rows_of, clip_norm):
    task = make_task(**EVERYTHING, popularity_norm=3.0, settings={"clip_norm": clip_norm})
    models, _ = trained(task, node)
    for name in ("popularity", "tastes", "neighbours"):
        length = np.linalg.norm(rows_of(task, models[name], of(task, name), node).astype(float), axis=1)
        assert (length <= clip_norm * (1 + 1e-6)).all()
        assert length.max() > 0.9 * clip_norm


def test_popularity_counts_each_product_once_a_person(make_task, history, rows_of):
    now = 20_000
    node = history(
        (1, now - 3, 10, 5),
        (1, now - 2, 11, 5),
        (1, now - 1, 12, 6),
        (2, now - 400, 13, 5),
        (2, now - 9, 14, 7),
        now=now,
    )
    task = make_task(settings={"now": now})
    rows = rows_of(task, task.initial(), of(task, "popularity"), node) * task.options.popularity_norm
    expected = np.zeros((2, 150))
    expected[0, [5, 6]], expected[1, 7] = 1, 1
    np.testing.assert_allclose(rows, expected, rtol=1e-6)


def test_without_noise_popularity_is_the_log_share_of_buyers(make_task, node, trained, rows_of):
    task = make_task(train=False)
    _, model = trained(task, node)
    total = rows_of(task, task.initial(), of(task, "popularity"), node).sum(axis=0, dtype=float)
    buyers = total * task.options.popularity_norm
    expected = np.log(100 * (buyers + 0.3) / (120 * 112 / 28))
    np.testing.assert_allclose(model["popularity"], expected, rtol=1e-5)
    shown = model["popularity"][model["candidates"]]
    assert len(shown) == 40
    assert (np.diff(shown) <= 0).all()
    assert shown.min() >= np.delete(model["popularity"], model["candidates"]).max()


def test_tastes_are_shares_of_purchases_level_by_level(make_task, node, trained):
    task = make_task(train=False)
    for noise in (0.0, 0.05):
        model = task.initial()
        round_ = of(task, "tastes")
        noisy = np.random.default_rng(0).normal(0, noise, round_.size) if noise else np.full(round_.size, 0.1)
        shares = task.advance(model, round_, noisy, noise_scale=noise)["shares"]
        start = 0
        for size in module.level_sizes(task.catalogue):
            assert shares[start : start + size].sum() == pytest.approx(1)
            assert (shares[start : start + size] > 0).all()
            start += size


@pytest.mark.parametrize("noise_scale", [0.0, 0.01, 100.0])
def test_whatever_the_noise_the_model_stays_finite(make_task, node, rows_of, noise_scale):
    task = make_task(**EVERYTHING)
    model, rng = task.initial(), np.random.default_rng(4)
    for round_ in task.rounds():
        mean = rows_of(task, model, round_, node).sum(axis=0, dtype=float) / 120
        noisy = mean + rng.normal(0, noise_scale, round_.size) if noise_scale else mean
        model = task.advance(model, round_, noisy, noise_scale=noise_scale)
        assert all(np.isfinite(array).all() for array in model.values())


def test_a_round_leaves_the_model_before_it_as_it_was(make_task, node, rows_of):
    task = make_task(**EVERYTHING)
    model = task.initial()
    for round_ in task.rounds():
        kept = {name: array.copy() for name, array in model.items()}
        mean = rows_of(task, model, round_, node).sum(axis=0, dtype=float) / 120
        following = task.advance(model, round_, mean, noise_scale=0.0)
        for name, array in kept.items():
            np.testing.assert_array_equal(model[name], array)
        model = following


@pytest.mark.parametrize("rich", [False, True])
def test_training_moves_the_weights_that_are_free_and_no_other(make_task, node, trained, rich):
    task = make_task(rich=rich, settings={"rounds": 4})
    _, model = trained(task, node)
    change = model["weights"] - starting_weights(rich=rich)
    free = trainable(rich=rich) > 0
    assert not change[~free].any()
    assert np.count_nonzero(change[free]) > 10
    assert model["trained"].tolist() == [4]


def test_the_average_is_the_mean_of_the_later_half_of_the_iterates(make_task, node, trained):
    task = make_task(settings={"rounds": 4})
    models, model = trained(task, node)
    iterates = [models["train-3"]["weights"], models["train-4"]["weights"], model["weights"]]
    np.testing.assert_allclose(model["average"], np.mean(iterates[1:], axis=0), atol=1e-12)


def test_weights_that_noise_alone_explains_stay_at_their_start(make_task):
    task = make_task(settings={"rounds": 20})
    model, rng = task.initial(), np.random.default_rng(0)
    for round_ in task.rounds()[2:]:
        model = task.advance(model, round_, rng.normal(0, 1.0, WEIGHTS), noise_scale=1.0)
    told = task.initial()
    for round_ in task.rounds()[2:]:
        told = task.advance(told, round_, rng.normal(0, 1.0, WEIGHTS), noise_scale=0.0)
    start = starting_weights(rich=False)
    quiet, loud = (np.abs(one["weights"] - start).sum() for one in (model, told))
    assert quiet < 0.6 * loud


def test_without_training_the_weights_are_the_public_start(make_task, node, trained):
    _, model = trained(make_task(train=False), node)
    np.testing.assert_array_equal(model["average"], starting_weights(rich=False))


def test_examples_are_made_once_a_run_and_anew_when_options_or_statistics_change(make_task, node, trained):
    task = make_task()
    models, _ = trained(task, node)
    (examples,) = node.memo.values()
    sent = task.broadcast(models["train-2"], of(task, "train-2"))
    list(task.person_updates(sent, of(task, "train-2"), node))
    assert next(iter(node.memo.values())) is examples
    other = make_task(windows=1)
    list(other.person_updates(sent, of(other, "train-1"), node))
    assert len(next(iter(node.memo.values()))) == 1
    shifted = {**sent, "popularity": sent["popularity"] + 1}
    list(task.person_updates(shifted, of(task, "train-1"), node))
    assert next(iter(node.memo.values()))[0].explore[0, 0, -2] == pytest.approx(examples[0].explore[0, 0, -2] + 1)


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_merchants_with_one_shopper_or_none_take_part(make_task, lines, make_node, trained, clip_norm):
    task = make_task(**EVERYTHING)
    one, none = make_node(lines[lines["person_id"] == lines["person_id"].iloc[0]]), make_node(lines.head(0))
    models, model = trained(task, one)
    assert all(np.isfinite(array).all() for array in model.values())
    for round_ in task.rounds():
        sent = task.broadcast(models[round_.name], round_)
        settings = {"clip_norm": clip_norm, "weight": 1.0}
        np.testing.assert_array_equal(node_sum(task, sent, round_, none, **settings), np.zeros(round_.size))
        assert node_sum(task, sent, round_, one, **settings).any()


def test_a_person_without_rows_before_the_labels_adds_nothing_to_training(make_task, history, rows_of):
    now = 20_000
    node = history((1, now - 3, 10, 5), (2, now - 100, 11, 5), (2, now - 3, 12, 6), now=now)
    task = make_task(settings={"now": now})
    rows = rows_of(task, task.initial(), of(task, "train-1"), node)
    assert not rows[0].any()
    assert rows[1].any()
    assert rows_of(task, task.initial(), of(task, "popularity"), node)[0].any()


def test_a_catalogue_smaller_than_the_number_of_candidates_is_used_whole(make_task, lines, make_node, trained, shelf):
    few = small(shelf, 12)
    task = make_task(products=few, candidates=300, rich=True)
    node = make_node(lines, products=few)
    _, model = trained(task, node)
    assert sorted(model["candidates"].tolist()) == list(range(12))
    assert model["neighbours"].shape == (few.levels["category"][1], 12)
    assert all(round_.size > 0 for round_ in task.rounds())


def test_settings_without_a_clip_norm_count_in_units_of_one(make_task, node, trained):
    clipped = trained(make_task(train=False), node)[1]
    free = trained(make_task(train=False, settings={"clip_norm": None, "private": False}), node)[1]
    np.testing.assert_array_equal(clipped["popularity"], free["popularity"])


def test_the_unit_of_contributions_does_not_matter_to_the_statistics(make_task, make_node, lines, trained):
    one, other = (
        trained(make_task(rich=True, train=False, settings={"clip_norm": norm}), make_node(lines))[1]
        for norm in (1.0, 0.25)
    )
    for name in ("popularity", "shares", "neighbours"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-5)
