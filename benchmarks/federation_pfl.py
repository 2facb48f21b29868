"""The learning problem of the federation benchmark in pfl-research, run by an environment that has pfl."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import torch
from federation_meter import reading
from federation_problem import CLIP, PERSONS, RATE, Problem, Settings, layered, loss
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.hyperparam import NNEvalHyperParams, NNTrainHyperParams
from pfl.metrics import Metrics, Weighted
from pfl.model.pytorch import PyTorchModel
from pfl.privacy import CentrallyAppliedPrivacyMechanism, GaussianMechanism

warnings.filterwarnings("ignore", message="To copy construct from a tensor", module=r"pfl\.")


class Net(torch.nn.Module):
    """The net of the problem, as pfl wants it."""

    def __init__(self, settings: Settings, start: np.ndarray) -> None:
        super().__init__()
        parts = layered(torch.from_numpy(start.copy()), settings)
        self.weights = torch.nn.ParameterList([torch.nn.Parameter(one.clone()) for one in parts])

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return what is minimised."""
        return loss(tuple(self.weights), x, y)

    def metrics(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, Weighted]:
        """Asked for once, in the first round, which is not timed."""
        return {"rows": Weighted.from_unweighted(len(x))}


class Meter(TrainingProcessCallback):
    """Reads the meter after every round."""

    def __init__(self) -> None:
        self.readings: list[tuple[float, ...]] = []

    def after_central_iteration(self, aggregate_metrics, model, *, central_iteration):
        """Read it, and go on."""
        self.readings.append(reading())
        return False, Metrics()


def train(problem: Problem, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Run some rounds with everybody in each; returns the weights and the readings."""
    settings = problem.settings
    held = []
    for x, y in problem.merchants():
        if settings.unit == "merchant":
            held.append(Dataset([x.flatten(0, 1), y.flatten()]))
        else:
            held += [Dataset([x[one], y[one]]) for one in range(PERSONS)]
    turns = itertools.cycle(range(len(held)))
    people = FederatedDataset(held.__getitem__, lambda: next(turns))
    net, meter = Net(settings, problem.start), Meter()
    clip = [] if settings.unit == "merchant" else [CentrallyAppliedPrivacyMechanism(GaussianMechanism(CLIP, 0.0))]
    model = PyTorchModel(net, torch.optim.SGD, torch.optim.SGD(net.parameters(), lr=1.0))
    FederatedAveraging().run(
        NNAlgorithmParams(rounds, rounds + 1, len(held), None),
        SimulatedBackend(people, None, clip),
        model,
        NNTrainHyperParams(None, settings.steps, RATE),
        NNEvalHyperParams(None),
        [meter],
        send_metrics_to_platform=False,
    )
    weights = torch.cat([one.detach().flatten() for one in net.weights]).numpy()
    return weights, np.array(meter.readings)
