"""Trials whose truth is known: real households' features, a coin for each, and effects that we draw.

What a household bought in its home store gives eight features (`FEATURES`). An effect is drawn for them:

    uplift(x) = mean + sd (common part + curved part + merchant's own part),   cut to [-base, 1 - base],

over features turned so that they do not go together. Who buys anyway is another part of the same features, mostly how
often a household comes, so that who responds is not who is moved. A coin decides who is advertised to. Copies of a
household, with noise on its features, stand for more people of its kind: they show what a larger trial is worth, and
are nobody.

Households are parted before copies are made: those of the trial, and those among whom merchants then choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.scenario import DataSettings, PartitionSettings
from retail import columns as c
from retail.complete_journey_stores import MEMBER_STORES
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError
from retail.households import Households, households
from retail.responses import Responses

Floats = npt.NDArray[np.float64]
_FRESH: Final = ("PRODUCE", "MEAT", "MEAT-PCKGD", "SEAFOOD", "SEAFOOD-PCKGD", "DELI", "PASTRY", "SALAD BAR")
_CARE: Final = ("DRUG GM", "COSMETICS")
_SNACKS: Final = (
    "BAG SNACKS", "CANDY - CHECKLANE", "CANDY - PACKAGED", "CHIPS&SNACKS", "COOKIES/CONES", "CRACKERS/MISC BKD FD",
    "SNACK NUTS", "SNACKS", "SOFT DRINKS", "WAREHOUSE SNACKS",
)  # fmt: skip
_FEATURES: Final[Mapping[str, tuple[Callable[[Households], Floats], float, float]]] = {
    "visits": (lambda h: np.log1p(h.baskets), 3.0, 1.0),
    "basket_size": (lambda h: np.log(np.maximum(h.lines, 1) / np.maximum(h.baskets, 1)), 2.2, 0.7),
    "price": (lambda h: np.log(np.maximum(h.spend, 0.1) / np.maximum(h.lines, 1)), 1.05, 0.3),
    "idle": (lambda h: np.log1p(h.idle_days), 2.5, 1.3),
    "own_label": (lambda h: h.own_label / np.maximum(h.lines, 1), 0.28, 0.13),
    "fresh": (lambda h: h.share_of(departments=_FRESH), 0.23, 0.12),
    "care": (lambda h: h.share_of(departments=_CARE), 0.12, 0.11),
    "snacks": (lambda h: h.share_of(_SNACKS), 0.14, 0.11),
}
"""How each feature is made, and the public centre and scale that it is given: round numbers, set by hand."""
FEATURES: Final = tuple(_FEATURES)
_MOST: Final = 3.0  # scales from the centre beyond which a feature of the truth does not go
_JITTER: Final = 0.3  # scales of noise on a copy's features
_FEWEST_COPIES: Final = 8  # of each household among whom merchants choose, so that a fifth of them is more than one


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSettings:
    """What a trial is like.

    Attributes:
        copies: people for each household of the trial, mean over merchants; the first is the household itself.
        size_spread: spread of that over merchants, lognormal; 0 makes all alike. A merchant keeps its size in all
            trials.
        held_out: share of households among whom merchants choose afterwards.
        base: chance of a response without an advertisement, mean over people.
        mean_uplift: what an advertisement adds, mean over people.
        uplift_sd: spread of that over people.
        curved: share of that spread's variance that no straight line fits.
        own: share that is a merchant's own.
        now: first day that features do not see, days since 1970-01-01.

    Raises: ConfigError: a number without meaning.
    """

    copies: int = 8
    size_spread: float = 1.0
    held_out: float = 0.3
    base: float = 0.1
    mean_uplift: float = 0.03
    uplift_sd: float = 0.038
    curved: float = 0.1
    own: float = 0.05
    now: int = 17_440

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for one in fields(self):
            value = getattr(self, one.name)
            if type(value) is not type(one.default):
                raise ConfigError(f"options.{one.name} = {value!r}: write a number such as {one.default}")
        if self.copies < 1 or not 0 < self.held_out < 1 or not 0 < self.base < 1 or self.uplift_sd <= 0:
            raise ConfigError(
                f"copies = {self.copies}, held_out = {self.held_out}, base = {self.base}, uplift_sd = "
                f"{self.uplift_sd}: write at least 1 copy, shares between 0 and 1, and a spread above 0"
            )
        if min(self.curved, self.own) < 0 or self.curved + self.own > 1 or not 0 <= self.size_spread <= _MOST:
            raise ConfigError(
                f"curved = {self.curved}, own = {self.own}, size_spread = {self.size_spread}: write shares that add up "
                f"to at most 1, and a spread from 0 to {_MOST:g}"
            )


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial and the people among whom merchants then choose.

    Attributes:
        people: of the trial, with what they did.
        merchants: ids, in order; each has people in the trial and people to choose from.
        new_merchant: (n,) position in `merchants` of each person to choose from.
        new_features: (n, d).
        new_uplift: (n,) true.
    """

    people: Responses
    merchants: tuple[int | str, ...]
    new_merchant: npt.NDArray[np.int64]
    new_features: Floats
    new_uplift: Floats

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(M,) people in each merchant's trial."""
        where = {merchant: place for place, merchant in enumerate(self.merchants)}
        places = np.array([where[one] for one in self.people.merchants.tolist()])
        return np.asarray(np.bincount(places, minlength=len(self.merchants)))


