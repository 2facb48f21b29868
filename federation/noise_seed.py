"""Repeatable noise for simulations on public data; nothing else in the federation seeds noise."""

from __future__ import annotations

from typing import Final

import numpy as np

AGGREGATOR: Final = 0
_NOISE: Final = 0x6E6F697365  # keeps these streams apart from public draws made from the same seed


def simulated_noise(seed: int, *, now: int, round_index: int, sender: int) -> np.random.Generator:
    """Return the generator of one sender's noise in one round, independent of all others.

    Args:
        seed: of the run, at least 0. Whoever knows it can take the noise away.
        now: first day that the run may not see; runs at other origins draw other noise.
        round_index: position among the task's rounds.
        sender: `AGGREGATOR`, or the node's index + 1.
    """
    return np.random.default_rng(np.random.SeedSequence([_NOISE, seed, now, round_index, sender]))
