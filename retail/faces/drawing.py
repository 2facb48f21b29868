"""Faces of nobody: drawings with the parameters of a person, in changing light and pose, with noise.

They cost no privacy, so a network may be trained on them before anybody's picture is touched, and there can be as
many people as a study of scale needs. They are drawings: error rates measured on them say nothing about cameras.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from retail.faces.faceset import SIDE, FaceSet

_Field = NDArray[Any]

_LOOKS: Final[dict[str, tuple[float, float]]] = {
    "width": (0.66, 0.05), "height": (0.88, 0.05), "jaw": (0.22, 0.09), "skin": (0.62, 0.09), "hair": (0.27, 0.15),
    "hairline": (-0.48, 0.11), "parting": (0.0, 0.22), "volume": (0.13, 0.05), "sides": (0.15, 0.22),
    "eye_y": (-0.12, 0.035), "eye_gap": (0.29, 0.025), "eye_w": (0.115, 0.015), "eye_h": (0.042, 0.009),
    "iris": (0.20, 0.08), "socket": (0.16, 0.06), "lid": (0.02, 0.012),
    "brow_y": (-0.27, 0.030), "brow_w": (0.17, 0.025), "brow_h": (0.026, 0.010), "brow_tilt": (0.0, 0.13),
    "brow": (0.30, 0.10), "nose_y": (0.20, 0.040), "nose_w": (0.105, 0.022), "nose_ridge": (0.08, 0.035),
    "mouth_y": (0.46, 0.035), "mouth_w": (0.235, 0.030), "mouth_h": (0.045, 0.014), "lips": (0.13, 0.06),
    "mouth_arch": (0.0, 0.25), "cheek": (0.04, 0.05), "chin": (0.04, 0.04), "ears": (0.07, 0.03),
    "beard": (-0.25, 0.25), "moustache": (-0.25, 0.25), "glasses": (-0.35, 0.35), "crooked": (0.0, 0.02),
}  # fmt: skip
"""Name of a person's parameter -> (mean, sd); lengths in half widths of the picture, tones from 0."""

_POSE: Final[dict[str, tuple[float, float]]] = {
    "left": (0.0, 0.05), "up": (0.0, 0.05), "roll": (0.0, 0.07), "size": (0.14, 0.06), "yaw": (0.0, 0.22),
    "pitch": (0.0, 0.13), "light_x": (0.0, 0.40), "light_y": (-0.25, 0.35), "ambient": (0.62, 0.12),
    "gain": (-0.1, 0.18), "offset": (0.0, 0.05), "open": (-0.2, 0.5), "smile": (0.0, 0.5), "blink": (-0.6, 0.5),
    "raise": (0.0, 0.015), "gaze": (0.0, 0.25), "ground": (0.45, 0.18), "slope": (0.0, 0.12), "blur": (0.0, 1.0),
    "glasses": (0.0, 0.15), "noise": (0.012, 0.010), "hair_move": (0.0, 0.03), "collar": (0.4, 0.2),
}  # fmt: skip
"""The same for what differs between pictures of one person."""

_WAVES: Final = 6  # cosines along each side of the texture of a skin
_TEXTURE: Final = 0.045
_FARTHEST: Final = 2.5  # standard deviations
_BLOCK: Final = 32  # images drawn at a time: what a processor's cache holds


