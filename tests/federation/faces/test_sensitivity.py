"""One person less, with 1 to 100 images: how far does what a merchant sends move before any noise?"""

import numpy as np
import pytest
import torch

from federation import nodes
from federation.contributions import node_sum
from federation.faces import person, task
from federation.faces.merchant import LocalState, merchant_steps
from federation.faces.net import SmallFaceNet, weights_of
from federation.faces.settings import FaceOptions

ROUNDING = 1 + 1e-9
PERSON = {"learn": "person", "moments": 8, "spread": 4}


def move(made, round_, model, node, without, *, clip_norm):
    """How far the clipped sum moves, in L2, when a person leaves a node."""
    sums = [node_sum(made, model, round_, one, clip_norm=clip_norm, weight=1.0) for one in (node, without)]
    return float(np.linalg.norm(sums[0] - sums[1]))


@pytest.mark.parametrize("head", ["negatives", "fixed"])
@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_removing_a_person_with_any_number_of_images_moves_the_sum_by_at_most_c(
    make_config, task_of, node_of, count, head
):
    made = task_of(make_config(options={**PERSON, "head": head}))
    model = made.initial()
    largest = 0.0
    for clip_norm in (0.5, 1e-3):
        for round_ in made.rounds():
            found = move(
                made, round_, model, node_of({0: 4, 1: count, 2: 1}), node_of({0: 4, 2: 1}), clip_norm=clip_norm
            )
            assert found <= clip_norm * ROUNDING
            largest = max(largest, found / clip_norm)
    assert largest > 0.8  # close to the bound, so the check would see it crossed


def test_whole_runs_without_one_person_send_sums_within_the_bound(make_config, task_of):
    whole = make_config(epsilon=8.0, options=PERSON)
    names = [name for place in range(2) for name in whole.source.at(place).names]
    for name in names[:2]:
        less = make_config(epsilon=8.0, options=PERSON, left=(name,))
        made = task_of(whole)
        model = made.initial()
        for round_ in made.rounds():
            both = [
                np.stack([node_sum(made, model, round_, one, clip_norm=0.5, weight=1.0) for one in nodes.load_nodes(c)])
                for c in (whole, less)
            ]
            assert 0 < np.linalg.norm(both[0] - both[1]) <= 0.5 * ROUNDING
            before = model
            model = made.advance(model, round_, both[0].sum(axis=0) / len(names), noise_scale=0.0)
            assert any(not np.array_equal(before[name], model[name]) for name in model if name in before)


def test_clipping_each_image_instead_of_each_person_is_found_out(make_config, task_of, node_of, monkeypatch):
    """The planted violation of per-example clipping: every image counts as a person of its own."""
    made = task_of(make_config(options=PERSON))
    model, round_ = made.initial(), made.rounds()[0]
    original = task.person_gradients

    def per_image(net, people, owns, **rest):
        rows = []
        for images, own in zip(people, owns, strict=True):
            pairs = [images[[index, (index + 1) % len(images)]] for index in range(len(images))]
            each = original(net, pairs, [own] * len(pairs), **rest)
            each *= np.minimum(1, 0.5 / np.linalg.norm(each, axis=1, keepdims=True))
            rows.append(each.sum(axis=0))
        return np.stack(rows)

    monkeypatch.setattr(task, "person_gradients", per_image)
    found = move(made, round_, model, node_of({0: 4, 1: 30}), node_of({0: 4}), clip_norm=1e9)
    assert found > 2 * 0.5


def test_a_class_head_of_the_merchants_people_is_found_out(make_config, task_of, node_of, monkeypatch):
    """The planted violation of a shared head: everybody's mean is a class, so one person is in everybody's gradient."""
    made = task_of(make_config(options=PERSON))
    model, round_ = made.initial(), made.rounds()[0]
    original = task.person_gradients

    def shared_head(net, people, owns, *, names, loss):
        with torch.no_grad():
            means = torch.stack([net(torch.from_numpy(np.array(one))).mean(dim=0) for one in people])
        heads = person.PersonLoss(torch.nn.functional.normalize(means, dim=1), loss.scale, loss.margin, fixed=True)
        return original(net, people, range(len(people)), names=names, loss=heads)

    monkeypatch.setattr(task, "person_gradients", shared_head)
    clip_norm = 1e-3
    found = move(made, round_, model, node_of({0: 4, 1: 4}), node_of({0: 4}), clip_norm=clip_norm)
    assert found > 1.1 * clip_norm


def test_a_merchants_own_steps_let_one_person_move_far_more_than_c(node_of):
    """Why learn = "merchant" is refused with an epsilon: clip what each person adds to a batch, and it still leaks."""
    moved = []
    for counts in ({0: 4, 1: 4, 2: 4}, {0: 4, 2: 4}):
        node, net = node_of(counts), SmallFaceNet()
        before = weights_of(net)
        merchant_steps(
            net,
            node.images,
            node.labels,
            state=LocalState(torch.eye(128)[: len(counts)]),
            steps=2,
            options=FaceOptions(batch=4),
            generator=torch.Generator().manual_seed(0),
        )
        moved.append(weights_of(net) - before)
    share = 1 / 3  # what one of three people would add if people were averaged
    assert np.linalg.norm(moved[0] - moved[1]) > 2 * share * np.linalg.norm(moved[0])


def test_a_persons_row_is_the_same_whoever_else_is_at_the_merchant(make_config, task_of, node_of):
    made = task_of(make_config(options=PERSON))
    model = made.initial()
    for round_ in made.rounds():
        (alone,) = made.person_updates(model, round_, node_of({1: 5}))
        (together,) = made.person_updates(model, round_, node_of({0: 9, 1: 5, 2: 1}))
        assert np.allclose(together[1], alone[0], rtol=1e-4, atol=1e-6)
