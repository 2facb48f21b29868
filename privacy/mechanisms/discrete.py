"""Discrete Gaussian noise for whole numbers, such as one node's share of the noise of a sum."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from privacy.mechanisms.gaussian import check_size
from retail.errors import PrivacyError

_MOST_SCALE: Final = 2.0**52


def discrete_gaussian(size: int, *, scale: float, rng: np.random.Generator | None = None) -> NDArray[np.int64]:
    """Draw independent discrete Gaussian noise: P(k) proportional to exp(-k^2 / (2 scale^2)) on whole numbers.

    Args:
        size: number of draws.
        scale: in steps.
        rng: None outside simulation, then OpenDP draws exactly and from its cryptographic source. A generator gives
            normal draws rounded to whole numbers, which hide nobody from those who know its seed: for simulations.

    Raises: PrivacyError: a size or scale that cannot be used, or a generator that is none.

    Source: Canonne, Kamath and Steinke 2020.
    """
    count = check_size(size)
    if not 0 < scale <= _MOST_SCALE:
        raise PrivacyError(f"the scale of discrete noise must lie above 0 and at most 2^52, got {scale!r}")
    if rng is not None:
        if not isinstance(rng, np.random.Generator):
            raise PrivacyError(f"rng must be a numpy Generator or None, got {type(rng).__name__}; None is secure")
        return np.rint(rng.standard_normal(count) * scale).astype(np.int64)
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    import opendp.prelude as dp

    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"), size=count)
    drawn = np.asarray(dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale=scale)([0] * count), dtype=np.int64)
    if drawn.shape != (count,):
        raise PrivacyError("OpenDP drew another number of noises than asked for; nothing may be sent")
    return drawn
