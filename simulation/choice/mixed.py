r"""Mixed logit: weights that differ between people, estimated by simulated likelihood.

A person's probability of its choices is the mean over its tastes of the product over its situations,

    P_n = (1 / R) sum_r prod_t exp(x_chosen b_nr) / sum_j exp(x_j b_nr),     b_nr = b + s z_nr  or  exp(b + s z_nr),

with quasi-random normal z, the same at every step so that the likelihood is smooth. Its logarithm is biased downwards
by the simulation, by less the more draws. The gradient is exact for the simulated likelihood; standard errors come
from differences of the gradient at the maximum.

Source: Train 2009, "Discrete Choice Methods with Simulation", chapters 6 and 9 (Halton draws), 10 (simulation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import qmc

from retail.errors import ConfigError, DataError
from simulation.choice.choices import Choices
from simulation.choice.fit import Fit
from simulation.choice.logit import fit_logit

Floats = NDArray[np.float64]
Taste = Literal["normal", "lognormal", "negative_lognormal"]

TASTES: Final = ("normal", "lognormal", "negative_lognormal")
"""Distributions of a weight: "negative_lognormal" is below 0 for everybody, as a price's should be."""
_BLOCK: Final = 4_000_000  # numbers in one array of utilities, so that memory stays small
_DROPPED: Final = 100  # first points of a Halton sequence, which lie on lines
_STEP: Final = 1e-5


@dataclass(frozen=True, eq=False)
class _Model:
    """What stays the same while parameters move.

    Attributes:
        x: (situations, alternatives, attributes), sorted by person.
        chosen: (situations,).
        available: (situations, alternatives).
        start: (people + 1,) first situation of each person.
        z: (people, draws, tastes) standard normal.
        random: places of the attributes with a taste.
        kinds: distribution of each.
    """

    x: Floats
    chosen: NDArray[np.int64]
    available: NDArray[np.bool_]
    start: NDArray[np.int64]
    z: Floats
    random: NDArray[np.int64]
    kinds: tuple[str, ...]


def fit_mixed(
    choices: Choices,
    tastes: Mapping[str, Taste],
    *,
    draws: int = 500,
    sequence: Literal["halton", "sobol"] = "halton",
    rng: np.random.Generator | None = None,
    covariance: Literal["hessian", "robust"] = "hessian",
    start: Floats | None = None,
) -> Fit:
    """Estimate means and spreads of weights.

    Args:
        choices: estimable ones; situations of one person share its tastes.
        tastes: attribute -> distribution of its weight over people. Weights of the others are the same for all.
        draws: R, for each person.
        sequence: of quasi-random draws. "halton" is the plain one, the same each time; "sobol" is scrambled by `rng`,
            fills the space better and is best with a power of 2.
        rng: for "sobol".
        covariance: "hessian", or "robust" for the sandwich by person.
        start: (parameters,) where to begin; the multinomial logit with small spreads when left out.

    Returns: parameters are the weights in order of the attributes (of a lognormal one, mean of the logarithm), then
        `sd.NAME` for each taste; spreads are given as positive.

    Raises: ConfigError: unknown attribute or distribution, or no number of draws. DataError: the choices cannot be
        estimated, or no maximum was found.
    """
    unknown = [name for name in tastes if name not in choices.attributes]
    if unknown or not tastes:
        raise ConfigError(f"tastes name attributes of the choices, at least one; got {', '.join(unknown) or 'none'}")
    wrong = {name: kind for name, kind in tastes.items() if kind not in TASTES}
    if wrong:
        raise ConfigError(f"a taste is one of {', '.join(TASTES)}; got {wrong}")
    if type(draws) is not int or not 2 <= draws <= 100_000:
        raise ConfigError(f"draws must be a whole number from 2 to 100000, got {draws!r}")
    plain = fit_logit(choices)
    random = np.array([place for place, name in enumerate(choices.attributes) if name in tastes], dtype=np.int64)
    kinds = tuple(tastes[choices.attributes[place]] for place in random)
    order = np.argsort(choices.person, kind="stable")
    first = np.searchsorted(choices.person[order], np.arange(choices.people + 1))
    z = quasi_normal(choices.people, draws, len(random), sequence=sequence, rng=rng)
    model = _Model(choices.x[order], choices.chosen[order], choices.available[order], first, z, random, kinds)
    at = _beginning(plain, random, kinds) if start is None else np.asarray(start, dtype=np.float64)
    if at.shape != (len(choices.attributes) + len(random),):
        raise ConfigError(f"a start has {len(choices.attributes) + len(random)} parameters, got shape {at.shape}")

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, scores = _simulated(model, theta)
        return -value, -scores.sum(axis=0)

    scale = np.concatenate([plain.errors, plain.errors[random]])
    for place, kind in enumerate(kinds):
        if kind != "normal":
            scale[[random[place], len(choices.attributes) + place]] = 0.1

    def scaled(unit: Floats) -> tuple[float, Floats]:
        value, gradient = objective(unit * scale)
        return value, gradient * scale

    found = minimize(scaled, at / scale, jac=True, method="BFGS", options={"gtol": 1e-3, "maxiter": 500})
    theta = found.x * scale
    value, scores = _simulated(model, theta)
    if not np.isfinite(value) or np.abs(found.jac).max() > 0.5:
        raise DataError(
            f"the simulated likelihood found no maximum after {found.nit} steps ({found.message}); use fewer tastes or "
            "more draws"
        )
    information = _information(model, theta, scale)
    eigenvalues = np.linalg.eigvalsh(information)
    if eigenvalues[0] <= 1e-9 * eigenvalues[-1]:
        raise DataError("the choices do not tell all tastes apart (the likelihood is flat); use fewer tastes")
    bread = np.linalg.inv(information)
    spread = bread if covariance == "hessian" else bread @ (scores.T @ scores) @ bread
    names = (*choices.attributes, *(f"sd.{choices.attributes[place]}" for place in random))
    sign = np.ones(len(theta))
    sign[len(choices.attributes) :] = np.where(theta[len(choices.attributes) :] < 0, -1.0, 1.0)
    return Fit(
        names=names,
        estimates=theta * sign,
        covariance=(spread + spread.T) / 2 * np.outer(sign, sign),
        covariance_kind=covariance,
        log_likelihood=value,
        null_log_likelihood=choices.null_log_likelihood,
        situations=len(choices.x),
        people=choices.people,
        tastes={choices.attributes[place]: kind for place, kind in zip(random, kinds, strict=True)},
    )


