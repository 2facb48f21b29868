"""Splitting people, never images: nobody who is tested was seen in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retail.errors import ConfigError
from retail.faces.faceset import FaceSet


@dataclass(frozen=True, eq=False)
class IdentityFold:
    """Two sets of people without anybody in common.

    Attributes:
        train: whose images may be learned from.
        test: everybody else.
    """

    train: FaceSet
    test: FaceSet


def identity_folds(faces: FaceSet, *, folds: int = 4, seed: int = 0) -> tuple[IdentityFold, ...]:
    """Deal people into folds; each fold is the test set once.

    Who is dealt where depends on the number of people, `folds` and `seed`, never on an image.

    Args:
        faces: everybody.
        folds: how many, from 2 to the number of people.
        seed: of the shuffle, at least 0.

    Returns: for each fold the others' people and its own, ascending by their number in `faces`.

    Raises:
        ConfigError: the number of folds or the seed cannot be used.
    """
    return tuple(
        IdentityFold(faces.of(train), faces.of(test))
        for train, test in deal_folds(faces.people, folds=folds, seed=seed)
    )


def deal_folds(people: int, *, folds: int, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return (train, test) numbers of people for each fold; see `identity_folds`."""
    if isinstance(folds, bool) or not isinstance(folds, int) or not 2 <= folds <= people:
        raise ConfigError(f"folds = {folds!r}: write a whole number from 2 to the number of people, {people}")
    order = shuffled(people, seed=seed)
    return tuple((np.sort(np.delete(order, np.s_[fold::folds])), np.sort(order[fold::folds])) for fold in range(folds))


def merchants_of(people: int, *, merchants: int, seed: int = 0) -> np.ndarray:
    """Give each person to one merchant, as evenly as it goes.

    Where a person goes depends on the public number of people, `merchants` and `seed`, never on who has images: when
    somebody leaves, nobody else moves.

    Returns: (people,) int64, place of each person's merchant.

    Raises:
        ConfigError: fewer than one merchant, or a seed that cannot be used.
    """
    if isinstance(merchants, bool) or not isinstance(merchants, int) or merchants < 1:
        raise ConfigError(f"merchants = {merchants!r}: write a whole number of at least 1")
    place = np.empty(people, dtype=np.int64)
    place[shuffled(people, seed=seed)] = np.arange(people) % merchants
    return place


def shuffled(people: int, *, seed: int) -> np.ndarray:
    """Return 0 to people - 1 in an order that the seed decides."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed = {seed!r}: write a whole number of at least 0")
    return np.random.default_rng([seed, people]).permutation(people)
