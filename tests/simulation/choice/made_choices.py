"""Choices of people whose tastes are known."""

import numpy as np

from simulation.choice import Choices

TRUE = {"price": -1.2, "absorbency": 0.8, "comfort": 0.4}


def drawn_choices(people=400, times=4, *, seed=0, spread=0.0, gone=0.2) -> Choices:
    """Three brands whose attributes move; `spread` is the SD of the taste for absorbency between people."""
    rng = np.random.default_rng(seed)
    count = people * times
    x = np.stack([rng.uniform(1, 3, (count, 3)), rng.normal(0, 1, (count, 3)), rng.normal(0, 1, (count, 3))], axis=2)
    person = np.repeat(np.arange(people), times)
    beta = np.tile(list(TRUE.values()), (people, 1))
    beta[:, 1] += spread * rng.standard_normal(people)
    available = rng.random((count, 3)) > gone
    available[:, 0] = True
    available[~available[:, 1:].any(axis=1), 1] = True
    utility = np.einsum("njk,nk->nj", x, beta[person]) + rng.gumbel(size=(count, 3))
    chosen = np.where(available, utility, -np.inf).argmax(axis=1)
    return Choices(x, chosen, tuple(TRUE), ("ours", "rival", "store"), available, person)
