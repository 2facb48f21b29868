import numpy as np
import pytest
import torch
from torch.nn import functional

from federation.recommend.examples import EXPLORE_FEATURES, OWN, SHARED, Window, windows
from federation.recommend.habit import HABIT_FEATURES
from federation.recommend.objective import (
    EXPLORE,
    HABIT,
    SCALE,
    WEIGHTS,
    person_gradients,
    starting_weights,
    trainable,
)
from federation.recommend.settings import RecommendOptions

PERSONS, CANDIDATES = 6, 9


def loss_of(person, examples, weights):
    """One person's loss, written from the definition with no closed form: weights is (WEIGHTS,) float64."""
    total = torch.zeros((), dtype=torch.float64)
    for window in examples:
        open_, taken = (torch.as_tensor(rows[person]) for rows in (window.open, window.taken))
        score = torch.as_tensor(window.explore[person]).double() @ weights[EXPLORE]
        if taken.any():
            chance = functional.log_softmax(score[open_], dim=0)
            total = total - chance[taken[open_]].sum() / float(taken.sum()) ** 0.5
        slope, offset = weights[SCALE]
        slope = 0.75 * slope.detach() + 0.25 * slope  # its gradient counts a quarter
        if open_.any():
            odds = slope * score.detach()[open_] + offset  # the ranking is not bent to fit the odds
            wrong = functional.binary_cross_entropy_with_logits(odds, taken[open_].double(), reduction="sum")
            total = total + wrong / len(score) ** 0.5
        mine = window.habit_person == person
        if mine.any():
            odds = torch.as_tensor(window.habit[mine]).double() @ weights[HABIT]
            again = torch.as_tensor(window.again[mine]).double()
            wrong = functional.binary_cross_entropy_with_logits(odds, again, reduction="sum")
            total = total + wrong / float(mine.sum()) ** 0.5
    return total / len(examples)


def autograd(person, examples, weights):
    """One person's gradient by automatic differentiation, (WEIGHTS,) float64."""
    at = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    loss = loss_of(person, examples, at)
    if not loss.requires_grad:  # no examples
        return np.zeros(WEIGHTS)
    loss.backward()
    return at.grad.numpy()


def drawn(seed, *, persons=PERSONS):
    """Examples with every corner: persons without open products, without positives, and without habits."""
    rng = np.random.default_rng(seed)
    open_ = rng.random((persons, CANDIDATES)) < 0.7
    taken = open_ & (rng.random(open_.shape) < 0.3)
    open_[0], taken[0] = False, False
    if persons > 1:
        taken[1] = False
    habits = 4 * persons
    return Window(
        own=rng.normal(size=(persons, CANDIDATES, len(OWN))).astype(np.float32),
        shared=rng.normal(size=(CANDIDATES, len(SHARED))).astype(np.float32),
        open=open_,
        taken=taken,
        habit=rng.normal(size=(habits, len(HABIT_FEATURES))).astype(np.float32),
        habit_person=np.sort(rng.integers(min(2, persons - 1), persons, size=habits)),
        again=rng.random(habits) < 0.4,
    )


def moved(weights, seed=9):
    return weights + 0.3 * np.random.default_rng(seed).normal(size=WEIGHTS)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 2])
def test_closed_form_gradients_equal_automatic_differentiation(seed, count):
    examples = [drawn(seed + 10 * number) for number in range(count)]
    weights = moved(starting_weights(rich=True), seed)
    found = person_gradients(examples, weights, free=np.ones(WEIGHTS), steps=1, rate=0.5, device="cpu")
    assert found.shape == (PERSONS, WEIGHTS)
    expected = np.stack([autograd(person, examples, weights) for person in range(PERSONS)])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("rich", [False, True])
