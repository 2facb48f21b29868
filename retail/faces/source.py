"""Which faces a run learns from, by description, so that every process finds the same ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np

from retail.errors import ConfigError
from retail.faces.camera import door_view
from retail.faces.drawing import generated_faces
from retail.faces.faceset import FaceSet
from retail.faces.folds import deal_folds, merchants_of
from retail.faces.load import ORL_PEOPLE, load_face_folder, load_orl
from retail.files import sha256_file

FaceOrigin = Literal["orl", "face-folder", "drawn-faces"]
FACE_ORIGINS: Final[tuple[str, ...]] = get_args(FaceOrigin)
Seen = Literal["studio", "door"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSource:
    """Faces of some people, dealt to merchants. Frozen and hashable; see `at`.

    Attributes:
        source: "orl", "face-folder" or "drawn-faces".
        path: the folder, for "face-folder".
        population: number of people in the folder; public by declaration. A folder with more is refused.
        people: how many are drawn, for "drawn-faces".
        images: of each, for "drawn-faces".
        data_seed: of the drawings and of the other camera.
        merchants: how many hold them; everybody is at one.
        folds: in how many parts people are dealt; 1 for no test people.
        fold: which part is kept for testing, from 0.
        split_seed: of folds and merchants.
        camera: "door" sees everybody through `retail.faces.camera.DOOR`.
        left: names of people who are gone: nobody else moves.
        held_by: place of the merchant whose own folder this is: everybody in it is there, and nobody elsewhere or kept
            for testing. None deals everybody by name.

    Raises:
        ConfigError: a value cannot be used.
    """

    source: FaceOrigin
    path: str | None = None
    population: int | None = None
    people: int | None = None
    images: int = 10
    data_seed: int = 0
    merchants: int = 5
    folds: int = 4
    fold: int = 0
    split_seed: int = 0
    camera: Seen = "studio"
    left: tuple[str, ...] = ()
    held_by: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be opened or is not public."""
        object.__setattr__(self, "left", tuple(self.left))
        if self.source not in FACE_ORIGINS:
            raise ConfigError(f"data.source = {self.source!r}: choose one of {', '.join(FACE_ORIGINS)}")
        if self.camera not in get_args(Seen):
            raise ConfigError(f"data.camera = {self.camera!r}: choose one of {', '.join(get_args(Seen))}")
        if (self.source == "face-folder") != (self.path is not None):
            raise ConfigError(f'data.path = {self.path!r} with source "{self.source}": folders alone have one')
        if (self.source == "drawn-faces") != (self.people is not None):
            raise ConfigError(f'data.people = {self.people!r} with source "{self.source}": drawings alone need it')
        if self.source != "face-folder" and self.population is not None:
            raise ConfigError(f'data.population = {self.population}: only a folder needs it, not "{self.source}"')
        for name, least in (("images", 1), ("data_seed", 0), ("merchants", 1), ("folds", 1), ("split_seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"data.{name} = {value!r}: write a whole number of at least {least}")
        if self.held_by is not None and (self.source != "face-folder" or not 0 <= self.held_by < self.merchants):
            raise ConfigError(
                f'data.held_by = {self.held_by} with source "{self.source}": write the place of a merchant'
            )
        if not 0 <= self.fold < self.folds:
            raise ConfigError(f"data.fold = {self.fold}: there are {self.folds} folds, from 0")
        declared = self.everybody
        if declared is not None and (declared < 1 or self.folds > declared):
            raise ConfigError(f"{declared} people cannot be dealt into {self.folds} folds; lower data.folds")

    @property
    def everybody(self) -> int | None:
        """Number of people in the whole set, public before any picture is read; None when nobody declared it."""
        return {"orl": ORL_PEOPLE, "drawn-faces": self.people, "face-folder": self.population}[self.source]

    @property
    def members(self) -> int | None:
        """Public number of people to learn from; of a folder, where chance deals, the declared number of all."""
        if self.everybody is None or self.source == "face-folder" or self.folds == 1:
            return self.everybody
        return len(deal_folds(self.everybody, folds=self.folds, seed=self.split_seed)[self.fold][0])

    def at(self, place: int) -> FaceSet:
        """Return the people whom one merchant holds and learns from.

        Raises:
            DataError: pictures cannot be used.
            ConfigError: there is no such merchant.

        Guarantee: when somebody leaves, that person is missing here and everybody else stays as they were. Who is
            dealt where depends on the public number of people; in a folder, on each person's own name.
        """
        if not 0 <= place < self.merchants:
            raise ConfigError(f"merchant {place} does not exist; choose one from 0 to {self.merchants - 1}")
        faces, home, _ = _open(self)
        return faces.of(np.flatnonzero(home == place))

    def train(self) -> FaceSet:
        """Return everybody to learn from, of all merchants: what pooling would put together."""
        faces, home, _ = _open(self)
        return faces.of(np.flatnonzero(home >= 0))

    def test(self) -> FaceSet:
        """Return the people of the fold that is kept for testing; nobody when `folds` is 1."""
        faces, _, fold = _open(self)
        return faces.of(np.flatnonzero(fold == self.fold) if self.folds > 1 else [])

    @property
    def dataset(self) -> str:
        """What a ledger calls these people, known before any picture is read."""
        if self.source == "face-folder":
            return f"faces in {Path(self.path or '').resolve().name}"
        return "ORL faces" if self.source == "orl" else f"drawn faces {self.people} seed {self.data_seed}"

    def fingerprint(self) -> str:
        """Identity of the data: sha256 in hexadecimal."""
        described = {name: value for name, value in asdict(self).items() if name != "held_by" or value is not None}
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
        if self.path is not None:
            for file in sorted(one for one in Path(self.path).rglob("*") if one.is_file()):
                digest.update(str(file.relative_to(self.path)).encode() + sha256_file(file).encode())
        return digest.hexdigest()


@lru_cache(maxsize=2)
def _open(what: FaceSource) -> tuple[FaceSet, np.ndarray, np.ndarray]:
    """Return everybody who has not left, the place of each one's merchant (-1 for test people), and each one's fold."""
    if what.source == "orl":
        faces = load_orl()
    elif what.source == "face-folder":
        faces = load_face_folder(what.path or "")
        if what.population is not None and faces.people > what.population:
            raise ConfigError(f"the folder holds more than data.population = {what.population} people; raise it")
    else:
        faces = generated_faces(what.people or 0, what.images, np.random.default_rng(what.data_seed))
    fold, home = _dealt_by_name(what, faces) if what.source == "face-folder" else _dealt(what, faces.people)
    if what.camera == "door":
        faces = door_view(faces, seed=what.data_seed)
    staying = np.flatnonzero(~np.isin(np.array(faces.names), np.array(what.left, dtype=np.str_)))
    return faces.of(staying), home[staying], fold[staying]


def _dealt(what: FaceSource, people: int) -> tuple[np.ndarray, np.ndarray]:
    fold, home = np.full(people, -1), np.full(people, -1)
    if what.folds > 1:
        for number, (_, test) in enumerate(deal_folds(people, folds=what.folds, seed=what.split_seed)):
            fold[test] = number
    members = np.flatnonzero((fold != what.fold) | (what.folds == 1))
    home[members] = merchants_of(len(members), merchants=what.merchants, seed=what.split_seed)
    return fold, home


def _dealt_by_name(what: FaceSource, faces: FaceSet) -> tuple[np.ndarray, np.ndarray]:
    """Deal by a hash of each one's name: the number of people found must not decide where anybody goes."""
    if what.held_by is not None:
        return np.full(faces.people, -1), np.full(faces.people, what.held_by)
    drawn = [hashlib.sha256(f"{what.split_seed} {name}".encode()).digest() for name in faces.names]
    fold = np.array([int.from_bytes(one[:8], "big") % what.folds for one in drawn], dtype=np.int64)
    home = np.array([int.from_bytes(one[8:16], "big") % what.merchants for one in drawn], dtype=np.int64)
    return fold, np.where((fold == what.fold) & (what.folds > 1), -1, home)