def person_log_likelihoods(choices: Choices, fit: Fit, *, draws: int = 500) -> Floats:
    """Return (people,) log-likelihoods, such as those of people who were held out, under a mixed logit.

    Raises: DataError: the choices have other attributes than the model.
    """
    attributes = fit.names[: len(fit.names) - len(fit.tastes)]
    if attributes != choices.attributes:
        raise DataError(f"the model weighs {', '.join(attributes)}, the choices have {', '.join(choices.attributes)}")
    random = np.array([attributes.index(name) for name in fit.tastes], dtype=np.int64)
    order = np.argsort(choices.person, kind="stable")
    first = np.searchsorted(choices.person[order], np.arange(choices.people + 1))
    z = quasi_normal(choices.people, draws, len(random), sequence="halton")
    kinds = tuple(fit.tastes.values())
    model = _Model(choices.x[order], choices.chosen[order], choices.available[order], first, z, random, kinds)
    return _by_person(model, fit.estimates)[0]


def population_weights(fit: Fit, estimates: Floats, z: Floats) -> Floats:
    """Return (draws, attributes) weights of drawn people; of a multinomial logit one row.

    Args:
        fit: whose tastes.
        estimates: (parameters,).
        z: (draws, tastes) standard normal.
    """
    attributes = len(fit.names) - len(fit.tastes)
    weights = np.tile(estimates[:attributes], (len(z), 1))
    for number, (name, kind) in enumerate(fit.tastes.items()):
        place = fit.names.index(name)
        weights[:, place] = _weight(kind, estimates[place] + estimates[attributes + number] * z[:, number])
    return weights


def quasi_normal(
    people: int, draws: int, tastes: int, *, sequence: str, rng: np.random.Generator | None = None
) -> Floats:
    """Return (people, draws, tastes) standard normal numbers that fill their space evenly.

    Raises: ConfigError: an unknown sequence, or a Sobol sequence without rng.
    """
    if sequence not in ("halton", "sobol"):
        raise ConfigError(f"draws come from 'halton' or 'sobol', got {sequence!r}")
    if sequence == "halton":
        engine = qmc.Halton(d=tastes, scramble=False)
        engine.fast_forward(_DROPPED)
        unit = engine.random(people * draws)
    else:
        if rng is None:
            raise ConfigError("a Sobol sequence is scrambled by a random generator; hand one in as rng")
        power = max(1, (people * draws - 1).bit_length())
        unit = qmc.Sobol(d=tastes, scramble=True, rng=rng).random_base2(power)[: people * draws]
    return np.asarray(ndtri(np.clip(unit, 1e-12, 1 - 1e-12)).reshape(people, draws, tastes))


