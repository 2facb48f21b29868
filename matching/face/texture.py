"""A liveness check on texture: prints and screens leave dots, moire, blur and glare in a picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matching.face.baselines import LocalBinaryPatterns
from matching.face.encoder import AlignedCrops, Crops, Finder, Photo, each_photo
from matching.face.evaluate import Estimate, threshold_at
from matching.face.pad import PadFigures
from matching.face.pad_attacks import SPECIES, UNSEEN, attacked, captured
from privacy.log import canonical
from retail.errors import DataError
from retail.faces import SIDE
from retail.files import atomic_write

Floats = npt.NDArray[np.float64]
_SCHEMA: Final = "tradefair-texture-check/1"
_RIDGE: Final = 1e-2
_FEATURES: Final = 75


class TextureCheck:
    """Tells a face from a print or a screen by texture: local patterns, spectrum, sharpness, glare.

    One linear rule for each species of attack; a face must pass all of them. (One rule for all species let five times
    as many attacks pass at the same BPCER.)

    It sees aligned crops of 64 x 64 and was made for the attacks of `pad_attacks`; what those leave out (masks, good
    prints, video on a fine screen) it was not made for: `figures.unseen` says how it does on one of them.

    Make it with `TextureCheck.fitted`.
    """

    name = "texture"

    def __init__(self, weight: Floats, offset: Floats, figures: PadFigures, finder: Finder) -> None:
        self._weight, self._offset, self.figures, self._finder = weight, offset, figures, finder

    @classmethod
    def fitted(
        cls,
        crops: Crops,
        person: npt.NDArray[np.int64],
        *,
        rng: np.random.Generator,
        finder: Finder | None = None,
        bpcer: float = 0.05,
    ) -> TextureCheck:
        """Fit on half of the people, set the threshold on a quarter and measure on the last quarter.

        Args:
            crops: (n, 64, 64) real faces of people who are not enrolled.
            person: (n,) whose each is; at least 8 people.
            rng: generates attacks and splits people.
            finder: cuts crops out of photos.
            bpcer: share of real faces that may fail, on the people for the threshold.

        Raises: DataError: fewer than 8 people.
        """
        people = rng.permutation(np.unique(person))
        if len(people) < 8:
            raise DataError(f"{len(people)} people are too few to fit and measure a liveness check; take at least 8")
        half, quarter = len(people) // 2, len(people) // 4
        fit, level = np.isin(person, people[:half]), np.isin(person, people[half : half + quarter])
        test = ~fit & ~level
        real = features(attacked(crops[fit], captured, rng))
        rules = [_linear_rule(real, features(attacked(crops[fit], attack, rng))) for attack in SPECIES.values()]
        weight, offset = np.stack([one for one, _ in rules], axis=1), np.array([other for _, other in rules])
        # The score that a share `bpcer` of real faces lies below becomes 0.
        offset = offset + threshold_at(-_score(attacked(crops[level], captured, rng), weight, offset), bpcer)
        whose = person[test]

        def share(pictures: Crops, *, live: bool) -> Estimate:
            return _share((_score(pictures, weight, offset) >= 0) == live, whose, rng)

        figures = PadFigures(
            apcer={name: share(attacked(crops[test], attack, rng), live=True) for name, attack in SPECIES.items()},
            bpcer=share(attacked(crops[test], captured, rng), live=False),
            unseen={name: share(attacked(crops[test], attack, rng), live=True) for name, attack in UNSEEN.items()},
            people=len(np.unique(whose)),
            statement="measured on generated attacks only (a dot-screen print, a screen with pixel grid and glare); no "
            "set of real attacks was available, and other attacks may pass more often",
        )
        return cls(weight, offset, figures, AlignedCrops() if finder is None else finder)

    def save(self, path: Path | str) -> None:
        """Write the check with its figures, whole or not at all.

        Raises: DataError: it cannot be written.
        """
        body = {"schema": _SCHEMA, "weight": self._weight.tolist(), "offset": self._offset.tolist()}
        body |= {"figures": asdict(self.figures)}
        text = json.dumps(body | {"sha256": _digest(body)})
        atomic_write(Path(path), lambda file: file.write_text(text + "\n", encoding="utf-8"))

    @classmethod
    def load(cls, path: Path | str, *, finder: Finder | None = None) -> TextureCheck:
        """Read a check that `save` wrote. Its hash shows damage, not who wrote it: keep the file where the keys are.

        Raises: DataError: there is none, it cannot be read, or it was changed since.
        """
        try:
            body: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            if body.pop("sha256") != _digest(body) or body["schema"] != _SCHEMA:
                raise DataError(f"{path} was changed after it was written, or is of another version; fit a new check")
            weight, offset = np.array(body["weight"], dtype=np.float64), np.array(body["offset"], dtype=np.float64)
            if weight.shape != (_FEATURES, len(offset)) or not (
                np.isfinite(weight).all() and np.isfinite(offset).all()
            ):
                raise DataError(f"{path} holds rules of shape {weight.shape} or NaN; fit a new check")
            figures = body["figures"]
            rates = {name: _estimates(figures[name]) for name in ("apcer", "unseen")}
            made = PadFigures(
                bpcer=Estimate(**figures["bpcer"]), people=figures["people"], statement=figures["statement"], **rates
            )
        except FileNotFoundError as error:
            raise DataError(f"there is no liveness check at {path}; fit one on people who are not enrolled") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path} is no liveness check ({type(error).__name__}); fit a new one") from error
        return cls(weight, offset, made, AlignedCrops() if finder is None else finder)

    def is_live(self, photos: Sequence[Photo]) -> bool:
        """Look at the photos of one moment; see `LivenessCheck.is_live`."""
        if not len(photos):
            raise DataError("no photo was given; give at least one")
        crops = np.stack(each_photo(self._finder.crop, photos))
        return bool((_score(crops, self._weight, self._offset) >= 0).all())


def features(crops: Crops) -> Floats:
    """Return (n, 75) numbers about texture: what prints and screens change.

    Shares of 59 local binary patterns; log power in 8 rings of the spectrum and the strongest peak of each of the outer
    4 against its ring (dots and moire are peaks); log variance of the Laplacian; shares of nearly white and black
    pixels; spread.
    """
    grey = crops.astype(np.float64)
    patterns = (LocalBinaryPatterns().embed(crops) ** 2).reshape(len(crops), -1, 59).sum(axis=1)
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    flat = grey - grey.mean(axis=(1, 2), keepdims=True)
    power = np.abs(np.fft.fftshift(np.fft.fft2(flat * window), axes=(1, 2))) ** 2
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    ring = np.minimum((np.hypot(row, column) / (SIDE / 2) * 8).astype(int), 8)
    rings = [power[:, ring == one] for one in range(8)]
    total = power.sum(axis=(1, 2)) + 1e-9
    bands = [np.log(one.sum(axis=1) / total + 1e-9) for one in rings]
    peaks = [np.log(one.max(axis=1) / (np.median(one, axis=1) + 1e-9) + 1e-9) for one in rings[4:]]
    inner = grey[:, 1:-1, 1:-1]
    laplace = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * inner
    spread = grey.std(axis=(1, 2))
    sharp = np.log(laplace.var(axis=(1, 2)) / (spread**2 + 1e-9) + 1e-9)
    white, black = (grey >= 250).mean(axis=(1, 2)), (grey <= 5).mean(axis=(1, 2))
    return np.column_stack([patterns, *bands, *peaks, sharp, white, black, spread / 255.0])


def _linear_rule(real: Floats, fake: Floats) -> tuple[Floats, float]:
    """Fisher's linear discriminant with a ridge, in units of the spread among real faces.

    Returns: weights (75,) and offset; `features @ weights + offset` is above 0 on the side of real faces.
    """
    scale = np.concatenate([real, fake]).std(axis=0) + 1e-9
    one, other = real / scale, fake / scale
    within = (np.cov(one.T) + np.cov(other.T)) / 2
    within += _RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    weight = np.linalg.solve(within, one.mean(axis=0) - other.mean(axis=0))
    middle = float((one.mean(axis=0) + other.mean(axis=0)) @ weight / 2)
    spread = float((one @ weight).std()) + 1e-12
    return weight / scale / spread, -middle / spread


def _score(crops: Crops, weight: Floats, offset: Floats) -> Floats:
    """Return (n,) the least of the rules."""
    return np.asarray((features(crops) @ weight + offset).min(axis=1))


def _share(hit: npt.NDArray[np.bool_], whose: npt.NDArray[np.int64], rng: np.random.Generator) -> Estimate:
    """Share of pictures with a bootstrap over people."""
    who = np.unique(whose, return_inverse=True)[1]
    count = np.bincount(who)
    hits = np.bincount(who, weights=hit.astype(np.float64))
    drawn = rng.integers(0, len(count), (1000, len(count)))
    lo, hi = np.quantile(hits[drawn].sum(axis=1) / count[drawn].sum(axis=1), [0.025, 0.975])
    return Estimate(float(hit.mean()), float(lo), float(hi))


def _estimates(rates: dict[str, dict[str, float]]) -> dict[str, Estimate]:
    return {name: Estimate(**one) for name, one in rates.items()}


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()
