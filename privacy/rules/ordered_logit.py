r"""Rank-ordered (exploded, Plackett-Luce) logit: which columns move a product up in its list.

The log-likelihood of lists l with products in order of position j is

    sum_l w_l sum_j [ x_lj b - log sum_{k >= j} exp(x_lk b) ],

a conditional logit for each place among the products that are not yet placed. Lists are strata: what all products of
a list have in common drops out. Newton steps use the gradient and the Hessian in closed form.

Where a list is cut, j runs over the places that were shown and k over those and all candidates that were not: the
chance of every complete ranking that begins with the shown places, added up. Without the candidates the shown products
are a choice by the very score that is asked about, and the model is wrong.

Source: Beggs, Cardell and Hausman 1981, "Assessing the potential demand for electric cars"; Plackett 1975; clustered
(sandwich) errors as in Allison and Christakis 1994, "Logit models for sets of ranked items".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEPS: Final = 40
_GRADIENT: Final = 1e-8
_LARGE: Final = 15.0  # log-odds for each SD; beyond it the columns order the lists without exception
_LOWEST: Final = -600.0


@dataclass(frozen=True, eq=False)
class Lists:
    """Ranked lists, padded to one length.

    Attributes:
        x: (lists, places, columns), in order of position, then candidates that were not shown, in any order; the first
            column is the one asked about.
        there: (lists, places) bool, False where padded (at the end).
        weight: (lists,) how often each was shown.
        cluster: (lists,) int64, numbered from 0 without gaps.
        length: (lists,) int64, how many places were shown; None where all products of each list were.
    """

    x: Floats
    there: npt.NDArray[np.bool_]
    weight: Floats
    cluster: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64] | None = None

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    @property
    def longest(self) -> int:
        """Places of the longest list, as shown."""
        return int((self.there.sum(axis=1) if self.length is None else self.length).max(initial=0))

    def take(self, columns: list[int]) -> Lists:
        """Return the lists with these columns only."""
        return replace(self, x=self.x[:, :, columns])

    def part(self, kept: npt.NDArray[np.bool_]) -> Lists:
        """Return some of the lists, with clusters numbered anew."""
        cluster = np.unique(self.cluster[kept], return_inverse=True)[1].astype(np.int64)
        length = None if self.length is None else self.length[kept]
        return Lists(self.x[kept], self.there[kept], self.weight[kept], cluster, length)

    def stages(self, depth: int | None) -> npt.NDArray[np.bool_]:
        """Return (lists, places) bool, whether the place is explained: it was shown, and is one of the first."""
        place = np.arange(self.there.shape[1])
        shown = self.there if self.length is None else self.there & (place < self.length[:, None])
        return shown if depth is None else shown & (place < depth)


@dataclass(frozen=True, eq=False)
class Fit:
    """A maximum of the likelihood.

    Attributes:
        beta: (columns,) log-odds for each unit of a column.
        information: (columns, columns) negative Hessian.
        scores: (clusters, columns) gradient of each cluster.
        log_likelihood: without the penalty.
        separated: the lists have no finite maximum (some columns order them without exception, or nearly); `beta` is
            then the maximum with a small penalty and its size says little.
    """

    beta: Floats
    information: Floats
    scores: Floats
    log_likelihood: float
    separated: bool

    def variance(self) -> Floats:
        """Return the (columns, columns) sandwich covariance, clustered, with the factor G / (G - columns)."""
        bread = np.linalg.inv(self.information)
        count = len(self.scores)
        covariance: Floats = bread @ (self.scores.T @ self.scores) @ bread * (count / max(count - len(self.beta), 1))
        return covariance


def fit(lists: Lists, *, offset: Floats | None = None, depth: int | None = None) -> Fit:
    """Maximise the likelihood.

    Args:
        lists: columns that are not collinear within lists.
        offset: (lists, places) added to x b with coefficient 1.
        depth: how many places from the top are explained, among all products of the list; None for all shown.
    """
    found, fine = _newton(lists, offset, depth, penalty=0.0)
    if not fine:
        found, _ = _newton(lists, offset, depth, penalty=0.5)
        found = replace(found, separated=True)
    return found


def at_values(lists: Lists, beta: Floats, *, depth: int | None = None) -> Fit:
    """Return gradient and Hessian at given coefficients, which need be no maximum."""
    return _done(lists, beta, _terms(lists, beta, None, lists.stages(depth)))


def _newton(lists: Lists, offset: Floats | None, depth: int | None, *, penalty: float) -> tuple[Fit, bool]:
    """Climb; the second value says whether a finite maximum was reached."""
    columns = lists.x.shape[2]
    beta = np.zeros(columns)
    stage = lists.stages(depth)
    at = _terms(lists, beta, offset, stage)
    scale = _scales(lists)
    ridge = penalty * np.diag(scale**2)
    for _ in range(_STEPS):
        gradient = at[1].sum(axis=0) - ridge @ beta
        hessian = at[2] + ridge
        if columns == 0 or np.abs(gradient / np.maximum(scale, 1e-300)).max() < _GRADIENT * lists.weight.sum():
            return _done(lists, beta, at), bool(np.abs(beta * scale).max(initial=0.0) < _LARGE)
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return _done(lists, beta, at), False
        value = at[0] - 0.5 * beta @ ridge @ beta
        for halving in range(30):
            ahead = beta + step / 2.0**halving
            new = _terms(lists, ahead, offset, stage)
            if new[0] - 0.5 * ahead @ ridge @ ahead >= value - 1e-9 * abs(value):
                break
        beta, at = ahead, new
        if np.abs(beta * scale).max() > 4 * _LARGE and not penalty:
            return _done(lists, beta, at), False
    return _done(lists, beta, at), False


def _done(lists: Lists, beta: Floats, at: tuple[float, Floats, Floats]) -> Fit:
    scores = np.zeros((lists.clusters, len(beta)))
    np.add.at(scores, lists.cluster, at[1])
    return Fit(beta, at[2], scores, at[0], separated=False)


def _scales(lists: Lists) -> Floats:
    """(columns,) SD within lists, 1 for a column that does not vary."""
    spread = np.sqrt((centred(lists) ** 2).sum(axis=(0, 1)) / max(int(lists.there.sum()), 1))
    return np.where(spread > 0, spread, 1.0)


def centred(lists: Lists) -> Floats:
    """(lists, places, columns) columns less their mean in the list, 0 where padded."""
    there = lists.there[:, :, None]
    mean = (lists.x * there).sum(axis=1, keepdims=True) / np.maximum(there.sum(axis=1, keepdims=True), 1)
    middle: Floats = np.where(there, lists.x - mean, 0.0)
    return middle


def _terms(
    lists: Lists, beta: Floats, offset: Floats | None, stage: npt.NDArray[np.bool_]
) -> tuple[float, Floats, Floats]:
    """Return the log-likelihood, (lists, columns) gradients and the negative Hessian, weights applied."""
    eta = lists.x @ beta if offset is None else lists.x @ beta + offset
    top = np.where(lists.there, eta, -np.inf).max(axis=1, keepdims=True)
    shifted = np.where(lists.there, np.maximum(eta - top, _LOWEST), 0.0)
    power = np.exp(shifted) * lists.there
    left = np.cumsum(power[:, ::-1], axis=1)[:, ::-1]
    left = np.where(lists.there, left, 1.0)
    value = float(lists.weight @ ((shifted - np.log(left)) * stage).sum(axis=1))
    # a product's chance to have been taken, added up over the places at which it could still be taken
    taken = power * np.cumsum(stage / left, axis=1)
    gradients = lists.weight[:, None] * np.einsum("lj,ljc->lc", stage - taken, lists.x)
    weighted = power[:, :, None] * lists.x
    mean = np.cumsum(weighted[:, ::-1], axis=1)[:, ::-1] / left[:, :, None]
    columns = len(beta)
    flat = lists.x.reshape(lists.there.size, columns)
    squares = flat.T @ (flat * (lists.weight[:, None] * taken).reshape(-1, 1))
    middle = (mean * (stage * lists.weight[:, None])[:, :, None]).reshape(flat.shape)
    return value, gradients, squares - middle.T @ mean.reshape(flat.shape)
