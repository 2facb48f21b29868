"""A real category shown as a list: places by estimated utility, attention that falls with place, observed shares.

The single products of a category are ranked as `simulation.market` ranks: by sharpness x mean utility + bonus [own] +
Gumbel noise. A visit sees one such list and chooses product j with chance

    attention(place_j) exp(v_j) / (1 + sum over k of attention(place_k) exp(v_k)),    attention = place^-g

Shelves have no list, so the values v are set so that lists without a bonus give the observed shares, on average over
many drawn rankings. The pooled rests of small products are many products, not one: they have no place, and are found
whatever the list shows (attention 1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from experiments.market.label_settings import OwnLabel
from retail.errors import DataError
from retail.private_label import LabelSetting, PriceCoefficient

Floats = NDArray[np.float64]
RANKINGS: Final = 400
"""Drawn rankings behind every mean; the same ones for all arms and draws."""
_STEPS: Final = 1_000
_CLOSE: Final = 1e-10


@dataclass(frozen=True, eq=False)
class RankedCategory:
    """One category with its list. J products, R drawn rankings.

    Attributes:
        setting: products, shares and prices as observed.
        score: (J,) log-odds in the ranking without bonus and noise; -inf for pooled rests.
        noise: (R, J) Gumbel.
        attention: g, how fast attention falls with place.
        value: (J,) utility at observed prices that gives the observed shares.
        seller: (J,) number of the seller; products of unknown sellers and rests of others count apart.
        names: of sellers.
    """

    setting: LabelSetting
    score: Floats
    noise: Floats
    attention: float
    value: Floats
    seller: NDArray[np.int64]
    names: tuple[str, ...]

    def present(self, own_label: OwnLabel) -> NDArray[np.bool_]:
        """(J,) what is sold."""
        return ~self.setting.own if own_label == "none" else np.ones(len(self.value), dtype=bool)

    def log_attention(self, own_label: OwnLabel, bonus: float) -> Floats:
        """(R, J) logarithm of attention; 0 for rests, -inf for what is absent."""
        score = self._score(own_label, bonus)
        return _log_attention(score, self.noise, self.present(own_label), self.attention)

    def own_first(self, own_label: OwnLabel, bonus: float) -> float:
        """Chance that the first place is the own label's; exact, as places follow a rank-ordered logit."""
        score = self._score(own_label, bonus)
        if not np.isfinite(score).any():
            return 0.0
        power = np.exp(score - score.max())
        return float(power[self.setting.own].sum() / power.sum())

    def _score(self, own_label: OwnLabel, bonus: float) -> Floats:
        added = bonus if own_label == "ranked_up" else 0.0
        return np.where(self.present(own_label), self.score + added * self.setting.own, -np.inf)


def ranked_category(setting: LabelSetting, *, attention: float, sharpness: float, seed: int) -> RankedCategory:
    """Put a category into lists, and set values so that lists without a bonus give the observed shares.

    Values are found by the contraction of Berry, Levinsohn and Pakes 1995: v += log(observed share / model's share).

    Args:
        setting: the category.
        attention: g >= 0; 0 makes places worth nothing, and values the mean utilities.
        sharpness: log-odds of one unit of utility in the ranking, >= 0.
        seed: of the drawn rankings.

    Raises: DataError: no values are found.
    """
    generator = np.random.default_rng([seed, _number(setting.category)])
    noise = generator.gumbel(size=(RANKINGS, len(setting.products)))
    score = np.where(setting.pooled, -np.inf, sharpness * setting.mean_utility)
    everything = np.ones(len(score), dtype=bool)
    log_attention = _log_attention(score, noise, everything, attention)
    value = setting.mean_utility.copy()
    for _ in range(_STEPS):
        with np.errstate(all="ignore"):  # what does not become a number never comes close
            move = np.log(setting.share) - np.log(choice_chances(value, log_attention).mean(axis=0))
        value = value + move
        if np.abs(move).max() < _CLOSE:
            break
    else:
        raise DataError(
            f"'{setting.category}': no values give the observed shares at attention = {attention:g}; lower it"
        )
    names, seller = np.unique(_sellers(setting), return_inverse=True)
    return RankedCategory(setting, score, noise, attention, value, seller.astype(np.int64), tuple(map(str, names)))


def choice_chances(utility: Floats, log_attention: Floats) -> Floats:
    """(R, J) chance that a visit buys each product, by ranking; the rest to 1 buys nothing.

    Args: utility: (J,). log_attention: (R, J), -inf for what is absent.
    """
    power = np.exp(utility + log_attention)
    return np.asarray(power / (1 + power.sum(axis=1, keepdims=True)))


def logsums(utility: Floats, log_attention: Floats) -> tuple[float, float]:
    """Expected surplus of a visit in utility, over buying nothing: two readings of little attention.

    The first counts it like a nuisance, as `simulation.market` does: ln(1 + sum). The second takes it for a
    distortion of choice that costs nothing itself: less the mean log attention of what is bought.
    Source of the second: Train 2015, Welfare calculations in discrete choice models when anticipated and experienced
    attributes differ.

    Args: as for `choice_chances`.
    """
    chance = choice_chances(utility, log_attention)
    inclusive = -np.log1p(-chance.sum(axis=1))
    counted = np.where(np.isfinite(log_attention), log_attention, 0.0)
    return float(inclusive.mean()), float((inclusive - (chance * counted).sum(axis=1)).mean())


def drawn_coefficients(estimate: PriceCoefficient, category: str, seeds: range) -> Floats:
    """(draws,) price coefficients as sure as the estimate is: Normal(value, standard error), below 0 only.

    A draw belongs to its seed and category, so that all arms meet the same. A value that was given has no error: all
    draws are equal.
    """
    if estimate.standard_error == 0:
        return np.full(len(seeds), estimate.value)
    number = _number(category)
    uniform = np.array([np.random.default_rng([seed, number, 1]).random() for seed in seeds])
    below = ndtr(-estimate.value / estimate.standard_error)
    return np.asarray(estimate.value + estimate.standard_error * ndtri(np.maximum(uniform, 1e-12) * below))


def _log_attention(score: Floats, noise: Floats, present: NDArray[np.bool_], attention: float) -> Floats:
    order = np.argsort(-(score + noise), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(1, len(score) + 1)[None, :], axis=1)
    found = np.where(np.isfinite(score), -attention * np.log(place), 0.0)
    return np.where(present, found, -np.inf)


def _sellers(setting: LabelSetting) -> list[str]:
    return [
        "own label" if own else (f"seller {seller}" if seller else f"{setting.category}: {product}")
        for own, seller, product in zip(setting.own, setting.sellers, setting.products, strict=True)
    ]


def _number(category: str) -> int:
    return int.from_bytes(hashlib.sha256(category.encode()).digest()[:8], "big")