def generated_faces(people: int, images: int, rng: np.random.Generator, *, first: int = 0) -> FaceSet:
    """Draw people.

    A person's looks and pictures depend on one number drawn from `rng` and on the person's own number, so they are the
    same however many others are drawn.

    Args:
        people: how many.
        images: of each person.
        rng: gives one number.
        first: number of the first person; two sets with other numbers have nobody in common.

    Returns: images sorted by person; people are called "drawn <number>".

    Raises:
        ConfigError: a number cannot be used.
    """
    for name, value, least in (("people", people, 1), ("images", images, 1), ("first", first, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigError(f"{name} = {value!r}: write a whole number of at least {least}")
    root = int(rng.integers(2**63))
    drawn = np.empty((people * images, SIDE, SIDE), dtype=np.uint8)
    each = max(1, _BLOCK // images)
    for start in range(0, people, each):
        numbers = range(first + start, first + min(start + each, people))
        drawn[start * images : (start + len(numbers)) * images] = _block(root, numbers, images)
    person = np.repeat(np.arange(people, dtype=np.int64), images)
    names = tuple(f"drawn {number}" for number in range(first, first + people))
    return FaceSet(drawn, person, names, f"drawings {root % 10**6:06d}")


def _block(root: int, numbers: range, images: int) -> NDArray[np.uint8]:
    looks, poses, skins, grain = [], [], [], []
    for number in numbers:
        rng = np.random.default_rng([root, number])
        looks.append(_normals(rng, 1, len(_LOOKS)))
        skins.append(_normals(rng, 1, _WAVES * _WAVES))
        poses.append(_normals(rng, images, len(_POSE)))
        grain.append(rng.standard_normal((images, SIDE, SIDE), dtype=np.float32))
    look = _table(np.repeat(np.concatenate(looks), images, axis=0), _LOOKS)
    pose = _table(np.concatenate(poses), _POSE)
    skin = np.repeat(np.concatenate(skins), images, axis=0).reshape(-1, _WAVES, _WAVES)
    picture = _blurred(_draw(look, pose, skin), pose["blur"])
    picture = (picture - 0.5) * np.exp(pose["gain"]) + 0.5 + pose["offset"]
    picture = picture + np.concatenate(grain) * np.maximum(pose["noise"], 0.005)
    return np.asarray(np.clip(np.rint(picture * 255), 0, 255), dtype=np.uint8)


def _normals(rng: np.random.Generator, rows: int, columns: int) -> _Field:
    return np.clip(rng.standard_normal((rows, columns), dtype=np.float32), -_FARTHEST, _FARTHEST)


def _table(normals: _Field, wanted: dict[str, tuple[float, float]]) -> dict[str, _Field]:
    return {
        name: (np.float32(mean) + np.float32(sd) * normals[:, column])[:, None, None]
        for column, (name, (mean, sd)) in enumerate(wanted.items())
    }


def _draw(look: dict[str, _Field], pose: dict[str, _Field], skin: _Field) -> _Field:
    """Paint from back to front, (n, 64, 64) of tones from 0 to 1."""
    line = ((np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE * 2 - 1)[None, :]
    x, y = line[:, None, :], line[:, :, None]
    x, y = x - pose["left"], y - pose["up"]
    cos, sin, size = np.cos(pose["roll"]), np.sin(pose["roll"]), np.exp(pose["size"])
    x, y = (cos * x + sin * y) / size, (cos * y - sin * x) / size
    narrow = look["width"] * (1 - look["jaw"] * np.clip(y, 0, 1) ** 2)
    far = np.sqrt(np.clip(1 - (x / 0.8) ** 2 - (y / 1.05) ** 2, 0, 1))
    u, v = x - pose["yaw"] * far * 0.7, y - pose["pitch"] * far * 0.6  # where on the face a pixel looks

    picture = pose["ground"] + pose["slope"] * x + np.zeros_like(y)
    shirt = _inside(np.abs(x) - 0.75 * np.clip((y - 0.78) * 3, 0, 1.2), 8) * (y > 0.7)
    picture = _over(picture, pose["collar"], shirt)
    back = ((x - 0.3 * pose["yaw"]) / (look["width"] + look["volume"])) ** 2
    back = back + ((y + 0.12 + pose["hair_move"]) / (look["height"] * 0.92)) ** 2
    picture = _over(picture, look["hair"], _inside(np.sqrt(back) - 1, 14) * _inside(y - look["sides"], 4))
    neck = _inside(np.abs(x) - 0.36, 10) * _inside(0.5 - y, 10)
    picture = _over(picture, look["skin"] * 0.8, neck)
    for side in (-1, 1):
        ear = ((x - side * look["width"] - 0.25 * pose["yaw"]) / look["ears"]) ** 2 + ((v - 0.02) / 0.16) ** 2
        picture = _over(picture, look["skin"] * 0.9, _inside(np.sqrt(ear) - 1, 4) * (side * pose["yaw"] > -0.35))

    outline = _inside(np.sqrt((x / narrow) ** 2 + (y / look["height"]) ** 2) - 1, 16)
    picture = _over(picture, _skin(look, pose, skin, u, v, far), outline)
    top = look["hairline"] + 0.35 * (u - 0.3 * look["parting"]) ** 2 + 0.1 * look["parting"] * u + pose["hair_move"]
    picture = _over(picture, look["hair"] + 0.05 * np.cos(9 * u), outline * _inside(v - top, 12))
    picture = _eyes(picture, look, pose, u, v)
    return _mouth(picture, look, pose, u, v, outline)


def _skin(look: dict[str, _Field], pose: dict[str, _Field], skin: _Field, u: _Field, v: _Field, far: _Field) -> _Field:
    texture = _texture(skin, u, v)
    nose = np.exp(-((u / look["nose_w"]) ** 2)) * np.exp(-(((v - look["nose_y"] * 0.6) / 0.24) ** 2))
    slope_x = u / 0.85 - look["nose_ridge"] * 6 * nose * u / look["nose_w"]
    light = pose["ambient"] + 0.42 * (0.75 * far + pose["light_x"] * slope_x + pose["light_y"] * v * 0.8)
    tone = look["skin"] + _TEXTURE * texture
    tone = tone + look["nose_ridge"] * np.exp(-((u / (0.5 * look["nose_w"])) ** 2)) * _inside(v - look["nose_y"], 9) * (
        v > look["eye_y"]
    )
    for side in (-1, 1):
        cheek = ((u - side * 0.33) / 0.16) ** 2 + ((v - 0.22) / 0.14) ** 2
        tone = tone + look["cheek"] * np.exp(-cheek)
        hole = ((u - side * 0.55 * look["nose_w"]) / 0.035) ** 2 + ((v - look["nose_y"]) / 0.022) ** 2
        tone = tone - 0.22 * np.exp(-hole)
    tone = tone - 0.09 * np.exp(-((u / look["nose_w"]) ** 2) - ((v - look["nose_y"] - 0.035) / 0.03) ** 2)
    tone = tone - look["chin"] * np.exp(-((u / 0.2) ** 2) - ((v - 0.66) / 0.04) ** 2)
    return np.asarray(tone * np.clip(light, 0.15, 1.5), dtype=np.float32)


def _texture(skin: _Field, u: _Field, v: _Field) -> _Field:
    """Light and dark patches that go with the skin: a sum of products of cosines, the finer the fainter."""
    across, down = _cosines(u), _cosines(v)
    total = np.zeros(np.broadcast_shapes(u.shape, v.shape), dtype=np.float32)
    for i, along in enumerate(across):
        column = np.zeros_like(total)
        for j, wave in enumerate(down):
            column += skin[:, i, j, None, None] / np.float32(np.sqrt(i + j + 2)) * wave
        total += along * column
    return total


def _cosines(place: _Field) -> list[_Field]:
    """cos(k t) for k from 1, with t = 0 at the left or upper edge and pi at the other (Chebyshev's recurrence)."""
    first = np.cos((place + 1) * np.float32(np.pi / 2))
    waves = [np.ones_like(first), first]
    while len(waves) <= _WAVES:
        waves.append(2 * first * waves[-1] - waves[-2])
    return waves[1:]


def _eyes(picture: _Field, look: dict[str, _Field], pose: dict[str, _Field], u: _Field, v: _Field) -> _Field:
    for side in (-1, 1):
        height = look["eye_y"] + side * look["crooked"]
        across, down = u - side * look["eye_gap"], v - height
        picture = picture - look["socket"] * np.exp(-((across / 0.17) ** 2) - ((down + 0.03) / 0.10) ** 2)
        lid = look["eye_h"] * np.clip(1 - pose["blink"].clip(0, 0.95), 0.1, 1)
        eye = _inside(np.sqrt((across / look["eye_w"]) ** 2 + (down / lid) ** 2) - 1, 4)
        picture = _over(picture, 0.35 + 0.5 * look["skin"], eye)
        iris = np.sqrt((across - pose["gaze"] * 0.1) ** 2 + down**2) - look["eye_h"] * 1.05
        picture = _over(picture, look["iris"], eye * _inside(iris, 30))
        crease = np.exp(-(((down + lid + look["lid"]) / 0.02) ** 2)) * _inside(np.abs(across) - look["eye_w"], 20)
        picture = picture - 0.2 * crease
        brow = v - look["brow_y"] - side * look["crooked"] - pose["raise"] + side * look["brow_tilt"] * across
        bar = _inside(np.abs(brow + across**2 * 1.5) - look["brow_h"], 30)
        picture = _over(picture, look["brow"], bar * _inside(np.abs(across) - look["brow_w"], 20))
        worn = (look["glasses"] + pose["glasses"] > 0) * np.float32(0.85)
        ring = np.abs(np.sqrt(np.sqrt((across / 0.22) ** 4 + ((down - 0.01) / 0.15) ** 4)) - 1)
        picture = _over(picture, np.float32(0.12), worn * _inside(ring - 0.07, 12))
    bridge = _inside(np.abs(u) - look["eye_gap"] + 0.2, 30) * _inside(np.abs(v - look["eye_y"]) - 0.016, 30)
    return _over(picture, np.float32(0.12), bridge * (look["glasses"] + pose["glasses"] > 0) * np.float32(0.85))


def _mouth(
    picture: _Field, look: dict[str, _Field], pose: dict[str, _Field], u: _Field, v: _Field, outline: _Field
) -> _Field:
    beard = outline * _inside(0.30 - v + 0.4 * (0.45 - np.abs(u)).clip(0), 8)
    picture = _over(picture, look["hair"], beard * look["beard"].clip(0, 0.35) * 1.8)
    lip = _inside(np.sqrt((u / 0.2) ** 2 + ((v - look["mouth_y"] + 0.10) / 0.055) ** 2) - 1, 5)
    picture = _over(picture, look["hair"], lip * look["moustache"].clip(0, 0.4) * 2)
    wide = look["mouth_w"] * (1 + 0.12 * pose["smile"])
    curve = v - look["mouth_y"] + (0.6 * pose["smile"] + look["mouth_arch"]) * u**2
    tall = look["mouth_h"] * (1 + 0.8 * pose["open"].clip(0, 2))
    lips = _inside(np.sqrt((u / wide) ** 2 + (curve / tall) ** 2) - 1, 5)
    picture = picture - look["lips"] * lips
    gap = _inside(
        np.sqrt((u / (0.85 * wide)) ** 2 + (curve / (0.012 + 0.5 * tall * pose["open"].clip(0, 1))) ** 2) - 1, 5
    )
    return _over(picture, np.float32(0.12), gap * np.float32(0.8))


def _inside(distance: _Field, sharpness: float) -> _Field:
    """1 where the distance is below 0, 0 where above, and a soft edge between."""
    return np.asarray(np.clip(0.5 - distance * np.float32(sharpness), 0, 1), dtype=np.float32)


def _over(picture: _Field, tone: _Field | np.float32, cover: _Field) -> _Field:
    return np.asarray(picture + (tone - picture) * cover, dtype=np.float32)


def _blurred(picture: _Field, strength: _Field) -> _Field:
    """Mix each picture with its mean over 3x3 pixels by how far its strength is above 0."""
    rows = np.pad(picture, ((0, 0), (1, 1), (0, 0)), mode="edge")
    soft = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 3
    columns = np.pad(soft, ((0, 0), (0, 0), (1, 1)), mode="edge")
    soft = (columns[:, :, :-2] + columns[:, :, 1:-1] + columns[:, :, 2:]) / 3
    return np.asarray(picture + (soft - picture) * np.clip(strength, 0, 1), dtype=np.float32)
