"""From real trips to the shoppers of one simulated day."""

from __future__ import annotations

import functools
import math
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from retail.errors import ConfigError
from simulation.store.demand import Demand
from simulation.store.demand_model.trips import Trips
from simulation.store.settings import StoreSettings

MOST_SHOPPERS: Final = 1_000_000
"""Largest daily volume that is accepted."""
HOURS: Final = (8.0, 22.0)
"""Opening and closing time unless told otherwise."""
_SPEED_SPAN: Final = 3.0
_SLOWEST: Final = 0.2


class _Purpose(IntEnum):
    """What a stream of random numbers is for. Never renumber: it would change every recorded day."""

    COUNT = 0
    ARRIVAL = 1
    TRIP = 2
    DWELL = 3
    SPEED = 4
    ENTRANCE = 5
    DETOUR = 6
    DETOUR_TO = 7
    DISPLAY = 8
    SERVICE = 9
    PAY = 10
    PATIENCE = 11
    CONSENT = 12
    OFFER = 13


@dataclass(frozen=True, eq=False)
class DemandModel:
    """Draws days of shoppers whose trips are copies of real ones, so that what is bought together stays together.

    Attributes:
        name: the data set, such as "complete-journey".
        currency: ISO 4217 code of the money.
        fingerprint: sha256 that identifies the data and how it was read.
        trips: what is drawn from.
    """

    name: str
    currency: str
    fingerprint: str
    trips: Trips

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of what can be wanted, sorted."""
        return self.trips.categories

    def draw(
        self,
        day: int,
        *,
        seed: int,
        shoppers: float,
        hours: tuple[float, float] = HOURS,
        settings: StoreSettings | None = None,
    ) -> Demand:
        """Draw all random numbers of one day.

        Shoppers arrive as a Poisson process whose rate is constant within an hour and follows the data's hours
        between opening and closing; each copies a random real trip that began in the same hour. Every purpose, and
        every category where one number is needed for each, has its own stream, so that a change of one setting or one
        more category leaves the other numbers as they are.

        Args:
            day: number of the simulated day, at least 0.
            seed: number of the experiment, at least 0.
            shoppers: expected number of shoppers between opening and closing.
            hours: opening and closing time, local, within 0 to 24; parts of hours are allowed.
            settings: speeds, dwell, patience, consent; the default ones when None.

        Raises: ConfigError: an argument cannot be used, or no trip of the data begins while the store is open.
        """
        settings = StoreSettings.default() if settings is None else settings
        _check_seed(day, "day")
        _check_seed(seed, "seed")
        opened, closed = _checked_hours(hours)
        volume = _checked_volume(shoppers)
        weight = self._weight(opened, closed)
        if volume and not weight.sum():
            raise ConfigError(
                f"hours = {hours}: no trip of {self.name} begins then (they begin at "
                f"{', '.join(str(h) for h in np.flatnonzero(self.trips.hour_shares))} h); choose other opening hours"
            )

        def stream(purpose: _Purpose, category: str | None = None) -> np.random.Generator:
            key = (int(purpose),) if category is None else (int(purpose), zlib.crc32(category.encode()))
            return np.random.default_rng(np.random.SeedSequence([seed, day], spawn_key=key))

        n = int(stream(_Purpose.COUNT).poisson(volume))
        hour, time = _arrivals(np.sort(stream(_Purpose.ARRIVAL).random(n)), weight, opened, closed)
        start, entry = self._entries(hour, stream(_Purpose.TRIP).random(n))
        m = len(entry)
        return Demand(
            categories=self.categories,
            arrive_s=(time - opened) * 3600.0,
            start=start,
            category=self.trips.category[entry],
            items=self.trips.items[entry],
            spend=self.trips.spend[entry],
            dwell_s=_dwell(stream(_Purpose.DWELL).standard_normal(m), self.trips.lines[entry], settings),
            speed=_speed(stream(_Purpose.SPEED).random(n), settings),
            entrance_u=stream(_Purpose.ENTRANCE).random(n),
            detour_u=stream(_Purpose.DETOUR).random(m + n),
            detour_to_u=stream(_Purpose.DETOUR_TO).random(m + n),
            display_u=_columns([stream(_Purpose.DISPLAY, name) for name in self.categories], n),
            unplanned_spend=self._item_spend.copy(),
            base_rate=self._base_rate(weight),
            service_z=stream(_Purpose.SERVICE).standard_normal(n),
            pay_u=stream(_Purpose.PAY).random(n),
            patience_s=settings.patience_s
            * np.exp(settings.patience_sigma * stream(_Purpose.PATIENCE).standard_normal(n)),
            consent=stream(_Purpose.CONSENT).random(n) < settings.consent_rate,
            offer_u=_columns([stream(_Purpose.OFFER, name) for name in self.categories], n),
            open_s=(closed - opened) * 3600.0,
        )

    @functools.cached_property
    def _item_spend(self) -> NDArray[np.float64]:
        return self.trips.item_spend

    @functools.cached_property
    def _hour_rates(self) -> NDArray[np.float64]:
        return self.trips.hour_rates

    def _weight(self, opened: float, closed: float) -> NDArray[np.float64]:
        """(24,) share of the data's trips in each hour, times the part of the hour that the store is open."""
        edge = np.arange(24.0)
        part = np.clip(np.minimum(edge + 1, closed) - np.maximum(edge, opened), 0.0, 1.0)
        weight: NDArray[np.float64] = self.trips.hour_shares * part
        return weight

    def _base_rate(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """(C,) share of trips in the opening hours that buy each category, always below 1."""
        chosen = weight if weight.sum() else self.trips.hour_shares
        rate: NDArray[np.float64] = chosen @ self._hour_rates / chosen.sum()
        return np.minimum(rate, np.nextafter(1.0, 0.0))

    def _entries(self, hour: NDArray[np.int64], u: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Choose a trip of the hour for each shopper: where shoppers' entries start, and the rows of the trips."""
        first = self.trips.hour_start[hour]
        trip = first + (u * (self.trips.hour_start[hour + 1] - first)).astype(np.int64)
        count = self.trips.start[trip + 1] - self.trips.start[trip]
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        entry = np.repeat(self.trips.start[trip] - start[:-1], count) + np.arange(start[-1])
        return start, entry


def _arrivals(
    u: NDArray[np.float64], weight: NDArray[np.float64], opened: float, closed: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Turn rising uniforms into hours and times of day, by the inverse of the cumulated rate."""
    if not len(u):
        return np.empty(0, np.int64), np.empty(0)
    reached = np.concatenate([[0.0], np.cumsum(weight)])
    target = u * reached[-1]
    # An hour without trips has no width here, and `right` steps over it.
    hour = np.searchsorted(reached, target, side="right") - 1
    hour = np.minimum(hour, np.flatnonzero(weight)[-1])
    begin = np.maximum(hour, opened)
    length = np.minimum(hour + 1.0, closed) - begin
    time = begin + np.clip((target - reached[hour]) / weight[hour], 0.0, 1.0) * length
    return hour, np.clip(time, opened, np.nextafter(closed, opened))


def _dwell(z: NDArray[np.float64], lines: NDArray[np.int32], settings: StoreSettings) -> NDArray[np.float64]:
    """Time at the shelf: lognormal, with a mean of `dwell_s` for each different product."""
    sigma = math.sqrt(math.log1p(settings.dwell_cv**2))
    return np.asarray(settings.dwell_s * lines * np.exp(sigma * z - sigma**2 / 2), dtype=np.float64)


def _speed(u: NDArray[np.float64], settings: StoreSettings) -> NDArray[np.float64]:
    """Normal speeds, cut at three standard deviations and at a very slow walk."""
    mean, sd = settings.walk_speed, settings.walk_speed_sd
    if sd == 0:
        return np.full(len(u), mean)
    slowest = max((min(_SLOWEST, mean / 2) - mean) / sd, -_SPEED_SPAN)
    low, high = ndtr(slowest), ndtr(_SPEED_SPAN)
    return np.asarray(mean + sd * ndtri(low + u * (high - low)), dtype=np.float64)


def _columns(streams: list[np.random.Generator], n: int) -> NDArray[np.float32]:
    """(n, len(streams)) uniforms, one stream for each column."""
    numbers = np.empty((n, len(streams)), dtype=np.float32)
    for column, stream in enumerate(streams):
        numbers[:, column] = stream.random(n, dtype=np.float32)
    return numbers


def _check_seed(value: int, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise ConfigError(f"{name} = {value!r}; give a whole number from 0 up")


def _checked_hours(hours: tuple[float, float]) -> tuple[float, float]:
    if len(hours) != 2 or not all(math.isfinite(one) for one in hours) or not 0 <= hours[0] < hours[1] <= 24:
        raise ConfigError(f"hours = {hours}; give opening before closing, both from 0 to 24, such as (8, 22)")
    return float(hours[0]), float(hours[1])


def _checked_volume(shoppers: float) -> float:
    if isinstance(shoppers, bool) or not math.isfinite(shoppers) or shoppers < 0:
        raise ConfigError(f"shoppers = {shoppers}; give the expected number of a day, 0 or more")
    if shoppers > MOST_SHOPPERS:
        raise ConfigError(
            f"shoppers = {shoppers:,.0f} is more than the limit of {MOST_SHOPPERS:,} a day; simulate a smaller store, "
            "or a part of the day"
        )
    return float(shoppers)
