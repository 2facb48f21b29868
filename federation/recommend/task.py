"""The recommendation task: two or three noisy statistics, then some twenty shared weights.

User side nothing is shared, and product identities stay in the public catalogue. The rounds are

1. "popularity": products that persons bought, once each;
2. "tastes": how purchases spread over types, categories, manufacturers, brands and departments;
3. "neighbours" (when `rich`): sums of profile times purchases, from which "people like you buy" follows;
4. "train-1" ...: gradients of the weights.

Every round sends one bounded row per person, so that all of them are charged alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array, diags_array

from federation.recommend import serve
from federation.recommend.denoise import posterior_mean
from federation.recommend.examples import OWN, windows
from federation.recommend.habit import bought_before
from federation.recommend.objective import WEIGHTS, person_gradients, starting_weights, trainable
from federation.recommend.settings import RecommendOptions
from federation.recommend.taste import LEVEL_WEIGHTS, level_sizes, profiles, taste_rows
from federation.task import Model, NodeData, Round, TaskSettings
from privacy.clipping import OuterRows, Updates
from retail.errors import ConfigError
from retail.interactions import Catalogue

_BLOCK: Final = 256  # persons whose contributions are in memory at a time
_KEPT: Final = 2**29  # bytes of examples that all nodes of a process keep between rounds; others are made again
_FLOOR: Final = 0.3  # buyers that every product is given, so that logarithms exist
_STEP: Final = 0.5  # a person's own step size when steps > 1
_GRADIENT_UNIT: Final = 0.25  # public scale, so that few persons' gradients are longer than a clip norm of 1
_BETA: Final = (0.8, 0.98)


class RecommendTask:
    """Rank products for each shopper of each merchant. See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.options` as in `RecommendOptions`.
        catalogue: the public catalogue.

    Raises:
        ConfigError: an option is refused, or the catalogue is empty.
    """

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        if not len(catalogue):
            raise ConfigError("task recommend needs a public catalogue; add a products table to the data")
        self.settings = settings
        self.options = RecommendOptions.read(settings.options)
        self.catalogue = catalogue
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0
        self._free = trainable(rich=self.options.rich)
        self._kept: WeakKeyDictionary[NodeData, int] = WeakKeyDictionary()  # bytes of examples
        self._kept_bytes = 0

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        o = self.options
        planned = [Round("popularity", "popularity", len(self.catalogue), o.popularity_share)]
        if o.tastes:
            planned.append(Round("tastes", "tastes", sum(level_sizes(self.catalogue)), o.taste_share))
        if o.rich:
            categories = level_sizes(self.catalogue)[1]
            size = categories * min(o.candidates, len(self.catalogue))
            planned.append(Round("neighbours", "neighbours", size, o.neighbour_share))
        if o.train:
            share = o.train_share / self.settings.rounds
            planned += [Round(f"train-{i + 1}", "training", WEIGHTS, share) for i in range(self.settings.rounds)]
        return tuple(planned)

    def initial(self) -> Model:
        """Return public constants: starting weights, every product alike, tastes spread as the catalogue is."""
        o, products = self.options, len(self.catalogue)
        shares = [np.bincount(codes, minlength=size) / products for codes, size in self.catalogue.levels.values()]
        weights = starting_weights(rich=o.rich)
        return {
            "popularity": np.zeros(products, dtype=np.float32),
            "shares": np.concatenate(shares),
            "candidates": np.arange(min(o.candidates, products)),
            "neighbours": np.zeros((0, 0), dtype=np.float32),
            "weights": weights,
            "average": weights.copy(),
            "momentum": np.zeros((2, WEIGHTS)),
            "trained": np.zeros(1, dtype=np.int64),
        }

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round; the popularity round needs nothing but the start of the protocol."""
        needed = {
            "popularity": (),
            "tastes": (),
            "neighbours": ("candidates",),
            "training": ("popularity", "shares", "candidates", "neighbours", "weights"),
        }[round_.purpose]
        return {name: model[name] for name in needed}

    def person_bytes(self, round_: Round) -> int:
        """Return what a person takes in a batch; see `federation.joined`. All but training works in blocks of persons.

        The features of each window's examples stay in memory; as much as three of them is at hand in between.
        """
        o = self.options
        return 4 * o.candidates * len(OWN) * (o.windows + 3) if round_.purpose == "training" else 0

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        """Yield one row per person; see `Task`."""
        if round_.purpose == "training":
            yield from self._gradients(model, node)
            return
        o, unit = self.options, self._unit
        recent = bought_before(node.history.between(node.now - o.popularity_days, None))
        before = bought_before(node.history)
        for start in range(0, before.shape[0], _BLOCK):
            rows = slice(start, start + _BLOCK)
            if round_.purpose == "popularity":
                yield _scaled(recent[rows], o.popularity_norm, unit)
            elif round_.purpose == "tastes":
                yield taste_rows(before[rows], self.catalogue) * np.float32(unit)
            else:
                profile = profiles(before[rows], self.catalogue)
                yield OuterRows(profile, _scaled(recent[rows][:, model["candidates"]], o.popularity_norm, unit))

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`."""
        o = self.options
        people = self.settings.population
        total, noise = mean * people / self._unit, noise_scale * people / self._unit
        new = dict(model)
        if round_.purpose == "popularity":
            buyers = posterior_mean(total * o.popularity_norm, noise_scale=noise * o.popularity_norm)
            per_window = o.popularity_days / self.settings.window_days
            percent = 100 * (buyers + _FLOOR) / (people * per_window)
            new["popularity"] = np.log(percent).astype(np.float32)
            new["candidates"] = np.argsort(-new["popularity"], kind="stable")[: o.candidates]
        elif round_.purpose == "tastes":
            new["shares"] = self._shares(total, noise)
        elif round_.purpose == "neighbours":
            new["neighbours"] = self._neighbours(model, total, noise)
        else:
            new.update(self._descend(model, mean, noise_scale))
        return new

    def scores(self, model: Model, node: NodeData) -> Iterator[np.ndarray]:
        """Yield what a merchant shows its shoppers: (block, products) float32 log-odds, in blocks of persons in order.

        Reads the merchant's own rows, at that merchant; nothing of it leaves.
        """
        return serve.scores(model, node, self.options, self.settings.window_days)

    def _gradients(self, model: Model, node: NodeData) -> Iterator[Updates]:
        released = {name: array for name, array in model.items() if name != "weights"}
        key = (
            "windows",
            self.options,
            self.settings.window_days,
            *(hash(array.tobytes()) for array in released.values()),
        )
        examples = node.memo.get(key)
        if examples is None:
            examples = windows(released, node, self.options, self.settings.window_days)
            node.memo.clear()
            if self._has_room(node, sum(one.own.nbytes for one in examples)):
                node.memo[key] = examples
        gradients = person_gradients(
            examples,
            model["weights"],
            free=self._free,
            steps=self.settings.steps,
            rate=_STEP,
            device=self.settings.device,
        )
        yield gradients * np.float32(_GRADIENT_UNIT)

    def _has_room(self, node: NodeData, size: int) -> bool:
        """Whether a node may keep so many bytes beside what the others keep."""
        self._kept_bytes -= self._kept.pop(node, 0)
        if self._kept_bytes + size > _KEPT:
            self._kept_bytes = sum(self._kept.values())  # nodes that are read anew leave without a word
        if self._kept_bytes + size > _KEPT:
            return False
        self._kept[node] = size
        self._kept_bytes += size
        return True

    def _shares(self, total: np.ndarray, noise: float) -> np.ndarray:
        shares, start = [], 0
        for size, weight in zip(level_sizes(self.catalogue), LEVEL_WEIGHTS, strict=True):
            level, scale = total[start : start + size] / weight, noise / weight
            start += size
            clean = posterior_mean(level, noise_scale=scale) if size > 100 else np.maximum(level, 0.3 * scale)
            clean = clean + max(0.01 * float(clean.sum()), 1e-9) / size
            shares.append(clean / clean.sum())
        return np.concatenate(shares)

    def _neighbours(self, model: Model, total: np.ndarray, noise: float) -> np.ndarray:
        """How much more than average each candidate's buyers have each category in their profile."""
        o = self.options
        items = model["candidates"]
        sums = total.reshape(-1, len(items)) * o.popularity_norm
        per_window = o.popularity_days / self.settings.window_days
        buyers = np.exp(model["popularity"][items].astype(float)) / 100 * self.settings.population * per_window
        centre = sums.sum(axis=1, keepdims=True) / buyers.sum()
        caution = 5.0 + (noise * o.popularity_norm) ** 2
        lift: np.ndarray = (sums - centre * buyers) / (buyers + caution)
        return lift.astype(np.float32)

    def _descend(self, model: Model, gradient: np.ndarray, noise: float) -> Model:
        """One step of Adam (Kingma & Ba 2015) at the server, and the mean of the later half of the iterates.

        The noise in the gradient has a known size, so each coordinate moves only by the part of it that noise does
        not explain (positive-part James & Stein 1961): weights that the data say nothing about stay at their public
        start instead of wandering.
        """
        step = int(model["trained"][0]) + 1
        fade = 1 - _BETA[0] ** step
        first, second = model["momentum"]
        first = _BETA[0] * first + (1 - _BETA[0]) * gradient
        second = _BETA[1] * second + (1 - _BETA[1]) * gradient**2
        variance = noise**2 * (1 - _BETA[0]) / (1 + _BETA[0]) * (1 - _BETA[0] ** (2 * step)) / fade**2
        mean = first / fade
        signal = np.maximum(0.0, 1 - variance / np.maximum(mean**2, 1e-300))
        size = np.sqrt(second / (1 - _BETA[1] ** step)) + 1e-3
        move = self.settings.learning_rate * signal * mean / size * self._free  # noise must not move fixed weights
        weights = model["weights"] - move
        kept = max(step - self.settings.rounds // 2, 1)
        average = weights if kept == 1 else model["average"] + (weights - model["average"]) / kept
        return {
            "weights": weights,
            "average": average,
            "momentum": np.stack([first, second]),
            "trained": np.array([step]),
        }


def _scaled(bought: csr_array, norm: float, unit: float) -> csr_array:
    """Scale 0/1 rows so that their length is at most `unit`, reached from `norm` upward."""
    length = np.sqrt(np.asarray(bought.sum(axis=1)).ravel())
    return csr_array(diags_array((unit / np.maximum(length, norm)).astype(np.float32)) @ bought)
