"""A merchant's folder for faces, set up once in a test run: a small encoder of drawings, calibrated on ORL."""

import hashlib
import shutil
from pathlib import Path

import torch

from experiments.assistant import Shop, open_shop, read_picture
from experiments.execute import run_scenario
from experiments.scenario_file import validate
from matching.face.pad_attacks import captured

RECOMMENDER = {
    "name": "cards",
    "data": {"source": "generated", "shoppers": 200},
    "split": {"origins": 1},
    "federation": {"rounds": 2},
    "arms": [
        {"name": "federated", "method": "federated"},
        {"name": "popularity", "method": "popularity"},
    ],
}
CUSTOMERS = range(31, 41)
"""People of ORL on whom nothing was calibrated."""


def make_face_shop(folder: Path) -> None:
    """Fill `folder` with a run store and a shop that takes its recommender from it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    folder.mkdir(parents=True)
    run_scenario(validate(RECOMMENDER, source="cards"), store=folder / "runs", jobs=1)
    run = next(path.parent.parent for path in (folder / "runs").rglob("model.npz"))
    open_shop(folder / "shop", encoder="drawn", run=run, drawn_people=16, drawn_steps=8)
    torch.set_num_threads(before)


def copy_of(made: Path, place: Path) -> Path:
    """Copy a shop that was made once, so that a test may write to it."""
    return Path(shutil.copytree(made / "shop", place))


def state(folder: Path) -> dict[str, str]:
    """Every file of a folder with the hash of its bytes."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def live_pictures(shop: Shop, person: int) -> list[str]:
    """Pictures of one of ORL's people that pass the shop's liveness check."""
    names = [f"orl:{person}/{number}" for number in range(1, 11)]
    return [name for name in names if shop.liveness.is_live([read_picture(name).photo])]


def same_moment(shop: Shop, name: str, rng) -> object:
    """A picture as the camera would see it once more, which passes the liveness check."""
    for _ in range(50):
        found = captured(read_picture(name).photo, rng)
        if shop.liveness.is_live([found]):
            return found
    raise AssertionError(f"{name} never passes again")
