"""A small real task outside the package: weekday shares of purchases, then a logistic model of returning shoppers.

Round "weekdays" is the mean of each person's purchases by day of the week; "types" the mean of an outer product of
weekday and type profiles; each "train-i" is `steps` steps of logistic regression of one person's windows.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from federation.task import Model, NodeData, Round, TaskSettings
from privacy.clipping import OuterRows, Updates
from retail.errors import ConfigError
from retail.interactions import Catalogue

DAYS = 7
FEATURES = 4


class WeekdayTask:
    """See the module."""

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        unknown = set(settings.options) - {"outer", "contribution", "fail_on", "broken_person", "block"}
        if unknown:
            raise ConfigError(f"options {sorted(unknown)} are unknown; remove them")
        self.settings, self.catalogue = settings, catalogue
        self.types = catalogue.levels["category"][1]
        self.options = settings.options

    def rounds(self) -> tuple[Round, ...]:
        kind = self.options.get("contribution", "person")
        listed = [Round("weekdays", "counts", DAYS, 1.0, kind)]
        if self.options.get("outer", True):
            listed.append(Round("types", "counts", DAYS * self.types, 2.0, kind))
        train = [Round(f"train-{i}", "training", FEATURES, 1.0, kind) for i in range(self.settings.rounds)]
        return (*listed, *train)

    def initial(self) -> Model:
        return {
            "weekdays": np.zeros(DAYS),
            "types": np.zeros((DAYS, self.types)),
            "weights": np.zeros(FEATURES),
            "noise": np.zeros(0),
        }

    def broadcast(self, model: Model, round_: Round) -> Model:
        return {"weights": model["weights"], "weekdays": model["weekdays"]} if round_.purpose == "training" else {}

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        if node.merchant == self.options.get("fail_on"):
            raise ValueError(f"person {node.history.persons[:1]} has rows that nobody expected")
        block = self.options.get("block", 50)
        for start in range(0, len(node.history.persons), block):
            rows = np.arange(start, min(start + block, len(node.history.persons)))
            yield self._break(self._rows(model, round_, node, rows), node.history.persons[rows])

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        after = dict(model)
        after["noise"] = np.append(model["noise"], noise_scale)
        if round_.name == "weekdays":
            after["weekdays"] = mean
        elif round_.name == "types":
            after["types"] = mean.reshape(DAYS, self.types)
        else:
            after["weights"] = model["weights"] + self.settings.learning_rate * mean
        return after

    def _rows(self, model: Model, round_: Round, node: NodeData, rows: np.ndarray) -> Updates:
        days = self._weekdays(node, rows)
        if round_.name == "weekdays":
            return csr_array(days)
        if round_.name == "types":
            length = np.linalg.norm(days, axis=1, keepdims=True)
            return OuterRows(days / np.maximum(length, 1e-9), csr_array(self._types(node, rows)))
        return self._steps(model, node, days, rows)

    def _steps(self, model: Model, node: NodeData, days: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Difference after some gradient steps of a person's own logistic loss: weekend shopper or not."""
        lines = days.sum(axis=1)
        weekend = (days[:, 5:].sum(axis=1) > 0.4 * lines).astype(float)
        features = np.stack([np.ones(len(rows)), np.log1p(lines), days[:, 0], days @ model["weekdays"]], axis=1)
        own = np.repeat(model["weights"][None, :], len(rows), axis=0)
        for _ in range(self.settings.steps):
            chance = 1 / (1 + np.exp(-np.clip((own * features).sum(axis=1), -30, 30)))
            own += 0.1 * (weekend - chance)[:, None] * features
        moved = own - model["weights"]
        if self.options.get("contribution") == "merchant":  # the whole node shares one more step
            moved = moved + moved.sum(axis=0)
        return moved

    def _weekdays(self, node: NodeData, rows: np.ndarray) -> np.ndarray:
        counts = np.zeros((len(node.history.persons), DAYS))
        np.add.at(counts, (node.history.rows(), (node.history.day + 3) % DAYS), 1.0)
        return counts[rows]

    def _types(self, node: NodeData, rows: np.ndarray) -> np.ndarray:
        codes = node.catalogue.levels["category"][0]
        counts = np.zeros((len(node.history.persons), self.types))
        np.add.at(counts, (node.history.rows(), codes[node.history.product]), 1.0)
        return counts[rows]

    def _break(self, updates: Updates, persons: np.ndarray) -> Updates:
        broken = persons == self.options.get("broken_person", -1)
        if broken.any() and isinstance(updates, np.ndarray):
            updates[broken] = np.nan
        elif broken.any() and isinstance(updates, csr_array):
            updates.data[np.repeat(broken, np.diff(updates.indptr))] = np.inf
        elif broken.any() and isinstance(updates, OuterRows):
            updates.left[broken] = np.nan
        return updates
