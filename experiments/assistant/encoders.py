"""Which encoder a shop works with, and what is known about the people whom it was trained on."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.assistant.pictures import orl_people
from experiments.assistant.settings import EncoderKind, ShopSettings
from retail.errors import ConfigError, DataError
from retail.faces import FaceSource
from retail.files import atomic_write

if TYPE_CHECKING:
    from matching.face.encoder import Encoder, Finder

PROGRAM: Final = "encoder.pt2"
DRAWN: Final = "drawn"
DLIB: Final = "dlib"
_PEOPLE, _STEPS = 120, 150
_DRAWINGS: Final = "drawings alone: nobody's picture was used"
_UNKNOWN: Final = "unknown: its manifest names nobody, and no settings of a run lie beside it"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an encoder comes from.

    Attributes:
        kind: which encoder.
        trained: on what, in words.
        trained_on: names of public people, such as "orl:3", or of people of a folder.
        known: whether the people are known at all.
    """

    kind: EncoderKind
    trained: str
    trained_on: tuple[str, ...] = ()
    known: bool = True


def install_encoder(folder: Path, wanted: str, *, people: int = _PEOPLE, steps: int = _STEPS) -> Origin:
    """Put an encoder into a shop's folder.

    Args:
        folder: of the shop.
        wanted: "drawn" trains one on drawings, here and now; "dlib" is the public one of the extra `faces`; else a file
            of `export_encoder`, such as a run's `artifacts/encoder.pt2`.
        people: how many are drawn.
        steps: of the optimiser.

    Raises:
        DataError: there is no such file, or it is no encoder.
        ConfigError: the extra `faces` is not installed.
    """
    if wanted == DLIB:
        from matching.face.dlib_faces import DlibEncoder

        DlibEncoder()
        return Origin("dlib", "about 3 million public pictures, collected by others; see its model card")
    if wanted == DRAWN:
        _train_on_drawings(folder / PROGRAM, people, steps)
        return Origin("exported", _DRAWINGS)
    return _copied(Path(wanted), folder)


def load_encoder(folder: Path, settings: ShopSettings) -> Encoder:
    """Return the encoder of a shop.

    With the extra `faces` it finds the one face of a photo; without, photos must be (64, 64) crops.

    Raises:
        DataError: its file was changed, or is of another model than the shop's.
        ConfigError: the extra `faces` is not installed, and the encoder is its own.
    """
    from matching.face.encoder import CropEncoder

    encoder: Encoder
    if settings.encoder == "dlib":
        from matching.face.dlib_faces import DlibEncoder

        encoder = DlibEncoder()
    else:
        from matching.face.exported import ExportedNet

        encoder = CropEncoder(ExportedNet(folder / PROGRAM), finder())
    if encoder.model != settings.model:
        raise DataError(
            f"the encoder in {folder} is {encoder.model}, and the shop's templates are of {settings.model}; templates "
            "of two encoders never compare, so put the right file back, or open another folder and enrol anew"
        )
    return encoder


def finder() -> Finder:
    """Return what cuts the face out of a photo: dlib's finder with the extra `faces`, else nothing but crops."""
    from matching.face.dlib_faces import DlibFinder, is_installed
    from matching.face.encoder import AlignedCrops

    return DlibFinder() if is_installed() else AlignedCrops()


def _train_on_drawings(path: Path, people: int, steps: int) -> None:
    import numpy as np

    from federation.faces.encoder import DRAWINGS_ONLY, FaceEncoder, export_encoder
    from federation.faces.net import DIMENSIONS
    from federation.faces.start import DrawnStart

    weights = DrawnStart(people=people, steps=steps).weights()
    net = FaceEncoder.of(weights, np.zeros(DIMENSIONS), np.eye(DIMENSIONS))
    export_encoder(net, path, model=f"drawn-{people}x{steps}", claim=DRAWINGS_ONLY)


def _copied(program: Path, folder: Path) -> Origin:
    from matching.face.exported import ExportedNet

    if program.suffix != ".pt2":
        raise ConfigError(f"--encoder {program}: name a file *.pt2 with its manifest beside it, or drawn, or dlib")
    found = ExportedNet(program)
    for file in (program, program.with_suffix(".json")):
        atomic_write((folder / PROGRAM).with_suffix(file.suffix), partial(shutil.copyfile, file))
    statement = str(found.privacy.get("statement", ""))
    if found.privacy.get("epsilon") == 0:
        return Origin("exported", _DRAWINGS)
    people = _trained_on(program.resolve().parent.parent / "config.toml")
    if people is None:
        return Origin("exported", f"{_UNKNOWN}. {statement}".strip(), known=False)
    return Origin("exported", f"{len(people)} people of a federated run. {statement}".strip(), people)


def _trained_on(config: Path) -> tuple[str, ...] | None:
    """Return the people of a face run by its settings; None where there are none."""
    if not config.is_file():
        return None
    try:
        settings = tomllib.loads(config.read_text(encoding="utf-8"))
        if settings.get("kind") != "faces":
            return None
        known = {field.name for field in fields(FaceSource)}
        data = {name: value for name, value in settings["data"].items() if name in known}
        source = FaceSource(**data, fold=settings["fold"])
        names = source.train().names
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{config} holds no settings of a face run ({error}); run the scenario again") from error
    if source.source != "orl":
        return tuple(names)
    return tuple(f"orl:{int(name.removeprefix('s'))}" for name in names)


def unseen_of_orl(origin: Origin) -> list[int]:
    """Return the numbers of ORL's people on whom an encoder was not trained."""
    everybody = orl_people(list(range(1, 41)))
    seen = set(origin.trained_on)
    return [number for number, name in enumerate(everybody.names, start=1) if name not in seen]
