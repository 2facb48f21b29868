"""The response task: who responds to an advertisement, or whom an advertisement moves, from short sums.

With x a person's features (cut to a public length, a 1 in front), y the response and z whether the person was
advertised to, the rounds are, by `options.learner`:

1. "spread": the sum of x x', which says how features go together;
2. "train-1" ...: gradients of logistic models. "propensity" has one model of y; "t" and "x" have one for those
   advertised to and one for the others, and each person adds to one of them. A step is a Newton step with the curvature
   that x x' gives at the public rate of response, so a handful of rounds is enough;
3. "effects": the sum of x times something whose mean, given x, is the uplift. "transformed": (y - base) z / sent -
   (y - base) (1 - z) / (1 - sent), where base, the public rough rate of response, changes no mean and takes away much
   of the spread. "x": what the models of round 2 leave unexplained, y - p0(x) for those advertised to and p1(x) - y
   for the others. A linear fit follows.

Sums are divided by the public population, and how many people there are cancels in every fit: a population that is
only roughly right changes neither models nor noise.

Nothing depends on other people of the same merchant, so every round may be noised for one person.

Sources: transformed outcome, Athey and Imbens 2016; T- and X-learner, Kuenzel et al. 2019, here with the coin's share
as propensity and one linear second stage for both halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.special import expit, logit

from federation.response.holdings import ResponseMarket, ResponseNode
from federation.response.settings import TWO_MODELS, ResponseOptions
from federation.task import Model, Round, TaskSettings
from privacy.clipping import Updates
from retail.errors import ConfigError
from retail.responses.table import Floats

_BLOCK: Final = 65_536  # persons whose contributions are in memory at a time
_EASE: Final = 1.3  # curvature is taken a little too large, so that steps do not overshoot


class ResponseTask:
    """Learn response or uplift models. See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.options` as in `ResponseOptions`.
        public: merchants and names of features.

    Raises: ConfigError: an option is refused, or the data are not responses.
    """

    def __init__(self, settings: TaskSettings, public: ResponseMarket) -> None:
        if not isinstance(public, ResponseMarket):
            raise ConfigError(f'task "response" needs a source of responses, not {type(public).__name__}')
        self.settings = settings
        self.options = ResponseOptions.read(settings.options)
        self.size = len(public.features) + 1
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0
        self._length = float(np.hypot(1.0, self.options.length))
        self._models = 2 if self.options.learner in TWO_MODELS else 1
        self._upper = np.triu_indices(self.size)
        self._twice = np.where(self._upper[0] == self._upper[1], 1.0, np.sqrt(2.0))

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        o, planned = self.options, [Round("spread", "spread", len(self._twice), self.options.spread_share)]
        if o.learner != "transformed":
            share, size = o.train_share / self.settings.rounds, self._models * self.size
            planned += [Round(f"train-{i + 1}", "training", size, share) for i in range(self.settings.rounds)]
        if o.learner in ("transformed", "x"):
            planned.append(Round("effects", "effects", self.size, o.effect_share))
        return tuple(planned)

    def initial(self) -> Model:
        """Return public constants: features that do not go together, and models in which none of them matters."""
        weights = np.zeros((self._models, self.size))
        weights[:, 0] = logit(self.options.base)
        return {"spread": np.eye(self.size), "weights": weights, "effects": np.zeros(self.size)}

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round; nobody needs how features spread but the aggregator."""
        needs_weights = round_.purpose == "training" or (round_.purpose == "effects" and self.options.learner == "x")
        return {"weights": model["weights"]} if needs_weights else {}

    def person_updates(self, model: Model, round_: Round, node: ResponseNode) -> Iterator[Updates]:
        """Yield one row per person; see `Task`. No row is longer than the clip norm, so clipping changes none."""
        for start in range(0, len(node.persons), _BLOCK):
            rows = slice(start, start + _BLOCK)
            x = self.augmented(node.features[rows])
            advertised, responded = node.advertised[rows], node.responded[rows]
            if round_.purpose == "spread":
                products = x[:, self._upper[0]] * x[:, self._upper[1]]
                yield products * (self._twice * self._unit / self._length**2)
            elif round_.purpose == "training":
                yield self._gradients(model["weights"], x, advertised, responded) * (self._unit / self._length)
            else:
                signal = self._signal(model, x, advertised, responded)
                yield x * (signal * self._unit / (self._length * self._largest))[:, None]

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`."""
        new = dict(model)
        if round_.purpose == "spread":
            scale = self._length**2 / self._unit
            half = np.zeros((self.size, self.size))
            half[self._upper] = mean * scale / self._twice
            whole = half + half.T - np.diag(np.diag(half))
            new["spread"] = _positive(whole, least=noise_scale * scale * float(np.sqrt(self.size)))
        elif round_.purpose == "training":
            gradient = (mean * self._length / self._unit).reshape(self._models, self.size)
            rate = self.options.base * (1 - self.options.base) * _EASE
            shares = (self.options.sent, 1 - self.options.sent) if self._models == 2 else (1.0,)
            pull = self._pull(1.0) * np.r_[0.0, np.ones(self.size - 1)]
            steps = [
                np.linalg.solve(
                    share * rate * model["spread"] + np.diag(rate * pull + 1e-9), found - rate * pull * weights
                )
                for share, found, weights in zip(shares, gradient, model["weights"], strict=True)
            ]
            new["weights"] = model["weights"] + self.settings.learning_rate * np.array(steps)
        else:
            total = mean * self._length * self._largest / self._unit
            new["effects"] = np.linalg.solve(model["spread"] + self._pull(1.0) * np.eye(self.size), total)
        return new

    def predict(self, model: Model, features: Floats) -> Floats:
        """Return (n,) float64: the chance of a response, or the uplift of an advertisement, by (n, d) features."""
        x = self.augmented(features)
        if self.options.learner == "propensity":
            return np.asarray(expit(x @ model["weights"][0]))
        if self.options.learner == "t":
            return np.asarray(expit(x @ model["weights"][0]) - expit(x @ model["weights"][1]))
        return np.asarray(x @ model["effects"])

    def augmented(self, features: Floats) -> Floats:
        """Return (n, d + 1) float64: a 1, then features cut to their public length."""
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        cut = features * np.minimum(1.0, self.options.length / np.maximum(lengths, 1e-12))
        return np.hstack([np.ones((len(features), 1)), cut])

    @property
    def _largest(self) -> float:
        """The largest absolute value of a signal."""
        o = self.options
        return 1.0 if o.learner == "x" else max(o.base, 1 - o.base) / min(o.sent, 1 - o.sent)

    def _pull(self, scale: float) -> float:
        """Evidence of `caution` people for the start, beside the mean over the population."""
        return scale * self.options.caution / self.settings.population

    def _gradients(self, weights: Floats, x: Floats, advertised: np.ndarray, responded: Floats) -> Floats:
        if self._models == 1:
            return np.asarray(x * (responded - expit(x @ weights[0]))[:, None])
        halves = [
            x * np.where(half, responded - expit(x @ own), 0.0)[:, None]
            for half, own in zip((advertised, ~advertised), weights, strict=True)
        ]
        return np.hstack(halves)

    def _signal(self, model: Model, x: Floats, advertised: np.ndarray, responded: Floats) -> Floats:
        sent = self.options.sent
        if self.options.learner == "transformed":
            over = responded - self.options.base
            return np.asarray(np.where(advertised, over / sent, -over / (1 - sent)))
        treated, untreated = (expit(x @ own) for own in model["weights"])
        return np.asarray(np.where(advertised, responded - untreated, treated - responded))


def _positive(matrix: Floats, *, least: float) -> Floats:
    """Return a symmetric matrix without eigenvalues below what noise alone explains."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, max(least, 1e-6))) @ vectors.T)
