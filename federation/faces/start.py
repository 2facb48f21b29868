"""Where a face net starts without anybody's picture: weights trained on drawings, and public directions from them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from federation.faces.merchant import LocalState, merchant_steps
from federation.faces.net import DIMENSIONS, SmallFaceNet, weights_of
from federation.faces.settings import FaceOptions
from retail.errors import ConfigError, DataError
from retail.faces.drawing import generated_faces
from retail.faces.faceset import FaceSet
from retail.files import atomic_write

_DRAWN = 0xD4A3
_FEW_PEOPLE = 64


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
    """Return the weights that a task starts from, (p,) float32.

    Raises:
        DataError: the named file holds none.
    """
    if not options.start:
        return weights_of(SmallFaceNet(seed=seed))
    if options.start == "drawn":
        return drawn_start(options, seed).weights()
    return load_start(Path(options.start))


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


def save_start(path: Path, weights: np.ndarray) -> None:
    """Write weights to a file that `options.start` can name, whole or not at all.

    Raises:
        DataError: the file cannot be written, or has another suffix than .npz.
    """
    if path.suffix != ".npz":
        raise DataError(f"weights go to a file called *.npz, not {path}; rename it")
    _check(weights, "the weights")
    atomic_write(path, lambda temporary: np.savez(temporary, allow_pickle=False, weights=weights))


def load_start(path: Path) -> np.ndarray:
    """Read what `save_start` wrote, (p,) float32.

    Raises:
        DataError: there is no such file, or it holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = file["weights"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"weights {path} cannot be read ({error}); make them with save_start") from error
    return _check(weights, str(path))


def _check(weights: np.ndarray, name: str) -> np.ndarray:
    size = sum(one.numel() for one in SmallFaceNet().parameters())
    if weights.dtype != np.float32 or weights.shape != (size,):
        raise DataError(
            f"{name}: {weights.dtype} {weights.shape} are no weights of SmallFaceNet; it has {size} float32"
        )
    if not np.isfinite(weights).all():
        raise DataError(f"{name} hold NaN or infinity; train them again with a smaller rate")
    return weights


@lru_cache(maxsize=4)
def _drawn(people: int, images: int, seed: int) -> FaceSet:
    return generated_faces(people, images, np.random.default_rng([_DRAWN, seed]))


@lru_cache(maxsize=4)
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
