"""Audiences of measured launches: made as the platform would make them, and checked."""

from __future__ import annotations

from typing import Final

import numpy as np

from experiments.audience.lookalike_data import Described, Launches
from experiments.audience.lookalike_scores import Scored
from federation.access import MarketPort
from federation.parties import PLATFORM
from matching.audience.activate import Allows, activate, activate_nearest
from matching.audience.nearness import places_index
from retail.errors import PrivacyError

Ints = np.typing.NDArray[np.int64]
_MODEL: Final = "lookalike"


def audiences(launches: Launches, about: Described, made: Scored, *, share: float, port: MarketPort) -> str:
    """Make the audience of every launch, and say how many could be made.

    Profiles find theirs in an index of places, everything else by scores. With a register of consents, only those
    enter who agreed to marketing by the platform.

    Args:
        launches: what was measured.
        about: households for these launches.
        made: scores or profiles.
        share: of the households, to be reached.
        port: knows the register of consents.

    Returns: a sentence.
    """
    allows = _allows(launches, port)
    ids = np.arange(len(launches.persons), dtype=np.int64)
    refused = 0
    for place in range(len(launches.measured)):
        seeds = about.early[place]
        try:
            if made.profiles is None:
                activate(made.scores[place], ids, seeds, share=share, allows=allows)
            else:
                profiles, dimension = made.profiles
                places = launches.described(launches.measured, dimension).places[place]
                index, profile = places_index(ids, places, profiles[place], model=f"{_MODEL}-{dimension}")
                activate_nearest(index, profile, ids[seeds], share=share, allows=allows)
        except PrivacyError:
            refused += 1
    number = len(launches.measured)
    made_of = f"audiences of {share:.0%} of the households: made for {number - refused} of {number} launches"
    return f"{made_of}, refused below a minimum for {refused}"


def _allows(launches: Launches, port: MarketPort) -> Allows:
    consents = port.consents
    if consents is None:
        return lambda persons: np.ones(len(persons), dtype=np.bool_)
    return lambda persons: consents.mask(
        launches.persons[persons], controller=PLATFORM, purpose="marketing", level="general"
    )
