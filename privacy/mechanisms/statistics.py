"""Noisy counts, top-k and quantiles: OpenDP's discrete mechanisms behind typed functions.

Each release is planned first (`plan_*`, from public numbers only: what it costs and how exact it will be) and drawn
afterwards. The price is what OpenDP's own privacy map says for zero-concentrated DP, rounded up to a whole nano-rho.
OpenDP does not compare a vector with the length that its domain declares (measured with 0.16.0), so every array is
checked here before and after.

Sources: Canonne, Kamath and Steinke 2020 (discrete Gaussian and Laplace noise); Bun and Steinke 2016, Proposition
1.4 (pure eps-DP is eps^2/2-zCDP); Cesar and Rogers 2021 (exponential mechanism: eps^2/8); Smith 2011 (quantiles).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from privacy.accounting import NANO, check_cost, noise_multiplier
from privacy.statistics.noise import CountNoise, Shape
from privacy.statistics.plans import CountPlan, QuantilePlan, TopKPlan
from retail.errors import PrivacyError

LARGEST_COUNT: Final = 2**53
"""Exact counts are cut here, far above any shop, so that no sum of count and noise is near the end of 64 bits."""

MOST_CELLS: Final = 1_000_000

_NUDGE: Final = 1 + 2**-40  # OpenDP rounds its map up, so a scale may miss its price by the last bits


@lru_cache(maxsize=4096, typed=True)  # a search for an error plans dozens of times
def plan_counts(*, cells: int, keys: int, per_key: int, cost: int) -> CountPlan:
    """Choose the noise of a vector of counts: of Gaussian and Laplace noise at this cost, the one with less error.

    Args:
        cells: how many counts, 1 to `MOST_CELLS`.
        keys: most cells that one person is counted in; more than `cells` counts as `cells`.
        per_key: most that one person adds to a cell.
        cost: nano-rho to spend at most.

    Returns: the plan; its cost is at most `cost`. At equal error Laplace, whose answers are pure eps-DP as well.

    Raises: PrivacyError: a number is out of range.

    Guarantee: `draw_counts` with this plan is (cost / 1e9)-zCDP. Assumes that adding or removing one person changes at
        most `keys` counts, each by at most `per_key`.
    """
    check_cost(cost)
    for name, value in (("cells", cells), ("keys", keys), ("per_key", per_key)):
        _check_whole(name, value)
    if cells > MOST_CELLS:
        raise PrivacyError(f"{cells} cells are more than {MOST_CELLS}; ask for a coarser grid or fewer keys")
    keys = min(keys, cells)
    plans = [_plan_shape(shape, cells=cells, keys=keys, per_key=per_key, cost=cost) for shape in _SHAPES]
    return min(plans, key=lambda plan: plan.error_95)


def draw_counts(exact: NDArray[np.int64], plan: CountPlan) -> NDArray[np.int64]:
    """Add the planned noise.

    Args:
        exact: (cells,) integer counts, at least 0, of data already bounded per person.
        plan: from `plan_counts`.

    Returns: (cells,) int64; may be negative.

    Raises: PrivacyError: another length or type than planned, or a negative count.

    Guarantee: as `plan_counts`; the noise comes from OpenDP's cryptographic source and cannot be seeded.
    """
    checked = _check_exact(exact, plan.cells)
    mechanism = _noise_mechanism(plan.noise.shape, plan.cells, plan.noise.scale)
    return _check_drawn(mechanism(checked.tolist()), plan.cells)


@lru_cache(maxsize=4096, typed=True)
def plan_top_k(*, cells: int, k: int, keys: int, per_key: int, cost: int) -> TopKPlan:
    """Choose how to find the k largest counts.

    Either half the cost picks k candidates by the exponential mechanism, which does not care in how many cells a person
    is, and half counts those k; or all counts are noised and the k largest kept. The plan is the way whose counts have
    less error; at a tie, the first.

    Args:
        cells: how many candidates.
        k: how many to name, 1 to cells.
        keys: most candidates that one person is counted for.
        per_key: most that one person adds to a candidate.
        cost: nano-rho to spend at most, at least 2.

    Raises: PrivacyError: a number is out of range.

    Guarantee: `draw_top_k` with this plan is (cost / 1e9)-zCDP. Assumes what `plan_counts` assumes, and that a person
        only ever adds to counts, which halves the range of the exponential mechanism.
    """
    check_cost(cost)
    _check_whole("k", k)
    _check_whole("per_key", per_key)
    everything = plan_counts(cells=cells, keys=keys, per_key=per_key, cost=cost)
    if k > cells:
        raise PrivacyError(f"top {k} of {cells} candidates is not a choice; lower k")
    if cost < 2:
        raise PrivacyError("one nano-rho cannot pay for picking and counting; spend at least 2")
    half = cost // 2
    scale = per_key * math.sqrt(k / 8 * NANO / half)
    scale, pick_cost = _fit(scale, half, lambda one: _picker(cells, k, one).map(per_key))
    picked = plan_counts(cells=k, keys=min(k, keys), per_key=per_key, cost=cost - pick_cost)
    if everything.error_95 < picked.error_95:
        return TopKPlan(cells, k, None, 0, per_key, everything)
    return TopKPlan(cells, k, scale, pick_cost, per_key, picked)


def draw_top_k(exact: NDArray[np.int64], plan: TopKPlan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Name the k largest counts.

    Args:
        exact: (cells,) integer counts, at least 0, of data already bounded per person.
        plan: from `plan_top_k`.

    Returns: (k,) positions and (k,) noisy counts, the largest noisy count first.

    Raises: PrivacyError: another length or type than planned, or a negative count.
    """
    checked = _check_exact(exact, plan.cells)
    if plan.pick_scale is None:
        noisy = draw_counts(checked, plan.counts)
        picked = np.arange(plan.cells)
    else:
        picked = np.asarray(_picker(plan.cells, plan.k, plan.pick_scale)(checked.tolist()), dtype=np.int64)
        if picked.shape != (plan.k,) or picked.min() < 0 or picked.max() >= plan.cells or len(set(picked)) != plan.k:
            raise PrivacyError("OpenDP picked other candidates than it was given; nothing may be released")
        picked = np.sort(picked)
        noisy = draw_counts(checked[picked], plan.counts)
    best_first = np.lexsort((picked, -noisy))[: plan.k]
    return picked[best_first], noisy[best_first]


