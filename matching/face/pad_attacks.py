"""Generated presentation attacks: a crop as a printed photo, on a screen, or as a good print would come back.

No collection of real attacks was available. These are simulations of what a print (dots, ink spread, paper) and a
screen (pixel grid, glare) do to a picture; figures measured on them hold for them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from matching.face.encoder import Crops
from retail.faces import SIDE

Floats = npt.NDArray[np.float64]
_FINE: Final = 4 * SIDE
_NOISE: Final = (1.0, 3.0)  # grey levels of a camera; drawn for attacks and real faces alike, so that it tells nothing


def captured(crop: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A real face before the camera: the crop with the camera's noise."""
    return _camera(crop.astype(np.float64), rng)


def printed(crop: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A photo printed with a dot screen, held before the camera."""
    tone = 0.1 + 0.8 * (_fine(crop) / 255.0) ** rng.uniform(0.8, 1.25)
    period, angle = rng.uniform(4.5, 8.0), np.radians(45.0 + rng.uniform(-8, 8))
    row, column = np.mgrid[:_FINE, :_FINE]
    across = np.cos(2 * np.pi * (np.cos(angle) * column + np.sin(angle) * row) / period)
    down = np.cos(2 * np.pi * (np.cos(angle) * row - np.sin(angle) * column) / period)
    dots = (tone > 0.5 + 0.25 * (across + down)).astype(np.float64)
    ink = ndimage.gaussian_filter(dots, rng.uniform(1.2, 2.2))
    paper = 0.02 * ndimage.gaussian_filter(rng.standard_normal((_FINE, _FINE)), 1.0)
    return _camera(_tilted(_coarse(255.0 * np.clip(0.08 + 0.84 * ink + paper, 0, 1)), rng), rng)


def replayed(crop: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A photo on a screen, held before the camera."""
    light = _fine(crop) / 255.0
    row, column = np.mgrid[:_FINE, :_FINE]
    angle, period = np.radians(rng.uniform(-6, 6)), rng.uniform(2.6, 5.2)
    turned = np.cos(angle) * column + np.sin(angle) * row
    lines = np.cos(angle) * row - np.sin(angle) * column
    grid = 1 + rng.uniform(0.15, 0.35) * (
        np.cos(2 * np.pi * turned / period) + 0.6 * np.cos(2 * np.pi * lines / period)
    )
    y, x = rng.uniform(0, _FINE, 2)
    glare = rng.uniform(0.1, 0.45) * np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * rng.uniform(15, 45) ** 2))
    shown = np.clip(light ** rng.uniform(0.75, 1.0) * grid + glare, 0, 1)
    return _camera(_tilted(_coarse(255.0 * ndimage.gaussian_filter(shown, rng.uniform(0.4, 0.9))), rng), rng)


def fine_print(crop: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A print without visible dots: only softer and flatter. No check is fitted on it; it shows where a check ends."""
    soft = ndimage.gaussian_filter(crop.astype(np.float64), rng.uniform(0.5, 0.9))
    return _camera(_tilted(30.0 + 0.8 * soft, rng), rng)


def injected(crop: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A stolen picture fed in behind the camera: nothing was printed or shown, so texture cannot tell it."""
    return _camera(np.roll(crop.astype(np.float64), rng.integers(-2, 3), axis=1), rng)


Attack = Callable[[npt.NDArray[np.uint8], np.random.Generator], npt.NDArray[np.uint8]]
SPECIES: Final[Mapping[str, Attack]] = {"print": printed, "replay": replayed}
"""Attacks that a check is fitted on and measured on, on other people."""
UNSEEN: Final[Mapping[str, Attack]] = {"fine print": fine_print, "injected picture": injected}
"""Attacks that a check is measured on only."""


def attacked(crops: Crops, attack: Attack, rng: np.random.Generator) -> Crops:
    """Return (n, 64, 64): each crop once, attacked (or captured)."""
    return np.stack([attack(crop, rng) for crop in crops])


def _fine(crop: npt.NDArray[np.uint8]) -> Floats:
    return np.asarray(Image.fromarray(crop).resize((_FINE, _FINE), Image.Resampling.BICUBIC), dtype=np.float64)


def _coarse(picture: Floats) -> Floats:
    """Average blocks of 4 x 4, as the cells of a camera do."""
    return np.asarray(picture.reshape(SIDE, _FINE // SIDE, SIDE, _FINE // SIDE).mean(axis=(1, 3)))


def _tilted(picture: Floats, rng: np.random.Generator) -> Floats:
    turned = ndimage.rotate(picture, rng.uniform(-2.5, 2.5), reshape=False, order=1, mode="nearest")
    return np.asarray(turned, dtype=np.float64)


def _camera(picture: Floats, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    noisy = picture + rng.uniform(*_NOISE) * rng.standard_normal(picture.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)