def trial(data: DataSettings, merchants: tuple[int | str, ...], settings: TrialSettings, seed: int) -> Trial:
    """Draw a trial.

    Args:
        data: whose households.
        merchants: ids of home stores; one without people on both sides is left out.
        settings: what it is like.
        seed: of everything that is drawn.

    Raises: DataError: no merchant has two households.
    """
    found, features = household_features(data, merchants, settings.now)
    rng = np.random.default_rng([seed, 51])
    both = with_two(found, merchants, settings.now)
    places = np.array([merchants.index(one) for one in found.merchants.tolist()])
    kept_apart = _parted(places, settings.held_out, rng)
    usable = np.isin(places, both)
    places = np.searchsorted(both, places)
    truth = _Truth.draw(features[usable], len(both), settings, rng)

    originals = np.flatnonzero(usable & ~kept_apart)
    tried = np.repeat(originals, _copies(settings, len(both))[places[originals]])
    chosen = np.repeat(np.flatnonzero(usable & kept_apart), max(settings.copies, _FEWEST_COPIES))
    first = np.r_[True, tried[1:] != tried[:-1]]
    x = features[tried] + np.where(first[:, None], 0.0, _JITTER * rng.standard_normal((len(tried), len(FEATURES))))
    new_x = features[chosen] + _JITTER * rng.standard_normal((len(chosen), len(FEATURES)))
    advertised = rng.random(len(x)) < 0.5
    chance = truth.base(x) + advertised * truth.uplift(x, places[tried])
    responded = (rng.random(len(x)) < chance).astype(np.float64)
    listed = tuple(merchants[one] for one in both)
    own = np.array([listed[one] for one in places[tried]])
    people = Responses(np.arange(len(x)), own, x, FEATURES, advertised, responded)
    return Trial(people, listed, places[chosen], new_x, truth.uplift(new_x, places[chosen]))


