"""The attribute task: what tells people with an attribute from others, from a few short kinds of sums.

With x a person's features (many of them, each between 0 and a public most) and y whether the person has the attribute:

1. "moments": a constant, x and x squared, for the number of people and the mean and the spread of each feature;
2. "difference": the sum of z (y - base), z being x made comparable by round 1 and cut to a public length. It is the
   direction from the mean of people without the attribute to the mean of those with it;
3. "common", where `options.turn` is above 0: the sum of z (z . direction), which says along what features that go
   together would count the same thing many times. The direction is turned away from there;
4. "fit-1" ...: two numbers that turn a score along that direction into a chance, by Newton steps.

One direction out of sums needs no matrix of how features go together, which under noise would drown hundreds of them.
Sums are divided by the public population. How many people there are is counted in round 1, with noise, and never known
otherwise: a population that is only roughly right changes the model no more than that noise does.

Source: the nearest-mean rule with independent features, Hastie, Tibshirani and Friedman 2009, section 4.3 and 18.2;
turning it is a second step of gradient descent on squared loss, stopped early, which shrinks as a ridge does, section
3.4; logistic scores of a classifier, Platt 1999.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from scipy.special import expit, logit

from federation.response.holdings import ResponseMarket, ResponseNode
from federation.task import Model, Round, TaskSettings
from privacy.clipping import Updates
from retail.errors import ConfigError
from retail.responses.table import Floats

_FAR: Final = 3.0  # spreads from the mean at which a score is cut
_HEAVY: Final = 0.05  # of a step's curvature that is always there


@dataclass(frozen=True, slots=True)
class AttributeOptions:
    """Public settings of the attribute task.

    Attributes:
        base: share of people with the attribute, roughly; public.
        most: the largest value of a feature.
        length: L2 length to which a person's comparable features are cut.
        turn: how far the direction is turned, 0 for the nearest mean; 1 would leave nothing along itself.
        fits: Newton steps of the last part.
        moments_share: part of the privacy budget for the first part.
        difference_share: part for the second.
        common_share: part for the third.
        fit_share: part for the last.
    """

    base: float = 0.3
    most: float = 7.0
    length: float = 9.0
    turn: float = 0.0
    fits: int = 2
    moments_share: float = 0.25
    difference_share: float = 0.6
    common_share: float = 0.6
    fit_share: float = 0.15

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if not 0 < self.base < 1 or self.fits < 1:
            raise ConfigError(f"base = {self.base}, fits = {self.fits}: write a share between 0 and 1, and 1 or more")
        if not 0 <= self.turn < 1:
            raise ConfigError(f"options.turn = {self.turn}: write a number from 0 to below 1")
        for name in ("most", "length", "moments_share", "difference_share", "common_share", "fit_share"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"options.{name} = {getattr(self, name)}: write a finite number above 0")

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> AttributeOptions:
        """Check a scenario's table. Raises: ConfigError: an unknown key, or a value of the wrong type or range."""
        known = {one.name: type(one.default) for one in fields(cls)}
        for key, value in options.items():
            if key not in known:
                raise ConfigError(f"options.{key} is unknown to task attribute; choose from {', '.join(known)}")
            if type(value) is not known[key]:
                raise ConfigError(f"options.{key} = {value!r}: write a number such as {getattr(cls(), key)!r}")
        return cls(**options)


