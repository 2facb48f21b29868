"""Where the encoder of an arm comes from: who trains on whose pictures, and what is shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.faces.rates import Embed
from experiments.faces.spec import FaceSpec
from experiments.run_access import account
from federation.access import MarketPort
from federation.config import FederationConfig
from federation.faces.encoder import NO_CLAIM, Claim, FaceEncoder, export_encoder, person_claim
from federation.faces.holdings import FaceNode
from federation.faces.task import FaceTask
from federation.local import train
from federation.nodes import public_catalogue, task_settings
from federation.run import FederatedResult
from federation.run import run as run_federation
from federation.task import Model
from matching.face.baselines import Eigenfaces, LocalBinaryPatterns, PcaWccn
from retail.errors import DataError
from retail.faces.source import FaceSource

REGIMES: Final = {
    "untrained": "isolated", "isolated": "isolated", "federated": "federated", "lbp": "isolated",
    "public_encoder": "isolated",
}  # fmt: skip
"""The least permissive regime under which a method can work; "pooled" for the others."""
ENCODER: Final = Path("artifacts") / "encoder.pt2"
_BLOCK: Final = 256


@dataclass(frozen=True, eq=False)
class Trained:
    """What an arm has made.

    Attributes:
        encoders: one, or one for each merchant who trained alone.
        info: what `run.json` should say about privacy.
    """

    encoders: tuple[Embed, ...]
    info: Mapping[str, Any] = field(default_factory=dict)


def face_source(spec: FaceSpec) -> FaceSource:
    """Turn a run's `[data]` and fold into a description that every process can open."""
    return FaceSource(**spec.settings.data.model_dump(), fold=spec.fold)


def face_config(spec: FaceSpec, directory: Path) -> FederationConfig:
    """Say what a run is to the federation.

    Raises:
        ConfigError: the settings contradict each other.
        PrivacyError: the claim could not be kept.
    """
    federation, arm = spec.settings.federation, spec.arm
    return FederationConfig(
        task="faces",
        source=face_source(spec),
        now=0,
        options=spec.options,
        rounds=arm.rounds or federation.rounds,
        steps=federation.steps,
        clip_norm=federation.clip_norm if arm.epsilon is not None else None,
        learning_rate=arm.learning_rate or federation.learning_rate,
        epsilon=arm.epsilon,
        delta=spec.settings.privacy.delta,
        noise=arm.noise,
        seed=spec.seed,
        device=federation.device,
        ledger=directory / "artifacts" / "ledger.sqlite",
        run_id=spec.run_id,
    )


def train_arm(spec: FaceSpec, port: MarketPort, directory: Path, progress: Callable[[str], None]) -> Trained:
    """Make the encoder, or the encoders, of an arm; that of a federation is exported to `ENCODER`.

    Raises:
        TradefairError: as `federation.run.run`; DataError: too few pictures; ConfigError: a missing extra.
    """
    method, config = spec.arm.method, port.config
    if method == "federated":
        result = run_federation(config, access=port.access, progress=progress)
        claim = _claim(result, seeded=config.seeded_noise)
        return Trained((_exported(config, result.model, directory, spec, claim),), account(result))
    if method == "untrained":
        return Trained((_embed(_task(config).encoder(_task(config).initial())),))
    if method == "pooled":
        model = _alone(config, port.pooled(), progress)
        return Trained((_embed(_task(config).encoder(model)),))
    if method == "isolated":
        nodes = [port.own(place) for place in range(len(port.merchants))]
        models = [_alone(config, node, progress) for node in nodes if len(node.persons) > 1]
        if not models:
            raise DataError("no merchant holds two people to tell apart; lower data.merchants")
        return Trained(tuple(_embed(_task(config).encoder(model)) for model in models))
    return Trained((_baseline(method, port),))


def _alone(config: FederationConfig, node: FaceNode, progress: Callable[[str], None]) -> Model:
    """Train on one node, by as many optimiser steps as a merchant takes in a federation."""
    people = max(len(node.persons), 1)
    settings = replace(
        task_settings(config), rounds=1, steps=config.rounds * config.steps, population=people, learning_rate=1.0
    )
    model = train(FaceTask(settings, public_catalogue(config)), [node], population=people)
    progress(f"{node.merchant}: {settings.steps} steps on {people} people")
    return model


def _baseline(method: str, port: MarketPort) -> Embed:
    """An encoder that is fitted on everybody's pictures at once, or on nobody's."""
    if method == "lbp":
        return LocalBinaryPatterns().embed
    if method == "public_encoder":
        from matching.face.dlib_faces import DlibEncoder

        public = DlibEncoder()
        return lambda images: public.encode(list(images)).vectors.astype(np.float64)
    everybody = port.pooled()
    if method == "eigenfaces":
        return Eigenfaces(everybody.images).embed
    return PcaWccn(everybody.images, everybody.labels).embed


def _task(config: FederationConfig) -> FaceTask:
    return FaceTask(task_settings(config), public_catalogue(config))


def _claim(result: FederatedResult, *, seeded: bool) -> Claim:
    if result.epsilon is None or result.delta is None:
        return NO_CLAIM
    return person_claim(result.epsilon, result.delta, seeded=seeded)


def _exported(config: FederationConfig, model: Model, directory: Path, spec: FaceSpec, claim: Claim) -> Embed:
    net = _task(config).encoder(model)
    name = f"{spec.scenario}-{spec.arm.name}-fold-{spec.fold}-seed-{spec.seed}"
    export_encoder(net, directory / ENCODER, model=name, claim=claim)
    return _embed(net)


def _embed(net: FaceEncoder) -> Embed:
    import torch

    def embed(images: np.ndarray) -> np.ndarray:
        parts = []
        with torch.no_grad():
            for start in range(0, len(images), _BLOCK):
                parts.append(net(torch.from_numpy(np.array(images[start : start + _BLOCK]))).numpy())
        return np.concatenate(parts).astype(np.float64)

    return embed