def _weight(kind: str, at: Floats) -> Floats:
    if kind == "normal":
        return at
    return np.exp(at) if kind == "lognormal" else -np.exp(at)


def _beginning(plain: Fit, random: NDArray[np.int64], kinds: tuple[str, ...]) -> Floats:
    """Start from the multinomial logit; a lognormal weight of the wrong sign there starts near 0."""
    at = plain.estimates.copy()
    spread = np.maximum(np.abs(at[random]) * 0.3, plain.errors[random])
    for number, (place, kind) in enumerate(zip(random, kinds, strict=True)):
        if kind != "normal":
            size = at[place] if kind == "lognormal" else -at[place]
            at[place] = np.log(max(size, plain.errors[place]))
            spread[number] = 0.3
    return np.concatenate([at, spread])


def _simulated(model: _Model, theta: Floats) -> tuple[float, Floats]:
    """Return the simulated log-likelihood and (people, parameters) scores."""
    values, scores = _by_person(model, theta)
    return float(values.sum()), scores


def _by_person(model: _Model, theta: Floats) -> tuple[Floats, Floats]:
    """Return (people,) simulated log-likelihoods and (people, parameters) scores, a block of people at a time."""
    people, draws, _ = model.z.shape
    widest = int(np.diff(model.start).max(initial=1))
    size = max(1, _BLOCK // (draws * model.x.shape[1] * widest))
    blocks = [_block(model, theta, first, min(first + size, people)) for first in range(0, people, size)]
    return np.concatenate([values for values, _ in blocks]), np.concatenate([scores for _, scores in blocks])


def _block(model: _Model, theta: Floats, first: int, last: int) -> tuple[Floats, Floats]:
    rows = slice(model.start[first], model.start[last])
    x, available, chosen = model.x[rows], model.available[rows], model.chosen[rows]
    starts = model.start[first:last] - model.start[first]
    length = np.diff(model.start[first : last + 1])
    count, attributes = len(x), model.x.shape[2]
    z = model.z[first:last]
    mean, spread = theta[model.random], theta[attributes:]
    weight = np.empty_like(z)
    slope = np.empty_like(z)  # of the weight by its mean parameter
    for number, kind in enumerate(model.kinds):
        weight[:, :, number] = _weight(kind, mean[number] + spread[number] * z[:, :, number])
        slope[:, :, number] = 1.0 if kind == "normal" else weight[:, :, number]
    who = np.repeat(np.arange(last - first), length)
    fixed = theta[:attributes].copy()
    fixed[model.random] = 0.0
    at = x[:, :, model.random]
    utility = np.einsum("njk,nrk->njr", at, weight[who], optimize=True) + (x @ fixed)[:, :, None]
    utility[~available] = -np.inf
    utility -= utility.max(axis=1, keepdims=True)
    share = np.exp(utility)
    total = share.sum(axis=1, keepdims=True)
    share /= total
    here = np.arange(count)
    log_share = utility[here, chosen] - np.log(total[:, 0, :])
    joint = np.add.reduceat(log_share, starts, axis=0)  # (people, draws)
    top = joint.max(axis=1, keepdims=True)
    relative = np.exp(joint - top)
    mass = relative.sum(axis=1, keepdims=True)
    values = top[:, 0] + np.log(mass[:, 0] / z.shape[1])
    posterior = relative / mass
    gap = x[here, chosen][:, None, :] - np.einsum("njr,njk->nrk", share, x, optimize=True)
    by_person = np.add.reduceat(gap, starts, axis=0)  # (people, draws, attributes)
    scores = np.einsum("pr,prk->pk", posterior, by_person, optimize=True)
    moved = posterior[:, :, None] * by_person[:, :, model.random] * slope
    scores[:, model.random] = moved.sum(axis=1)
    return values, np.concatenate([scores, (moved * z).sum(axis=1)], axis=1)


def _information(model: _Model, theta: Floats, scale: Floats) -> Floats:
    """Return minus the Hessian of the simulated log-likelihood, by central differences of its gradient."""
    columns = []
    for place in range(len(theta)):
        step = np.zeros(len(theta))
        step[place] = _STEP * max(scale[place], 1e-8) * 10
        ahead, behind = (_simulated(model, theta + way * step)[1].sum(axis=0) for way in (1, -1))
        columns.append((behind - ahead) / (2 * step[place]))
    information = np.array(columns)
    return np.asarray((information + information.T) / 2)
