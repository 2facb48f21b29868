"""The smallest real task: three rounds of short vectors, so that forty audits fit into a test."""

from collections.abc import Iterator

import numpy as np

from federation.task import Model, NodeData, Round, TaskSettings
from privacy.clipping import Updates
from retail.interactions import Catalogue

SIZES = {"first": 3, "second": 5, "third": 3}


class VectorTask:
    """Each round is a mean of how often persons shop, by day modulo the round's size."""

    def __init__(self, settings: TaskSettings, catalogue: Catalogue) -> None:
        self.settings = settings

    def rounds(self) -> tuple[Round, ...]:
        return tuple(Round(name, "counts", size, 1.0) for name, size in SIZES.items())

    def initial(self) -> Model:
        return {name: np.zeros(size) for name, size in SIZES.items()}

    def broadcast(self, model: Model, round_: Round) -> Model:
        return {}

    def person_updates(self, model: Model, round_: Round, node: NodeData) -> Iterator[Updates]:
        rows = np.zeros((len(node.history.persons), round_.size))
        np.add.at(rows, (node.history.rows(), node.history.day % round_.size), 1.0)
        yield rows

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        return {**model, round_.name: mean}
