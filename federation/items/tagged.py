"""The tag task: the next product from the public tags of what a person chose before. Three sums over people.

With f a product's features (its tags, and how popular it is), made comparable by round 1, and c a person's context:

1. "popularity": who chose what, each person's row of length 1. The logarithm is what everybody's score starts from,
   and popularity joins the tags as one more feature;
2. "contexts": the sum of c c', which says how contexts spread;
3. "next": the sum of c (f of the product chosen - f expected of one drawn by popularity among those not yet chosen)':
   the gradient of a softmax at the start. One Newton step with the curvature of round 2 gives the model.

A score is log popularity + c' M f. M has about two thousand numbers, whatever the catalogue's size, so that noise which
would drown a matrix of all pairs of products leaves it readable. What is expected follows from sums over what a person
has chosen; no product is visited that the person never chose, and a round costs as much as there are lines.

Sources: Newton's step for multinomial logistic regression, Hastie, Tibshirani and Friedman 2009, section 4.4; the
score is bilinear as in Chu and Park 2009, "Personalized recommendation on dynamic content using predictive bilinear
models".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from federation.items.contexts import Contexts, Floats, contexts, width
from federation.items.settings import TagOptions
from federation.task import Model, NodeData, Round, TaskSettings
from privacy.clipping import Updates
from retail.errors import ConfigError
from retail.interactions import Catalogue

_BLOCK = 256  # persons whose rows are in memory at a time
_FLOOR = 0.5  # popularity below which products are alike, in people of one choice each


class TagTask:
    """Learn what comes next. See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.options` as in `TagOptions`.
        catalogue: the public catalogue.

    Raises: ConfigError: an option is refused, or there is not one list of tags for each product.
    """

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        self.settings, self.products = settings, len(catalogue)
        self.options = TagOptions.read(settings.options)
        if len(self.options.tags) != self.products:
            raise ConfigError(
                f"options.tags has {len(self.options.tags)} lists; give one for each of {self.products} products"
            )
        names = sorted({name for tags in self.options.tags for name in tags})
        self._tags = np.array([[name in tags for name in names] for tags in self.options.tags], dtype=np.float64)
        self.size = len(names) + 1
        self.width = width(self.size)
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0
        self._upper = np.triu_indices(self.width)
        self._twice = np.where(self._upper[0] == self._upper[1], 1.0, np.sqrt(2.0))

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        o = self.options
        first = Round("popularity", "popularity", self.products, o.popularity_share)
        if not o.learn:
            return (first,)
        return (
            first,
            Round("contexts", "contexts", len(self._twice), o.context_share),
            Round("next", "next item", self.width * self.size, o.next_share),
        )

    def person_bytes(self, round_: Round) -> int:
        """Return about how many bytes a person takes in a batch: rows are sparse, or made a block at a time."""
        return 8 * max(self.products, self.options.steps * self.width)

    def initial(self) -> Model:
        """Return public constants: all products are as popular, and people go on with tags of their last choices."""
        popularity, following = np.ones(self.products), np.zeros((self.width, self.size))
        following[2 : 2 + self.size] = np.eye(self.size)
        return {
            "popularity": popularity,
            "features": self._features(popularity),
            "spread": np.eye(self.width),
            "next": following,
        }

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round; see `Task`."""
        return {} if round_.name == "popularity" else {name: model[name] for name in ("popularity", "features")}

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        """Yield one row per person; see `Task`. Long rows are left to the clipping."""
        if not len(node.persons):
            return
        if round_.name == "popularity":
            yield self._chosen(node)
            return
        found = self._contexts(model, node)
        ends = np.searchsorted(found.rows, np.arange(len(node.persons) + 1))
        surprise = self._surprise(model, found)
        for start in range(0, len(node.persons), _BLOCK):
            people = range(start, min(start + _BLOCK, len(node.persons)))
            steps = [slice(ends[one], ends[one + 1]) for one in people]
            if round_.name == "contexts":
                yield np.stack([self._spread(found.known[one]) for one in steps])
            else:
                yield np.stack([self._gradient(found.known[one], surprise[one]) for one in steps])

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`."""
        new, o = dict(model), self.options
        if round_.name == "popularity":
            people = self.settings.population / self._unit
            least = _FLOOR * (1.0 + noise_scale * people)
            new["popularity"] = np.maximum(mean * people, least)
            new["features"] = self._features(new["popularity"])
            new["next"] = np.zeros((self.width, self.size))
        elif round_.name == "contexts":
            scale = o.context_length / self._unit
            half = np.zeros((self.width, self.width))
            half[self._upper] = mean * scale / self._twice
            whole = half + half.T - np.diag(np.diag(half))
            values, vectors = np.linalg.eigh(whole)
            noise = noise_scale * scale * float(np.sqrt(self.width))  # an eigenvalue that noise alone explains
            new["spread"] = (vectors * np.maximum(values, noise)) @ vectors.T
        else:
            gradient = (mean * o.next_length / self._unit).reshape(self.width, self.size)
            chance = model["popularity"] / model["popularity"].sum()
            varied = (model["features"] * chance[:, None]).T @ model["features"]
            left, right = _eased(model["spread"], o.caution), _eased(varied, o.caution)
            new["next"] = np.linalg.solve(left, np.linalg.solve(right, gradient.T).T)
        return new

    def scores(self, model: Model, node: NodeData) -> Iterator[np.ndarray]:
        """Yield (block, products) scores of all persons of a node in order; what they have chosen is scored too."""
        base = np.log(model["popularity"])
        now = self._contexts(model, node).now
        for start in range(0, len(now), _BLOCK):
            yield base + now[start : start + _BLOCK] @ model["next"] @ model["features"].T

    def _chosen(self, node: NodeData) -> csr_array:
        counts = node.history.counts()
        lengths = np.sqrt(np.maximum(np.diff(counts.indptr), 1))
        values = np.repeat(self._unit / lengths, np.diff(counts.indptr))
        return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)

    def _features(self, popularity: Floats) -> Floats:
        """(products, d) with mean 0 and about the same variance in every direction, by popularity."""
        chance = popularity / popularity.sum()
        logs = np.log(popularity)
        raw = np.hstack([self._tags, ((logs - logs.mean()) / max(float(logs.std()), 1e-9))[:, None]])
        raw = raw - chance @ raw
        values, vectors = np.linalg.eigh((raw * chance[:, None]).T @ raw)
        floor = self.options.smoothing * max(float(values.mean()), 1e-12)
        return np.asarray(raw @ (vectors / np.sqrt(np.maximum(values, 0.0) + floor)))

    def _contexts(self, model: Model, node: NodeData) -> Contexts:
        key = hashlib.sha256(model["features"].tobytes() + model["popularity"].tobytes()).digest()
        if node.memo.get("released") != key:
            chance = model["popularity"] / model["popularity"].sum()
            o = self.options
            found = contexts(node.history, model["features"], chance, memory=o.memory, steps=o.steps)
            node.memo.update(released=key, contexts=found)
        kept: Contexts = node.memo["contexts"]
        return kept

    def _spread(self, known: Floats) -> Floats:
        """One person's row of round "contexts"; zeros without a step."""
        product = known.T @ known / max(len(known), 1)
        return np.asarray(product[self._upper] * (self._twice * self._unit / self.options.context_length))

    def _surprise(self, model: Model, found: Contexts) -> Floats:
        """(steps, d) features of what was chosen less what popularity expects of products not chosen yet."""
        chance = model["popularity"] / model["popularity"].sum()
        expected = (chance @ model["features"] - found.seen) / np.maximum(1.0 - found.chance, 1e-9)[:, None]
        return np.asarray(model["features"][found.chosen] - expected)

    def _gradient(self, known: Floats, surprise: Floats) -> Floats:
        """One person's row of round "next"; zeros without a step."""
        product = known.T @ surprise / max(len(known), 1)
        return np.asarray(product.ravel() * (self._unit / self.options.next_length))


def _eased(matrix: Floats, caution: float) -> Floats:
    return np.asarray(matrix + caution * max(float(np.trace(matrix)) / len(matrix), 1e-12) * np.eye(len(matrix)))
