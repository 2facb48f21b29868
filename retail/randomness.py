"""Uniform numbers that belong to one person: a counter-based generator, whole arrays at a time.

Each number is a function of (seed, person, stream, counter) and of nothing else, so a person's rows are the same
whoever else is generated, in any order and in chunks of any size. One `numpy` generator for each person would have
the same property and cost about a hundred times as much at a million persons.

Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators" (the SplitMix64 finaliser).
Not for privacy noise: anybody who knows the seed knows the numbers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Uint64 = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


def person_keys(seed: int, persons: npt.NDArray[np.int64]) -> Uint64:
    """Return one well-mixed 64-bit key for each person id, (persons,) uint64."""
    root = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    return _mix(_mix(persons.astype(np.uint64) * _GOLDEN + root[0]) ^ root[1])


def uniforms(keys: Uint64, *, stream: int, counter: npt.NDArray[np.int64] | int = 0) -> Floats:
    """Return one number in the open interval (0, 1) for each key.

    Args:
        keys: (n,) person keys, repeated where a person needs several numbers.
        stream: what the number is for; below 2**16, and no two uses share one.
        counter: (n,) or one number, which draw of that stream; below 2**40.

    Returns: (n,) float64, multiples of 2**-52 shifted by half a step, so never 0 and never 1.
    """
    position = np.atleast_1d(np.asarray(counter, dtype=np.uint64)) + np.uint64((stream << 40) + 1)
    bits = _mix(keys + position * _GOLDEN)
    numbers: Floats = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return numbers


def _mix(words: Uint64) -> Uint64:
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    mixed: Uint64 = words ^ (words >> np.uint64(31))
    return mixed