def plan_quantile(*, candidates: Sequence[float], alpha: float, per_person: int, cost: int) -> QuantilePlan:
    """Plan one quantile among public candidates.

    Args:
        candidates: at least 2 finite values, strictly rising.
        alpha: in (0, 1); .5 is the median.
        per_person: most rows of one person.
        cost: nano-rho to spend at most.

    Raises: PrivacyError: a value is out of range.

    Guarantee: `draw_quantile` with this plan is (cost / 1e9)-zCDP. Assumes that adding or removing one person adds or
        removes at most `per_person` values.
    """
    check_cost(cost)
    _check_whole("per_person", per_person)
    if isinstance(alpha, bool) or not 0.0001 <= alpha <= 0.9999:
        raise PrivacyError(f"a quantile must lie from 0.0001 to 0.9999, got {alpha!r}")
    values = tuple(float(one) for one in candidates)
    if not 2 <= len(values) <= MOST_CELLS or not all(math.isfinite(one) for one in values):
        raise PrivacyError(f"a quantile needs 2 to {MOST_CELLS} finite candidates, got {len(values)}")
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise PrivacyError("candidates of a quantile must rise strictly; sort them and drop repeats")
    sensitivity = _scores(values, alpha).map(per_person)
    scale = sensitivity * math.sqrt(NANO / (2 * cost))
    scale, price = _fit(scale, cost, lambda one: _chooser(values, alpha, one).map(per_person))
    per_row = sensitivity / per_person / max(alpha, 1 - alpha)
    return QuantilePlan(
        values, alpha, per_person, scale, price, math.ceil(scale * math.log(len(values) / 0.05) / per_row)
    )