class AttributeTask:
    """Learn to tell an attribute. See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.options` as in `AttributeOptions`.
        public: merchants and names of features; `responded` of a node says who has the attribute.

    Raises: ConfigError: an option is refused, or the data are not of persons with a yes or no.
    """

    def __init__(self, settings: TaskSettings, public: ResponseMarket) -> None:
        if not isinstance(public, ResponseMarket):
            raise ConfigError(f'task "attribute" needs a source of responses, not {type(public).__name__}')
        self.settings = settings
        self.options = AttributeOptions.read(settings.options)
        self.size = len(public.features)
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0
        self._largest = max(self.options.base, 1 - self.options.base)
        self._step = float(np.hypot(np.hypot(1.0, _FAR), np.hypot(np.hypot(1.0, _FAR), _FAR**2) / 4))

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        o = self.options
        planned = [Round("moments", "moments", 1 + 2 * self.size, o.moments_share)]
        planned.append(Round("difference", "difference", self.size, o.difference_share))
        if o.turn:
            planned.append(Round("common", "common", self.size, o.common_share))
        planned += [Round(f"fit-{one + 1}", "fit", 5, o.fit_share / o.fits) for one in range(o.fits)]
        return tuple(planned)

    def initial(self) -> Model:
        """Return public constants: features as they come, no direction, everybody at the base."""
        return {
            "centre": np.zeros(self.size),
            "scale": np.ones(self.size),
            "direction": np.zeros(self.size),
            "line": np.array([logit(self.options.base), 0.0]),
            "share": np.ones(1),  # of the population that is there
        }

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round."""
        needed = {
            "moments": (),
            "difference": ("centre", "scale"),
            "common": ("centre", "scale", "direction"),
            "fit": ("centre", "scale", "direction", "line"),
        }
        return {name: model[name] for name in needed[round_.purpose]}

    def person_updates(self, model: Model, round_: Round, node: ResponseNode) -> Iterator[Updates]:
        """Yield one row per person; see `Task`. Long rows of the first part are left to the clipping."""
        if not len(node.persons):
            return
        if round_.purpose == "moments":
            x = np.clip(node.features / self.options.most, 0.0, 1.0)
            one = np.full((len(x), 1), self._one)  # cut with the rest of the row, so that means stay means
            yield np.hstack([one, x, x**2]) * (self._unit / self._usual)
        elif round_.purpose == "difference":
            z = self.comparable(model, node.features)
            signal = (node.responded - self.options.base) / (self._largest * self.options.length)
            yield z * (signal * self._unit)[:, None]
        elif round_.purpose == "common":
            z = self.comparable(model, node.features)
            yield z * (z @ model["direction"] * self._unit / self.options.length**2)[:, None]
        else:
            score = self.score(model, node.features)
            chance = expit(model["line"][0] + model["line"][1] * score)
            miss, bend = node.responded - chance, chance * (1 - chance)
            rows = np.stack([miss, miss * score, bend, bend * score, bend * score**2], axis=1)
            yield rows * (self._unit / self._step)

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`."""
        new, o = dict(model), self.options
        if round_.purpose == "moments":
            found = mean * self._usual / self._unit
            noise = noise_scale * self._usual / self._unit
            share = max(found[0] / self._one, noise / self._one, 1e-9)
            first, second = found[1:].reshape(2, self.size) / share
            spread = np.sqrt(np.maximum(second - first**2, 1e-4 + noise / share))
            new["centre"], new["scale"], new["share"] = first * o.most, spread * o.most, np.array([share])
        elif round_.purpose == "difference":
            new["direction"] = _unit_length(mean)
        elif round_.purpose == "common":
            bent, along = mean, float(mean @ model["direction"])
            if along > 0:  # noise may leave none
                new["direction"] = _unit_length(model["direction"] - o.turn * bent / along)
        else:
            found = mean * self._step / (self._unit * model["share"][0])
            bend = np.array([[found[2], found[3]], [found[3], found[4]]]) + _HEAVY * o.base * np.eye(2)
            values, vectors = np.linalg.eigh(bend)
            step = vectors @ ((vectors.T @ found[:2]) / np.maximum(values, _HEAVY * o.base))
            line = model["line"] + np.clip(step, -2.0, 2.0)
            new["line"] = np.array([line[0], max(line[1], 0.0)])  # a higher score never makes it less likely
        return new

    def comparable(self, model: Model, features: Floats) -> Floats:
        """Return (n, d): features less their mean, in spreads, cut to the public length."""
        z = (np.clip(features, 0.0, self.options.most) - model["centre"]) / model["scale"]
        lengths = np.linalg.norm(z, axis=1, keepdims=True)
        return np.asarray(z * np.minimum(1.0, self.options.length / np.maximum(lengths, 1e-12)))

    def score(self, model: Model, features: Floats) -> Floats:
        """Return (n,): how far each person lies in the direction of the attribute, cut at `_FAR`."""
        return np.asarray(np.clip(self.comparable(model, features) @ model["direction"], -_FAR, _FAR))

    def predict(self, model: Model, features: Floats) -> tuple[Floats, Floats]:
        """Return (n,) scores, not cut, and (n,) chances that people have the attribute."""
        score = self.comparable(model, features) @ model["direction"]
        line = model["line"][0] + model["line"][1] * np.clip(score, -_FAR, _FAR)
        return np.asarray(score), np.asarray(expit(line))

    @property
    def _one(self) -> float:
        """The constant that counts a person: half as long as a usual row, so that the count has little noise."""
        return self._usual / 2.0

    @property
    def _usual(self) -> float:
        """Length that a row of the first part is scaled by, a quarter of what all features at their most would have."""
        return math.sqrt(self.size) / 4.0


def _unit_length(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector)
