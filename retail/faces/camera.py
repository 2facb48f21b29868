"""Another camera than the one that training pictures came from: fewer pixels, blur, other gain, noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from retail.errors import ConfigError
from retail.faces.faceset import SIDE, FaceSet


@dataclass(frozen=True, slots=True)
class Camera:
    """How a camera differs from a good one; the defaults are a cheap one over a door.

    Attributes:
        pixels: height and width that it resolves of a face, from 4 to 64.
        blur: standard deviation of its lens, pixels of the crop.
        gain: (lowest, highest) factor of brightness, another one for each image.
        offset: what is added to every pixel, grey levels.
        gamma: of its transfer curve.
        shade: grey levels by which the left half is darker than the right at the edges.
        noise: standard deviation of each pixel, grey levels.
    """

    pixels: int = 20
    blur: float = 0.8
    gain: tuple[float, float] = (0.5, 0.8)
    offset: float = 25.0
    gamma: float = 1.4
    shade: float = 30.0
    noise: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what no camera does."""
        if not 4 <= self.pixels <= SIDE or self.blur < 0 or self.noise < 0 or self.gamma <= 0:
            raise ConfigError(f"{self} is no camera: pixels from 4 to {SIDE}, blur and noise from 0, gamma above 0")
        if not 0 < self.gain[0] <= self.gain[1]:
            raise ConfigError(f"gain = {self.gain}: write two factors above 0, the lower one first")


DOOR: Final = Camera()
_BLOCK: Final = 4096  # images in floating point at a time: 64 MiB


def shifted(faces: FaceSet, rng: np.random.Generator, *, camera: Camera = DOOR) -> FaceSet:
    """Return the same faces as another camera would have taken them.

    Args:
        faces: taken by a good camera.
        rng: draws gain and noise.
        camera: the other one.
    """
    parts = [
        _taken(faces.images[start : start + _BLOCK], rng, camera) for start in range(0, max(len(faces), 1), _BLOCK)
    ]
    return FaceSet(np.concatenate(parts), faces.person, faces.names, f"{faces.source}, other camera")


def door_view(faces: FaceSet, *, seed: int) -> FaceSet:
    """Return everybody as the camera `DOOR` sees them, with noise of each person's own: nobody changes another's.

    Args:
        faces: taken by a good camera.
        seed: of the noise, with the person's name.
    """
    seen = faces.images.copy()
    for person, name in enumerate(faces.names):
        rows = np.flatnonzero(faces.person == person)
        own = FaceSet(faces.images[rows], np.zeros(len(rows), dtype=np.int64), (name,), faces.source)
        seed_of = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        seen[rows] = shifted(own, np.random.default_rng([seed, seed_of])).images
    return FaceSet(seen, faces.person, faces.names, f"{faces.source}, other camera")


def _taken(images: NDArray[np.uint8], rng: np.random.Generator, camera: Camera) -> NDArray[np.uint8]:
    seen = (images.astype(np.float32) / 255.0) ** np.float32(camera.gamma) * 255.0
    if camera.blur:
        seen = gaussian_filter(seen, sigma=(0.0, camera.blur, camera.blur))
    coarse = _resampling(SIDE, camera.pixels)
    seen = coarse @ seen @ coarse.T
    gain = rng.uniform(*camera.gain, size=len(images)).astype(np.float32)
    ramp = np.linspace(-0.5, 0.5, camera.pixels, dtype=np.float32) * np.float32(camera.shade)
    seen = seen * gain[:, None, None] + np.float32(camera.offset) + ramp
    seen = seen + rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(camera.noise)
    fine = _resampling(camera.pixels, SIDE)
    return np.asarray(np.clip(np.rint(fine @ np.clip(seen, 0, 255) @ fine.T), 0, 255), dtype=np.uint8)


def _resampling(before: int, after: int) -> NDArray[np.float32]:
    """(after, before) weights: the mean over what a pixel covers when shrinking, linear in between when growing."""
    if after <= before:
        edges = np.linspace(0, before, after + 1)
        left, right = edges[:-1, None], edges[1:, None]
        cell = np.arange(before)[None, :]
        weights = np.clip(np.minimum(right, cell + 1) - np.maximum(left, cell), 0, None)
    else:
        centre = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
        weights = np.clip(1 - np.abs(centre[:, None] - np.arange(before)[None, :]), 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