@dataclass(frozen=True, eq=False)
class _Truth:
    """What is true, over features turned by `turn` so that they do not go together among the real households."""

    settings: TrialSettings
    centre: Floats
    turn: Floats
    common: Floats
    bent: Floats
    own: Floats
    anyway: Floats
    scale: float

    @classmethod
    def draw(cls, features: Floats, merchants: int, settings: TrialSettings, rng: np.random.Generator) -> _Truth:
        d = features.shape[1]
        cut = np.clip(features, -_MOST, _MOST)
        values, vectors = np.linalg.eigh(np.cov(cut.T))
        turn = vectors / np.sqrt(np.maximum(values, 1e-9)) @ vectors.T
        common, bent, anyway = (one / np.linalg.norm(one) for one in rng.standard_normal((3, d)))
        anyway = anyway + np.eye(d)[FEATURES.index("visits")]
        own = rng.standard_normal((merchants, d)) / np.sqrt(d)
        truth = cls(settings, cut.mean(axis=0), turn, common, bent, own, 0.5 * anyway / np.linalg.norm(anyway), 1.0)
        scale = settings.base / float(np.exp(truth._turned(features) @ truth.anyway).mean())
        return cls(settings, truth.centre, turn, common, bent, own, truth.anyway, scale)

    def base(self, features: Floats) -> Floats:
        """Chance of a response without an advertisement."""
        return np.asarray(np.clip(self.scale * np.exp(self._turned(features) @ self.anyway), 0.005, 0.6))

    def uplift(self, features: Floats, place: npt.NDArray[np.int64]) -> Floats:
        """What an advertisement adds to it."""
        s, w = self.settings, self._turned(features)
        straight = np.sqrt(max(0.0, 1 - s.curved - s.own)) * (w @ self.common)
        bent = np.sqrt(s.curved / 2) * ((w @ self.bent) ** 2 - 1)
        own = np.sqrt(s.own) * np.einsum("nd,nd->n", w, self.own[place])
        base = self.base(features)
        return np.asarray(np.clip(s.mean_uplift + s.uplift_sd * (straight + bent + own), -base, 1 - base))

    def _turned(self, features: Floats) -> Floats:
        return np.asarray((np.clip(features, -_MOST, _MOST) - self.centre) @ self.turn)


def with_two(found: Households, merchants: tuple[int | str, ...], now: int) -> npt.NDArray[np.int64]:
    """Return the positions of merchants with households for both sides of a trial.

    Raises: DataError: none has two households.
    """
    homes = pd.Series(found.merchants).value_counts()
    both = np.flatnonzero(homes.reindex(list(merchants)).fillna(0).to_numpy() >= 2)
    if not len(both):
        raise DataError(f"none of {len(merchants)} merchants has two households before day {now}")
    return both


def _parted(places: npt.NDArray[np.int64], share: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which households are kept apart: of each merchant about a share, at least one where there are two."""
    order = rng.permutation(len(places))
    apart = np.zeros(len(places), dtype=bool)
    for place in np.unique(places):
        own = order[places[order] == place]
        apart[own[: min(len(own) - 1, max(1, round(share * len(own))))]] = True
    return apart


def _copies(settings: TrialSettings, merchants: int) -> npt.NDArray[np.int64]:
    """(merchants,) people for each household of a merchant; the same in every trial."""
    drawn = np.exp(settings.size_spread * np.random.default_rng(53).standard_normal(merchants))
    return np.asarray(np.maximum(1, np.rint(settings.copies * drawn / drawn.mean())), dtype=np.int64)


def listed_merchants(data: DataSettings, partition: PartitionSettings) -> tuple[int | str, ...]:
    """Return the public list of home stores that settings name.

    Raises: DataError: the data have no list of stores.
    """
    if not isinstance(partition.merchants, str):
        return tuple(partition.merchants)
    if partition.merchants == "members" and data.source == "complete-journey":
        return MEMBER_STORES
    stores = DataSource(**data.model_dump()).open().stores
    if stores.empty:
        raise DataError("the data have no stores table, so there is no public list of merchants; list them")
    return tuple(stores[c.STORE].tolist())


@lru_cache(maxsize=2)
def household_features(data: DataSettings, merchants: tuple[int | str, ...], now: int) -> tuple[Households, Floats]:
    """Return households with a home at some stores, and (n, 8) `FEATURES` as that store knew them before a day."""
    found = households(DataSource(**data.model_dump()).open(), now=now, merchants=merchants, at_home=True)
    columns = [(make(found) - centre) / scale for make, centre, scale in _FEATURES.values()]
    return found, np.stack(columns, axis=1)


def trial_options(options: Mapping[str, Any]) -> TrialSettings:
    """Read the options that are a trial's. Raises: ConfigError: as `TrialSettings`."""
    known = {one.name for one in fields(TrialSettings)}
    return TrialSettings(**{key: value for key, value in options.items() if key in known})