def draw_quantile(values: NDArray[np.float64], plan: QuantilePlan) -> float:
    """Choose the candidate that is near the quantile.

    Args:
        values: (rows,) floats of data already bounded per person; NaN is refused.
        plan: from `plan_quantile`.

    Raises: PrivacyError: values are no flat array of numbers, or hold NaN.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or np.isnan(array).any():
        raise PrivacyError("values of a quantile must be a flat array without NaN; drop rows without a number")
    inside = np.clip(array, plan.candidates[0] - 1, plan.candidates[-1] + 1)
    chosen = _chooser(plan.candidates, plan.alpha, plan.scale)(inside)
    if not 0 <= chosen < len(plan.candidates):
        raise PrivacyError("OpenDP chose another candidate than it was given; nothing may be released")
    return float(plan.candidates[chosen])


_SHAPES: Final[tuple[Shape, ...]] = ("laplace", "gaussian")


def _plan_shape(shape: Shape, *, cells: int, keys: int, per_key: int, cost: int) -> CountPlan:
    multiplier = noise_multiplier(cost)  # also 1 / eps for pure DP, as eps^2 / 2 = 1 / (2 z^2)
    sensitivity = _sensitivity(shape, keys, per_key)
    scale, price = _fit(
        sensitivity * multiplier, cost, lambda one: _noise_mechanism(shape, cells, one, zcdp=True).map(sensitivity)
    )
    return CountPlan(cells, keys, per_key, CountNoise(shape, scale), price)


def _sensitivity(shape: Shape, keys: int, per_key: int) -> Any:
    """Return the L1 sensitivity as a whole number, or the L2 sensitivity rounded up."""
    if shape == "laplace":
        return keys * per_key
    return math.nextafter(per_key * math.sqrt(keys), math.inf)


def _fit(scale: float, cost: int, map_of: Callable[[float], float]) -> tuple[float, int]:
    """Raise a scale until its price is within the cost; returns scale and price."""
    for _ in range(100):
        rho = map_of(scale)
        price = math.ceil(Fraction(rho) * NANO) if math.isfinite(rho) else None
        if price is not None and 1 <= price <= cost:
            return scale, price
        if price == 0:
            raise PrivacyError(f"noise of scale {scale!r} is too large to have a price; ask for less exactness")
        scale *= _NUDGE
    raise PrivacyError(f"no noise was found that costs at most {cost} nano-rho; ask for more cost")


def _noise_mechanism(shape: Shape, cells: int, scale: float, *, zcdp: bool = False) -> Any:
    dp = _opendp()
    domain = dp.vector_domain(dp.atom_domain(T="i64"), size=cells)
    if shape == "gaussian":
        return dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale=scale)
    laplace = dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=scale)
    return dp.c.make_pureDP_to_zCDP(laplace) if zcdp else laplace


def _picker(cells: int, k: int, scale: float) -> Any:
    """Return k rounds of the exponential mechanism; "monotonic" because a person only ever adds to counts."""
    dp = _opendp()
    domain = dp.vector_domain(dp.atom_domain(T="i64"), size=cells)
    metric = dp.linf_distance(T="i64", monotonic=True)
    return dp.m.make_noisy_top_k(domain, metric, dp.zero_concentrated_divergence(), k=k, scale=scale)


def _scores(candidates: tuple[float, ...], alpha: float) -> Any:
    dp = _opendp()
    domain = dp.vector_domain(dp.atom_domain(T="f64", nan=False))
    return dp.t.make_quantile_score_candidates(domain, dp.symmetric_distance(), list(candidates), alpha=alpha)


def _chooser(candidates: tuple[float, ...], alpha: float, scale: float) -> Any:
    dp = _opendp()
    return _scores(candidates, alpha) >> dp.m.then_noisy_max(
        dp.zero_concentrated_divergence(), scale=scale, negate=True
    )


def _check_whole(name: str, value: int) -> None:
    if type(value) is not int or not 1 <= value <= 2**31:
        raise PrivacyError(f"{name} must be a whole number from 1 to 2**31, got {value!r}")


def _check_exact(exact: NDArray[Any], cells: int) -> NDArray[np.int64]:
    array = np.asarray(exact)
    if array.shape != (cells,) or not np.issubdtype(array.dtype, np.integer):
        raise PrivacyError(f"expected {cells} integer counts, got shape {array.shape} of {array.dtype}")
    if (array < 0).any():
        raise PrivacyError("a count is below 0; count rows, do not add values")
    return np.asarray(np.minimum(array, LARGEST_COUNT), dtype=np.int64)


def _check_drawn(drawn: Sequence[int], cells: int) -> NDArray[np.int64]:
    noisy = np.asarray(drawn, dtype=np.int64)
    if noisy.shape != (cells,):
        raise PrivacyError(f"OpenDP returned {noisy.shape} for {cells} counts; nothing may be released")
    return noisy


@lru_cache(maxsize=1)
def _opendp() -> Any:
    # Imported here, as most commands never draw noise; "contrib" covers every mechanism in use.
    import opendp.prelude as dp

    dp.enable_features("contrib")
    return dp
