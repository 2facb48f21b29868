"""What comes out of a session: a count with the noise of both parties, and how far off it may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.psi.terms import Terms
from privacy.statistics.noise import CountNoise


@dataclass(frozen=True, slots=True)
class SharedCount:
    """How many people two parties share, with the noise of both.

    Attributes:
        count: persons; None where the noisy count is below `least`.
        error_95: half-width of the 95% interval, in persons.
        least: smallest noisy count that is shown.
        cost: nano-rho that the asker paid; the answerer paid for its own noise.
        terms: of the session.
    """

    count: int | None
    error_95: int
    least: int
    cost: int
    terms: Terms


def joint_error(first: CountNoise, second: CountNoise) -> int:
    """Return the half-width of the 95% interval of the sum of two independent noises."""
    both = np.convolve(_weights(first), _weights(second))
    middle = len(both) // 2
    around = both[middle] + np.concatenate([[0.0], np.cumsum(both[middle + 1 :] + both[:middle][::-1])])
    return int(np.searchsorted(around, 0.95 * both.sum()))


def _weights(noise: CountNoise) -> NDArray[np.float64]:
    reach = noise.beyond(1e-9)
    x = np.arange(-reach, reach + 1, dtype=np.float64)
    exponent = -np.abs(x) / noise.scale if noise.shape == "laplace" else -0.5 * (x / noise.scale) ** 2
    weights = np.exp(exponent)
    return np.asarray(weights / weights.sum())
