"""The learning problem of the federation benchmark as a task of Tradefair, and the settings of a run of it.

A person's rows travel as one response row: features and answers end to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from federation_meter import COLUMNS, reading
from federation_problem import CLIP, FEATURES, PERSONS, ROWS, Problem, Weights, layered, moved, moved_together

from federation.config import FederationConfig
from federation.response.holdings import ResponseMarket, ResponseNode
from federation.task import Model, Round, TaskSettings
from privacy.clipping import Updates
from retail.responses import Responses, ResponseSource

if TYPE_CHECKING:
    from federation.batches import NodeBatch

_VALUES = 2**22  # weights of persons in memory at a time


class BenchmarkTask:
    """Some equal rounds. `options.problem` is the problem's file; the model has a reading of the meter for each round.

    Args:
        settings: public settings.
        public: merchants and names of features.
    """

    def __init__(self, settings: TaskSettings, public: ResponseMarket) -> None:
        self.settings = settings
        problem = Problem.load(Path(settings.options["problem"]))
        self.of, self._start = problem.settings, problem.start

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges; see `Task`."""
        size, unit = self.of.parameters, self.of.unit
        return tuple(Round(f"train-{one}", "training", size, 1.0, unit) for one in range(self.settings.rounds))

    def initial(self) -> Model:
        """Return the weights to begin with."""
        return {"weights": self._start, "meter": np.zeros((0, len(COLUMNS)))}

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need."""
        return {"weights": model["weights"]}

    def person_updates(self, model: Model, round_: Round, node: ResponseNode) -> Iterator[Updates]:
        """Yield how far each person moved the weights, or one row for the whole merchant."""
        x, y = self._rows(node)
        start = self._layered(model)
        if self.of.unit == "merchant":
            yield moved(start, x.flatten(0, 1), y.flatten(), self.of.steps).cpu().numpy()[None]
            return
        for rows in torch.arange(len(x)).split(max(1, _VALUES // self.of.parameters)):
            yield moved_together(start, x[rows], y[rows], self.of.steps).cpu().numpy()

    def node_bytes(self, round_: Round, node: ResponseNode) -> int:
        """Return about how many bytes a merchant takes in a batch; see `federation.batches`."""
        lines = len(node.persons) * ROWS
        return 4 * (3 * self.of.parameters + lines * (FEATURES + 4 * self.of.hidden))

    def node_updates(self, model: Model, round_: Round, batch: NodeBatch) -> Iterator[Updates]:
        """Yield one row for each merchant of the batch."""
        if "rows" not in batch.memo:
            held = [self._rows(one) for one in batch.nodes]
            batch.memo["rows"] = (
                torch.stack([x.flatten(0, 1) for x, _ in held]),
                torch.stack([y.flatten() for _, y in held]),
            )
        yield moved_together(self._layered(model), *batch.memo["rows"], self.of.steps).cpu().numpy()

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Move the weights by the mean over all units, and read the meter."""
        weights = model["weights"] + mean * (self.settings.population / self.of.units)
        return {"weights": weights.astype(np.float32), "meter": np.vstack([model["meter"], reading()])}

    def _layered(self, model: Model) -> Weights:
        return layered(torch.from_numpy(model["weights"]).to(self.settings.device), self.of)

    def _rows(self, node: ResponseNode) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (persons, ROWS, FEATURES) and (persons, ROWS), kept from round to round."""
        if "rows" not in node.memo:
            lines = node.features.astype(np.float32).reshape(-1, ROWS, FEATURES + 1)
            held = torch.from_numpy(lines).to(self.settings.device)
            node.memo["rows"] = held[..., :-1].contiguous(), held[..., -1].contiguous()
        return node.memo["rows"]


def configured(problem: Problem, file: Path, *, rounds: int, device: str = "cpu") -> FederationConfig:
    """Put a problem that lies in a file before the federation.

    Args:
        problem: as the file has it.
        file: of the problem; a table for the merchants is written beside it.
        rounds: how many.
        device: where tensors live.
    """
    clients, persons = problem.settings.clients, problem.settings.clients * PERSONS
    lines = np.concatenate([problem.x, problem.y[..., None]], axis=-1).reshape(persons, -1)
    table = Responses(
        np.arange(persons),
        np.repeat(np.arange(clients), PERSONS),
        lines.astype(np.float64),
        tuple(f"value {one}" for one in range(lines.shape[1])),
        np.zeros(persons, dtype=bool),
        np.zeros(persons),
    )
    source = ResponseSource.of(
        table, file.with_suffix(".parquet"), listed=tuple(range(clients)), population=persons, name="benchmark"
    )
    return FederationConfig(
        task="federation_task:BenchmarkTask",
        source=source,
        now=0,
        rounds=rounds,
        clip_norm=CLIP if problem.settings.unit == "person" else None,
        device=device,
        options={"problem": str(file)},
    )
