"""What reviews say about a product: which aspects are praised and blamed, by keywords or learnt from labelled reviews.

Learnt: a logistic regression for each aspect and side on words, pairs of neighbours and the beginnings of words. It
knows wordings that it was taught and no others, so where a clause is new to it a list of keywords may speak instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from retail.errors import DataError
from retail.reviews import Label, Review

Floats = NDArray[np.float64]

KEYWORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "absorbency": ("dry", "wet", "leak", "soak", "damp", "drop", "hold"),
    "comfort": ("soft", "rash", "skin", "gentle", "itch", "sore", "scratch"),
    "fit": ("fit", "size", "slip", "tab", "tight", "waist", "snug"),
    "smell": ("smell", "odour", "perfume", "stink", "scent"),
    "price": ("price", "expensive", "cheap", "value", "money", "cost", "worth", "bargain"),
}
_GOOD: Final = ("dry", "soft", "gentle", "well", "good", "great", "cheaper", "worth", "fits", "snug", "bargain",
                "calm")  # fmt: skip
_BAD: Final = ("leak", "soaked", "wet", "rash", "red", "paper", "sore", "itch", "small", "tore", "slip", "wide",
               "tight", "stink", "chemical", "terrible", "expensive", "damp", "scratch", "headache")  # fmt: skip
_NOT: Final = ("no", "not", "never", "nothing", "without", "cannot")
_PENALTY: Final = 0.3
_LEAST: Final = 2


def by_keywords(text: str) -> frozenset[Label]:
    """Tell aspects by a list of words, and the side by others, turned round by a "not" before them in a clause."""
    found = set()
    for clause in re.split(r"[.;,]", text.lower()):
        words = re.findall(r"[a-z]+", clause)
        said = 0
        for place, word in enumerate(words):
            side = any(word.startswith(one) for one in _GOOD) - any(word.startswith(one) for one in _BAD)
            said += -side if any(one in _NOT for one in words[max(0, place - 3) : place]) else side
        for aspect, keys in KEYWORDS.items():
            if said and any(word.startswith(key) for word in words for key in keys):
                found.add((aspect, "good" if said > 0 else "bad"))
    return frozenset(found)


@dataclass(frozen=True, eq=False)
class Miner:
    """Weights learnt from labelled reviews; make it with `learn`.

    Attributes:
        features: feature -> column.
        labels: what is told apart.
        weights: (labels, features + 1), the last column is the constant.
    """

    features: Mapping[str, int]
    labels: tuple[Label, ...]
    weights: Floats

    def or_keywords(self, text: str) -> frozenset[Label]:
        """Tell what a review says, by keywords in those clauses of which half the pairs of words were never seen."""
        found: frozenset[Label] = frozenset()
        for clause in re.split(r"[.;,]", text):
            pairs = [one for one in _features(clause) if " " in one]
            seen = sum(one in self.features for one in pairs)
            found |= self(clause) if 2 * seen >= len(pairs) else by_keywords(clause)
        return found

    def __call__(self, text: str) -> frozenset[Label]:
        """Tell what a review says."""
        score = np.asarray(_table([text], self.features) @ self.weights.T)[0]
        return frozenset(label for label, one in zip(self.labels, score, strict=True) if one > 0)


def learn(reviews: Sequence[Review]) -> Miner:
    """Learn from labelled reviews.

    Raises: DataError: no review, or none with a label, or a label that all or no reviews have.
    """
    labels = tuple(sorted({label for one in reviews for label in one.labels}))
    if not labels:
        raise DataError(f"{len(reviews)} reviews without a label teach nothing; label some")
    counts: dict[str, int] = {}
    for one in reviews:
        for feature in _features(one.text):
            counts[feature] = counts.get(feature, 0) + 1
    kept = sorted(feature for feature, times in counts.items() if times >= _LEAST)
    features = {feature: column for column, feature in enumerate(kept)}
    x = _table([one.text for one in reviews], features)
    weights = []
    for label in labels:
        y = np.array([label in one.labels for one in reviews])
        if y.all():
            raise DataError(f"every review says {' '.join(label)}; add some that do not")
        weights.append(_logistic(x, np.where(y, 1.0, -1.0)))
    return Miner(features, labels, np.array(weights))


@dataclass(frozen=True, slots=True)
class Rates:
    """How often labels are right, over all labels of all reviews: precision, recall, and F1 between them."""

    precision: float
    recall: float
    f1: float


def counts_of(told: Iterable[frozenset[Label]], reviews: Sequence[Review]) -> NDArray[np.int64]:
    """Return (reviews, 3): labels told and true, told at all, true at all."""
    return np.array([(len(one & review.labels), len(one), len(review.labels))
                     for one, review in zip(told, reviews, strict=True)], dtype=np.int64)  # fmt: skip


def rates(counts: NDArray[np.int64]) -> Rates:
    """Return the rates of some reviews' counts; 0 where nothing was told or true."""
    right, told, true = counts.sum(axis=0)
    return Rates(right / max(told, 1), right / max(true, 1), 2 * right / max(told + true, 1))


def _features(text: str) -> set[str]:
    found = set()
    for clause in re.split(r"[.;,]", text.lower()):
        words = re.findall(r"[a-z]+", clause)
        found |= {*words, *(word[:4] + "-" for word in words if len(word) > 4)}
        found |= {f"{one} {other}" for one, other in pairwise(words)}
    return found


def _table(texts: Sequence[str], features: Mapping[str, int]) -> sparse.csr_array:
    rows, columns = [], []
    for row, text in enumerate(texts):
        for feature in _features(text):
            if feature in features:
                rows.append(row)
                columns.append(features[feature])
        rows.append(row)
        columns.append(len(features))  # the constant
    shape = (len(texts), len(features) + 1)
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _logistic(x: sparse.csr_array, sign: Floats) -> Floats:
    """Return weights with a penalty on all but the constant."""
    penalty = np.full(x.shape[1], _PENALTY)
    penalty[-1] = 0.0

    def loss(weight: Floats) -> tuple[float, Floats]:
        margin = sign * (x @ weight)
        value = -log_expit(margin).sum() + 0.5 * (penalty * weight**2).sum()
        return float(value), x.T @ (-sign * expit(-margin)) + penalty * weight

    return np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x)
