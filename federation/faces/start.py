"""Where a face net starts without anybody's picture: weights trained on drawings, and public directions from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from federation.faces.merchant import LocalState, merchant_steps
from federation.faces.net import DIMENSIONS, SmallFaceNet, weights_of
from federation.faces.settings import FaceOptions
from retail.errors import ConfigError
from retail.faces.drawing import generated_faces
from retail.faces.faceset import FaceSet

_DRAWN = 0xD4A3
_FEW_PEOPLE = 64
_KEPT = 16  # drawings and weights that a process keeps: a worker meets several seeds in turn


@dataclass(frozen=True, slots=True)
class DrawnStart:
    """How weights are trained on drawings; equal settings give equal weights on one machine.

    Attributes:
        people: how many are drawn.
        images: of each.
        steps: of the optimiser.
        batch: images of a step.
        rate: step size.
        scale: of the logits.
        margin: of the right class.
        seed: of drawings, weights and batches.
    """

    people: int = 300
    images: int = 6
    steps: int = 500
    batch: int = 32
    rate: float = 1e-3
    scale: float = 16.0
    margin: float = 0.35
    seed: int = 0

    def faces(self) -> FaceSet:
        """Draw the people that the weights are trained on."""
        return drawn(self.people, self.images, self.seed)

    def weights(self) -> np.ndarray:
        """Train, or return what an equal start has trained in this process; (p,) float32."""
        return _trained(self).copy()


def start_of(options: FaceOptions, seed: int) -> np.ndarray:
    """Return the weights that a task starts from, (p,) float32: of nobody's picture, so that no privacy is spent."""
    if not options.start:
        return weights_of(SmallFaceNet(seed=seed))
    return drawn_start(options, seed).weights()


def drawn_start(options: FaceOptions, seed: int) -> DrawnStart:
    """Return the start on drawings that options describe."""
    o = options
    return DrawnStart(o.drawn_people, o.drawn_images, o.drawn_steps, o.batch, o.rate, o.scale, o.margin, seed)


def drawn(people: int, images: int, seed: int) -> FaceSet:
    """Draw public people; those who are drawn for a data set come from other seeds and are others."""
    return _drawn(people, images, seed)


def few_drawn(options: FaceOptions, seed: int) -> FaceSet:
    """Return the drawn people who stand for "somebody else" in a person's loss: 64 at most."""
    return drawn(min(options.drawn_people, _FEW_PEOPLE), options.drawn_images, seed)


@lru_cache(maxsize=_KEPT)
def _drawn(people: int, images: int, seed: int) -> FaceSet:
    return generated_faces(people, images, np.random.default_rng([_DRAWN, seed]))


@lru_cache(maxsize=_KEPT)
def _trained(start: DrawnStart) -> np.ndarray:
    if start.people < 2:
        raise ConfigError(f"{start.people} drawn people cannot be told apart; draw at least 2")
    faces = start.faces()
    net = SmallFaceNet(seed=start.seed)
    generator = torch.Generator().manual_seed(start.seed)
    directions = torch.randn(faces.people, DIMENSIONS, generator=generator)
    options = FaceOptions(batch=start.batch, rate=start.rate, scale=start.scale, margin=start.margin)
    merchant_steps(
        net,
        faces.images,
        faces.person,
        state=LocalState(directions),
        steps=start.steps,
        options=options,
        generator=generator,
    )
    return weights_of(net)
