r"""Multinomial (conditional) logit by Newton steps.

Person n chooses alternative i with probability exp(x_ni b) / sum_j exp(x_nj b) over what is available. The
log-likelihood is concave, so its maximum is the only one, if there is one (`Choices.require_estimable`).

Source: McFadden 1974, "Conditional logit analysis of qualitative choice behavior"; sandwich errors: White 1982.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError
from simulation.choice.choices import Choices
from simulation.choice.fit import Fit

Floats = NDArray[np.float64]
Covariance = Literal["hessian", "robust", "cluster"]

_STEPS: Final = 60
_DECREMENT: Final = 1e-9
_ROUNDING: Final = 1e-12


def fit_logit(choices: Choices, *, covariance: Covariance = "hessian") -> Fit:
    """Estimate the weights.

    Args:
        choices: estimable ones.
        covariance: "hessian" trusts the model; "robust" is the sandwich by situation, "cluster" by person with the
            factor G / (G - 1).

    Raises: DataError: the choices have no finite, unique maximum; or there is one person to cluster by.
    """
    choices.require_estimable()
    scale = np.abs(choices.less_chosen).max(axis=0)
    x = choices.x / scale
    beta = np.zeros(x.shape[2])
    value, scores, information = _terms(x, choices, beta)
    for _ in range(_STEPS):
        gradient = scores.sum(axis=0)
        step = np.linalg.solve(information, gradient)
        left = float(gradient @ step)  # twice what a quadratic would still gain
        for halving in range(30):
            ahead = _terms(x, choices, beta + step / 2.0**halving)
            if ahead[0] >= value - _ROUNDING * abs(value):
                break
        beta = beta + step / 2.0**halving
        value, scores, information = ahead
        if left < _DECREMENT:  # and this step has squared what was left
            break
    else:
        raise DataError("the likelihood found no maximum; check the attributes for values that are far off")
    bread = np.linalg.inv(information)
    meat = information if covariance == "hessian" else sandwich_meat(scores, choices, covariance)
    spread = bread @ meat @ bread / np.outer(scale, scale)
    return Fit(
        names=choices.attributes,
        estimates=beta / scale,
        covariance=(spread + spread.T) / 2,
        covariance_kind=covariance,
        log_likelihood=value,
        null_log_likelihood=choices.null_log_likelihood,
        situations=len(choices.x),
        people=choices.people,
    )


def probabilities(x: Floats, available: NDArray[np.bool_], beta: Floats) -> Floats:
    """Return (situations, alternatives) probabilities; 0 where not available."""
    utility = np.where(available, x @ beta, -np.inf)
    weight = np.exp(utility - utility.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def log_likelihood(choices: Choices, fit: Fit) -> float:
    """Return the log-likelihood of choices, such as ones that were held out, under a multinomial logit.

    Raises: DataError: the choices have other attributes than the model.
    """
    if fit.names != choices.attributes:
        raise DataError(f"the model weighs {', '.join(fit.names)}, the choices have {', '.join(choices.attributes)}")
    shares = probabilities(choices.x, choices.available, fit.estimates)
    return float(np.log(shares[np.arange(len(shares)), choices.chosen]).sum())


def sandwich_meat(scores: Floats, choices: Choices, kind: Covariance) -> Floats:
    """Return the outer product of scores, by situation or summed by person.

    Args:
        scores: (situations, parameters).
        choices: whose persons are the clusters.
        kind: "robust" or "cluster".
    """
    if kind == "robust":
        return np.asarray(scores.T @ scores)
    if choices.people < 2:
        raise DataError("errors that are clustered by person need two people; use 'hessian' or 'robust'")
    summed = np.zeros((choices.people, scores.shape[1]))
    np.add.at(summed, choices.person, scores)
    return np.asarray(summed.T @ summed * (choices.people / (choices.people - 1)))


def _terms(x: Floats, choices: Choices, beta: Floats) -> tuple[float, Floats, Floats]:
    """Return the log-likelihood, (situations, attributes) scores and the negative Hessian."""
    utility = np.where(choices.available, x @ beta, -np.inf)
    top = utility.max(axis=1, keepdims=True)
    weight = np.exp(utility - top)
    total = weight.sum(axis=1, keepdims=True)
    share = weight / total
    rows = np.arange(len(x))
    value = float((utility[rows, choices.chosen] - top[:, 0] - np.log(total[:, 0])).sum())
    mean = np.einsum("nj,njk->nk", share, x)
    middle = x - mean[:, None, :]
    information = np.einsum("nj,njk,njl->kl", share, middle, middle, optimize=True)
    return value, x[rows, choices.chosen] - mean, information
