"""The attribute task: bounded for each person, and the nearest mean in the end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from federation import local
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.response.difference import AttributeOptions, AttributeTask
from federation.response.holdings import ResponseMarket, ResponseNode
from federation.run import run
from federation.task import TaskSettings
from retail.errors import ConfigError
from retail.responses import Responses, ResponseSource

WIDTH = 6
NAMES = tuple(f"f{one}" for one in range(WIDTH))


def people(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(float)
    x = np.clip(3 + rng.standard_normal((n, WIDTH)) * [1, 2, 0.5, 1, 1, 1], 0, 7)
    x[:, 0] = np.clip(x[:, 0] + 0.8 * y, 0, 7)
    x[:, 2] = np.clip(x[:, 2] - 0.3 * y, 0, 7)
    return Responses(np.arange(n), np.arange(n) % 3, x, NAMES, np.zeros(n, dtype=bool), y)


def node(made):
    return ResponseNode("one", made.persons, made.features, made.advertised, made.responded)


def task(people=3000, **options):
    settings = TaskSettings(
        rounds=1, steps=1, learning_rate=1.0, clip_norm=1.0, window_days=1, now=0, population=people, seed=0,
        device="cpu", private=True, options=options,
    )  # fmt: skip
    return AttributeTask(settings, ResponseMarket((0, 1, 2), NAMES))


def test_the_direction_is_from_the_mean_without_to_the_mean_with_the_attribute():
    made = people()
    fit = task(length=50.0, fits=20)
    model = local.train(fit, [node(made)], population=len(made))
    assert np.allclose(model["centre"], made.features.mean(axis=0))
    assert np.allclose(model["scale"], made.features.std(axis=0), atol=1e-3)
    z = (made.features - made.features.mean(axis=0)) / model["scale"]
    means = z[made.responded > 0].mean(axis=0) - z[made.responded == 0].mean(axis=0)
    assert np.allclose(model["direction"], means / np.linalg.norm(means), atol=1e-6)


def test_stated_chances_are_those_that_come_true():
    made, fresh = people(20_000), people(20_000, seed=1)
    fit = task(20_000, base=0.5, fits=6)
    model = local.train(fit, [node(made)], population=len(made))
    score, chance = fit.predict(model, fresh.features)
    for low, high in ((0.0, 0.5), (0.5, 1.0)):
        part = (score >= np.quantile(score, low)) & (score <= np.quantile(score, high))
        assert chance[part].mean() == pytest.approx(fresh.responded[part].mean(), abs=0.03)
    assert score[fresh.responded > 0].mean() > score[fresh.responded == 0].mean() + 0.5


@given(st.data())
def test_one_person_moves_a_round_by_at_most_the_clip_norm_whatever_the_rows(data):
    fit = task(turn=0.3)
    row = data.draw(arrays(np.float64, (1, WIDTH), elements=st.floats(-1e9, 1e9)))
    yes = np.array([data.draw(st.sampled_from([0.0, 1.0]))])
    model = fit.initial() | {
        "centre": data.draw(arrays(np.float64, WIDTH, elements=st.floats(-10, 10))),
        "scale": data.draw(arrays(np.float64, WIDTH, elements=st.floats(0.01, 5))),
        "direction": np.eye(WIDTH)[0],
        "line": data.draw(arrays(np.float64, 2, elements=st.floats(-20, 20))),
    }
    held = ResponseNode("one", np.array([1]), row, np.array([False]), yes)
    for round_ in fit.rounds():
        alone = node_sum(fit, model, round_, held, clip_norm=1.0, weight=1.0)
        assert np.linalg.norm(alone) <= 1 + 1e-9
        if round_.purpose != "moments":  # these are short without any clipping
            for rows in fit.person_updates(model, round_, held):
                assert np.linalg.norm(rows) <= 1 + 1e-9


def test_flower_gives_what_training_in_one_place_gives_and_noise_is_charged(tmp_path):
    made = people(300)
    source = ResponseSource.of(made, tmp_path / "r.parquet", listed=(0, 1, 2), population=300, name="form")
    plain = FederationConfig(task="attribute", source=source, now=0, clip_norm=None)
    here = local.train(task(300), [node(made)], population=300)
    assert np.allclose(run(plain).model["direction"], here["direction"], atol=1e-9)
    private = run(FederationConfig(task="attribute", source=source, now=0, epsilon=1.0))
    assert [one["purpose"] for one in private.rounds] == ["moments", "difference", "fit", "fit"]
    assert all(one["cost"] > 0 for one in private.rounds)
    assert private.epsilon <= 1
    assert not np.allclose(private.model["direction"], here["direction"], atol=0.01)


def test_a_population_that_is_only_roughly_right_changes_no_model():
    made = people()
    exact, declared = (
        local.train(task(size, turn=0.3), [node(made)], population=size) for size in (len(made), 4 * len(made))
    )
    assert declared["share"] == pytest.approx(0.25)
    for name in ("centre", "scale", "direction", "line"):
        assert np.allclose(declared[name], exact[name], atol=1e-6)


def test_turning_is_a_second_step_of_gradient_descent():
    made, turn = people(), 0.3
    fits = [task(length=50.0, turn=one) for one in (0.0, turn)]
    straight, turned = (local.train(fit, [node(made)], population=len(made)) for fit in fits)
    z = fits[0].comparable(straight, made.features)
    common = z.T @ z / len(made)
    u = straight["direction"]
    by_hand = u - turn * common @ u / (u @ common @ u)
    assert np.allclose(turned["direction"], by_hand / np.linalg.norm(by_hand), atol=1e-9)
    assert not np.allclose(turned["direction"], u, atol=0.01)


@pytest.mark.parametrize(
    ("options", "why"),
    [({"base": 0.0}, "between 0 and 1"), ({"fits": 0}, "1 or more"), ({"length": -1.0}, "above 0"),
     ({"turn": 1.0}, "below 1"), ({"no": 1}, "unknown"), ({"base": "a"}, "write a number")],
)  # fmt: skip
def test_options_without_meaning_are_refused(options, why):
    with pytest.raises(ConfigError, match=why):
        AttributeOptions.read(options)