def test_they_also_do_on_purchases(make_task, node, trained, rich):
    task = make_task(rich=rich)
    model = trained(task, node)[1]
    examples = windows(model, node, task.options, 28)
    weights = moved(starting_weights(rich=rich))
    found = person_gradients(examples, weights, free=np.ones(WEIGHTS), steps=1, rate=0.5, device="cpu")
    expected = np.stack([autograd(person, examples, weights) for person in range(len(found))])
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("steps", [2, 3, 7])
def test_several_steps_equal_an_explicit_loop_for_each_person(steps):
    rate, examples = 0.2, [drawn(1), drawn(2)]
    start = moved(starting_weights(rich=True))
    found = person_gradients(examples, start, free=np.ones(WEIGHTS), steps=steps, rate=rate, device="cpu")
    for person in range(PERSONS):
        weights = start.copy()
        for _ in range(steps):
            weights -= rate * autograd(person, examples, weights)
        np.testing.assert_allclose(found[person], (start - weights) / rate, atol=1e-5 * steps)


def test_a_person_without_examples_contributes_zeros():
    found = person_gradients(
        [drawn(0)], starting_weights(rich=False), free=np.ones(WEIGHTS), steps=3, rate=0.5, device="cpu"
    )
    np.testing.assert_array_equal(found[0], 0)
    assert found[2:].any(axis=1).all()


@pytest.mark.parametrize("steps", [1, 3])
def test_nobodys_gradient_depends_on_the_others(steps):
    whole = drawn(3)
    weights = moved(starting_weights(rich=True))
    found = person_gradients([whole], weights, free=np.ones(WEIGHTS), steps=steps, rate=0.5, device="cpu")
    for gone in range(PERSONS):
        kept = np.arange(PERSONS) != gone
        mine = whole.habit_person != gone
        rest = Window(
            own=whole.own[kept],
            shared=whole.shared,
            open=whole.open[kept],
            taken=whole.taken[kept],
            habit=whole.habit[mine],
            habit_person=np.cumsum(kept)[whole.habit_person[mine]] - 1,
            again=whole.again[mine],
        )
        alone = person_gradients([rest], weights, free=np.ones(WEIGHTS), steps=steps, rate=0.5, device="cpu")
        np.testing.assert_allclose(alone, found[kept], atol=1e-6)


def test_no_persons_and_no_windows_make_no_rows():
    assert person_gradients([drawn(0)], np.zeros(WEIGHTS), free=np.ones(WEIGHTS), steps=1, rate=0.5, device="cpu").any()
    assert person_gradients([], np.zeros(WEIGHTS), free=np.ones(WEIGHTS), steps=1, rate=0.5, device="cpu").shape == (
        0,
        WEIGHTS,
    )


def test_going_down_the_mean_gradient_lowers_everybodys_mean_loss(make_task, node, trained):
    model = trained(make_task(train=False), node)[1]
    examples = windows(model, node, RecommendOptions(), 28)
    persons = len(node.history.persons)

    def mean_loss(weights):
        at = torch.as_tensor(weights)
        return np.mean([float(loss_of(person, examples, at)) for person in range(persons)])

    weights = starting_weights(rich=False)
    losses = [mean_loss(weights)]
    for _ in range(3):
        gradients = person_gradients(examples, weights, free=np.ones(WEIGHTS), steps=1, rate=0.5, device="cpu")
        weights = weights - 0.02 * gradients.mean(axis=0)
        losses.append(mean_loss(weights))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 1e-3


def test_popularity_keeps_its_weight_and_plain_options_train_no_rich_feature():
    names = np.array(EXPLORE_FEATURES)
    rich, plain = trainable(rich=True)[EXPLORE], trainable(rich=False)[EXPLORE]
    assert names[rich == 0].tolist() == ["popularity"]
    fixed = names[plain == 0].tolist()
    assert set(fixed) == {"popularity", "neighbours", *(name for name in names if name.startswith("expected_"))}
    assert starting_weights(rich=False)[EXPLORE][names == "neighbours"] == 0
    assert starting_weights(rich=True)[EXPLORE][names == "popularity"] == 1


@pytest.mark.parametrize("steps", [1, 3])
def test_weights_that_do_not_move_use_up_no_part_of_a_contribution(steps):
    free = trainable(rich=False)
    found = person_gradients([drawn(0)], starting_weights(rich=False), free=free, steps=steps, rate=0.5, device="cpu")
    assert not found[:, free == 0].any()
    assert found[:, free == 1].any()
